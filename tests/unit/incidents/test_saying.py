"""What is decided of verdicts and named causes: what is kept, told and audited, and what is refused."""

from datetime import timedelta
from typing import Any

from shared.incidents.acting import Acted, Denied, Objection, Outcome, Person
from shared.incidents.saying import MAX_VERDICTS, Cause, Said, Verdict, explained, judged
from shared.incidents.transitions import Refusal
from shared.models.base import IncidentId, SnapshotId
from shared.models.feedback import FeedbackVerdict, Resolution
from shared.models.hypotheses import Hypothesis, HypothesisSet
from shared.models.incidents import Incident, TimelineEvent
from shared.ports.stores import Versioned
from tests.builders import NOON, a_feedback, a_hypothesis_set, a_resolution, an_incident

LATER = NOON + timedelta(minutes=5)
DANA = Person("dana", "give_hypothesis_feedback", "run-1", LATER)
PAYMENT = Cause("payment", None, "retries without end", "rolled back", SnapshotId("snap-1"), "hyp-1")


def the_answer() -> HypothesisSet:
    suspect = Hypothesis(
        rank=1,
        claim="payment is broken",
        suspected_service="payment",
        suspected_change="E3",
        mechanism="It fails.",
        supporting=("E1",),
        score=0.5,
    )
    return a_hypothesis_set(hypotheses=(suspect,))


def a_verdict(verdict: FeedbackVerdict = FeedbackVerdict.CONFIRMED, note: str = "") -> Verdict:
    return Verdict(the_answer(), 1, verdict, note, 0.6)


def said(*feedback: Any, resolution: Resolution | None = None) -> Said:
    return Said(
        [Versioned(one, f"e{number}") for number, one in enumerate(feedback)],
        Versioned(resolution, "r") if resolution else None,
    )


def done(outcome: Outcome) -> Acted:
    assert isinstance(outcome, Acted)
    return outcome


def refused(outcome: Outcome) -> str:
    assert isinstance(outcome, Denied)
    return outcome.reason.value


def merged() -> Incident:
    return an_incident(merged_into=IncidentId("inc-2"))


def test_a_verdict_is_kept_with_what_it_was_given_on_and_told_once() -> None:
    acted = done(judged(an_incident(), a_verdict(note="the errors ended"), said(), DANA))
    (given,) = acted.said
    expected = a_feedback(suspected_change="E3", raw_confidence=0.6, note="the errors ended", given_at=LATER)
    assert given == expected
    assert acted.said_anew == ()
    assert (acted.told.event, acted.told.reason) == (TimelineEvent.FEEDBACK_GIVEN, "hypothesis_confirmed")
    assert acted.told.text == "Hypothesis 1 (payment) is confirmed: the errors ended"
    assert acted.after == {"hypotheses_id": "hyp-1", "rank": 1, "verdict": "confirmed"}
    assert (acted.incident.version, acted.incident.said_at) == (2, LATER)
    assert acted.incident.cause is not None
    assert acted.incident.cause.root_change == "E3"


def test_a_later_verdict_of_the_same_person_replaces_the_earlier() -> None:
    acted = done(judged(an_incident(), a_verdict(FeedbackVerdict.WRONG), said(a_feedback()), DANA))
    (anew,) = acted.said_anew
    assert (acted.said, anew.etag, anew.value.verdict) == ((), "e0", FeedbackVerdict.WRONG)
    assert acted.before == {"verdict": "confirmed"}
    assert acted.incident.cause is None


def test_another_persons_verdict_stands_beside_it() -> None:
    acted = done(judged(an_incident(), a_verdict(), said(a_feedback(given_by="ann")), DANA))
    assert len(acted.said) == 1


def test_the_same_verdict_again_changes_nothing() -> None:
    assert judged(an_incident(), a_verdict(), said(a_feedback()), DANA) is None


def test_an_incident_takes_so_many_verdicts_and_a_changed_one_is_none_more() -> None:
    many = [a_feedback(given_by=f"p{number}") for number in range(MAX_VERDICTS - 1)]
    full = said(*many, a_feedback(rank=2))
    assert refused(judged(an_incident(), a_verdict(), full, DANA)) == Objection.TOO_MANY_VERDICTS
    own = said(*many, a_feedback())
    assert done(judged(an_incident(), a_verdict(FeedbackVerdict.WRONG), own, DANA)).said_anew


def test_what_was_merged_away_takes_neither_a_verdict_nor_a_cause() -> None:
    assert refused(judged(merged(), a_verdict(), said(), DANA)) == Refusal.MERGED_AWAY
    assert refused(explained(merged(), PAYMENT, said(), DANA)) == Refusal.MERGED_AWAY


def test_a_named_cause_is_kept_told_and_carried_by_the_incident() -> None:
    acted = done(explained(an_incident(), PAYMENT, said(), DANA))
    (kept,) = acted.said
    assert isinstance(kept, Resolution)
    assert (kept.root_service, kept.fixed_by, kept.snapshot_id) == ("payment", "rolled back", "snap-1")
    assert (acted.told.event, acted.told.reason) == (TimelineEvent.CAUSE_NAMED, "cause_named")
    assert acted.told.text == "The cause was payment: retries without end. Fixed by: rolled back"
    assert acted.incident.cause is not None


def test_a_cause_is_replaced_and_that_nobody_knows_takes_it_back() -> None:
    nobody = Cause(None, None, "", "restarted everything", SnapshotId("snap-1"), "hyp-1")
    acted = done(explained(an_incident(), nobody, said(a_feedback(), resolution=a_resolution()), DANA))
    (anew,) = acted.said_anew
    assert isinstance(anew.value, Resolution)
    assert (anew.etag, anew.value.is_known, anew.value.fixed_by) == ("r", False, "restarted everything")
    assert acted.incident.cause is None
    assert acted.told.reason == "cause_unknown"
    assert acted.before["root_service"] == "payment"


def test_the_same_cause_named_by_somebody_else_changes_nothing() -> None:
    before = a_resolution(cause="retries without end", fixed_by="rolled back", given_by="ann")
    assert explained(an_incident(), PAYMENT, said(resolution=before), DANA) is None


def test_a_verdict_after_the_cause_was_named_does_not_move_it() -> None:
    other = a_resolution(root_service="catalog")
    acted = done(judged(an_incident(), a_verdict(), said(resolution=other), DANA))
    assert acted.incident.cause is not None
    assert acted.incident.cause.root_service == "catalog"
