"""One case from a shop that opens to an answer that is judged: fresh metrics, a fresh tenant, the genuine path."""

import asyncio
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx

from dev.demo import ApiClient
from dev.matrix.breaking import bring_about, deploy_decoy
from dev.matrix.cases import Case
from dev.matrix.judging import Outcome, Result, judged, told_of
from dev.matrix.tenants import CaseTenant, a_tenant
from dev.ports import Ports
from dev.processes import Processes
from dev.prometheus import render
from dev.sentences import CannotRun
from dev.shop.control import ShopControl, ShopRefused
from dev.shop.topology import ServiceName
from dev.stack import Layout, Stack, monitoring_of, write_configuration
from shared.bootstrap import Process
from shared.errors import CopilotError

VISITS_PER_SECOND = 20.0
"""Half of the demo's: several shops run side by side, and a machine that is too busy is an ill one of its own."""
NORMAL_SECONDS = 60
"""What is normal in a case is what its shop did for so long."""
PAGE_WITHIN_SECONDS = 90
SETTLE_SECONDS = 6
POLL_SECONDS = 0.5
FAILURES = (CannotRun, CopilotError, ShopRefused, httpx.HTTPError, OSError, ValueError, LookupError)
"""What a case may die of without ending the others."""


class Lane:
    """A place for one shop at a time, with ports and a folder of its own."""

    def __init__(self, number: int, ports: Ports, stack: Stack, process: Process) -> None:
        self._ports, self._stack, self._process = ports, stack, process
        self._layout = Layout(stack.options.layout.data / f"lane-{number}")
        self._processes = Processes(self._layout.logs)
        stack.beside.append(self._processes)

    async def play(self, case: Case, run: str) -> Result:
        """One case. What goes wrong on the way is a result, not an error; Ctrl-C goes through."""
        began = time.monotonic()
        try:
            result = await self._played(case, f"matrix-{run}-{case.number}")
        except FAILURES as exc:
            result = Result(case, Outcome.FAILED, why=f"{type(exc).__name__}: {exc}"[:300])
        finally:
            await self._processes.stop_all()
        return replace(result, seconds=round(time.monotonic() - began, 1))

    async def _played(self, case: Case, slug: str) -> Result:
        url = f"http://127.0.0.1:{self._ports.prometheus}"
        secrets_folder = self._layout.data / "secrets"
        tenant = await a_tenant(self._process, slug, prometheus_url=url, secrets_folder=secrets_folder)
        await self._open_shop(case, tenant)
        api = ApiClient(self._stack, tenant.slug)
        try:
            async with ShopControl(f"http://127.0.0.1:{self._ports.shop}") as shop:
                await asyncio.sleep(NORMAL_SECONDS - case.decoy_seconds_before)
                await deploy_decoy(case, shop)
                await asyncio.sleep(case.decoy_seconds_before)
                began, at = time.monotonic(), datetime.now(UTC)
                await bring_about(case, shop, api, visits_per_second=VISITS_PER_SECOND)
                if case.fault is None:
                    await self._raise_a_false_alarm(at)
                return await _answered(case, api, began, at)
        finally:
            await api.aclose()

    async def _open_shop(self, case: Case, tenant: CaseTenant) -> None:
        """Nothing of the case before is left: not its metrics, not what Alertmanager has sent."""
        for name in ("prometheus", "alertmanager"):
            shutil.rmtree(self._layout.data / name, ignore_errors=True)
        url = render.webhook_url(self._stack.options.ports, tenant.integration_id)
        options = self._stack.options
        write_configuration(
            self._ports, self._layout, webhook=(url, tenant.token_file), for_seconds=options.for_seconds
        )
        pace = ["--requests-per-second", str(VISITS_PER_SECOND), "--seed", str(case.number)]
        for part in monitoring_of(self._ports, self._layout, shop=pace):
            await self._processes.start(part)

    async def _raise_a_false_alarm(self, at: datetime) -> None:
        """An alert about the entry with nothing behind it: who is paged by it wants to hear that all is well."""
        alarm = {
            "labels": {
                "alertname": "ShopSyntheticCheck",
                "service": ServiceName.FRONTEND.value,
                "severity": "warning",
            },
            "annotations": {"summary": "A synthetic check of the frontend failed once"},
            "startsAt": at.isoformat(),
        }
        url = f"http://127.0.0.1:{self._ports.alertmanager}/api/v2/alerts"
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            (await client.post(url, json=[alarm])).raise_for_status()


async def _answered(case: Case, api: ApiClient, began: float, at: datetime) -> Result:
    """The answer of the first incident that is opened from `at` on, once callers' pages have come, too."""
    paged_after: float | None = None
    while time.monotonic() - began < PAGE_WITHIN_SECONDS:
        await asyncio.sleep(POLL_SECONDS)
        opened = [one for one in await api.incidents() if datetime.fromisoformat(one["detected_at"]) >= at]
        if not opened:
            continue
        paged_after = paged_after or round(time.monotonic() - began, 1)
        first = await api.incident(min(opened, key=lambda one: str(one["detected_at"]))["id"])
        if not _is_final(first):
            continue
        answered_after = round(time.monotonic() - began, 1)
        # Callers are paged a moment after the culprit, and may turn out to belong to the same trouble.
        await asyncio.sleep(SETTLE_SECONDS)
        incident = await api.incident(first["id"])
        result = await _judged(case, api, incident)
        return replace(result, paged_after_seconds=paged_after, answered_after_seconds=answered_after)
    why = "no page" if paged_after is None else "a page without an answer"
    return Result(
        case, Outcome.NOT_PAGED, why=f"{why} within {PAGE_WITHIN_SECONDS} s", paged_after_seconds=paged_after
    )


def _is_final(incident: dict[str, Any]) -> bool:
    answer = incident["hypotheses"]
    return bool(answer) and answer["reason"] != "ranked"


async def _judged(case: Case, api: ApiClient, incident: dict[str, Any]) -> Result:
    answer = incident["hypotheses"]
    snapshot = await api.snapshot(incident["id"], answer["snapshot_id"])
    pieces = [piece for section in snapshot["sections"] for piece in section["evidence"]]
    changed = {piece["id"]: piece["service"] for piece in pieces if piece["kind"] == "change"}
    return Result(
        case,
        judged(case, answer, changed),
        told=told_of(answer, changed),
        conclusion=answer["conclusion"],
        incident_id=incident["id"],
    )
