"""From raw confidence to a probability: Platt's curve, the shipped one or a tenant's own, and how it is fitted.

J. Platt, "Probabilistic outputs for support vector machines" (1999): the logit of the probability is a straight line
in the score. Two numbers can be fitted to 200 labels; isotonic steps want a thousand (Niculescu-Mizil and Caruana,
"Predicting good probabilities with supervised learning", 2005), and would make equal what the ranking tells apart.
"""

import json
import math
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from shared.models.calibration import LABELS_FOR_OWN, Curve, Origin
from shared.models.feedback import Label

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SHIPPED = Path(__file__).with_name("calibration.json")
LEAST, MOST = 0.01, 0.99
"""No answer is certain."""
DOUBT = 1.0
"""How far, in standard deviations, intercept and slope are expected to lie from the curve fitted before: labels that
are all alike, or all of one confidence, then give a curve all the same."""

Labelled = tuple[float, bool]
"""A raw confidence, and whether the hypothesis was right."""


@cache
def shipped() -> Curve:
    """The curve that is in force until a tenant has its own."""
    return Curve.model_validate(json.loads(SHIPPED.read_text(encoding="utf-8")))


def calibrated(raw: float, curve: Curve) -> float:
    """The probability that a hypothesis of this raw confidence is right: never 0 or 1, and never in another order."""
    return min(MOST, max(LEAST, sigmoid(curve.intercept + curve.slope * logit(raw))))


def own_curve(labels: Sequence[Label], *, ranker_version: str | None, now: datetime) -> Curve | None:
    """A tenant's curve; None below LABELS_FOR_OWN. It starts from the shipped one and follows the labels."""
    if len(labels) < LABELS_FOR_OWN:
        return None
    given = [(one.raw_confidence, one.was_right) for one in labels]
    return fitted(given, origin=Origin.TENANT, near=shipped(), ranker_version=ranker_version, now=now)


def fitted(
    given: Sequence[Labelled], *, origin: Origin, near: Curve | None, ranker_version: str | None, now: datetime
) -> Curve:
    """The likeliest curve for these labels that is not far from `near`, or from one that changes nothing."""
    # Heavy, and wanted once a day: see decision 16.
    import numpy as np
    from scipy.optimize import minimize

    given = sorted(given)
    line = np.array([logit(raw) for raw, _ in given])
    right = np.array([was_right for _, was_right in given], dtype=float)
    start = np.array([near.intercept, near.slope] if near else [0.0, 1.0])

    def loss(at: "Floats") -> tuple[float, "Floats"]:
        away = (at - start) / DOUBT
        z = at[0] + at[1] * line
        off = 1 / (1 + np.exp(-z)) - right
        gradient = np.array([off.sum(), (off * line).sum()]) + away / DOUBT
        return float((np.logaddexp(0, z) - right * z).sum() + (away**2).sum() / 2), gradient

    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(-20, 20), (0.05, 20)]).x
    return Curve(
        origin=origin,
        intercept=round(float(found[0]), 6),
        slope=round(float(found[1]), 6),
        n=len(given),
        version=_version(origin, given, ranker_version),
        ranker_version=ranker_version,
        fitted_at=now,
    )


def _version(origin: Origin, given: Sequence[Labelled], ranker_version: str | None) -> str:
    said = json.dumps([ranker_version, [[round(raw, 6), right] for raw, right in given]])
    return f"{origin.value}-{sha256(said.encode()).hexdigest()[:12]}"


def logit(share: float) -> float:
    """The log odds of a share that is held off 0 and 1."""
    held = min(0.999, max(0.001, share))
    return math.log(held / (1 - held))


def sigmoid(at: float) -> float:
    """The share with these log odds."""
    return 1 / (1 + math.exp(-at)) if at >= 0 else math.exp(at) / (1 + math.exp(at))
