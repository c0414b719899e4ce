"""Prometheus's own query parameters, read as Prometheus reads them and held to our limits before anything is sent."""

import math
import re
from datetime import UTC, datetime

from shared.errors import Malformed
from shared.ports.queries import Question

MAX_QUERY_CHARS = 8000
MAX_STEPS = 11_000
"""Prometheus's own limit on the points of a series."""
MAX_RANGE_DAYS = 32
DEFAULT_SECONDS, LONGEST_SECONDS = 10.0, 30.0
SHORTEST_STEP_SECONDS = 0.001
_DAY = 86_400
_LATEST = 253_402_300_799.0
"""The last second of the year 9999."""
_NUMBER = re.compile(r"[+-]?\d{1,20}(\.\d{1,20})?([eE][+-]?\d{1,2})?", re.ASCII)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DURATION = re.compile(
    r"(?=.)(?:(\d{1,9})y)?(?:(\d{1,9})w)?(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?(?:(\d{1,12})ms)?",
    re.ASCII,
)
_UNITS = (365 * _DAY, 7 * _DAY, _DAY, 3600, 60, 1, 0.001)


def instant(query: str, *, time: str | None, timeout: str | None, now: datetime) -> Question:
    """A question about one moment; raises Malformed with the limit that it exceeds."""
    at = now.timestamp() if time is None else epoch_seconds("time", time)
    return Question("query", {"query": _query(query), "time": _spelled(at)}, _timeout(timeout))


def over_range(query: str, *, start: str, end: str, step: str, timeout: str | None) -> Question:
    """A question about a range; raises Malformed with the limit that it exceeds."""
    first, last, every = epoch_seconds("start", start), epoch_seconds("end", end), length_seconds("step", step)
    require_range(first, last)
    if every < SHORTEST_STEP_SECONDS:
        raise Malformed("step: at least one millisecond", reason="step")
    if (last - first) // every > MAX_STEPS:
        raise Malformed(f"step: at most {MAX_STEPS} points a series; use a longer step", reason="too_many_points")
    times = {"start": _spelled(first), "end": _spelled(last), "step": f"{every:.3f}"}
    return Question("query_range", {"query": _query(query), **times}, _timeout(timeout))


def require_range(first: float, last: float) -> None:
    """Raises Malformed when a range runs backwards or is too long."""
    if last < first:
        raise Malformed("end: not before start", reason="end_before_start")
    if last - first > MAX_RANGE_DAYS * _DAY:
        raise Malformed(f"start, end: at most {MAX_RANGE_DAYS} days apart", reason="range_too_long")


def epoch_seconds(name: str, text: str) -> float:
    """A time in RFC 3339 or in Unix seconds; raises Malformed."""
    try:
        if _NUMBER.fullmatch(text):
            seconds = float(text)
        elif _RFC3339.fullmatch(text):
            seconds = datetime.fromisoformat(text.upper()).timestamp()
        else:
            raise ValueError
    except (ValueError, OverflowError) as exc:
        raise Malformed(f"{name}: a time in RFC 3339 or in Unix seconds", reason="time") from exc
    if not 0 <= seconds <= _LATEST:
        raise Malformed(f"{name}: a time from 1970 to 9999", reason="time")
    return seconds


def moment(name: str, text: str) -> datetime:
    """The same as a datetime."""
    return datetime.fromtimestamp(epoch_seconds(name, text), UTC)


def length_seconds(name: str, text: str) -> float:
    """A length of time as Prometheus writes it (`1h30m`), or in seconds; raises Malformed."""
    if _NUMBER.fullmatch(text):
        seconds = float(text)
    elif found := _DURATION.fullmatch(text):
        seconds = sum(int(count) * unit for count, unit in zip(found.groups("0"), _UNITS, strict=True))
    else:
        raise Malformed(f"{name}: a length of time like 1h30m, or seconds", reason="duration")
    if not 0 < seconds < math.inf:
        raise Malformed(f"{name}: longer than nothing", reason="duration")
    return seconds


def _query(query: str) -> str:
    if len(query) > MAX_QUERY_CHARS:
        raise Malformed(f"query: at most {MAX_QUERY_CHARS} characters", reason="query_too_long")
    if not query.strip():
        raise Malformed("query: not empty", reason="query")
    return query


def _timeout(timeout: str | None) -> float:
    seconds = DEFAULT_SECONDS if timeout is None else length_seconds("timeout", timeout)
    if seconds > LONGEST_SECONDS:
        raise Malformed(f"timeout: at most {LONGEST_SECONDS:g} seconds", reason="timeout_too_long")
    return seconds


def _spelled(seconds: float) -> str:
    return f"{seconds:.3f}"
