"""Several measurements in one query: parts put beside each other with `or`, each known by a label in the answer.

A tenant's Prometheus is asked few questions that way, whatever the number of services, conventions and days.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.context.conventions import BACK, Binding, expression
from shared.context.conventions.expressions import labelled
from shared.models.measures import Metric
from shared.ports.metrics import Answer

PART = "part"

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Part:
    """One metric of services that one binding carries, by their names there; now, or so many seconds back."""

    binding: Binding
    metric: Metric
    names: tuple[str, ...]
    backs: tuple[int, ...] = ()

    def promql(self, window_seconds: float) -> str:
        """The part by itself."""
        return expression(self.binding, self.metric, self.names, window_seconds=window_seconds, backs=self.backs)


@dataclass(frozen=True)
class Found:
    """A series of an answer: of which part and name, from how many seconds back; only its finite points."""

    part: Part
    name: str
    back: int
    points: Points


def joined(parts: Sequence[Part], *, window_seconds: float) -> str:
    """One query for all the parts; of a single one, itself."""
    if len(parts) == 1:
        return parts[0].promql(window_seconds)
    asked = (labelled(part.promql(window_seconds), PART, str(at)) for at, part in enumerate(parts))
    return " or ".join(asked)


def found_in(answer: Answer, parts: Sequence[Part]) -> Iterator[Found]:
    """The series of an answer that have any finite point, by their part: the first, where none is named."""
    by_place = {str(at): part for at, part in enumerate(parts)}
    for series in answer.series:
        part = by_place.get(series.labels.get(PART, "0"))
        back = series.labels.get(BACK, "0")
        points = tuple((at, value) for at, value in series.points if math.isfinite(value))
        if part is not None and back.isascii() and back.isdecimal() and points:
            yield Found(part, series.labels.get(part.binding.label, ""), int(back), points)
