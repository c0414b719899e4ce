"""Quantities as people read them at night: three digits, a unit, never an exponent."""

from datetime import datetime
from decimal import Decimal

_PLAIN_FROM = 1000
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def clock(at: datetime | None) -> str:
    """A time of day, in UTC."""
    return at.strftime("%H:%M:%S UTC") if at else "?"


def moment(at: datetime | None) -> str:
    """A day and its time, in UTC."""
    return at.strftime("%Y-%m-%d %H:%M:%S UTC") if at else "?"


def percent(ratio: float | None) -> str:
    """A share from 0 to 1."""
    return "?" if ratio is None else f"{number(100 * ratio)} %"


def latency(seconds: float | None) -> str:
    """A short length of time: milliseconds below one second."""
    if seconds is None:
        return "?"
    return f"{number(seconds)} s" if seconds >= 1 else f"{number(1000 * seconds)} ms"


def number(value: float | None) -> str:
    """A bare number."""
    if value is None:
        return "?"
    # Python writes an exponent for what rounds up to a thousand, and for what is small.
    return f"{value:.0f}" if abs(value) >= _PLAIN_FROM else format(Decimal(f"{value:.3g}"), "f")


def several(count: int, one: str, many: str) -> str:
    """So many of something, in its singular or plural."""
    return f"{count} {one if count == 1 else many}"


def length(seconds: float) -> str:
    """A length of time in the largest unit that leaves at least two of it."""
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if abs(seconds) >= 2 * unit:
            return f"{number(round(seconds / unit, 1))} {name}"
    return f"{round(seconds)} s"
