"""`python -m evals replay`: does a prompt, a model or a ranker still name the causes that a tenant's people named?"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from evals.case_scores import Exit, Figures, Places, Scored, Summary
from evals.replayed_cases import replayed_cases
from shared.bootstrap import build
from shared.errors import CopilotError
from shared.pipeline.replaying import Replayed
from shared.ports.services import Services
from shared.settings import SettingMissing, Settings, SettingUnusable

Wiring = Callable[[], AbstractAsyncContextManager[Services]]


@asynccontextmanager
async def wired() -> AsyncIterator[Services]:
    """What this environment's settings name, as the functions have it."""
    process = build(Settings.from_environment())
    try:
        yield process.services
    finally:
        await process.aclose()


def replay(
    tenant: Annotated[str, typer.Option(help="Its slug or id.")],
    prompt: Annotated[
        str | None, typer.Option(help="Ask the model with this prompt version; without it the ranker alone answers.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Ask this deployment, which the settings must allow.")] = None,
    at_least: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="The right service must be first in this share.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """A tenant's regression cases: exit 0 when they are named as well as before, 1 when worse, 2 when none was."""
    code, words = run(tenant, Replayed(None, prompt, model), wired, at_least=at_least, as_json=as_json)
    typer.echo(words, err=code is Exit.NOTHING_EVALUATED)
    raise SystemExit(code)


def run(tenant: str, wanted: Replayed, wiring: Wiring, *, at_least: float | None, as_json: bool) -> tuple[Exit, str]:
    """What the command ends with, and what it prints."""

    async def replayed() -> Summary:
        async with wiring() as services:
            run_id = f"op-{uuid.uuid4().hex}"
            return await replayed_cases(tenant, wanted, services, run_id=run_id, now=datetime.now(UTC))

    try:
        summary = asyncio.run(replayed())
    except (CopilotError, SettingMissing, SettingUnusable) as exc:
        return Exit.NOTHING_EVALUATED, f"nothing was evaluated: {exc}"
    code, why = summary.ends(at_least)
    return code, _as_json(summary, code, why) if as_json else _as_text(summary, why)


def _as_json(summary: Summary, code: Exit, why: str) -> str:
    each = [
        {
            "incident_id": one.case.incident_id,
            "snapshot_id": one.case.snapshot_id,
            "root_service": one.case.root_service,
            "root_change": one.case.root_change,
            "before": asdict(one.before) if one.before else None,
            "after": asdict(one.after) if one.after else None,
            "skipped": one.skipped,
        }
        for one in summary.scored
    ]
    figures = {"before": asdict(summary.before), "after": asdict(summary.after)} if summary.evaluated else {}
    counted = {"cases": len(summary.scored), "evaluated": len(summary.evaluated)}
    return json.dumps({"passed": code is Exit.PASSED, "why": why, **counted, **figures, "each": each})


def _as_text(summary: Summary, why: str) -> str:
    lines = [f"{'incident':<29} {'cause':<24} {'before':>9} {'after':>9}", *map(_line, summary.scored)]
    if summary.evaluated:
        lines += [_told("before", summary.before), _told("after", summary.after)]
    counted = f"{len(summary.evaluated)} of {len(summary.scored)} cases were evaluated"
    return "\n".join([*(lines if summary.scored else []), counted, why])


def _line(one: Scored) -> str:
    said = one.skipped or f"{_place(one.before, one):>9} {_place(one.after, one):>9}"
    return f"{one.case.incident_id:<29} {one.case.root_service[:24]:<24} {said}"


def _place(places: Places | None, one: Scored) -> str:
    """`1/2`: the service first and the change second; `-` where it is not named."""
    if places is None:
        return "-"
    service = str(places.service or "-")
    return f"{service}/{places.change or '-'}" if one.case.root_change else service


def _told(name: str, figures: Figures) -> str:
    shown = [
        f"{field.replace('_', ' ')} {value:.3f}" for field, value in asdict(figures).items() if value is not None
    ]
    return f"{name}: {', '.join(shown)}"
