"""How a series moved against its own baseline, and since when. Pure: points in, a movement out.

An alert fires some time after its trouble began, so the baseline must end where the series changes, which is
looked for (a two-segment fit) rather than taken from the alert's start.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate
from statistics import fmean, median, pstdev

from shared.models.measures import Direction, Metric, Movement

DEPARTS_FROM = 3.0
"""Beyond this many spreads a sample has departed from the baseline."""
MAX_SCORE = 6.0
ENOUGH_SAMPLES = 10
FLOORS = {Metric.REQUEST_RATE: 0.1, Metric.ERROR_RATIO: 0.005, Metric.LATENCY_P95: 0.001}
"""A spread below this is measuring the instrument, not the service."""
_FEWEST = 3
_RUN, _OF_RUN = 4, 3
_SHARE_OF_RUN = _OF_RUN / _RUN
_CLIP = 6.0


def movement_of(
    points: Sequence[tuple[float, float]], *, metric: Metric, reference: datetime, smear_samples: int = 1
) -> Movement:
    """The movement of a series; `smear_samples` is how many samples one burst shows up in."""
    finite = sorted((at, value) for at, value in points if math.isfinite(value))
    times, values = [at for at, _ in finite], [value for _, value in finite]
    floor = FLOORS[metric]
    before = bisect_right(times, reference.timestamp())
    known = _baseline_end(values, before, floor=floor, smear=smear_samples)
    if not known:
        return Movement(
            baseline_median=None,
            baseline_spread=None,
            baseline_samples=0,
            current=median(values) if values else None,
        )
    middle, spread = _centre(values[:known], floor, smear_samples)
    signs = [_sign(value, middle, spread) for value in values]
    onset, sign = _departure(signs, known=known, before=before, smear=smear_samples)
    if onset is None:
        later = values[known:] or values
        return Movement(baseline_median=middle, baseline_spread=spread, baseline_samples=known, current=median(later))
    # The score asks how far it went; what people are told is where it is now, as a rule.
    extreme = _quantile(values[onset:], 0.9 if sign > 0 else 0.1)
    return Movement(
        baseline_median=middle,
        baseline_spread=spread,
        baseline_samples=known,
        current=median(values[onset:]),
        score=score_of(extreme, middle, spread),
        direction=Direction.UP if sign > 0 else Direction.DOWN,
        onset_at=datetime.fromtimestamp(times[onset], UTC),
    )


def ceased(moved: Movement, at: datetime) -> Movement:
    """The movement of a series that was there and then stopped: down since then, to a value nobody measured."""
    if moved.baseline_median is None or moved.baseline_spread is None or moved.direction is Direction.DOWN:
        return moved
    score = score_of(0.0, moved.baseline_median, moved.baseline_spread)
    return moved.model_copy(update={"current": None, "score": score, "direction": Direction.DOWN, "onset_at": at})


def score_of(current: float, middle: float, spread: float) -> float:
    """The logarithm of the robust deviations, capped: past a point, more says no more."""
    return min(MAX_SCORE, math.log1p(abs(current - middle) / spread))


def _baseline_end(values: Sequence[float], before: int, *, floor: float, smear: int) -> int:
    """How many samples, from the first, are normal; `before` of them are not later than the reference."""
    head = values[: before + smear + _FEWEST]
    split = _best_split(head, floor, smear)
    if split is not None:
        # The fit lands inside the smear, so the last samples before it may have moved already.
        end = max(_FEWEST, split - smear - 1)
        middle, spread = _centre(head[:end], floor, smear)
        if abs(median(head[split:]) - middle) > DEPARTS_FROM * spread:
            return end
    return before - before // 4


def _best_split(values: Sequence[float], floor: float, smear: int) -> int | None:
    """Where two constant levels fit the series best, by least squares on clipped values."""
    fewest_before = _FEWEST + smear
    if len(values) < fewest_before + _FEWEST:
        return None
    middle, spread = _centre(values, floor, smear)
    scaled = [max(-_CLIP, min(_CLIP, (value - middle) / spread)) for value in values]
    sums = list(accumulate(scaled))
    total, count = sums[-1], len(scaled)

    def gain(split: int) -> float:
        left = sums[split - 1] / split
        right = (total - sums[split - 1]) / (count - split)
        return split * (count - split) * (left - right) ** 2

    return max(range(fewest_before, count - _FEWEST + 1), key=gain)


def _centre(values: Sequence[float], floor: float, smear: int) -> tuple[float, float]:
    """Median and robust spread; few samples widen the spread, as they say little about what is normal.

    Samples that share their rate window say the same thing, so only every `smear`-th of them counts as one.
    """
    middle = median(values)
    spread = max(
        (_quantile(values, 0.75) - _quantile(values, 0.25)) / 1.349,
        median(abs(value - middle) for value in values),
        # Rare bursts that quartiles do not see: what one sample in twenty reaches is no departure.
        max(_quantile(values, 0.95) - middle, middle - _quantile(values, 0.05)) / 2,
        0.1 * pstdev(values, fmean(values)),
        0.005 * abs(middle),
        floor,
    )
    return middle, spread * (1 + max(0.0, ENOUGH_SAMPLES - len(values) / smear) / 5)


def _sign(value: float, middle: float, spread: float) -> int:
    away = (value - middle) / spread
    return (away > DEPARTS_FROM) - (away < -DEPARTS_FROM)


def _departure(signs: Sequence[int], *, known: int, before: int, smear: int) -> tuple[int | None, int]:
    """The first sample of the first sustained departure, and its direction. It may reach back into the baseline."""
    first = known
    while first > 0 and any(signs[max(0, first - _RUN) : first]):
        first -= 1
    for at in range(first, len(signs)):
        # What begins after the alert has to last; before it, the alert itself says that it did.
        whole = at < before or at + smear + _RUN <= len(signs)
        if signs[at] and whole and _is_sustained(signs, at, smear):
            return at, signs[at]
    return None, 0


def _is_sustained(signs: Sequence[int], at: int, smear: int) -> bool:
    """Three of four samples, and as many of the longer run that a single burst could not fill."""
    run = [sign == signs[at] for sign in signs[at : at + _RUN]]
    longer = [sign == signs[at] for sign in signs[at : at + smear + _RUN]]
    return sum(run) >= _OF_RUN and sum(longer) >= _SHARE_OF_RUN * len(longer)


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
