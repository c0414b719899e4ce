"""NCRONTAB schedules as Azure's timer trigger reads them: second minute hour day month day-of-week, in UTC."""

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

_MONTHS = [name.lower() for name in calendar.month_name[1:]]
_WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
_PART = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d+))?", re.ASCII)
# 29 February on a given weekday recurs within 40 years, so a longer silence means never.
_HORIZON_DAYS = 41 * 366


class BadSchedule(ValueError):
    """The expression is not NCRONTAB, or names an instant that never comes."""


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        """The value `text` stands for: a number in range, or a name of at least three letters."""
        for offset, name in enumerate(self.names):
            if len(text) >= 3 and name.startswith(text.lower()):
                return self.low + offset
        if not text.isdigit() or not self.low <= int(text) <= self.high:
            raise BadSchedule(f"{text!r} is not a {self.name} between {self.low} and {self.high}")
        return int(text)

    def values(self, text: str) -> frozenset[int]:
        """Every value the comma-separated parts of `text` allow."""
        return frozenset(value for part in text.split(",") for value in self._part(part))

    def _part(self, part: str) -> range:
        match = _PART.fullmatch(part)
        if match is None or (match["first"] == "*" and match["last"]):
            raise BadSchedule(f"{part!r} is not a {self.name}")
        step = int(match["step"] or 1)
        if step == 0:
            raise BadSchedule(f"the step of {part!r} is zero")
        if match["first"] == "*":
            return range(self.low, self.high + 1, step)
        first = self.number(match["first"])
        if match["last"] is None:
            # NCRONTAB reads "5/15" as from 5 to the end of the range in steps of 15.
            return range(first, self.high + 1, step) if match["step"] else range(first, first + 1)
        last = self.number(match["last"])
        if last < first:
            raise BadSchedule(f"the range {part!r} runs backwards")
        return range(first, last + 1, step)


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, tuple(_MONTHS)),
    _Field("day of the week", 0, 6, tuple(_WEEKDAYS)),
)


@dataclass(frozen=True)
class Schedule:
    """A parsed NCRONTAB expression."""

    expression: str
    times: tuple[time, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def next_after(self, instant: datetime) -> datetime:
        """The first occurrence strictly after `instant`, in its time zone."""
        for offset in range(_HORIZON_DAYS):
            day = instant.date() + timedelta(days=offset)
            if not self._on(day):
                continue
            for moment in self.times:
                candidate = datetime.combine(day, moment, instant.tzinfo)
                if candidate > instant:
                    return candidate
        raise BadSchedule(f"the schedule {self.expression!r} never comes due")

    def _on(self, day: date) -> bool:
        # Unlike cron, NCRONTAB wants the day of the month and the day of the week to match both.
        return day.month in self.months and day.day in self.days and day.isoweekday() % 7 in self.weekdays


def parse(expression: str) -> Schedule:
    """Read six fields, or five without seconds; raises BadSchedule."""
    texts = expression.split()
    if len(texts) == len(_FIELDS) - 1:
        texts = ["0", *texts]
    if len(texts) != len(_FIELDS):
        raise BadSchedule(f"{expression!r} has {len(texts)} fields, a schedule has six")
    seconds, minutes, hours, days, months, weekdays = (
        field.values(text) for field, text in zip(_FIELDS, texts, strict=True)
    )
    times = tuple(time(h, m, s) for h in sorted(hours) for m in sorted(minutes) for s in sorted(seconds))
    return Schedule(expression, times, days, months, weekdays)
