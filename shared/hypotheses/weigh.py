"""How far each series departed from what is normal for it: signed, robustly scaled, whatever its unit.

Everything is computed for many series at once; of series that differ in length, those alike in size go together.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.hypotheses.observation import Observation, ObservedSeries, SeriesKind, Weighed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Places = NDArray[np.intp]

POST_QUANTILE = 0.75
"""A fault may fill as little as a quarter of the window; more than that of it is rather an outlier."""
FULL_STRENGTH_Z = 150.0
"""As many deviations are as clear as it gets; beyond, size says nothing."""
NEVER_BEFORE_Z = 20.0
"""Of what was never anything but the same nobody knows how large a change is large."""
SHORT_HISTORY = 10.0
"""With as few samples the scale is twice as wide: what is usual is not yet known."""
SPARSE = 5.0
"""With as many samples of what is normal, half of the surprise counts."""
NORMAL_SHARE = 0.1
"""What normal reaches in this share of its samples is no evidence."""
FLOOR = 0.005
"""The least scale, as a share of what is usual."""
LOCAL_FLOOR = 0.02
"""Of what a service runs on: a few percent more of it hurt nobody."""
LOCAL = frozenset({SeriesKind.CPU, SeriesKind.MEMORY, SeriesKind.DISK, SeriesKind.NETWORK, SeriesKind.NODE})
BY_CHANCE = 0.01
"""As rarely are that many samples missing in a row while all is well."""
GONE_STRENGTH = 0.8
RECENT_SAMPLES = 30
MAX_SAMPLES = 4096
MOST = 1e100
ONSET_SCALES = 3.0
DOWN_IS_BAD = frozenset({SeriesKind.AVAILABILITY, SeriesKind.CALLS_MADE})
EITHER_IS_ODD = frozenset({SeriesKind.TRAFFIC, SeriesKind.OTHER})


def weigh(observation: Observation, series: Sequence[ObservedSeries]) -> list[Weighed]:
    """Weigh series; those are left out of which there are no samples to compare."""
    windows = _Windows(observation)
    alike: dict[int, list[tuple[ObservedSeries, Parts]]] = defaultdict(list)
    for one in series:
        parts = _parts(windows, one)
        before, _, after, _ = parts
        if len(before) and len(after):
            alike[max(len(before), len(after)).bit_length()].append((one, parts))
    return [weighed for some in alike.values() for weighed in _weigh_alike(some)]


def gone(observation: Observation) -> dict[str, Weighed]:
    """Services of which everything was measured, and nothing is since the trouble began, although others are."""
    import numpy as np

    windows, own = _Windows(observation), defaultdict(list)
    for one in observation.series:
        if one.peer is None and len(windows.of(one).inside):
            own[one.service].append(one)
    found: dict[str, Weighed] = {}
    for service, series in own.items():
        if any(np.isfinite(one.values[windows.of(one).inside]).any() for one in series):
            continue
        parts = [_parts(windows, one) for one in series]
        before = max((part for part, _, _, _ in parts), key=lambda part: int(np.isfinite(part).sum()))
        missed = 1.0 - float(np.isfinite(before).mean()) if len(before) else 1.0
        first = min(float(when[0]) for _, _, _, when in parts)
        if missed ** min(len(when) for _, _, _, when in parts) <= BY_CHANCE and len(before) >= SHORT_HISTORY:
            found[service] = Weighed(series[0], 1.0, 0.0, 1.0, NEVER_BEFORE_Z, 1.0, GONE_STRENGTH, False, first)
    return found if len(found) < len(own) else {}


Parts = tuple["Floats", "Floats", "Floats", "Floats"]


@dataclass(frozen=True)
class _Window:
    """Seconds since the beginning, and the places of samples clearly before it, just before, and since."""

    since: "Floats"
    clearly_before: "Places"
    before: "Places"
    inside: "Places"


class _Windows(dict[bytes, _Window]):
    """Which samples came before the trouble and which in it; series that share their times are looked at once."""

    def __init__(self, observation: Observation) -> None:
        super().__init__()
        self._seen = observation

    def of(self, one: ObservedSeries) -> _Window:
        """The window of a series."""
        when = one.times.tobytes()
        if when not in self:
            self[when] = self._split(one.times)
        return self[when]

    def _split(self, times: "Floats") -> _Window:
        import numpy as np

        since = np.asarray(times, dtype=float) - self._seen.began_at
        inside = (since >= 0) & (since <= self._seen.ends_at - self._seen.began_at)
        # A sample tells of the step that follows it, so the last before the beginning may show the trouble already.
        masks = (since <= -self._seen.step, since < 0, inside)
        return _Window(since, *(np.flatnonzero(mask)[-MAX_SAMPLES:] for mask in masks))


def _parts(windows: _Windows, one: ObservedSeries) -> Parts:
    """All that is normal, the latest of it, what came since the trouble began, and when."""
    import numpy as np

    window = windows.of(one)
    local = one.values[window.clearly_before]
    if not np.isfinite(local).any():
        local = one.values[window.before]
    normal = np.concatenate([one.earlier[-MAX_SAMPLES:], local])
    return normal, local[-RECENT_SAMPLES:], one.values[window.inside], window.since[window.inside]


def _weigh_alike(some: list[tuple[ObservedSeries, Parts]]) -> list[Weighed]:
    """The numbers of many series at once, a row each."""
    import numpy as np

    tables = [_padded([parts[part] for _, parts in some]) for part in range(4)]
    both = np.flatnonzero(np.isfinite(tables[0]).any(axis=1) & np.isfinite(tables[2]).any(axis=1))
    before, recent, after, when = (table[both] for table in tables)
    series = [some[at][0] for at in both]
    if not series:
        return []
    sign = _signs(series, before, after)
    unsorted = sign * after
    before, recent, after = (np.sort(sign * part, axis=1) for part in (before, recent, after))
    counts = np.isfinite(before).sum(axis=1)
    middle, latest = quantile(before, 0.5), quantile(recent, 0.5)
    floor = np.array([LOCAL_FLOOR if one.kind in LOCAL else FLOOR for one in series])
    scale = _scale(before, middle, floor) * (1.0 + SHORT_HISTORY / counts)
    current = quantile(after, POST_QUANTILE)
    usual = np.where(np.isfinite(latest), np.maximum(middle, latest), middle)
    change = np.maximum(current - usual, 0.0)
    z = np.where(scale > 0, change / np.where(scale > 0, scale, 1.0), np.where(change > 0, NEVER_BEFORE_Z, 0.0))
    reached = (before >= current[:, None]).sum(axis=1) / counts
    rarity = counts / (counts + SPARSE) * np.clip(1.0 - reached / NORMAL_SHARE, 0.0, 1.0)
    strength = rarity * np.minimum(1.0, np.log1p(z) / np.log1p(FULL_STRENGTH_Z))
    off = unsorted > (usual + np.minimum(ONSET_SCALES * scale, 0.5 * change))[:, None]
    onset = np.where(off.any(axis=1), when[np.arange(len(series)), off.argmax(axis=1)], np.nan)
    bad = sign[:, 0]
    numbers = np.stack([bad * usual, bad * current, change, z, rarity, strength, bad, onset], axis=1)
    return [_weighed(one, row) for one, row in zip(series, numbers.tolist(), strict=True)]


def _weighed(series: ObservedSeries, row: Sequence[float]) -> Weighed:
    normal, current, change, z, rarity, strength, bad, onset = row
    return Weighed(
        series=series,
        normal=normal,
        current=current,
        change=change,
        z=z,
        rarity=rarity,
        strength=strength,
        goes_up=bad > 0,
        onset=onset if change > 0 and math.isfinite(onset) else None,
    )


def _padded(rows: Sequence["Floats"]) -> "Floats":
    import numpy as np

    width = max([1, *(len(row) for row in rows)])
    table = np.full((len(rows), width), np.nan)
    for at, row in enumerate(rows):
        table[at, : len(row)] = row
    # What no instrument measures, and would overflow when squared, was not taken.
    table[~(np.abs(table) < MOST)] = np.nan
    return table


def quantile(ordered: "Floats", share: float) -> "Floats":
    """A quantile of each ascending row; NaNs are at its end, and are the answer where there is nothing else."""
    import numpy as np

    counts = np.isfinite(ordered).sum(axis=1)
    place = share * np.maximum(counts - 1, 0)
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, np.maximum(counts - 1, 0))
    rows = np.arange(len(ordered))
    below, above = ordered[rows, low], ordered[rows, high]
    return np.asarray(below + (above - below) * (place - low))


def _signs(series: Sequence[ObservedSeries], before: "Floats", after: "Floats") -> "Floats":
    """-1 where down is bad, and where what is odd either way went down."""
    import numpy as np

    down = np.array([one.kind in DOWN_IS_BAD for one in series])
    either = np.array([one.kind in EITHER_IS_ODD for one in series])
    if either.any():
        falls = quantile(np.sort(after, axis=1), 0.5) < quantile(np.sort(before, axis=1), 0.5)
        down = down | (either & falls)
    return np.where(down, -1.0, 1.0)[:, None]


def _scale(before: "Floats", middle: "Floats", floor: "Floats") -> "Floats":
    """The largest of four robust spreads, so that a series that hardly ever moves does not make a wobble a giant."""
    import numpy as np

    width = (quantile(before, 0.75) - quantile(before, 0.25)) / 1.349
    away = np.abs(before - middle[:, None])
    deviation = quantile(np.sort(away, axis=1), 0.5)
    counts = np.isfinite(before).sum(axis=1)
    # Summed in ascending order, so that the order of samples and columns decides nothing.
    spread = np.sqrt(np.nansum(away**2, axis=1) / counts)
    return np.asarray(np.maximum.reduce([width, deviation, 0.1 * spread, floor * np.abs(middle)]))
