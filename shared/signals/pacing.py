"""Pace tenants by their quota: what comes faster is delayed, never refused, and nobody else waits for it."""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta

from shared.models.signals import Source

MAX_DELAY = timedelta(minutes=10)
BURST = timedelta(minutes=1)
"""A quiet tenant may send a minute's worth at once: pages come in crowds."""
MAX_TENANTS = 10_000
BYTES_AN_ALERT = 16 * 1024
"""So that a body that hides its alerts still weighs something: a MiB counts as 64 of them."""
_MARKS: Mapping[Source, bytes] = {
    Source.ALERTMANAGER: b'"labels"',
    Source.GRAFANA: b'"labels"',
    Source.GENERIC: b'"name"',
    Source.CHANGES: b'"service"',
}
"""What every alert of a source has once; inside a string its quotes would be escaped. The others send one a body."""


class Pacer:
    """One virtual schedule a tenant (the generic cell rate algorithm), in this process.

    Every process paces on its own, so a tenant whose deliveries are spread over n processes gets n times its quota.
    """

    def __init__(self) -> None:
        self._due: OrderedDict[str, datetime] = OrderedDict()

    def delay(self, tenant_id: str, *, now: datetime) -> timedelta:
        """How long a delivery has to wait, in whole seconds as queues count; zero within the quota and its burst.

        A tenant's deliveries keep their order: what comes later is never due earlier, save for that rounding.
        """
        wait = self._due.get(tenant_id, now) - now - BURST
        # The cap holds for a clock that was set back, too.
        return timedelta(seconds=min(max(wait, timedelta()), MAX_DELAY) // timedelta(seconds=1))

    def spend(self, tenant_id: str, *, weight: int, per_minute: int, now: datetime) -> None:
        """Count a delivery of so many alerts, once it is durable: what we failed to take must not cost the tenant."""
        due = max(self._due.get(tenant_id, now), now)
        # Beyond the longest delay nothing is added, so that a tenant that stops is soon itself again.
        longest = now + BURST + MAX_DELAY
        self._due[tenant_id] = min(due + timedelta(minutes=weight / per_minute), longest)
        self._due.move_to_end(tenant_id)
        while len(self._due) > MAX_TENANTS:
            self._due.popitem(last=False)


def weight_of(source: Source, body: bytes) -> int:
    """About how many alerts a body holds, without parsing it."""
    mark = _MARKS.get(source)
    return max(1, len(body) // BYTES_AN_ALERT, body.count(mark) if mark else 1)
