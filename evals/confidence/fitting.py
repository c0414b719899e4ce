"""Fits what confidence is made of: the weights of what the ranker and the snapshot say, and the global curve."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from scipy.optimize import minimize

from evals.confidence.cases import Judged
from shared.hypotheses.calibration import fitted
from shared.hypotheses.confidence import START, WEIGHTS, raw_from
from shared.models.calibration import Curve, Origin

FITTED = ("score", "margin", "share", "coverage", "history")
"""What made-up incidents vary. Assertions, checks, contradictions and caps they have none of."""
RIDGE = 1.0
"""How far a weight is expected to lie from 0, as the inverse of a variance: keeps apart what says nearly the same."""


def weights_for(given: Sequence[Judged]) -> Mapping[str, float]:
    """The likeliest start and weights, none of them negative: logistic regression with a ridge."""
    values = np.array([[one.factors[name] for name in FITTED] for one in given])
    right = np.array([one.was_right for one in given], dtype=float)

    def loss(at: np.ndarray) -> tuple[float, np.ndarray]:
        z = at[0] + values @ at[1:]
        off = 1 / (1 + np.exp(-z)) - right
        gradient = np.concatenate([[off.sum()], values.T @ off + RIDGE * at[1:]])
        return float((np.logaddexp(0, z) - right * z).sum() + RIDGE * (at[1:] ** 2).sum() / 2), gradient

    start = np.array([START, *(WEIGHTS[name] for name in FITTED)])
    bounds = [(-10.0, 10.0), *[(0.0, 10.0)] * len(FITTED)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return {name: round(float(one), 2) for name, one in zip(("start", *FITTED), found, strict=True)}


def global_curve(given: Sequence[Judged], *, ranker_version: str | None, now: datetime) -> Curve:
    """The curve that ships, fitted to these with the weights as they are."""
    pairs = [(raw_from(one.factors), one.was_right) for one in given]
    return fitted(pairs, origin=Origin.GLOBAL, near=None, ranker_version=ranker_version, now=now)
