"""How a series moved against its own baseline, and since when. Pure: points in, a movement out.

An alert fires some time after its trouble began, so the baseline must end where the series changes, which is
looked for (a two-segment fit) rather than taken from the alert's start.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate
from math import fsum
from statistics import NormalDist, median

from shared.models.measures import Direction, Metric, Movement

DEPARTS_FROM = 3.0
"""Beyond this many spreads a sample has departed from the baseline."""
LEAVES_FROM = 1.5
"""Beyond this many spreads a sample that leads to a departure is part of it."""
MAX_SCORE = 6.0
ENOUGH_SAMPLES = 10
FLOORS = {
    Metric.REQUEST_RATE: 0.1,
    Metric.ERROR_RATIO: 0.005,
    Metric.LATENCY_P50: 0.001,
    Metric.LATENCY_P95: 0.001,
    Metric.LATENCY_P99: 0.001,
    Metric.SATURATION: 0.02,
}
"""A spread below this is measuring the instrument, not the service."""
_FEWEST = 3
_RUN, _OF_RUN = 4, 3
_SHARE_OF_RUN = _OF_RUN / _RUN
_CLIP = 6.0
_NORMAL = NormalDist()


def movement_of(
    points: Sequence[tuple[float, float]],
    *,
    metric: Metric,
    reference: datetime,
    smear_samples: int = 1,
    floor: float = 0.0,
) -> Movement:
    """The movement of a series; `smear_samples` is how many samples one burst shows up in, `floor` what its spread is
    known to be at least, beside that of its metric.
    """
    finite = sorted((at, value) for at, value in points if math.isfinite(value))
    times, values = [at for at, _ in finite], [value for _, value in finite]
    floor = max(FLOORS[metric], floor)
    before = bisect_right(times, reference.timestamp())
    known = _baseline_end(values, before, floor=floor, smear=smear_samples)
    if not known:
        now = median(values) if values else None
        return Movement(baseline_median=None, baseline_spread=None, baseline_samples=0, current=now)
    middle, spread = centre(values[:known], floor, smear_samples)
    signs = [_sign(value, middle, spread) for value in values]
    departed, sign = _departure(signs, known=known, before=before, smear=smear_samples)
    if departed is None:
        later = values[known:] or values
        return Movement(baseline_median=middle, baseline_spread=spread, baseline_samples=known, current=median(later))
    onset = _began(values, departed, sign=sign, middle=middle, spread=spread)
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
    if moved.baseline_median is None or moved.baseline_spread is None:
        return moved
    if moved.direction is Direction.DOWN and moved.onset_at is not None:
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
        middle, spread = centre(head[:end], floor, smear)
        if abs(median(head[split:]) - middle) > DEPARTS_FROM * spread:
            return end
    return before - before // 4


def _best_split(values: Sequence[float], floor: float, smear: int) -> int | None:
    """Where two constant levels fit the series best, by least squares on clipped values."""
    fewest_before = _FEWEST + smear
    if len(values) < fewest_before + _FEWEST:
        return None
    middle, spread = centre(values, floor, smear)
    scaled = [max(-_CLIP, min(_CLIP, (value - middle) / spread)) for value in values]
    sums = list(accumulate(scaled))
    total, count = sums[-1], len(scaled)

    def gain(split: int) -> float:
        left = sums[split - 1] / split
        right = (total - sums[split - 1]) / (count - split)
        return split * (count - split) * (left - right) ** 2

    return max(range(fewest_before, count - _FEWEST + 1), key=gain)


def centre(values: Sequence[float], floor: float, smear: int) -> tuple[float, float]:
    """Median and robust spread; few samples widen the spread, as they say little about what is normal.

    Samples that share their rate window say the same thing, so only every `smear`-th of them counts as one.
    """
    ordered = sorted(values)
    middle = _place(ordered, 0.5)
    # Rare bursts that quartiles do not see: what one sample in twenty reaches is no departure. A single burst, which
    # `smear` samples show, says nothing of what is usual.
    rare = min(0.25, max(0.05, (smear + 1) / len(ordered)))
    low, high = _place(ordered, rare), _place(ordered, 1 - rare)
    held = [min(high, max(low, value)) for value in ordered]
    mean = fsum(held) / len(held)
    spread = max(
        (_place(ordered, 0.75) - _place(ordered, 0.25)) / 1.349,
        _place(sorted(abs(value - middle) for value in ordered), 0.5),
        max(high - middle, middle - low) / _halves(rare),
        0.1 * math.sqrt(fsum((value - mean) ** 2 for value in held) / len(held)),
        0.005 * abs(middle),
        floor,
    )
    return middle, spread * (1 + max(0.0, ENOUGH_SAMPLES - len(values) / smear) / 5)


def _halves(rare: float) -> float:
    """By what to divide how far that share of samples goes: 2 for one in twenty, and as much for others of normal
    noise.
    """
    return 2 * _NORMAL.inv_cdf(1 - rare) / _NORMAL.inv_cdf(0.95)


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


def _began(values: Sequence[float], departed: int, *, sign: int, middle: float, spread: float) -> int:
    """Where the way to a departure began: what rises slowly has left the middle before it is far from it."""
    first = departed
    while first > 0 and LEAVES_FROM * spread < (values[first - 1] - middle) * sign < (values[first] - middle) * sign:
        first -= 1
    return first


def _is_sustained(signs: Sequence[int], at: int, smear: int) -> bool:
    """Three of four samples, and as many of the longer run that a single burst could not fill."""
    run = [sign == signs[at] for sign in signs[at : at + _RUN]]
    longer = [sign == signs[at] for sign in signs[at : at + smear + _RUN]]
    return sum(run) >= _OF_RUN and sum(longer) >= _SHARE_OF_RUN * len(longer)


def _quantile(values: Sequence[float], share: float) -> float:
    return _place(sorted(values), share)


def _place(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
