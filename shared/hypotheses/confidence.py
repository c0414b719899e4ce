"""How likely each hypothesis is to be right: computed from what was found and checked, never asked of the model.

The raw confidence is a logistic of named factors. Each adds its weight, in log odds, times its value:

    raw = 1 / (1 + exp(-(START + sum(weight * value))))

`confidence_factors` shows each product and `raw`; `calibrated` then makes a probability of it.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import median

from shared.hypotheses.calibration import calibrated, shipped, sigmoid
from shared.hypotheses.discriminate import next_query, sentence
from shared.models.calibration import Curve
from shared.models.evidence import SeriesEvidence
from shared.models.hypotheses import RAW, CheckVerdict, Conclusion, Hypothesis, HypothesisSet
from shared.models.measures import Baseline
from shared.models.snapshots import SnapshotBody

START = -2.5
WEIGHTS: Mapping[str, float] = {
    # Fitted to made-up incidents by `python -m evals calibrate --weights`, rounded.
    "score": 1.0,
    "margin": 4.0,
    "share": 2.8,
    "coverage": 0.4,
    # Set by judgement, as log likelihood ratios. Of history the fit says nothing, as the ranker allows for it itself;
    # for the rest there is nothing yet to fit them to. A right hypothesis' check comes out as predicted about twice
    # as often as a wrong one's, and goes against it a third as often.
    "history": 0.2,
    "verified": 0.6,
    "supported": 0.8,
    "refuted": -1.2,
    "contradicting": -0.2,
    "caps": -0.8,
}
"""In log odds. The sign of each is fixed, so that what speaks for a hypothesis never lowers it."""
MOST_COUNTED = 3
"""Of checks, contradictions and caps: more of a kind say hardly more."""
LONG_HISTORY = 60
"""From this many samples on a baseline is as good as it gets."""
SHORT_TERM = 0.8
"""What the time just before says of what is normal, against the same hour of earlier days."""
UNNAMED = 0.25
"""The score of the suspect that nobody named: alone with it, a faint one is not certain."""
UNKNOWN_COVERAGE = 0.5

LIKELY_FROM = 0.4
"""Below this the best hypothesis is rather wrong than right by some way: the answer is inconclusive."""
TOLD_APART_FROM = 0.06
"""Two services whose confidence lies closer than this cannot be told apart."""


def confident(found: HypothesisSet, body: SnapshotBody, curve: Curve | None = None) -> HypothesisSet:
    """The same answer in the same order, with the confidence of each hypothesis; inconclusive where none is likely
    enough or two cannot be told apart. `curve` is the tenant's own; None is the shipped one.
    """
    curve = curve or shipped()
    judged = tuple(_judged(one, found.hypotheses, body, curve) for one in found.hypotheses)
    steps = found.next_steps
    if found.next_query is not None:
        # Of the answer before the model was asked; the suspects may be others now.
        steps = tuple(step for step in steps if step != sentence(found.next_query))
    conclusion, asked = found.conclusion, None
    if judged and conclusion in (Conclusion.RANKED, Conclusion.INCONCLUSIVE):
        conclusion = Conclusion.INCONCLUSIVE if is_inconclusive(judged) else Conclusion.RANKED
        asked = next_query(body, judged) if conclusion is Conclusion.INCONCLUSIVE else None
    return found.model_copy(
        update={
            "hypotheses": judged,
            "conclusion": conclusion,
            "next_query": asked,
            "next_steps": (sentence(asked), *steps) if asked else steps,
            "calibration": curve.version,
        }
    )


def is_inconclusive(judged: Sequence[Hypothesis]) -> bool:
    """Whether the best is not likely enough, or another service is as likely as it."""
    best: dict[str, float] = {}
    for one in judged:
        best[one.suspected_service] = max(best.get(one.suspected_service, 0.0), one.confidence or 0.0)
    first, *others = sorted(best.values(), reverse=True)
    return first < LIKELY_FROM or bool(others and first - others[0] < TOLD_APART_FROM)


def factors_of(one: Hypothesis, beside: Sequence[Hypothesis], body: SnapshotBody) -> dict[str, float]:
    """The value of each factor, before its weight."""
    others = {other.suspected_service: 0.0 for other in beside if other.suspected_service != one.suspected_service}
    for other in beside:
        if other.suspected_service in others:
            others[other.suspected_service] = max(others[other.suspected_service], other.score)
    rivals = sum(others.values())
    held, asserted = one.verified
    verdicts = [check.verdict for check in one.checks]
    return {
        "score": one.score,
        "margin": one.score - max(others.values(), default=0.0),
        "share": one.score / (one.score + rivals + UNNAMED),
        "coverage": body.coverage.share if body.coverage else UNKNOWN_COVERAGE,
        "history": _history(one, body),
        # Nothing asserted says nothing either way.
        "verified": 2 * held / asserted - 1 if asserted else 0.0,
        "supported": _counted(verdicts.count(CheckVerdict.SUPPORTED)),
        "refuted": _counted(verdicts.count(CheckVerdict.REFUTED)),
        "contradicting": _counted(len(one.contradicting)),
        "caps": _counted(len(one.caps)),
    }


def raw_from(values: Mapping[str, float]) -> float:
    """The raw confidence of these factors."""
    return round(sigmoid(START + sum(WEIGHTS[name] * value for name, value in values.items())), 4)


def _judged(one: Hypothesis, beside: Sequence[Hypothesis], body: SnapshotBody, curve: Curve) -> Hypothesis:
    values = factors_of(one, beside, body)
    raw = raw_from(values)
    parts = {name: round(WEIGHTS[name] * value, 4) for name, value in values.items() if value}
    shown = parts | {"start": START, RAW: raw}
    return one.model_copy(update={"confidence": round(calibrated(raw, curve), 4), "confidence_factors": shown})


def _history(one: Hypothesis, body: SnapshotBody) -> float:
    """How much is known of what is normal for the series that it cites, 0 to 1."""
    cited = [piece for piece in body.evidence() if isinstance(piece, SeriesEvidence) and piece.id in one.supporting]
    known = [
        min(1.0, math.log1p(piece.movement.baseline_samples) / math.log1p(LONG_HISTORY))
        * (1.0 if piece.movement.baseline is Baseline.SAME_HOUR else SHORT_TERM)
        for piece in cited
    ]
    return median(known) if known else 0.0


def _counted(number: int) -> float:
    return float(min(MOST_COUNTED, number))
