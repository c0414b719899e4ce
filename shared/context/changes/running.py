"""When one version took the place of another, by the times at which each was seen. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

Seen = Mapping[str, Sequence[float]]
"""By version: the times at which it was running, ascending."""

MISSED = 2.5
"""So many steps without a sample are more than a scrape that was lost."""


@dataclass(frozen=True)
class Grid:
    """At which times samples were asked for: seldom before `fine_from`, and often from then on."""

    fine_from: float
    fine_step: float
    coarse_step: float

    def step_before(self, at: float) -> float:
        """How long before this sample the one before it was."""
        return self.fine_step if at > self.fine_from else self.coarse_step

    def is_broken(self, earlier: float, later: float) -> bool:
        """Whether something that was seen at both times was gone in between."""
        return later - earlier > MISSED * (self.fine_step if earlier >= self.fine_from else self.coarse_step)


class Run(NamedTuple):
    """A stretch of time in which a version ran."""

    start: float
    end: float
    version: str


@dataclass(frozen=True)
class Turn:
    """A version that came. It did so at most `uncertain` seconds before `at`, when it was first seen."""

    at: float
    version: str
    previous: str | None
    is_back: bool
    """Whether it is an earlier one than that which it replaced."""
    uncertain: float


def turns(seen: Seen, grid: Grid) -> list[Turn]:
    """The versions that appeared where another had run before.

    A restart of the same version is none, nor is one that went unseen for a while when none took its place.
    """
    runs = runs_of(seen, grid)
    first = {version: times[0] for version, times in seen.items() if times}
    begins = min(first.values(), default=0.0)
    found = []
    for run in runs:
        if run.start == begins:
            continue
        before = [one for one in runs if one.version == run.version and one.end < run.start]
        others = [one for one in runs if one.version != run.version and one.start < run.start]
        if before and not any(one.start > before[-1].start for one in others):
            continue
        previous = _previous(seen, run)
        is_back = bool(before) and previous is not None and first[previous] > first[run.version]
        found.append(Turn(run.start, run.version, previous, is_back, grid.step_before(run.start)))
    return found


def withdrawn(seen: Seen, grid: Grid) -> list[Turn]:
    """Where a newer one went and an older one, which had stayed, remained: it was taken back half-way."""
    runs = runs_of(seen, grid)
    ends = max((run.end for run in runs), default=0.0)
    found = []
    for run in runs:
        if not grid.is_broken(run.end, ends):
            continue
        stayed = [one for one in runs if one.start < run.start and one.end > run.end and one.version != run.version]
        newer = [one for one in runs if run.start < one.start and not grid.is_broken(run.end, one.start)]
        if stayed and not newer:
            step = grid.fine_step if run.end >= grid.fine_from else grid.coarse_step
            found.append(Turn(run.end + step, stayed[-1].version, run.version, is_back=True, uncertain=step))
    return found


def runs_of(seen: Seen, grid: Grid) -> list[Run]:
    """Every stretch of time in which a version was seen without a break, by its start."""
    return sorted(run for version, times in seen.items() for run in _runs(version, times, grid))


def _runs(version: str, times: Sequence[float], grid: Grid) -> Iterable[Run]:
    if not times:
        return
    start = end = times[0]
    for at in times[1:]:
        if grid.is_broken(end, at):
            yield Run(start, end, version)
            start = at
        end = at
    yield Run(start, end, version)


def _previous(seen: Seen, run: Run) -> str | None:
    """The version that ended as this one began: the last that ran before it, and of those the first to go."""
    last_before = {
        name: max((time for time in times if time < run.start), default=None)
        for name, times in seen.items()
        if name != run.version
    }
    running = {name: last for name, last in last_before.items() if last is not None}
    return min(running, key=lambda name: (-running[name], seen[name][-1], name), default=None)
