"""One measured run on a fresh stack: the floor, the storm, the drain, the books, the audit."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bench.audit import Audit, audit
from bench.cpu import spent
from bench.figures import Acknowledged, percentile
from bench.floor import the_floor
from bench.generator import Shape, Storm, make_storm
from bench.local import WEB, Local, a_local
from bench.prices import Operations
from bench.sending import Send, Sent, Webhook, a_session, send_fast
from bench.tenants import seed_tenant
from shared.messages import QueueName

Pace = Callable[[Storm, Send], Awaitable[list[Sent]]]
WARM_UP = Shape(alerts=90, bodies=40, singles=10, services=4, seconds=1, prefix="warm-up")
CONNECTIONS = 128
DRAIN_SECONDS = 900


@dataclass(frozen=True)
class Run:
    """What was measured; `stored_seconds` is from the first post until every distinct alert was stored."""

    storm: Storm
    floor: Acknowledged
    acknowledged: Acknowledged
    stored_seconds: float
    lag: tuple[float, ...]
    """Seconds from the first post of each alert to its being stored."""
    operations: Operations
    storage: Counter[str]
    cpu: dict[str, float]
    books: Audit

    @property
    def stored_per_second(self) -> float:
        """Distinct alerts a second until all were stored."""
        return len(self.books.signals.keys() & self.storm.distinct) / self.stored_seconds

    def lag_seconds(self, part: float) -> float:
        """Within how many seconds so many percent of the alerts were stored."""
        return percentile(self.lag, part) if self.lag else 0.0

    @property
    def lost(self) -> int:
        """How many alerts were accepted and are nowhere."""
        return self.books.lost(self.storm.distinct)


def fast(concurrency: int) -> Pace:
    """As fast as so many connections allow."""

    async def pace(storm: Storm, send: Send) -> list[Sent]:
        return await send_fast(storm.deliveries, send, concurrency=concurrency)

    return pace


async def measure(shape: Shape, seed: int, pace: Pace) -> Run:
    """Measure a storm beside its floor, on storage that was started for it."""
    storm, warm_up = make_storm(shape, seed), make_storm(WARM_UP, seed + 1)
    async with a_local() as local:
        async with the_floor(local.environment) as send:
            await fast(4)(warm_up, send)
            floor = Acknowledged.of(await pace(storm, send))
        tenant = await seed_tenant(local.environment, "bench")
        await local.start_hosts()
        async with a_session(CONNECTIONS) as session:
            webhook = Webhook(session, local.base_url, tenant)
            await fast(4)(warm_up, webhook.send)
            await local.drained(within_seconds=DRAIN_SECONDS)
            sent, partly = await _under_load(local, storm, pace, webhook)
        books = await asyncio.to_thread(audit, local.data / "cosmos", tenant.tenant_id)
        return _run(storm, floor, sent, partly, books)


async def accepted_alone(shape: Shape, seed: int, pace: Pace) -> Acknowledged:
    """How fast deliveries are taken while nothing ingests them: like the floor, which also has storage for itself."""
    storm, warm_up = make_storm(shape, seed), make_storm(WARM_UP, seed + 1)
    async with a_local() as local, a_session(CONNECTIONS) as session:
        tenant = await seed_tenant(local.environment, "bench")
        await local.start_host(WEB)
        webhook = Webhook(session, local.base_url, tenant)
        await fast(4)(warm_up, webhook.send)
        return Acknowledged.of(await pace(storm, webhook.send))


@dataclass(frozen=True)
class _Load:
    """What the parts did from the first post until nothing was left to do."""

    drained: float
    operations: Operations
    storage: Counter[str]
    cpu: dict[str, float]


async def _under_load(local: Local, storm: Storm, pace: Pace, webhook: Webhook) -> tuple[list[Sent], _Load]:
    await local.reset_operations()
    storage, cpu = local.storage_requests(), local.cpu()
    sent = await pace(storm, webhook.send)
    drained = await local.drained([QueueName.SIGNALS], within_seconds=DRAIN_SECONDS)
    used = spent(cpu, local.cpu())
    await local.drained(within_seconds=DRAIN_SECONDS)
    return sent, _Load(drained, await local.operations(), local.storage_requests() - storage, used)


def _run(storm: Storm, floor: Acknowledged, sent: list[Sent], load: _Load, books: Audit) -> Run:
    first = first_posts(sent)
    stored = {one: at for one, at in books.stored_at.items() if one in first}
    # Moving an alert between incidents writes it anew, so the empty queue may tell an earlier time.
    ended = min(load.drained, max(stored.values(), default=load.drained))
    return Run(
        storm=storm,
        floor=floor,
        acknowledged=Acknowledged.of(sent),
        stored_seconds=ended - min(first.values()),
        lag=tuple(sorted(at - first[one] for one, at in stored.items())),
        operations=load.operations,
        storage=load.storage,
        cpu=load.cpu,
        books=books,
    )


def first_posts(sent: Sequence[Sent]) -> dict[str, float]:
    """When each alert was posted for the first time."""
    first: dict[str, float] = {}
    for one in sorted(sent, key=lambda sent: sent.began):
        for fingerprint in one.delivery.fingerprints:
            first.setdefault(fingerprint, one.began)
    return first
