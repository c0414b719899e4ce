"""Whether a question is worth asking once more, and how soon. Pure: an outcome goes in, seconds come out.

A query is a read, so asking twice does no harm there; asking again what was too much, wrong or forbidden does no good
here. `Retry-After` is read as RFC 9110 (10.2.3) says, but for its form with a date, which is never short.
"""

from collections.abc import Mapping
from typing import Final

from shared.adapters.prometheus_answer import is_of_another

LONGEST_WAIT_SECONDS: Final = 2.0
"""Whoever asks for more patience than this gets none: the incident does not wait."""
_LOST: Final = frozenset({"connect", "protocol"})
"""Refused, reset, or closed under us, as a server does with a connection that it thinks idle."""
_THROTTLED: Final = 429
_GATEWAY: Final = frozenset({502, 503, 504})


def pause_after_failure(reason: str, *, jittered_seconds: float) -> float | None:
    """Seconds until another try after a request without an answer; None when there is to be none.

    A timeout is not tried again: the time is gone, and the query may still be running there.
    """
    return jittered_seconds if reason in _LOST else None


def pause_after_answer(
    status: int, headers: Mapping[str, str], body: bytes, *, jittered_seconds: float
) -> float | None:
    """The same after an answer. 503 in Prometheus's own words is a query that took too long, so it stays."""
    if status in _GATEWAY and is_of_another(status, body):
        return jittered_seconds
    if status != _THROTTLED:
        return None
    wanted = _seconds_of(headers.get("retry-after", ""))
    if wanted is None or wanted > LONGEST_WAIT_SECONDS:
        return None
    return wanted + jittered_seconds


def _seconds_of(told: str) -> float | None:
    told = told.strip()
    return float(told) if told.isascii() and told.isdigit() and len(told) <= len("99999") else None
