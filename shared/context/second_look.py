"""What is asked again of series that moved: whether they do so every day, and whether a quantile is cut off.

Both only refine what is known: without an answer in time it stands as it is, and a warning says so.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from shared.context.conventions import Binding, bounds, bounds_of, is_at_least
from shared.context.look import Look
from shared.context.questions import Part, Points, found_in, joined
from shared.context.same_hour import DAY_SECONDS, DAYS_BACK, moves_daily
from shared.errors import CopilotError
from shared.models.measures import QUANTILES, Metric, Movement

SECONDS = 2.0
"""For both questions together: the first look is kept, however slow the second is."""
POINTS = 20
BACKS = tuple(day * DAY_SECONDS for day in DAYS_BACK)

T = TypeVar("T")
Key = tuple[str, Metric]


@dataclass(frozen=True)
class Measured:
    """A series of a service, and how it moved."""

    part: Part
    name: str
    service: str
    points: Points
    movement: Movement
    earlier_days: int = 0
    """Of how many earlier days its values are known."""
    at_least: bool = False

    @property
    def key(self) -> Key:
        """What tells it from the others."""
        return self.service, self.part.metric


async def looked_again(
    look: Look, measured: Sequence[Measured], *, seconds: float = SECONDS
) -> tuple[list[Measured], list[str]]:
    """The same series, some of them steady as on other days, some known to be cut off; and what could not be told."""
    (daily, no_days), (cut_off, no_bounds) = await asyncio.gather(
        _in_time(_daily(look, measured), {}, "whether it is like this at this hour of other days", seconds),
        _in_time(_cut_off(look, measured), frozenset[Key](), "where the buckets of the latency end", seconds),
    )
    found = [replace(one, movement=daily.get(one.key, one.movement), at_least=one.key in cut_off) for one in measured]
    return found, [*no_days, *no_bounds]


async def _in_time(question: Awaitable[T], otherwise: T, what: str, seconds: float) -> tuple[T, list[str]]:
    try:
        async with asyncio.timeout(seconds):
            return await question, []
    except TimeoutError:
        return otherwise, [f"{what} could not be asked: timeout"]
    except CopilotError as exc:
        return otherwise, [f"{what} could not be asked: {exc.reason}"]


async def _daily(look: Look, measured: Sequence[Measured]) -> dict[Key, Movement]:
    """Those that move like this on most days, as steady. Where no earlier day is kept, nothing is asked."""
    moved = [one for one in measured if one.movement.onset_at and one.part.metric is not Metric.REQUEST_RATE]
    parts = _parts_of(moved)
    if not parts or not any(one.earlier_days for one in measured):
        return {}
    window = look.window
    start = min(one.movement.onset_at for one in moved if one.movement.onset_at)
    step = max(window.step_seconds, math.ceil((window.end - start).total_seconds() / POINTS))
    answer = await look.source.query_range(
        joined(parts, window_seconds=max(window.rate_seconds, step)), start=start, end=window.end, step_seconds=step
    )
    days: dict[tuple[Binding, Metric, str], dict[int, Points]] = defaultdict(dict)
    for found in found_in(answer, parts):
        days[found.part.binding, found.part.metric, found.name][found.back] = found.points
    steady = {one.key: _as_daily(one, days[one.part.binding, one.part.metric, one.name]) for one in moved}
    return {key: movement for key, movement in steady.items() if movement is not None}


def _as_daily(one: Measured, days: Mapping[int, Points]) -> Movement | None:
    onset = one.movement.onset_at.timestamp() if one.movement.onset_at else math.inf
    return moves_daily(
        one.movement, {back: tuple(point for point in points if point[0] >= onset) for back, points in days.items()}
    )


def _parts_of(moved: Iterable[Measured]) -> list[Part]:
    names: dict[tuple[Binding, Metric], set[str]] = defaultdict(set)
    for one in moved:
        names[one.part.binding, one.part.metric].add(one.name)
    return [Part(binding, metric, tuple(sorted(held)), BACKS) for (binding, metric), held in names.items()]


async def _cut_off(look: Look, measured: Sequence[Measured]) -> frozenset[Key]:
    """The quantiles that say no more than the highest bound of their buckets; asked where one stays at its top."""
    topped = [one for one in measured if one.part.metric in QUANTILES and _stays_at_top(one.points)]
    names: dict[Binding, set[str]] = defaultdict(set)
    for one in topped:
        names[one.part.binding].add(one.name)
    if not names:
        return frozenset()
    asked = bounds({binding: sorted(held) for binding, held in names.items()})
    highest = bounds_of((await look.source.query(asked, at=look.window.end)).samples)
    return frozenset(
        one.key
        for one in topped
        if one.movement.current is not None
        and is_at_least(one.movement.current, highest.get((one.part.binding.name, one.name)))
    )


def _stays_at_top(points: Points) -> bool:
    """A quantile among the observations above the last bound is that bound, sample after sample."""
    values = [value for _, value in points]
    return values.count(max(values)) > 1
