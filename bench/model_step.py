"""From a webhook to the model's verified hypotheses on the local stack, from idle: each step's share of the time."""

import asyncio
import json
import re
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import aiohttp
import httpx

from bench.estate import ALERTING, STEP, an_estate, write_estate
from bench.local import WORKER, Local, a_local
from bench.sending import a_session
from bench.tenants import BenchTenant, seed_tenant
from dev.backfilled import backfilled
from shared.bootstrap import build
from shared.hypotheses.answer import ranked_set
from shared.hypotheses.refine import final_id
from shared.messages import Hypothesise, QueueName
from shared.models.base import IncidentId, ReceiptId, SnapshotId
from shared.models.hypotheses import GeneratedBy, HypothesisSet
from shared.models.snapshots import Snapshot
from shared.ports.services import Services
from shared.ports.stores import IncidentChange
from shared.settings import Settings

T = TypeVar("T")

ESTATE = 50
AHEAD_SECONDS = 240
"""How far the written history reaches beyond the beginning: the bench is over by then."""
BROKEN_SECONDS = 180
"""Since when a service of it fails, at the beginning."""
MODEL_MS, SPREAD_MS = 1_000, 500
IDLE_SECONDS = 2.5
"""Until the host polls its queues as seldom as it ever does."""
LOOK_SECONDS, PATIENCE_SECONDS = 0.05, 60.0
_REFINED = re.compile(r"hypotheses_refined .*")
_FIELD = re.compile(r"(\w+)=(\S+)")


@dataclass(frozen=True)
class Walk:
    """One page's way, in seconds. Together the steps are the whole."""

    steps: dict[str, float]
    to_ranked: float
    to_final: float
    model: float
    around: float
    """What the model step took beside the model."""


@dataclass(frozen=True)
class Walked:
    """What was measured on the stack."""

    walks: list[Walk]
    calls_for_repeats: int
    """Questions that a repeated snapshot cost: the same message again, and the same evidence under another id."""


async def walked(rounds: int, seed: int) -> Walked:
    """So many pages, one after the other, each of a tenant that was never paged before."""
    arguments = ("--mode", "honest", "--latency-ms", str(MODEL_MS), "--spread-ms", str(SPREAD_MS))
    async with a_prometheus(seed) as url, a_local(openai=arguments) as local, a_session(4) as session:
        tenants = [
            await seed_tenant(local.environment, f"walk-{number}", prometheus_url=url) for number in range(rounds + 1)
        ]
        await local.start_hosts()
        process = build(Settings.from_environment(local.environment))
        try:
            walks = [await _walk(local, session, tenant, process.services) for tenant in tenants]
            asked = await _calls(local)
            await _repeat(local, tenants[-1], process.services)
            return Walked(walks[1:], await _calls(local) - asked)
        finally:
            await process.aclose()


@asynccontextmanager
async def a_prometheus(seed: int) -> AsyncIterator[str]:
    """The URL of a Prometheus with an estate in which a service began to fail, until a few minutes from now."""
    end = (int(time.time()) + AHEAD_SECONDS) // STEP * STEP
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        estate = replace(an_estate(ESTATE, end, seed=seed), broken_for=AHEAD_SECONDS + BROKEN_SECONDS)
        write_estate(estate, home / "estate.om")
        with backfilled(home / "estate.om", home) as url:
            yield url


async def _walk(local: Local, session: aiohttp.ClientSession, tenant: BenchTenant, services: Services) -> Walk:
    await asyncio.sleep(IDLE_SECONDS)
    log = local.stack.options.layout.logs / f"{WORKER}.log"
    written = log.stat().st_size
    began = time.time()
    await page(local, session, tenant)
    taken = time.time()
    incident_id = await _seen(lambda: _incident_of(tenant, services))
    opened = time.time()
    ranked = await _seen(lambda: _ranked(tenant, incident_id, services))
    ranked_at = time.time()
    final = await _seen(lambda: _final(tenant, incident_id, SnapshotId(ranked.snapshot_id), services))
    final_at = time.time()
    if final.generated_by is not GeneratedBy.MODEL:
        raise RuntimeError(f"the simulator's answer does not stand: {final.reason}")
    held = await services.incidents.read(tenant.tenant_id, incident_id)
    snapshot = await services.incidents.snapshot(tenant.tenant_id, incident_id, SnapshotId(ranked.snapshot_id))
    if held is None or snapshot is None:
        raise RuntimeError("what was just there is gone")
    told = await _seen(lambda: _told(log, written))
    received, looked, asked = (_seconds(one) for one in (held.value.created_at, ranked.created_at, final.created_at))
    kept = looked + snapshot.elapsed_seconds
    own = told["seconds"] - told["model_seconds"]
    steps = {
        "webhook, until 202": taken - began,
        "wait in the queue of signals": received - taken,
        "ingest, until the incident is stored": opened - received,
        "wait in the queue of context": looked - opened,
        "collect the context": snapshot.elapsed_seconds,
        "rank, freeze and store": ranked_at - kept,
        "wait in the queue of hypotheses": asked - ranked_at,
        "the model itself": told["model_seconds"],
        "reserve and settle": told["paying_seconds"],
        "render and verify": told["checking_seconds"],
        "run the checks": told["checks_seconds"],
        "read and store": own - told["paying_seconds"] - told["checking_seconds"] - told["checks_seconds"],
    }
    return Walk(steps, ranked_at - began, final_at - began, told["model_seconds"], own)


async def page(local: Local, session: aiohttp.ClientSession, tenant: BenchTenant) -> None:
    """Post one alert of the service that fails in the estate."""
    since = (datetime.now(UTC) - timedelta(seconds=60)).isoformat()
    labels = {"alertname": "HighErrorRatio", "service": ALERTING, "severity": "critical"}
    alert = {"status": "firing", "labels": labels, "annotations": {}, "startsAt": since, "fingerprint": "walk"}
    body = json.dumps({"version": "4", "groupKey": "g", "alerts": [alert]})
    headers = {"Authorization": f"Bearer {tenant.token}", "Content-Type": "application/json"}
    async with session.post(f"{local.base_url}{tenant.path}", data=body, headers=headers) as answer:
        answer.raise_for_status()


async def _incident_of(tenant: BenchTenant, services: Services) -> IncidentId | None:
    found = await services.incident_list.open_ones(tenant.tenant_id)
    return IncidentId(found[0].id) if found else None


async def _ranked(tenant: BenchTenant, incident_id: IncidentId, services: Services) -> HypothesisSet | None:
    found = await services.incidents.all_hypotheses(tenant.tenant_id, incident_id)
    return found[0] if found else None


async def _final(
    tenant: BenchTenant, incident_id: IncidentId, snapshot_id: SnapshotId, services: Services
) -> HypothesisSet | None:
    return await services.incidents.hypotheses(tenant.tenant_id, incident_id, final_id(snapshot_id))


async def _told(log: Path, since: int) -> dict[str, float] | None:
    """What the worker's log tells of the model step."""
    with log.open(errors="replace") as lines:
        lines.seek(since)
        found = _REFINED.findall(lines.read())
    fields = dict(_FIELD.findall(found[-1])) if found else {}
    names = ("seconds", "model_seconds", "paying_seconds", "checking_seconds", "checks_seconds")
    return {name: float(fields[name]) for name in names} if fields else None


async def _seen(look: Callable[[], Awaitable[T | None]]) -> T:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = await look()
        if found is not None:
            return found
        await asyncio.sleep(LOOK_SECONDS)
    raise TimeoutError(f"what was waited for did not come within {PATIENCE_SECONDS:g} s")


async def _repeat(local: Local, tenant: BenchTenant, services: Services) -> None:
    """The same message once more, and the same evidence under another snapshot's id."""
    incident_id = await _seen(lambda: _incident_of(tenant, services))
    ranked = await _seen(lambda: _ranked(tenant, incident_id, services))
    snapshot = await services.incidents.snapshot(tenant.tenant_id, incident_id, SnapshotId(ranked.snapshot_id))
    if snapshot is None:
        raise RuntimeError("the snapshot is gone")
    twin = snapshot.model_copy(update={"id": f"{snapshot.id}-twin"})
    await _add(twin, services)
    for one in (snapshot, twin):
        message = Hypothesise(
            tenant_id=tenant.tenant_id, receipt_id=ReceiptId("rcp-bench"), correlation_id="bench",
            incident_id=incident_id, snapshot_id=SnapshotId(one.id),
        )  # fmt: skip
        await services.queues.send(QueueName.HYPOTHESES, message)
    await _seen(lambda: _final(tenant, incident_id, SnapshotId(twin.id), services))
    await local.drained(within_seconds=PATIENCE_SECONDS)


async def _add(twin: Snapshot, services: Services) -> None:
    held = await services.incidents.read(twin.tenant_id, twin.incident_id)
    if held is None:
        raise RuntimeError("the incident is gone")
    ranked = ranked_set(twin, now=datetime.now(UTC))
    moved = held.value.model_copy(update={"version": held.value.version + 1})
    change = IncidentChange(moved, held.etag, snapshots=[twin], hypotheses=[ranked])
    await services.incidents.commit(twin.tenant_id, change)


async def _calls(local: Local) -> int:
    """How many questions the simulator was asked."""
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"http://127.0.0.1:{local.stack.options.ports.openai}/_requests")
        return len(answer.raise_for_status().json())


def _seconds(at: datetime) -> float:
    return at.timestamp()
