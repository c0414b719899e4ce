"""The numbers, times and names that a piece of evidence tells: what words about it may say."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from shared.hypotheses.paths import FIELDS, POINTS, Sort, points_of, unit_of
from shared.hypotheses.values import BARE, PER_SECOND, RATIO, SECONDS, TIMES, Quantity, SaidTime
from shared.models.evidence import (
    ChangeEvidence,
    EdgeEvidence,
    Evidence,
    PastIncidentEvidence,
    SeriesEvidence,
)
from shared.models.measures import Metric

_NAMES = (
    "version",
    "previous_version",
    "name",
    "alert_name",
    "resource",
    "subject",
    "carrier",
    "namespace",
    "author",
)
_QUANTILES = {Metric.LATENCY_P50: "50", Metric.LATENCY_P95: "95", Metric.LATENCY_P99: "99"}
_COMPARABLE = {
    RATIO: {RATIO, BARE},
    SECONDS: {SECONDS},
    PER_SECOND: {PER_SECOND, BARE},
    TIMES: {TIMES, BARE},
}


def services_of(piece: Evidence) -> frozenset[str]:
    """The services that a piece is about."""
    return frozenset({piece.caller, piece.callee} if isinstance(piece, EdgeEvidence) else {piece.service})


@dataclass(frozen=True)
class Facts:
    """What one or several pieces tell. Names are in lower case."""

    numbers: tuple[tuple[float, str], ...]
    times: tuple[datetime, ...]
    names: frozenset[str]

    @classmethod
    def of(cls, piece: Evidence) -> Self:
        """All that a piece tells in numbers, times and names."""
        numbers, times = [], []
        for field in FIELDS[piece.kind].values():
            value = field.read(piece)
            if field.sort is Sort.NUMBER and isinstance(value, int | float) and math.isfinite(value):
                numbers.append((float(value), unit_of(piece, field)))
            elif isinstance(value, datetime):
                times.append(value)
        return cls((*numbers, *_of_points(piece)), tuple(times), frozenset(_names(piece)))

    def and_these(self, others: "list[Facts]") -> "Facts":
        """What all of them tell."""
        every = [self, *others]
        return Facts(
            tuple(number for one in every for number in one.numbers),
            tuple(dict.fromkeys(at for one in every for at in one.times)),
            frozenset().union(*(one.names for one in every)),
        )

    def tell_number(self, said: Quantity, slack: timedelta) -> bool:
        """Whether a number that was said is among them, or is how long it is from one of their times to another."""
        units = _COMPARABLE.get(said.unit)
        size = Quantity(abs(said.value), said.half_digit, said.unit)
        if any(size.equals(abs(value)) for value, unit in self.numbers if units is None or unit in units):
            return True
        return said.unit == SECONDS and self._tell_length(size, slack)

    def _tell_length(self, said: Quantity, slack: timedelta) -> bool:
        # Shorter than the slack, which of two times came first is not told: then it is no length, but a latency.
        if said.value <= slack.total_seconds():
            return False
        near = max(slack.total_seconds(), said.half_digit)
        return any(
            abs(abs((one - other).total_seconds()) - said.value) <= near
            for index, one in enumerate(self.times)
            for other in self.times[index + 1 :]
        )

    def tell_time(self, said: SaidTime, slack: timedelta) -> bool:
        """Whether a time that was said is one of theirs."""
        return any(said.equals(at, slack) for at in self.times)


def _of_points(piece: Evidence) -> list[tuple[float, str]]:
    found: list[tuple[float, str]] = []
    unit = unit_of(piece)
    for points in points_of(piece):
        values = [value for _, value in points if math.isfinite(value)]
        if values:
            found += [(read(values), BARE if name == "count" else unit) for name, read in POINTS.items()]
    return [(value, unit) for value, unit in found if math.isfinite(value)]


def _names(piece: Evidence) -> set[str]:
    named = {piece.id, *services_of(piece)}
    named |= {str(value) for name in _NAMES if (value := getattr(piece, name, None))}
    match piece:
        case SeriesEvidence(metric=metric):
            named |= {metric.value}
            if quantile := _QUANTILES.get(metric):
                named |= {f"p{quantile}", f"{quantile}th"}
        case ChangeEvidence():
            named |= {commit.sha for commit in piece.commits}
        case PastIncidentEvidence():
            named |= {piece.incident_id}
    return {name.lower() for name in named if name}
