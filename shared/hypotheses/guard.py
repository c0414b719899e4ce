"""What stands between hostile telemetry and an answer: before a model is asked, and after it has answered. Pure."""

from collections.abc import Iterator
from dataclasses import replace

from shared.hypotheses.caps import Cap, capped, caps_of
from shared.hypotheses.facts import services_of
from shared.hypotheses.fences import echoes
from shared.hypotheses.index import EvidenceIndex
from shared.hypotheses.material import FAILS_FROM
from shared.hypotheses.proposal import ModelHypotheses
from shared.hypotheses.saying import said_plainly
from shared.hypotheses.verify import Verified
from shared.hypotheses.wording import plain
from shared.models.evidence import (
    AlertEvidence,
    EdgeEvidence,
    Evidence,
    ExpressionEvidence,
    LimitEvidence,
    RelatedEvidence,
    SeriesEvidence,
    SloEvidence,
)
from shared.models.hypotheses import Held, Hypothesis, HypothesisSet
from shared.models.measures import Pressure
from shared.models.signals import AlertStatus
from shared.models.snapshots import SnapshotBody
from shared.ports.model import Prompt

EVIDENCE_FLAGGED = "evidence_flagged"
"""The reason of an answer that no model was asked for, as the snapshot holds text that speaks to one."""
ANSWER_FLAGGED = "answer_flagged"
"""The reason of an answer that was not taken, as it gives away what the model was told."""
_BY_ITS_WORDS = frozenset({Cap.CHANGE_NO_CAUSE, Cap.NO_ASSERTIONS, Cap.LATER_THAN_SYMPTOM})
"""Caps that a model can bring on a service by what it says of it."""
_READ_CHARS, _OVERLAP_CHARS = 6_000, 1_000


def flags_of_answer(answer: ModelHypotheses, prompt: Prompt) -> tuple[str, ...]:
    """Why an answer is not taken at all; empty where nothing speaks against it."""
    return echoes(list(_texts(answer)), prompt)


def guarded(verified: Verified, body: SnapshotBody, ranked: HypothesisSet) -> Verified:
    """What was verified, less what nothing but the model's word stands for, in wording that may be shown.

    A service that the ranking does not suspect is told of only where something holds that is asserted of its own
    evidence, and that evidence departs from normal: else whoever steers a model could have any healthy one accused,
    if only in the last place.
    """
    suspects = {one.suspected_service: one for one in reversed(ranked.hypotheses)}
    departing = {piece.id for piece in body.evidence() if departs(piece)}
    grounded = [
        _as_ranked(one, suspects.get(one.suspected_service), body)
        for one in verified.hypotheses
        if one.suspected_service in suspects or departing.intersection(_own(one, body))
    ]
    hypotheses, untold = said_plainly(sorted(grounded, key=lambda one: -one.score), ranked)
    dropped = verified.dropped_hypotheses + len(verified.hypotheses) - len(grounded) + untold
    return replace(verified, hypotheses=hypotheses, dropped_hypotheses=dropped)


def _as_ranked(one: Hypothesis, suspect: Hypothesis | None, body: SnapshotBody) -> Hypothesis:
    """A suspect with the score that the snapshot gives it, and the change that code found where the model has none.

    What a model says wrongly of the right service is struck and counted. It must not clear that service besides: else
    a steered model would only have to speak badly of the cause to have another one come first.
    """
    if suspect is None or _BY_ITS_WORDS.isdisjoint(one.caps):
        change = one.suspected_change or (suspect.suspected_change if suspect else None)
        return one.model_copy(update={"suspected_change": change})
    of_snapshot = caps_of(EvidenceIndex.of(body), one.suspected_service, suspect.suspected_change, is_suspected=True)
    return one.model_copy(
        update={
            "suspected_change": one.suspected_change or suspect.suspected_change,
            "score": capped(suspect.score, of_snapshot),
            "caps": tuple(cap.value for cap in of_snapshot),
        }
    )


def departs(piece: Evidence) -> bool:  # noqa: PLR0911 -- one line a kind
    """Whether a piece shows something that is not as usual. A change does not: what it did would show elsewhere."""
    match piece:
        case SeriesEvidence():
            return piece.is_worse
        case EdgeEvidence():
            return piece.is_silent or (piece.failed_ratio or 0.0) >= FAILS_FROM
        case LimitEvidence():
            return piece.pressure is not Pressure.BELOW
        case SloEvidence():
            return any(one.rate > 1 for one in piece.burn_rates)
        case ExpressionEvidence():
            return bool(piece.is_true_now)
        case AlertEvidence() | RelatedEvidence():
            return piece.status is AlertStatus.FIRING
        case _:
            return False


def _own(one: Hypothesis, body: SnapshotBody) -> set[str]:
    """The ids of the evidence of its own service of which something was asserted that holds."""
    held = {each.evidence_id for each in one.assertions if each.held is Held.TRUE}
    return {
        piece.id
        for piece in body.evidence()
        if piece.id in held and any(plain(name) == one.suspected_service for name in services_of(piece))
    }


def _texts(answer: ModelHypotheses) -> Iterator[str]:
    """All of each hypothesis, in pieces that overlap: what must not be in it may come in parts."""
    for one in answer.hypotheses:
        told = " ".join(
            (
                *(one.claim, one.suspected_service, one.suspected_change or "", one.mechanism),
                *(*one.supporting, *one.contradicting, *one.similar_incidents, *one.next_steps),
                *(text for each in one.assertions for text in (each.evidence_id, each.path, each.value)),
                *(text for each in one.checks for text in (each.query, each.because)),
            )
        )
        yield from (told[at : at + _READ_CHARS + _OVERLAP_CHARS] for at in range(0, len(told), _READ_CHARS))
