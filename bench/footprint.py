"""`bench footprint`: what one alert and one incident ask of store, queues, blobs and processors.

One delivery at a time on a stack at rest, timers off. A second look at the incident may fall into it: on a slow
machine a new alert alone then costs a fifth more. CPU seconds are this machine's. The model is the protocol
simulator, which is none. `bench capacity` computes with the figures.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial

from bench.audit import documents
from bench.generator import Shape, make_storm
from bench.local import WEB, WORKER, Local, a_local
from bench.measured import FILE, IN_A_MESSAGE, Cost, Footprint
from bench.model_step import a_prometheus, page
from bench.prices import Operations
from bench.report import Report
from bench.sending import Webhook, a_session
from bench.tenants import seed_tenant

QUIET_SECONDS, IDLE_SECONDS = 60, 20
BODIES, INCIDENTS = 20, 3
MODEL_MS = 1_000
CLAIMS = "claims"
SHORT_LIVED = frozenset({CLAIMS, "caches", "schedule"})
Send = Callable[[], Awaitable[object]]


async def run_footprint(*, write: bool) -> int:
    """Measure, print, and with `write` keep the figures for the capacity model; returns the exit code."""
    polls, alone, many, again_alone, again_many = await _alerts()
    today = datetime.now(UTC).date().isoformat()
    found = Footprint(today, alone, many, again_alone, again_many, await _incident(), polls)
    report = Report("footprint", 1)
    report.figures = asdict(found)
    for name, cost in report.figures.items():
        if isinstance(cost, dict):
            report.section(name.replace("_", " "))
            for what, value in cost.items():
                report.add(what.replace("_", " "), value)
    report.section("at rest")
    report.add("polls per second of an idle host", polls)
    if write:
        FILE.write_text(json.dumps(report.figures, indent=2) + "\n", encoding="utf-8")
    return report.finish()


@dataclass(frozen=True)
class _Look:
    """Everything that is counted, at one moment."""

    storage: Counter[str]
    cpu: Mapping[str, float]
    sizes: Counter[str]
    logged: int


class _Meter:
    def __init__(self, local: Local) -> None:
        self._local = local

    async def cost(self, sends: Sequence[Send], per: int) -> Cost:
        """Send one after the other, each until nothing is left to do; the average over so many."""
        done, before = Operations(Counter(), 0.0, 0.0), self._look()
        for send in sends:
            await self._local.reset_operations()
            await send()
            await self._local.drained(within_seconds=QUIET_SECONDS)
            done += await self._local.operations()
        return _cost(before, self._look(), done, per)

    async def polls_per_second(self) -> float:
        before = self._local.storage_requests()
        await asyncio.sleep(IDLE_SECONDS)
        return (self._local.storage_requests() - before)["queue GET"] / IDLE_SECONDS

    def _look(self) -> _Look:
        sizes = Counter[str]()
        for container, body, _ in documents(self._local.data / "cosmos"):
            kind = CLAIMS if container in SHORT_LIVED else "kept"
            sizes[kind] += len(json.dumps(body, ensure_ascii=False).encode())
        logs = self._local.stack.options.layout.logs
        logged = sum((logs / f"{name}.log").stat().st_size for name in (WEB, WORKER))
        return _Look(self._local.storage_requests(), self._local.cpu(), sizes, logged)


def _cost(before: _Look, after: _Look, done: Operations, per: int) -> Cost:
    storage, sizes = after.storage - before.storage, after.sizes - before.sizes
    return Cost(
        request_units=round(done.charge / per, 2),
        queue_operations=round((storage["queue POST"] + storage["queue DELETE"]) / per, 3),
        blob_writes=round(storage["blob PUT"] / per, 3),
        web_cpu_seconds=round((after.cpu[WEB] - before.cpu[WEB]) / per, 5),
        worker_cpu_seconds=round((after.cpu[WORKER] - before.cpu[WORKER]) / per, 5),
        claim_bytes=round(sizes[CLAIMS] / per, 1),
        kept_bytes=round(sizes["kept"] / per, 1),
        log_bytes=round((after.logged - before.logged) / per, 1),
    )


async def _alerts() -> tuple[float, Cost, Cost, Cost, Cost]:
    """How often an idle host polls; new alerts and duplicates, each alone and of many."""
    async with a_local(with_timers=False) as local, a_session(1) as session:
        tenant = await seed_tenant(local.environment, "footprint")
        await local.start_hosts()
        meter, webhook = _Meter(local), Webhook(session, local.base_url, tenant)
        # The first delivery opens the incident, and its process pays for connections and whatever else is cached.
        await meter.cost(_sends(webhook, 1, of=1, seed=0), 1)
        polls = await meter.polls_per_second()
        alone, many = _sends(webhook, BODIES, of=1, seed=1), _sends(webhook, BODIES, of=IN_A_MESSAGE, seed=2)
        new = await meter.cost(alone, BODIES), await meter.cost(many, BODIES * IN_A_MESSAGE)
        return polls, *new, await meter.cost(alone, BODIES), await meter.cost(many, BODIES * IN_A_MESSAGE)


async def _incident() -> Cost:
    arguments = ("--mode", "honest", "--latency-ms", str(MODEL_MS))
    prometheus, stack = a_prometheus(1), a_local(with_timers=False, openai=arguments)
    async with prometheus as url, stack as local, a_session(1) as session:
        tenants = [
            await seed_tenant(local.environment, f"page-{number}", prometheus_url=url)
            for number in range(INCIDENTS + 1)
        ]
        await local.start_hosts()
        costs = [await _Meter(local).cost([partial(page, local, session, tenant)], 1) for tenant in tenants]
        # The first pays for the process, see above.
        return Cost(**{name: round(_mean(costs[1:], name), 5) for name in asdict(costs[0])})


def _mean(costs: Sequence[Cost], name: str) -> float:
    return sum(float(getattr(cost, name)) for cost in costs) / len(costs)


def _sends(webhook: Webhook, count: int, *, of: int, seed: int) -> Sequence[Send]:
    """So many deliveries of so many alerts each, of one service: new at first, then repeats."""
    alone = {"services": 1, "seconds": 1, "spread": 0, "duplicates": 0, "resent": 0, "singles": 0}
    storm = make_storm(Shape(alerts=count * of, bodies=count, prefix="fp", **alone), seed)
    return [partial(webhook.send, one) for one in storm.deliveries]
