"""What one alert costs the store, counted exactly: one small delivery at a time on a quiet stack."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bench.generator import Delivery, Shape, make_storm
from bench.local import Local, a_local
from bench.prices import Operations
from bench.sending import Webhook, a_session
from bench.tenants import seed_tenant

QUIET_SECONDS = 60
IN_A_MESSAGE = 12
MESSAGES = 5
FULL = 17
DUPLICATE_LIMIT = 3.0
SINGLE_LIMIT = 50.0
MANY_LIMIT = 25.0
LIKE_COSTS = Shape(services=1, seconds=1, spread=0, duplicates=0, resent=0, singles=0, prefix="cost")


@dataclass(frozen=True)
class CostLine:
    """What one kind of alert costs; `limit` is the goal where there is one."""

    name: str
    per_alert: dict[str, float]
    cost: float
    charge: float
    limit: float | None = None

    @classmethod
    def of(cls, name: str, done: Operations, alerts: int, limit: float | None = None) -> "CostLine":
        """The average over so many alerts."""
        per_alert = {kind: count / alerts for kind, count in sorted(done.by_kind.items()) if count}
        return cls(name, per_alert, done.cost / alerts, done.charge / alerts, limit)

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


class _Meter:
    """Sends one delivery, waits until nothing is left to do, and reads the counters."""

    def __init__(self, local: Local, webhook: Webhook) -> None:
        self._local = local
        self._webhook = webhook

    async def count(self, deliveries: Sequence[Delivery]) -> Operations:
        done = Operations(Counter(), 0.0, 0.0)
        for delivery in deliveries:
            await self._local.reset_operations()
            await self._webhook.send(delivery)
            await self._local.drained(within_seconds=QUIET_SECONDS)
            done += await self._local.operations()
        return done


async def measure_costs() -> list[CostLine]:
    """Each kind of alert on a fresh stack; timers rest, so that only the delivery is counted."""
    async with a_local(with_timers=False) as local, a_session(1) as session:
        tenant = await seed_tenant(local.environment, "costs")
        await local.start_hosts()
        meter = _Meter(local, Webhook(session, local.base_url, tenant))
        # The first delivery of a process pays for its connections, its credential and whatever else is cached.
        await meter.count(_bodies(1, of=1, seed=0, prefix="warm-up"))
        return await _lines(meter)


async def _lines(meter: _Meter) -> list[CostLine]:
    opening, single = _bodies(1, of=1, seed=1), _bodies(3, of=1, seed=2)
    many, full = _bodies(MESSAGES, of=IN_A_MESSAGE, seed=3), _bodies(1, of=FULL, seed=4)
    return [
        CostLine.of("first alert of a service, with its context", await meter.count(opening), 1),
        CostLine.of("a new alert alone, in an open incident", await meter.count(single), len(single), SINGLE_LIMIT),
        CostLine.of("a duplicate alone", await meter.count(single), len(single), DUPLICATE_LIMIT),
        CostLine.of(
            f"new alerts in messages of {IN_A_MESSAGE}, in an open incident",
            await meter.count(many),
            MESSAGES * IN_A_MESSAGE,
            MANY_LIMIT,
        ),
        CostLine.of(f"new alerts in a message of {FULL}, in an open incident", await meter.count(full), FULL),
        CostLine.of(f"duplicates in a message of {FULL}", await meter.count(full), FULL, DUPLICATE_LIMIT),
    ]


def _bodies(count: int, *, of: int, seed: int, prefix: str = "cost") -> Sequence[Delivery]:
    """So many bodies of so many new alerts, all of one service."""
    shape = replace(LIKE_COSTS, alerts=count * of, bodies=count, prefix=prefix)
    return make_storm(shape, seed).deliveries
