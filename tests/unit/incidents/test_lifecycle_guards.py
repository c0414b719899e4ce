"""What the sender and people make of an incident, and what holds whatever happens."""

import random
from itertools import product

import pytest

from shared.incidents.lifecycle import (
    AT_SENDER,
)
from shared.incidents.transitions import TABLE, Occasion, Reason, Refusal
from shared.models.base import IncidentId
from shared.models.incidents import IncidentState
from shared.models.signals import ExternalAction
from tests.builders import NOON, an_incident
from tests.unit.incidents.living import OPEN, at, calm, closed, happens

# The table and its guards


@pytest.mark.parametrize(("state", "occasion"), list(product(IncidentState, Occasion)))
@pytest.mark.parametrize("firing", [0, 1])
def test_whatever_happens_is_decided_with_a_reason_and_agrees_with_itself(
    state: IncidentState, occasion: Occasion, firing: int
) -> None:
    incident = an_incident(state=state, firing_count=firing, held_open="flapping", last_alert_at=at(-60))
    is_closed = state in {IncidentState.RESOLVED, IncidentState.LEARNED}
    incident = incident.model_copy(update={"resolved_at": NOON if is_closed else None})
    after, decision = happens(incident, occasion, by="usr-1")
    assert decision.allowed == isinstance(decision.reason, Reason)
    assert decision.allowed <= ((state, occasion) in TABLE)
    assert after.state is decision.to_state
    assert (after.resolved_at is not None) == (after.state in {IncidentState.RESOLVED, IncidentState.LEARNED})
    assert after.is_open or after.held_open is None or not decision.closes
    assert decision.allowed or after == incident


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_in_whatever_order_times_and_states_fit_together(seed: int) -> None:
    chance = random.Random(seed)
    incident = an_incident()
    for minute in range(0, 600, 5):
        before = incident.model_copy(update={"firing_count": chance.choice([0, 1]), "version": incident.version + 1})
        occasion = chance.choice(list(Occasion))
        by = "usr-1" if occasion.value.startswith("a_person") else None
        incident, decision = happens(before, occasion, minute, by=by)
        is_done = incident.state in {IncidentState.RESOLVED, IncidentState.LEARNED}
        assert (incident.resolved_at is not None) == is_done
        assert incident.is_open or incident.held_open is None
        assert incident.acknowledged_at or incident.state is not IncidentState.ACKNOWLEDGED
        assert (incident.mitigated_at is not None) >= (incident.state is IncidentState.MITIGATED)
        assert incident.flap_count - before.flap_count <= 1
        assert incident.flap_count > before.flap_count or not decision.reopens
        assert incident.recent_fires == tuple(sorted(incident.recent_fires))


@pytest.mark.parametrize("occasion", Occasion)
def test_nothing_changes_an_incident_that_was_merged_into_another(occasion: Occasion) -> None:
    merged = an_incident(merged_into=IncidentId("inc-2"))
    after, decision = happens(merged, occasion)
    assert (after, decision.reason) == (merged, Refusal.MERGED_AWAY)


@pytest.mark.parametrize(
    "occasion",
    [
        Occasion.ALL_RESOLVED,
        Occasion.SILENT,
        Occasion.CALM,
        Occasion.RESOLVE,
        Occasion.RESOLVED_AT_SENDER,
        Occasion.MERGED_AT_SENDER,
    ],
)
def test_nothing_closes_an_incident_while_an_alert_of_it_fires(occasion: Occasion) -> None:
    _, decision = happens(an_incident(held_open="flapping"), occasion, minutes=60)
    assert decision.reason is Refusal.ALERTS_STILL_FIRE


# At the sender


def test_an_acknowledgement_at_the_sender_travels_and_so_does_its_withdrawal() -> None:
    taken, _ = happens(an_incident(), Occasion.ACKNOWLEDGED_AT_SENDER, 5, by="Ada", said=2)
    assert (taken.state, taken.acknowledged_at, taken.acknowledged_by) == (IncidentState.ACKNOWLEDGED, at(2), "Ada")
    given_back, _ = happens(taken, Occasion.UNACKNOWLEDGED_AT_SENDER, 6, said=4)
    assert (given_back.state, given_back.acknowledged_at) == (IncidentState.DETECTED, None)


def test_an_acknowledgement_that_comes_after_its_withdrawal_does_not_count() -> None:
    early, _ = happens(an_incident(), Occasion.UNACKNOWLEDGED_AT_SENDER, 5, said=4)
    after, decision = happens(early, Occasion.ACKNOWLEDGED_AT_SENDER, 6, said=2)
    assert decision.reason is Refusal.OLDER_THAN_FOLLOWED
    assert after.state is IncidentState.DETECTED


@pytest.mark.parametrize("state", [IncidentState.INVESTIGATING, IncidentState.MITIGATED])
def test_what_people_did_here_is_not_undone_at_the_sender(state: IncidentState) -> None:
    _, decision = happens(an_incident(state=state), Occasion.UNACKNOWLEDGED_AT_SENDER, said=1)
    assert decision.reason is Refusal.PEOPLE_WENT_FURTHER


def test_a_resolution_at_the_sender_resolves_unless_alerts_of_others_still_fire() -> None:
    assert happens(calm(), Occasion.RESOLVED_AT_SENDER)[0].state is IncidentState.RESOLVED
    assert happens(an_incident(), Occasion.RESOLVED_AT_SENDER)[0].state is IncidentState.DETECTED


def test_a_reopening_at_the_sender_reopens_inside_the_window_only() -> None:
    inside, _ = happens(closed(), Occasion.REOPENED_AT_SENDER, 30)
    outside, decision = happens(closed(), Occasion.REOPENED_AT_SENDER, 31)
    assert (inside.state, inside.flap_count) == (IncidentState.DETECTED, 1)
    assert (outside, decision.reason) == (closed(), Refusal.OUTSIDE_REOPEN_WINDOW)


@pytest.mark.parametrize("state", [*OPEN, IncidentState.RESOLVED])
def test_a_merge_at_the_sender_into_one_we_do_not_know_is_no_fix(state: IncidentState) -> None:
    before = calm(state=state, resolved_at=NOON if state is IncidentState.RESOLVED else None)
    after, decision = happens(before, Occasion.MERGED_AT_SENDER)
    assert (after.state, after.resolved_at) == (IncidentState.INCONCLUSIVE, None)
    assert decision.reason is Reason.MERGE_IS_NO_FIX


def test_notes_and_triggers_at_the_sender_change_no_state() -> None:
    assert set(ExternalAction) - set(AT_SENDER) == {ExternalAction.TRIGGERED, ExternalAction.NOTED}


# People


def test_the_way_of_an_incident_that_people_care_for() -> None:
    taken, _ = happens(an_incident(), Occasion.ACKNOWLEDGE, 1, by="usr-1")
    looked_into, _ = happens(taken, Occasion.INVESTIGATE, 2, by="usr-2")
    mitigated, _ = happens(looked_into, Occasion.MITIGATE, 3, by="usr-2")
    done, _ = happens(mitigated.model_copy(update={"firing_count": 0}), Occasion.RESOLVE, 4, by="usr-2")
    learned, _ = happens(done, Occasion.LEARN, 5, by="usr-3")
    assert learned.state is IncidentState.LEARNED
    assert (learned.acknowledged_by, learned.acknowledged_at) == ("usr-1", at(1))
    assert (learned.mitigated_at, learned.resolved_at) == (at(3), at(4))


def test_whoever_investigates_at_once_acknowledges_by_it() -> None:
    after, _ = happens(an_incident(), Occasion.INVESTIGATE, 2, by="usr-2")
    assert (after.acknowledged_by, after.acknowledged_at) == ("usr-2", at(2))


def test_a_person_reopens_whenever_they_like_and_is_not_taken_for_a_flap() -> None:
    after, decision = happens(closed(), Occasion.REOPEN, 24 * 60, by="usr-1")
    assert (after.state, after.resolved_at) == (IncidentState.INVESTIGATING, None)
    assert (decision.reason, after.recent_fires) == (Reason.PERSON_SAID, ())
    assert after.flap_count == 1, "each opening is looked after by work of its own, which is numbered by it"


def test_a_person_may_give_up_on_an_incident_though_its_alerts_fire() -> None:
    after, _ = happens(an_incident(), Occasion.GIVE_UP, by="usr-1")
    assert (after.state, after.resolved_at) == (IncidentState.INCONCLUSIVE, None)
