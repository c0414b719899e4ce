"""What alerts, cut lists, flapping and silence make of an incident."""

from datetime import timedelta

import pytest

from shared.incidents.flapping import CALM_FOR, LOOK_AGAIN_WHILE_FLAPPING
from shared.incidents.lifecycle import (
    LOOK_AGAIN_AFTER,
    MAX_CUT_GROUPS,
    Heard,
    HeldOpen,
    decide,
    group_id,
    is_stale,
    settle,
)
from shared.incidents.transitions import Occasion, Reason, Refusal
from shared.models.incidents import Incident, IncidentState
from shared.models.signals import Origin
from tests.builders import NOON, ONE_SECOND, an_alert, an_arrival, an_incident
from tests.unit.incidents.living import GROUP, MINUTE, OPEN, OTHER, WINDOW, at, calm, closed, happens, heard

# Resolving, and firing again


@pytest.mark.parametrize("state", OPEN)
def test_an_incident_is_resolved_when_all_its_alerts_are(state: IncidentState) -> None:
    after, decision = heard(an_incident(state=state))
    assert decision is not None
    assert (after.state, after.resolved_at) == (IncidentState.RESOLVED, at(1))
    assert decision.reason is Reason.NOTHING_FIRES


def test_alerts_resolved_before_they_were_heard_firing_open_an_incident_that_is_closed_at_once() -> None:
    after, _ = heard(an_incident(), is_new=True)
    assert after.state is IncidentState.RESOLVED
    assert after.context_trigger == "opened"


def test_an_incident_resolved_twice_is_resolved_once() -> None:
    once, _ = heard(an_incident(), 1)
    twice, decision = heard(once, 2)
    assert decision is None
    assert twice.resolved_at == once.resolved_at
    assert happens(once, Occasion.ALL_RESOLVED)[1].reason is Refusal.ALREADY_SO


@pytest.mark.parametrize("news", ["fires_again", "new_alert_fires"])
def test_firing_inside_the_reopen_window_reopens_counts_and_looks_again(news: str) -> None:
    before = closed(acknowledged_at=NOON, acknowledged_by="usr-1", mitigated_at=NOON)
    after, decision = heard(before, 30, firing=1, **{news: True})
    assert decision is not None
    assert (decision.reason, decision.reopens) == (Reason.WITHIN_REOPEN_WINDOW, True)
    assert (after.state, after.resolved_at, after.flap_count) == (IncidentState.DETECTED, None, 1)
    assert (after.acknowledged_at, after.acknowledged_by, after.mitigated_at) == (None, None, None)
    assert (after.context_trigger, after.context_wanted_at) == ("reopened-4", at(30))


@pytest.mark.parametrize("news", ["fires_again", "new_alert_fires"])
def test_a_resolved_incident_never_absorbs_alerts_outside_the_window(news: str) -> None:
    after, decision = heard(closed(), 30 + 1 / 60, firing=1, **{news: True})
    assert decision is not None
    assert decision.reason is Refusal.OUTSIDE_REOPEN_WINDOW
    assert (after.state, after.resolved_at) == (IncidentState.RESOLVED, NOON)


def test_a_tenant_without_a_reopen_window_reopens_nothing_later() -> None:
    decision = decide(closed(), Occasion.FIRES_AGAIN, now=NOON + ONE_SECOND, reopen_within=timedelta())
    assert decision.reason is Refusal.OUTSIDE_REOPEN_WINDOW


def test_an_alert_that_waited_in_the_queue_is_decided_by_when_it_was_received() -> None:
    counted = closed(firing_count=1)
    told = Heard(received_at=at(29), fires_again=True)
    after, _ = settle(counted, told, is_new=False, now=at(300), reopen_within=WINDOW)
    assert after.state is IncidentState.DETECTED


def test_an_alert_received_before_the_resolution_was_recorded_reopens() -> None:
    assert heard(closed(), -5, firing=1, new_alert_fires=True)[0].state is IncidentState.DETECTED


def test_a_new_alert_that_is_resolved_already_reopens_nothing() -> None:
    after, decision = heard(closed())
    assert (decision, after.state) == (None, IncidentState.RESOLVED)


@pytest.mark.parametrize("state", [IncidentState.LEARNED, IncidentState.INCONCLUSIVE])
def test_what_people_closed_for_good_is_not_reopened_by_alerts(state: IncidentState) -> None:
    _, decision = heard(closed(state=state), firing=1, fires_again=True)
    assert decision is not None
    assert decision.reason is Refusal.CLOSED_FOR_GOOD


def test_a_mitigated_incident_that_fires_again_is_investigated_again() -> None:
    mitigated = an_incident(state=IncidentState.MITIGATED, mitigated_at=NOON, acknowledged_by="usr-1")
    after, decision = heard(mitigated, firing=1, fires_again=True)
    assert decision is not None
    assert decision.reason is Reason.MITIGATION_DID_NOT_HOLD
    assert (after.state, after.mitigated_at) == (IncidentState.INVESTIGATING, None)
    assert (after.acknowledged_by, after.acknowledged_at) == ("usr-1", None), "an alert acknowledges nothing"
    assert after.context_trigger.startswith("refired-")


def test_a_straggler_in_a_mitigated_incident_leaves_it_mitigated() -> None:
    after, _ = heard(an_incident(state=IncidentState.MITIGATED), firing=2, new_alert_fires=True)
    assert after.state is IncidentState.MITIGATED


# Looking again


def test_a_new_alert_makes_us_look_again_but_not_more_than_once_a_minute() -> None:
    fresh = an_incident(context_wanted_at=at(1) - LOOK_AGAIN_AFTER + ONE_SECOND, version=7)
    stale = fresh.model_copy(update={"context_wanted_at": at(1) - LOOK_AGAIN_AFTER})
    assert heard(fresh, firing=2, new_alert_fires=True)[0].context_trigger == "opened"
    assert heard(stale, firing=2, new_alert_fires=True)[0].context_trigger == "joined-7"


def test_the_first_alert_is_no_reason_for_a_second_look() -> None:
    after, decision = heard(an_incident(), firing=1, is_new=True, new_alert_fires=True)
    assert (decision, after.context_trigger) == (None, "opened")


# Lists that were cut


def test_a_resolution_in_a_cut_list_closes_nothing() -> None:
    after, decision = heard(an_incident(), cut_groups=frozenset({GROUP}))
    assert decision is not None
    assert decision.reason is Reason.HIDDEN_MAY_FIRE
    assert (after.state, after.held_open) == (IncidentState.DETECTED, HeldOpen.TRUNCATED_ALERTS)


def test_a_complete_list_of_the_same_group_closes_what_was_held_open() -> None:
    held, _ = heard(an_incident(), 1, cut_groups=frozenset({GROUP}))
    after, _ = heard(held, 2, complete_groups=frozenset({GROUP}))
    assert (after.state, after.held_open, after.cut_groups) == (IncidentState.RESOLVED, None, ())


def test_a_complete_list_of_another_group_does_not_vouch_for_the_cut_one() -> None:
    held, _ = heard(an_incident(), 1, cut_groups=frozenset({GROUP}))
    after, _ = heard(held, 2, complete_groups=frozenset({OTHER}))
    assert (after.state, after.held_open) == (IncidentState.DETECTED, HeldOpen.TRUNCATED_ALERTS)


def test_a_list_that_was_cut_while_alerts_fired_still_keeps_the_incident_open_when_they_resolve() -> None:
    cut, _ = heard(an_incident(), 1, firing=1, cut_groups=frozenset({GROUP}))
    assert cut.held_open is None
    after, _ = heard(cut, 2)
    assert after.held_open == HeldOpen.TRUNCATED_ALERTS


def test_silence_closes_what_was_held_open_for_a_cut_list() -> None:
    held, _ = heard(an_incident(), cut_groups=frozenset({GROUP}))
    after, decision = happens(held, Occasion.SILENT, minutes=24 * 60)
    assert decision.reason is Reason.WENT_SILENT
    assert (after.state, after.held_open, after.cut_groups) == (IncidentState.RESOLVED, None, ())


def test_an_alert_that_fires_ends_the_holding_open_and_is_no_flap() -> None:
    held, _ = heard(an_incident(), 1, cut_groups=frozenset({GROUP}))
    after, _ = heard(held, 2, firing=1, new_alert_fires=True)
    assert (after.held_open, after.flap_count) == (None, 0)


def test_only_so_many_cut_groups_are_remembered() -> None:
    many = frozenset(group_id(str(number)) for number in range(MAX_CUT_GROUPS + 9))
    assert len(heard(an_incident(), cut_groups=many)[0].cut_groups) == MAX_CUT_GROUPS


def test_a_delivery_vouches_for_the_groups_of_its_list_unless_it_was_cut() -> None:
    said = [an_arrival(an_alert(group_key=key)) for key in ("one", "two")]
    groups = {group_id("one"), group_id("two")}
    whole = Heard.of(said, fires_again=False, new_alert_fires=True, truncated_alerts=0)
    cut = Heard.of(said, fires_again=False, new_alert_fires=True, truncated_alerts=3)
    assert (whole.complete_groups, whole.cut_groups) == (groups, frozenset())
    assert (cut.complete_groups, cut.cut_groups) == (frozenset(), groups)


@pytest.mark.parametrize("origin", [Origin.SILENCE, Origin.RECONCILED])
def test_what_we_say_ourselves_vouches_for_no_group(origin: Origin) -> None:
    ours = Heard.of([an_arrival(origin=origin)], fires_again=False, new_alert_fires=False, truncated_alerts=0)
    assert (ours.complete_groups, ours.origin) == (frozenset(), origin)


def test_the_last_alert_that_goes_silent_closes_the_incident_though_its_list_was_cut() -> None:
    cut, _ = heard(an_incident(), 1, firing=1, cut_groups=frozenset({GROUP}))
    after, decision = heard(cut, 24 * 60, origin=Origin.SILENCE)
    assert decision is not None
    assert (after.state, decision.reason) == (IncidentState.RESOLVED, Reason.WENT_SILENT)


# Flapping


def flapped(times: int) -> Incident:
    """An incident that fired so often, five minutes apart, two minutes each, and fires since the last time."""
    incident = an_incident(detected_at=NOON, context_wanted_at=NOON)
    for number in range(1, times):
        incident, _ = heard(incident, 5 * number - 3)
        versioned = incident.model_copy(update={"version": incident.version + 1})
        incident, _ = heard(versioned, 5 * number, firing=1, fires_again=True)
    return incident


def test_a_flapping_incident_is_held_open_when_it_resolves() -> None:
    after, decision = heard(flapped(4), 17)
    assert decision is not None
    assert decision.reason is Reason.MAY_FIRE_AGAIN
    assert (after.state, after.held_open, after.resolved_at) == (IncidentState.DETECTED, HeldOpen.FLAPPING, None)


def test_one_that_fired_three_times_closes_as_usual() -> None:
    assert heard(flapped(3), 12)[0].state is IncidentState.RESOLVED


def test_firing_again_while_held_open_is_counted_and_keeps_what_people_did() -> None:
    held, _ = heard(
        flapped(4).model_copy(update={"state": IncidentState.ACKNOWLEDGED, "acknowledged_by": "usr-1"}), 17
    )
    after, _ = heard(held, 20, firing=1, fires_again=True)
    assert (after.state, after.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "usr-1")
    assert (after.held_open, after.flap_count) == (None, held.flap_count + 1)


def test_a_flapping_incident_is_looked_at_no_more_than_every_ten_minutes() -> None:
    fourth = flapped(4)
    assert fourth.context_wanted_at == at(10), "the fourth firing made it flap, so it asked for no look"
    assert not is_stale(fourth, now=at(10) + LOOK_AGAIN_WHILE_FLAPPING - ONE_SECOND)
    assert is_stale(fourth, now=at(10) + LOOK_AGAIN_WHILE_FLAPPING)


def test_the_damping_period_closes_a_flapping_incident_that_stays_calm() -> None:
    held, _ = heard(flapped(4), 17)
    early, refused = happens(held, Occasion.CALM, minutes=17 + 14)
    assert (early, refused.reason) == (held, Refusal.NOT_CALM_YET)
    after, decision = happens(held, Occasion.CALM, minutes=17 + CALM_FOR / MINUTE)
    assert decision.reason is Reason.CALMED_DOWN
    assert (after.state, after.held_open) == (IncidentState.RESOLVED, None)


def test_calm_closes_nothing_that_is_not_held_open_for_flapping() -> None:
    _, decision = happens(calm(held_open="truncated_alerts", last_alert_at=NOON), Occasion.CALM, minutes=60)
    assert decision.reason is Refusal.NOT_HELD_FOR_FLAPPING


def test_flapping_does_not_hide_that_the_list_was_cut() -> None:
    after, _ = heard(flapped(4), 17, cut_groups=frozenset({GROUP}))
    assert after.held_open == HeldOpen.TRUNCATED_ALERTS


# Silence


@pytest.mark.parametrize("state", OPEN)
def test_an_incident_of_which_nothing_is_heard_is_resolved(state: IncidentState) -> None:
    after, decision = happens(calm(state=state), Occasion.SILENT)
    assert (after.state, decision.reason) == (IncidentState.RESOLVED, Reason.WENT_SILENT)
