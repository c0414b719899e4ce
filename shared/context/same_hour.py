"""A request rate against the same clock hour of earlier days. Pure: points in, a movement out.

Traffic follows the clock, so the time before an alert says little where the day turns: a morning's rise is no surge,
a nightly batch is no fault. Days are 24 hours of 3,600 seconds: across a change to or from summer time the same hour
is one hour off on one side, and the median of several days bears it. Of 1, 7 and 14 days ago at least two are the
same day of the week, so that a Monday is not measured by its Sunday.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median

from shared.context.deviation import DEPARTS_FROM, FLOORS, centre, movement_of, score_of
from shared.models.measures import Baseline, Direction, Metric, Movement

DAY_SECONDS = 86_400
DAYS_BACK = (1, 7, 14)
FEWEST_DAYS = 2
"""One day alone may have been a bad one."""
COVERED_FROM = 0.5
"""A day with values for a smaller share of the window says nothing."""
LEAST_LEVEL_SPREAD, LEAST_SHAPE_SPREAD = 0.15, 0.05
"""By so much days differ in height and in course, whatever few of them happen to show."""
AS_FAR = 0.7
"""What went this share of the way on another day went as far."""
_EASE = 0.25

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class SameHour:
    """What is usual at the times of a window, in requests/s. Spreads are shares of it."""

    expected: Mapping[float, float]
    days: int
    shape_spread: float
    """How much the course of one day differs from that of another."""
    level_spread: float
    """The same of how high the days are."""
    typical: float
    """The level that this hour has."""

    def share(self, value: float, at: float, *, level: float = 1.0) -> float:
        """A value as a share of what is usual at its time on a day of this level; next to nothing against nothing is
        no difference.
        """
        ease = _EASE * self.typical
        return (value + ease) / (level * self.expected[at] + ease)

    def usual(self, times: Sequence[float]) -> float:
        """What is usual over these times."""
        return median(self.expected[at] for at in times)


def same_hour_of(times: Sequence[float], earlier: Mapping[int, Points], *, smear_samples: int) -> SameHour | None:
    """What earlier days had at these times, each day shifted by its own number of seconds already; None where fewer
    than FEWEST_DAYS of them are known (retention), or next to nothing was asked at this hour.
    """
    days = [day for points in earlier.values() if _covers(day := dict(points), times)]
    if len(days) < FEWEST_DAYS:
        return None
    known = [at for at in times if any(at in day for day in days)]
    course = _smoothed([median(day[at] for day in days if at in day) for at in known], 2 * smear_samples + 1)
    expected = dict(zip(known, course, strict=True))
    typical = max(median(course), _EASE * max(course))
    if typical < FLOORS[Metric.REQUEST_RATE]:
        return None
    hour = SameHour(
        expected, len(days), shape_spread=LEAST_SHAPE_SPREAD, level_spread=LEAST_LEVEL_SPREAD, typical=typical
    )
    shares = [[hour.share(day[at], at) for at in known if at in day] for day in days]
    levels = [median(of_day) for of_day in shares]
    # The median of few days lies nearer to each of them than what is usual does.
    few = len(days) / (len(days) - 1)
    strays = [share / level - 1 for of_day, level in zip(shares, levels, strict=True) for share in of_day]
    return replace(
        hour,
        shape_spread=centre(strays, LEAST_SHAPE_SPREAD, smear_samples)[1] * few**0.5,
        level_spread=max(LEAST_LEVEL_SPREAD, few * max(abs(level - 1) for level in levels)),
    )


def _covers(day: Mapping[float, float], times: Sequence[float]) -> bool:
    return sum(at in day for at in times) >= COVERED_FROM * max(1, len(times))


def _smoothed(values: Sequence[float], width: int) -> list[float]:
    """The running median, which keeps edges where they are."""
    half = width // 2
    return [median(values[max(0, at - half) : at + half + 1]) for at in range(len(values))]


def moved_against(points: Points, hour: SameHour, *, reference: datetime, smear_samples: int) -> Movement | None:
    """How a request rate moved against this hour of earlier days; None where that does not tell: it was not usual
    before, and is so since.
    """
    known = [(at, value) for at, value in points if at in hour.expected]
    level = _level(known, hour, reference)
    if level is None:
        return None
    moved = movement_of(
        [(at, hour.typical * hour.share(value, at, level=level)) for at, value in known],
        metric=Metric.REQUEST_RATE,
        reference=reference,
        smear_samples=smear_samples,
        floor=hour.typical * hour.shape_spread,
    )
    begins_away = abs(level - 1) > DEPARTS_FROM * hour.level_spread
    side = Direction.UP if level > 1 else Direction.DOWN
    if moved.onset_at is None:
        beyond = known[moved.baseline_samples :] or known
        told = _told(moved, hour, beyond)
        if not begins_away:
            return told.model_copy(update={"direction": Direction.STEADY, "score": 0.0})
        score = score_of(level, 1.0, max(hour.level_spread, hour.shape_spread))
        return told.model_copy(update={"direction": side, "score": score})
    if begins_away and moved.direction is not side:
        return None
    onset = moved.onset_at.timestamp()
    return _told(moved, hour, [(at, value) for at, value in known if at >= onset])


def _level(known: Points, hour: SameHour, reference: datetime) -> float | None:
    """How high today is, as a share of other days, by the first half of the time before the alert."""
    before = [(at, value) for at, value in known if at <= reference.timestamp()]
    shares = [value / hour.expected[at] for at, value in before[: (len(before) + 1) // 2] if hour.expected[at] > 0]
    return median(shares) if shares else None


def _told(moved: Movement, hour: SameHour, beyond: Points) -> Movement:
    """The movement in requests/s as they were, and as they are at this hour."""
    usual = hour.usual([at for at, _ in beyond])
    return moved.model_copy(
        update={
            "baseline_median": usual,
            "baseline_spread": max(usual * max(hour.shape_spread, hour.level_spread), FLOORS[Metric.REQUEST_RATE]),
            "current": median(value for _, value in beyond),
            "baseline": Baseline.SAME_HOUR,
            "baseline_days": hour.days,
        }
    )


def ends_daily(last: float, earlier: Mapping[int, Points]) -> bool:
    """Whether a series that has no values after `last` has none then on most earlier days either."""
    known = [points for points in earlier.values() if points]
    ended = [points for points in known if max(at for at, _ in points) <= last]
    return _most(len(ended), len(known))


def moves_daily(moved: Movement, earlier: Mapping[int, Points]) -> Movement | None:
    """The same series as steady, where it went as far at this hour on most earlier days; None where it did not.

    `earlier` is of the stretch since the onset. For errors, latency and saturation the time before is the baseline,
    but what a nightly batch does every night is no deviation.
    """
    if moved.onset_at is None or moved.baseline_median is None or moved.current is None:
        return None
    went = moved.current - moved.baseline_median
    levels = [median(value for _, value in points) for points in earlier.values() if points]
    alike = [level for level in levels if (level - moved.baseline_median) * went >= AS_FAR * went**2]
    if not _most(len(alike), len(levels)):
        return None
    steady = {
        "baseline_median": median(levels),
        "direction": Direction.STEADY,
        "score": 0.0,
        "onset_at": None,
        "baseline": Baseline.SAME_HOUR,
        "baseline_days": len(levels),
    }
    return moved.model_copy(update=steady)


def _most(some: int, known: int) -> bool:
    return some >= FEWEST_DAYS and 2 * some > known
