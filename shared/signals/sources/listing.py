"""Bodies that list things: each is read on its own, and one that cannot be understood does not spoil the others."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from shared.errors import Malformed
from shared.models.signals import AlertStatus, Rejected

MAX_ALERTS = 5000
MAX_CHANGES = 500
_TOLD = frozenset((AlertStatus.FIRING, AlertStatus.RESOLVED))
One = TypeVar("One")


def listed_in(listed: object, *, of: str, at_most: int) -> list[object]:
    """What a body lists; raises Malformed when that is no list, or a longer one than real senders send."""
    if not isinstance(listed, list):
        raise Malformed(f"the body has no list of {of}", reason=f"no_{of}")
    if len(listed) > at_most:
        raise Malformed(f"the body lists more than {at_most} {of}", reason=f"too_many_{of}")
    return listed


def read_each(
    listed: list[object], read: Callable[[Mapping[str, Any]], One]
) -> tuple[tuple[One, ...], tuple[Rejected, ...]]:
    """What was understood, and beside it what was not: its place, and the reason that `read` raised."""
    found, rejected = [], []
    for position, item in enumerate(listed):
        try:
            if not isinstance(item, Mapping):
                raise Malformed("it is not a JSON object", reason="not_an_object")
            found.append(read(item))
        except Malformed as exc:
            rejected.append(Rejected(position=position, reason=exc.reason, detail=str(exc)))
    return tuple(found), tuple(rejected)


def status_of(*said: object) -> AlertStatus:
    """The first that says anything; raises Malformed when that is neither firing nor resolved."""
    word = next((one for one in said if one is not None and one != ""), None)
    if isinstance(word, str) and (plain := word.strip().lower()) in _TOLD:
        return AlertStatus(plain)
    raise Malformed("the status is neither firing nor resolved", reason="bad_status")


def count_of(value: object) -> int:
    """How many were cut off, within reason."""
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return min(max(value, 0), 1_000_000)
