"""Values as people and models write them: "45%", "250 ms", "1.2 s", an ISO time, a time of day in UTC.

What is read is in the unit in which evidence is kept (shares from 0 to 1, seconds, per second), with how exactly it
was said. Digits are ASCII; what is longer than a value can be, or no finite number, is not read.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

RATIO, SECONDS, PER_SECOND, TIMES, BARE = "ratio", "s", "/s", "x", ""
EXACT_SHARE = 0.01
"""What is said to be equal may be this share away: sentences show three digits."""
ROUNDED_SHARE = 0.005
"""By how much three digits may round a value up or down, at most."""
_LEAST_DIGITS = 2
_NEXT_TO_NOTHING = 1e-12
_MINUTE = 60.0
_LARGEST_EXPONENT = 250
MAX_VALUE_CHARS = 64

_SCALES: Mapping[str, Mapping[float, tuple[str, ...]]] = {
    RATIO: {0.01: ("%", "percent", "per cent", "pct")},
    SECONDS: {
        1e-6: ("us", "µs", "μs"),
        1e-3: ("ms", "millisecond", "milliseconds"),
        1.0: ("s", "sec", "secs", "second", "seconds"),
        60.0: ("m", "min", "mins", "minute", "minutes"),
        3600.0: ("h", "hour", "hours"),
        86_400.0: ("d", "day", "days"),
    },
    PER_SECOND: {
        1.0: (
            "/s", "req/s", "requests/s", "calls/s", "messages/s", "rps", "qps", "per second", "requests per second",
            "calls per second",
        )
    },
    TIMES: {1.0: ("x", "times", "-fold")},
}  # fmt: skip
_UNITS = {
    name: (unit, scale) for unit, scales in _SCALES.items() for scale, names in scales.items() for name in names
}
_UNIT = "|".join(re.escape(name) for name in sorted(_UNITS, key=len, reverse=True))
NUMBER = (
    r"[+-]?(?:[0-9]{1,3}(?:,[0-9]{3}){1,6}(?:\.[0-9]{1,20})?|[0-9]{1,24}(?:\.[0-9]{1,20})?|\.[0-9]{1,20})"
    r"(?:[eE][+-]?[0-9]{1,3})?"
)
QUANTITY = re.compile(rf"(?P<number>{NUMBER})(?:\s?(?P<unit>{_UNIT})(?![A-Za-z0-9/]))?", re.ASCII)
_WHOLE = re.compile(rf"(?P<number>{NUMBER})\s?(?P<unit>[^0-9\s][^0-9]{{0,20}})?", re.ASCII)
ISO_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?P<second>:[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"\s?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2})?",
    re.ASCII,
)
CLOCK_TIME = re.compile(
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.[0-9]{1,6})?)?(?:\s?(?:Z|UTC))?", re.ASCII
)


@dataclass(frozen=True)
class Quantity:
    """A number in a base unit. `half_digit` is half of its last digit: what was said may have been rounded by it."""

    value: float
    half_digit: float
    unit: str
    """RATIO, SECONDS, PER_SECOND, TIMES, or BARE where none was said; else the word that was."""

    def equals(self, found: float) -> bool:
        """Whether a value may be said so: one per cent away, or rounded to the two or more digits that were said."""
        allowed = max(_NEXT_TO_NOTHING, EXACT_SHARE * abs(found), self.half_digit)
        return abs(found - self.value) <= allowed * (1 + 1e-9)

    def is_about(self, found: float) -> bool:
        """Whether a value is the one that was said but for the rounding of sentences."""
        return abs(found - self.value) <= max(_NEXT_TO_NOTHING, ROUNDED_SHARE * abs(found)) * (1 + 1e-9)


@dataclass(frozen=True)
class SaidTime:
    """A time. `seconds` is how long what was said lasts: a minute where no seconds were said."""

    at: datetime
    seconds: float = 0.0

    def equals(self, found: datetime, slack: timedelta) -> bool:
        """Whether a moment may be said so."""
        late = (found - self.at).total_seconds()
        return -slack.total_seconds() <= late <= max(slack.total_seconds(), self.seconds)


def quantity(text: str, own_unit: str = BARE) -> Quantity | None:
    """A whole text as a number, with any unit that is known here or is the piece's own; None for anything else."""
    if len(text) > MAX_VALUE_CHARS or not (found := _WHOLE.fullmatch(text.strip())):
        return None
    word = (found["unit"] or "").strip()
    if word not in _UNITS and word not in (BARE, own_unit):
        return None
    return scaled(found["number"], word)


def scaled(number: str, word: str | None) -> Quantity | None:
    """A number and the word of its unit; None where it is not finite."""
    unit, scale = _UNITS.get(word or "", (word or BARE, 1.0))
    plain = number.replace(",", "")
    value = float(plain) * scale
    mantissa, _, exponent = plain.lower().partition("e")
    whole, _, decimals = mantissa.lstrip("+-").partition(".")
    power, half_digit = int(exponent or 0), 0.0
    if len((whole + decimals).lstrip("0")) >= _LEAST_DIGITS and abs(power) < _LARGEST_EXPONENT:
        half_digit = 0.5 * scale * 10.0 ** (power - len(decimals))
    return Quantity(value, half_digit, unit) if math.isfinite(value) else None


def moment_said(text: str, near: datetime) -> SaidTime | None:
    """An ISO time, in UTC where it says nothing else, or a time of day: the one nearest to `near`."""
    text = text.strip()
    if len(text) > MAX_VALUE_CHARS:
        return None
    if iso := ISO_TIME.fullmatch(text):
        return _iso(text, lasts=0.0 if iso["second"] else _MINUTE)
    found = CLOCK_TIME.fullmatch(text)
    return _clock(found, near) if found else None


def _iso(text: str, *, lasts: float) -> SaidTime | None:
    try:
        at = datetime.fromisoformat(text.removesuffix("UTC").strip())
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return SaidTime(at, lasts)


def _clock(found: re.Match[str], near: datetime) -> SaidTime | None:
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"] or 0)
    try:
        at_day = time(hour, minute, second, tzinfo=UTC)
        days = [date.fromordinal(near.date().toordinal() + shift) for shift in (-1, 0, 1)]
    except ValueError:
        return None
    at = min((datetime.combine(day, at_day) for day in days), key=lambda one: abs(one - near))
    return SaidTime(at, _MINUTE if found["second"] is None else 0.0)
