"""How far confidence can be believed: what was said against what turned out right. Pure.

The Brier score is the mean square of confidence minus outcome (G. W. Brier, 1950); the expected calibration error is
the mean distance of confidence and share right over equal bins, by how many fall into each (Naeini and others, 2015).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.hypotheses.calibration import Labelled, calibrated
from shared.models.calibration import Curve
from shared.models.feedback import Label

BINS = 10


@dataclass(frozen=True)
class Bin:
    """The predictions of one tenth of the scale; an empty one has neither mean nor share."""

    low: float
    high: float
    n: int
    mean_confidence: float | None
    share_right: float | None


@dataclass(frozen=True)
class Quality:
    """How well a number of predictions did; of none of them nothing is known, which is not the same as zero."""

    n: int
    reliability: tuple[Bin, ...]
    brier: float | None
    constant_brier: float | None
    """Of the best constant: whoever says the share that is right of all, every time."""
    ece: float | None


def shown_of(label: Label, curve: Curve) -> float:
    """The confidence that was shown; where that is not known, what the curve in force would show."""
    return calibrated(label.raw_confidence, curve) if label.confidence is None else label.confidence


def quality_of(predictions: Sequence[Labelled]) -> Quality:
    """The quality of these confidences, each with whether its hypothesis was right."""
    bins = tuple(_bin(at, predictions) for at in range(BINS))
    n = len(predictions)
    if not n:
        return Quality(0, bins, None, None, None)
    rate = sum(right for _, right in predictions) / n
    ece = sum(one.n * abs((one.mean_confidence or 0.0) - (one.share_right or 0.0)) for one in bins) / n
    return Quality(
        n=n,
        reliability=bins,
        brier=round(sum((said - right) ** 2 for said, right in predictions) / n, 4),
        constant_brier=round(rate * (1 - rate), 4),
        ece=round(ece, 4),
    )


def _bin(at: int, predictions: Sequence[Labelled]) -> Bin:
    # The last one has both its ends.
    held = [(said, right) for said, right in predictions if min(BINS - 1, int(said * BINS)) == at]
    n = len(held)
    return Bin(
        low=at / BINS,
        high=(at + 1) / BINS,
        n=n,
        mean_confidence=round(sum(said for said, _ in held) / n, 4) if n else None,
        share_right=round(sum(right for _, right in held) / n, 4) if n else None,
    )
