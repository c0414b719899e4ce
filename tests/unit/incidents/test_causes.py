"""What people say was the cause, and when that makes an incident a case that later releases must get right."""

from datetime import timedelta
from typing import Any

import pytest

from shared.incidents.causes import NoCause, case_of, cause_of, next_case
from shared.models.base import IncidentId, SnapshotId
from shared.models.feedback import FeedbackVerdict, KnownCause, RegressionCase
from shared.models.incidents import Incident, IncidentState
from tests.builders import NOON, a_feedback, a_resolution, an_incident

LATER = NOON + timedelta(minutes=5)
PAYMENT = KnownCause(root_service="payment", snapshot_id=SnapshotId("snap-1"), named_at=NOON)


def resolved(**changes: Any) -> Incident:
    return an_incident(**{"state": IncidentState.RESOLVED, "cause": PAYMENT, "said_at": NOON, **changes})


def the_case(incident: Incident) -> RegressionCase:
    found = case_of(incident)
    assert found is not None
    return found


def test_nothing_said_is_no_cause() -> None:
    assert cause_of(None, []) is NoCause.NOTHING_SAID
    assert cause_of(None, [a_feedback(verdict=FeedbackVerdict.WRONG)]) is NoCause.NOTHING_SAID


def test_a_confirmed_hypothesis_is_the_cause_with_the_snapshot_that_shows_it() -> None:
    given = a_feedback(suspected_change="E3", given_at=LATER)
    found = cause_of(None, [given])
    assert found == KnownCause(
        root_service="payment", root_change="E3", snapshot_id=SnapshotId("snap-1"), named_at=LATER
    )


def test_who_names_the_cause_has_the_last_word() -> None:
    found = cause_of(a_resolution(root_service="catalog"), [a_feedback()])
    assert isinstance(found, KnownCause)
    assert found.root_service == "catalog"


def test_that_nobody_found_out_takes_back_what_was_confirmed() -> None:
    assert cause_of(a_resolution(is_known=False, root_service=None), [a_feedback()]) is NoCause.NOBODY_KNOWS


@pytest.mark.parametrize(
    "other",
    [
        {"suspected_service": "catalog", "rank": 2},
        {"verdict": FeedbackVerdict.WRONG},
        {"verdict": FeedbackVerdict.WRONG, "hypotheses_id": "hyp-2", "rank": 3},
    ],
    ids=["another service is confirmed", "the same is wrong", "the same suspect of another answer is wrong"],
)
def test_people_who_disagree_leave_the_cause_open(other: dict[str, Any]) -> None:
    said = [a_feedback(), a_feedback(given_by="ann", **other)]
    assert cause_of(None, said) is NoCause.PEOPLE_DISAGREE


def test_people_who_agree_on_the_service_but_not_the_change_name_the_service_alone() -> None:
    said = [a_feedback(suspected_change="E3"), a_feedback(given_by="ann", rank=2, given_at=LATER)]
    found = cause_of(None, said)
    assert isinstance(found, KnownCause)
    assert (found.root_service, found.root_change) == ("payment", None)


@pytest.mark.parametrize("state", IncidentState)
def test_only_an_incident_that_is_over_is_an_active_case(state: IncidentState) -> None:
    expected = state in {IncidentState.RESOLVED, IncidentState.LEARNED}
    assert the_case(resolved(state=state)).is_active is expected


def test_an_incident_that_was_merged_away_is_no_active_case() -> None:
    assert not the_case(resolved(merged_into=IncidentId("inc-2"))).is_active


def test_a_cause_that_no_snapshot_shows_is_no_case() -> None:
    assert case_of(resolved(cause=PAYMENT.model_copy(update={"snapshot_id": None}))) is None
    assert case_of(resolved(cause=None)) is None


def test_a_reopened_incident_retires_its_case_and_resolving_it_again_brings_it_back() -> None:
    first = next_case(resolved(version=4), None)
    assert first is not None
    reopened = next_case(resolved(version=5, state=IncidentState.DETECTED), first)
    assert reopened is not None
    assert (reopened.is_active, reopened.created_at, reopened.version) == (False, first.created_at, 2)
    again = next_case(resolved(version=6), reopened)
    assert again is not None
    assert again.is_active


def test_a_cause_that_was_taken_back_retires_the_case() -> None:
    first = next_case(resolved(version=4), None)
    retired = next_case(resolved(version=5, cause=None), first)
    assert retired is not None
    assert (retired.is_active, retired.source_version) == (False, 5)


def test_what_is_told_late_does_not_undo_what_is_newer() -> None:
    newest = next_case(resolved(version=6), None)
    assert next_case(resolved(version=5, state=IncidentState.DETECTED), newest) is None
    assert next_case(resolved(version=6), newest) is None


def test_an_incident_of_which_nothing_is_known_makes_no_case() -> None:
    assert next_case(an_incident(), None) is None
