"""Pace tenants by their quota: what comes faster is delayed, never refused, and nobody else waits for it."""

from collections import OrderedDict
from datetime import datetime, timedelta

MAX_DELAY = timedelta(minutes=10)
BURST = timedelta(minutes=1)
"""A quiet tenant may send a minute's worth at once: pages come in crowds."""
MAX_TENANTS = 10_000
_MARK = b'"labels"'


class Pacer:
    """One virtual schedule a tenant (the generic cell rate algorithm), in this process.

    Every process paces on its own, so a tenant whose deliveries are spread over n processes gets n times its quota.
    """

    def __init__(self) -> None:
        self._due: OrderedDict[str, datetime] = OrderedDict()

    def delay(self, tenant_id: str, *, weight: int, per_minute: int, now: datetime) -> timedelta:
        """How long a delivery of so many alerts has to wait; zero within the quota and its burst."""
        due = max(self._due.get(tenant_id, now), now)
        wait = max(due - now - BURST, timedelta())
        # Beyond the longest delay nothing is added, so that a tenant that stops is soon itself again.
        longest = now + BURST + MAX_DELAY
        self._due[tenant_id] = min(due + timedelta(minutes=weight / per_minute), longest)
        self._due.move_to_end(tenant_id)
        while len(self._due) > MAX_TENANTS:
            self._due.popitem(last=False)
        return min(wait, MAX_DELAY)


def weight_of(body: bytes) -> int:
    """About how many alerts a body holds, without parsing it."""
    return max(1, body.count(_MARK))
