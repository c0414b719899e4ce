"""`python -m bench`: measure ingestion and the API on a local stack of its own. Run one command at a time."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Annotated, Any

import typer

from bench.generator import Shape

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

Seed = Annotated[int, typer.Option(help="The same seed sends the same alerts.")]
Alerts = Annotated[int, typer.Option(min=1_000, help="How many alerts, repeats included.")]


@app.command()
def ingest(seed: Seed = 1, alerts: Alerts = 10_000) -> None:
    """Acknowledgements beside the floor at concurrency 8 and 32, and what one alert costs the store."""
    from bench.ingest import run_ingest

    _run(run_ingest(_shape(alerts), seed))


@app.command()
def storm(
    seed: Seed = 1,
    alerts: Alerts = 10_000,
    seconds: Annotated[float, typer.Option(help="How long the storm lasts.")] = 60.0,
) -> None:
    """10,000 alerts over 40 services in 60 s, then the same as fast as they are taken."""
    from bench.storm import run_storm

    _run(run_storm(_shape(alerts, seconds), seed))


@app.command()
def fairness(
    seed: Seed = 1,
    seconds: Annotated[float, typer.Option(help="How long each half lasts.")] = 20.0,
) -> None:
    """A tenant alone, then beside another at ten times its quota: how long until its alerts are stored."""
    from bench.fairness import run_fairness

    _run(run_fairness(seed, seconds))


@app.command()
def kill(
    seed: Seed = 1,
    rounds: Annotated[int, typer.Option(min=1, help="How many storms, each with kills in the middle.")] = 20,
) -> None:
    """Kill the host (`kill -9`) at random moments of small storms; nothing may be lost or doubled."""
    from bench.kill import run_kill

    _run(run_kill(seed, rounds))


@app.command()
def api(
    incidents: Annotated[int, typer.Option(min=1_000, help="How many the tenant has.")] = 10_000,
    tenants: Annotated[int, typer.Option(min=0, help="How many other tenants there are.")] = 50,
    calls: Annotated[int, typer.Option(min=60, help="How many of each kind.")] = 960,
) -> None:
    """List, read and acknowledge at concurrency 16, beside an authenticated route that does nothing."""
    from bench.api import run_api

    _run(run_api(incidents, tenants, calls))


@app.command()
def context(
    repeats: Annotated[int, typer.Option(min=5, help="How many snapshots of each kind.")] = 40,
    seed: Annotated[int, typer.Option(help="The same seed makes the same estate.")] = 1,
) -> None:
    """Snapshots on the real Prometheus with estates of 5, 50 and 500 services, section by section."""
    from bench.context import run_context

    _run(run_context(repeats, seed))


@app.command()
def hypotheses(
    rounds: Annotated[int, typer.Option(min=3, max=30, help="How many pages walk through the stack.")] = 15,
    repeats: Annotated[int, typer.Option(min=5, max=200, help="How many questions of each size.")] = 20,
    seed: Annotated[int, typer.Option(help="The same seed makes the same storms.")] = 1,
) -> None:
    """The model step beside a simulator that is no model: what it adds, how large questions are, what is cached."""
    from bench.hypotheses import run_hypotheses

    _run(run_hypotheses(rounds, repeats, seed))


@app.command()
def footprint(
    *, write: Annotated[bool, typer.Option(help="Keep the figures for `capacity` (bench/footprint.json).")] = False
) -> None:
    """What one alert and one incident ask of store, queues, blobs and processors."""
    from bench.footprint import run_footprint

    _run(run_footprint(write=write))


@app.command()
def capacity(
    *,
    size: Annotated[str, typer.Option(help="small, medium or large: what is not said otherwise.")] = "small",
    tenants: Annotated[int | None, typer.Option(min=1)] = None,
    alerts_per_day: Annotated[float | None, typer.Option(min=1)] = None,
    peak_alerts_per_second: Annotated[float | None, typer.Option(min=0)] = None,
    duplicate_share: Annotated[float | None, typer.Option(min=0, max=1, help="Repeats, of all alerts.")] = None,
    incident_share: Annotated[
        float | None, typer.Option(min=0, max=1, help="Of the others, those that open one.")
    ] = None,
    alerts_per_delivery: Annotated[float | None, typer.Option(min=1)] = None,
    input_tokens: Annotated[float | None, typer.Option(min=0, help="Of a question.")] = None,
    output_tokens: Annotated[float | None, typer.Option(min=0)] = None,
    kept_days: Annotated[float | None, typer.Option(min=1, help="How long incidents are kept.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For jq.")] = False,
) -> None:
    """What a load asks of Azure, what it costs a month by dated list prices, and which limits it comes near."""
    given = {name: value for name, value in locals().items() if name not in {"size", "as_json"} and value is not None}
    from dataclasses import replace

    from bench.sizing import SIZES, print_answer

    if size not in SIZES:
        sys.exit(f"{size} is not a size; the sizes are: {', '.join(SIZES)}")
    print_answer(replace(SIZES[size], **given), as_json=as_json)


def _shape(alerts: int, seconds: float = 60.0) -> Shape:
    """The usual storm, smaller or larger in proportion."""
    usual = Shape()
    bodies, singles = alerts * usual.bodies // usual.alerts, alerts * usual.singles // usual.alerts
    return Shape(alerts=alerts, bodies=bodies, singles=singles, seconds=seconds)


def _run(command: Coroutine[Any, Any, int]) -> None:
    from dev.sentences import CannotRun

    try:
        code = asyncio.run(command)
    except CannotRun as exc:
        sys.exit(str(exc))
    raise SystemExit(code)


if __name__ == "__main__":
    app()
