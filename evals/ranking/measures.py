"""How often the right service stands where, and between what bounds that is known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DEPTH = 5
RESAMPLES = 2000
SEED = 20240607
"""Of the bootstrap: the same outcomes always give the same interval."""


@dataclass(frozen=True)
class Estimate:
    """A mean, and the 95 % interval of a percentile bootstrap over the cases."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Places:
    """Of so many cases: right at first place, among three, and Avg@5, the mean of top-1 to top-5."""

    n: int
    top1: Estimate
    top3: Estimate
    avg5: Estimate


def estimate(values: Sequence[float]) -> Estimate:
    """The mean of values of cases; raises ValueError without any."""
    if not values:
        raise ValueError("nothing was measured")
    found = np.asarray(values, dtype=float)
    drawn = np.random.default_rng(SEED).integers(0, len(found), (RESAMPLES, len(found)))
    low, high = np.percentile(found[drawn].mean(axis=1), [2.5, 97.5])
    return Estimate(float(found.mean()), float(low), float(high), len(found))


def places_of(places: Sequence[int | None]) -> Places:
    """From the place of the truth in each case, 1 for the first, None where it is not among the suspects."""
    return Places(
        n=len(places),
        top1=estimate([float(top(place, 1)) for place in places]),
        top3=estimate([float(top(place, 3)) for place in places]),
        avg5=estimate([sum(top(place, depth) for depth in range(1, DEPTH + 1)) / DEPTH for place in places]),
    )


def top(place: int | None, depth: int) -> bool:
    """Whether the truth is among the first so many."""
    return place is not None and place <= depth
