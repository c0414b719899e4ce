"""Normal windows, cut from what is known to be fault-free: the ranker has to stay silent in them.

A window is as long as the cases' own, is set off by the same alerts, and has only what came before it as its history.
No two windows share a sample after their beginning.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

import numpy as np

from evals.ranking.cases import Case
from evals.ranking.folders import Meta, Recorded, case_of
from evals.ranking.tables import Table

LEAST_HISTORY = 20
HISTORY_SHARE = 0.25
"""The first part of a reference is history to all windows."""
MOST_WINDOWS = 100
"""Of one reference, evenly spread."""
LEAST_SAMPLES = 2
SHORT_SHARE = 3
"""Where there is no reference and the time before the trouble is short, its last third is the window."""


@dataclass(frozen=True)
class Cut:
    """The normal windows of a data set, and in words how they were cut."""

    windows: Sequence[Case]
    how: str


def normal_windows(cases: Sequence[Recorded]) -> Cut:
    """Windows of the references that cases share; of cases without one, of their own time before the trouble."""
    sharing: dict[Path, list[Recorded]] = defaultdict(list)
    for one in cases:
        if one.normal_path is not None:
            sharing[one.normal_path].append(one)
    if sharing:
        windows = [case_of(window) for path in sorted(sharing) for window in _of_reference(sharing[path])]
        return Cut(windows, "from the fault-free reference, as long as the cases', with what came before as history")
    own = [window for one in cases for window in _of_its_past(one)]
    shortened = sum(one.name.endswith(_SHORTENED) for one in own)
    how = "from the time before the trouble"
    return Cut(
        [case_of(one) for one in own], f"{how}, {shortened} of them shorter than the cases'" if shortened else how
    )


_SHORTENED = " (shortened)"


def _of_reference(cases: Sequence[Recorded]) -> list[Recorded]:
    normal = cases[0].normal
    if normal is None:
        return []
    likes, found = cycle(cases), []
    like = next(likes)
    row = max(LEAST_HISTORY, round(len(normal.times) * HISTORY_SHARE))
    while row < len(normal.times):
        began_at = _began_at(like, normal.times[row])
        ends_at = began_at + (like.ends_at - like.meta.inject_time)
        last = int(np.searchsorted(normal.times, ends_at, side="right"))
        rows = normal.times[row:last]
        if not _is_whole(rows, like, ends_at):
            row += 1
            continue
        found.append(_window(like, normal, row=row, last=last, began_at=began_at))
        row, like = last, next(likes)
    return [found[at] for at in _spread(len(found))]


def _began_at(like: Recorded, first: float) -> float:
    """As long before its first sample as the trouble of the case began before its own."""
    times, began = like.table.times, like.meta.inject_time
    return float(first - (times[times >= began][0] - began))


def _is_whole(rows: np.ndarray, like: Recorded, ends_at: float) -> bool:
    """Whether samples follow each other as densely as in the cases, until the end."""
    if len(rows) < LEAST_SAMPLES or ends_at - rows[-1] > 1.5 * like.step:
        return False
    return bool((np.diff(rows) <= 1.5 * like.step).all())


def _window(like: Recorded, normal: Table, *, row: int, last: int, began_at: float) -> Recorded:
    """Rows `row` to `last` as the trouble; before them as much as a case shows, before that the history."""
    shown = int((like.table.times < like.meta.inject_time).sum())
    shown = max(1, min(shown, row - LEAST_HISTORY))
    return replace(
        like,
        name=f"normal window at {began_at:.0f}",
        meta=_meta(like.meta, began_at, began_at + (like.ends_at - like.meta.inject_time)),
        table=normal.part(slice(row - shown, last)),
        normal=normal.part(slice(0, row - shown)),
    )


def _meta(like: Meta, began_at: float, ends_at: float) -> Meta:
    return like.model_copy(
        update={
            "inject_time": began_at,
            "window_end": ends_at,
            "fault": "none",
            "root_service": None,
            "root_services": (),
        }
    )


def _spread(count: int) -> Iterator[int]:
    if count <= MOST_WINDOWS:
        return iter(range(count))
    return iter(int(one) for one in np.linspace(0, count - 1, MOST_WINDOWS).round())


def _of_its_past(one: Recorded) -> list[Recorded]:
    """The last window before the trouble: as long as the trouble's where as much history remains, else shorter."""
    past = one.table.part(one.table.times < one.meta.inject_time)
    length = int(((one.table.times >= one.meta.inject_time) & (one.table.times <= one.ends_at)).sum())
    shortened = len(past.times) < length + max(length, LEAST_HISTORY)
    if shortened:
        length = len(past.times) // SHORT_SHARE
    if length < LEAST_SAMPLES or len(past.times) - length < LEAST_HISTORY:
        return []
    began_at, ends_at = float(past.times[-length]), float(past.times[-1])
    name = f"{one.name} before the trouble{_SHORTENED if shortened else ''}"
    return [replace(one, name=name, meta=_meta(one.meta, began_at, ends_at), table=past, normal=None)]
