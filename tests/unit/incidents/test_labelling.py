"""Labels: which hypotheses people found right."""

from datetime import timedelta
from typing import Any

import pytest

from shared.incidents.labelling import labels_of, unlabelled
from shared.models.base import SnapshotId
from shared.models.feedback import FeedbackVerdict, Label
from shared.models.hypotheses import RAW, Hypothesis, HypothesisSet
from tests.builders import NOON, a_feedback, a_hypothesis_set, a_resolution

LATER = NOON + timedelta(minutes=5)


def a_suspect(rank: int, service: str, **changes: Any) -> Hypothesis:
    fields: dict[str, Any] = {
        "rank": rank,
        "claim": f"{service} is broken",
        "suspected_service": service,
        "mechanism": "It fails.",
        "supporting": ("E1",),
        "score": 0.5,
        "confidence": 0.7,
        "confidence_factors": {RAW: 0.6},
    }
    return Hypothesis(**{**fields, **changes})


def an_answer(*suspects: Hypothesis, **changes: Any) -> HypothesisSet:
    return a_hypothesis_set(hypotheses=suspects, ranker_version="r1", **changes)


ANSWER = an_answer(a_suspect(1, "payment"), a_suspect(2, "catalog"))


def right_ones(labels: list[Label]) -> dict[str, bool]:
    return {one.id: one.was_right for one in labels}


FIRST, SECOND = Label.id_for("hyp-1", 1), Label.id_for("hyp-1", 2)


def test_a_verdict_labels_its_hypothesis_with_what_it_was_given_as() -> None:
    (label,) = labels_of([ANSWER], None, [a_feedback()])
    assert (label.id, label.raw_confidence, label.confidence, label.was_right) == (FIRST, 0.6, 0.7, True)
    assert (label.ranker_version, label.labelled_at) == ("r1", NOON)


def test_of_two_verdicts_on_a_hypothesis_the_latest_counts() -> None:
    later = a_feedback(given_by="ann", verdict=FeedbackVerdict.WRONG, given_at=LATER)
    assert right_ones(labels_of([ANSWER], None, [later, a_feedback()])) == {FIRST: False}


def test_a_named_cause_labels_every_hypothesis_of_its_answer_whatever_the_verdicts_are() -> None:
    wrong = a_feedback(verdict=FeedbackVerdict.WRONG)
    assert right_ones(labels_of([ANSWER], a_resolution(), [wrong])) == {FIRST: True, SECOND: False}


@pytest.mark.parametrize(
    ("change", "snapshot", "is_right"),
    [("E3", "snap-1", True), ("E9", "snap-1", False), (None, "snap-1", True), ("E9", "snap-2", True)],
)
def test_another_change_than_the_named_one_is_wrong_where_both_are_of_one_snapshot(
    change: str | None, snapshot: str, *, is_right: bool
) -> None:
    answer = an_answer(a_suspect(1, "payment", suspected_change=change), snapshot_id=SnapshotId(snapshot))
    assert right_ones(labels_of([answer], a_resolution(root_change="E3"), [])) == {FIRST: is_right}


def test_that_nobody_found_out_labels_nothing() -> None:
    assert labels_of([ANSWER], a_resolution(is_known=False, root_service=None), []) == []


def test_an_answer_from_before_confidence_was_computed_has_nothing_to_label() -> None:
    bare = an_answer(a_suspect(1, "payment", confidence=None, confidence_factors={}))
    assert labels_of([bare], a_resolution(), [a_feedback()]) == []


def test_a_verdict_on_an_answer_that_is_gone_labels_nothing() -> None:
    assert labels_of([ANSWER], None, [a_feedback(hypotheses_id="hyp-9"), a_feedback(rank=9)]) == []


def test_what_was_taken_back_is_named_so_that_it_can_be_forgotten() -> None:
    assert unlabelled([ANSWER], labels_of([ANSWER], None, [a_feedback()])) == [SECOND]
