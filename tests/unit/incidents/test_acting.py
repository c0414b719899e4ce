"""What people may do to an incident: every state with every action, what it leads to, or why it is refused."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from shared.incidents.acting import (
    MAX_NOTES,
    MOVES,
    Acted,
    Denied,
    Objection,
    Outcome,
    Person,
    assigned,
    edited,
    looked_at_again,
    moved,
    moves_of,
    noted,
)
from shared.incidents.looking import snapshot_id_for, trigger_of
from shared.incidents.moving import left
from shared.incidents.recording import Work, record
from shared.incidents.transitions import Refusal
from shared.models.base import IncidentId
from shared.models.correlation import ServiceNode
from shared.models.incidents import Departure, Incident, IncidentState, Suppressed, TimelineEvent
from shared.models.signals import Severity
from shared.ports.stores import Versioned
from tests.builders import NOON, ONE_SECOND, a_signal, an_alert, an_arrival, an_incident

S, R = IncidentState, Refusal
DANA = Person("dana", "some_operation", "run-1", NOON + timedelta(minutes=5), timedelta(minutes=30))
OPEN = (S.DETECTED, S.ACKNOWLEDGED, S.INVESTIGATING, S.MITIGATED)


def standing(state: IncidentState, **changes: Any) -> Incident:
    """An incident of which nothing fires any more."""
    return an_incident(**{"state": state, "firing_count": 0, "resolved_at": None, **changes})


LEADS_TO: dict[IncidentState, tuple[IncidentState | Refusal | Objection | None, ...]] = {
    # from: detected, acknowledged, investigating, mitigated, resolved, learned, inconclusive; None is so already
    S.DETECTED: (None, *[Objection.ONLY_ALERTS_LEAD_THERE] * 6),
    S.ACKNOWLEDGED: (
        *(S.ACKNOWLEDGED, None, R.PEOPLE_WENT_FURTHER, R.PEOPLE_WENT_FURTHER),
        *(R.IS_CLOSED, R.CLOSED_FOR_GOOD, R.CLOSED_FOR_GOOD),
    ),
    S.INVESTIGATING: (
        *(S.INVESTIGATING, S.INVESTIGATING, None, S.INVESTIGATING),
        *(S.INVESTIGATING, R.CLOSED_FOR_GOOD, S.INVESTIGATING),
    ),
    S.MITIGATED: (S.MITIGATED, S.MITIGATED, S.MITIGATED, None, R.IS_CLOSED, R.CLOSED_FOR_GOOD, R.CLOSED_FOR_GOOD),
    S.RESOLVED: (*[S.RESOLVED] * 4, None, R.CLOSED_FOR_GOOD, R.CLOSED_FOR_GOOD),
    S.LEARNED: (*[R.IS_OPEN] * 4, S.LEARNED, None, R.CLOSED_FOR_GOOD),
    S.INCONCLUSIVE: (*[S.INCONCLUSIVE] * 5, R.CLOSED_FOR_GOOD, None),
}


@pytest.mark.parametrize(("before", "to"), list(product(IncidentState, IncidentState)))
def test_every_move_leads_where_the_table_says_or_is_refused_by_name(
    before: IncidentState, to: IncidentState
) -> None:
    expected = LEADS_TO[to][list(IncidentState).index(before)]
    outcome = moved(standing(before), to, DANA)
    if isinstance(outcome, Acted):
        assert outcome.incident.state is expected is to
        assert (outcome.incident.version, outcome.told.by, outcome.told.incident_version) == (2, "dana", 2)
        assert (outcome.before, outcome.after) == ({"state": before.value}, {"state": to.value})
    elif isinstance(outcome, Denied):
        assert outcome.reason is expected
        assert outcome.allowed == moves_of(standing(before), DANA)
        assert to not in outcome.allowed
    else:
        assert expected is None


@pytest.mark.parametrize("state", IncidentState)
def test_the_allowed_moves_are_just_those_that_are_made(state: IncidentState) -> None:
    made = {to for to in MOVES if isinstance(moved(standing(state), to, DANA), Acted)}
    assert set(moves_of(standing(state), DANA)) - {state} == made


@pytest.mark.parametrize("state", OPEN)
def test_nobody_resolves_what_still_fires_but_may_give_it_up(state: IncidentState) -> None:
    firing = standing(state, firing_count=1)
    refused = moved(firing, S.RESOLVED, DANA)
    assert isinstance(refused, Denied)
    assert refused.reason is R.ALERTS_STILL_FIRE
    assert refused.allowed is not None
    assert S.RESOLVED not in refused.allowed
    assert isinstance(moved(firing, S.INCONCLUSIVE, DANA), Acted)


def test_moves_stamp_their_times_and_names_and_are_told_as_what_they_are() -> None:
    taken = moved(standing(S.DETECTED), S.ACKNOWLEDGED, DANA)
    assert isinstance(taken, Acted)
    assert (taken.incident.acknowledged_by, taken.incident.acknowledged_at) == ("dana", DANA.now)
    assert taken.told.event is TimelineEvent.STATE_CHANGED
    solved = moved(taken.incident, S.RESOLVED, DANA)
    assert isinstance(solved, Acted)
    assert (solved.incident.resolved_at, solved.told.event) == (DANA.now, TimelineEvent.RESOLVED)
    back = moved(solved.incident, S.INVESTIGATING, DANA)
    assert isinstance(back, Acted)
    assert (back.incident.resolved_at, back.incident.flap_count) == (None, 1)
    assert back.told.event is TimelineEvent.REOPENED
    assert back.incident.context_trigger.startswith("reopened-")


def test_what_is_held_open_is_let_go_when_a_person_resolves_it() -> None:
    held = standing(S.DETECTED, held_open="truncated_alerts", cut_groups=("grp-1",))
    solved = moved(held, S.RESOLVED, DANA)
    assert isinstance(solved, Acted)
    assert (solved.incident.held_open, solved.incident.cut_groups) == (None, ())


ACTIONS: dict[str, Callable[[Incident], Outcome]] = {
    "move": lambda incident: moved(incident, S.MITIGATED, DANA),
    "assign": lambda incident: assigned(incident, "eve", DANA),
    "edit": lambda incident: edited(incident, DANA, title="Payments fail"),
    "note": lambda incident: noted(incident, "Looking.", DANA),
    "look again": lambda incident: looked_at_again(incident, DANA),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_what_was_merged_away_takes_no_action_and_says_where_it_went(action: str) -> None:
    gone = an_incident(merged_into=IncidentId("inc-2"))
    refused = ACTIONS[action](gone)
    assert isinstance(refused, Denied)
    assert refused.reason is R.MERGED_AWAY
    assert "inc-2" in refused.words


@pytest.mark.parametrize(("state", "action"), list(product(IncidentState, ["assign", "edit", "note"])))
def test_in_every_state_it_is_assigned_edited_and_noted(state: IncidentState, action: str) -> None:
    outcome = ACTIONS[action](standing(state))
    assert isinstance(outcome, Acted)
    assert (outcome.incident.state, outcome.incident.version) == (state, 2)


@pytest.mark.parametrize("state", IncidentState)
def test_only_what_is_open_is_looked_at_again(state: IncidentState) -> None:
    outcome = looked_at_again(standing(state), DANA)
    assert isinstance(outcome, Acted if state.is_open else Denied)


def test_what_is_so_already_changes_nothing() -> None:
    incident = an_incident(assigned_to="eve", title_by="eve", severity_by="eve")
    assert assigned(incident, "eve", DANA) is None
    assert edited(incident, DANA, title=incident.title, severity=incident.severity) is None


def test_a_person_who_confirms_the_severity_makes_it_stay() -> None:
    outcome = edited(an_incident(), DANA, severity=Severity.CRITICAL)
    assert isinstance(outcome, Acted)
    assert outcome.incident.severity_by == "dana"


def test_notes_are_counted_and_bounded() -> None:
    outcome = noted(an_incident(note_count=MAX_NOTES - 1), "<b>Looking</b>", DANA)
    assert isinstance(outcome, Acted)
    assert (outcome.told.text, outcome.told.event) == ("<b>Looking</b>", TimelineEvent.NOTE_ADDED)
    assert "Looking" not in str(outcome.after), "the audit trail does not repeat what was written"
    refused = noted(outcome.incident, "More.", DANA)
    assert isinstance(refused, Denied)
    assert refused.reason is Objection.TOO_MANY_NOTES


def test_one_look_at_a_time_and_one_a_minute() -> None:
    asked = looked_at_again(an_incident(), DANA)
    assert isinstance(asked, Acted)
    assert asked.incident.context_trigger == trigger_of("run-1")
    again = looked_at_again(asked.incident, DANA)
    assert isinstance(again, Denied)
    assert (again.reason, again.retry_after) == (Objection.LOOK_UNDER_WAY, timedelta(minutes=1))
    snapshot_id = snapshot_id_for(asked.incident.incident_id, trigger_of("run-1"))
    done = asked.incident.model_copy(update={"latest_snapshot_id": snapshot_id})
    soon = looked_at_again(done, DANA)
    assert isinstance(soon, Denied)
    assert soon.reason is Objection.LOOKED_AT_JUST_NOW
    done = done.model_copy(update={"context_wanted_at": DANA.now - timedelta(minutes=1)})
    assert isinstance(looked_at_again(done, DANA), Acted)


def test_a_look_that_never_came_to_an_end_does_not_bar_the_next() -> None:
    lost = an_incident(context_wanted_at=DANA.now - timedelta(minutes=5))
    assert isinstance(looked_at_again(lost, DANA), Acted)
    pending = an_incident(context_wanted_at=DANA.now - timedelta(minutes=5) + ONE_SECOND)
    assert isinstance(looked_at_again(pending, DANA), Denied)


def test_what_the_plan_does_not_cover_is_not_looked_at() -> None:
    refused = looked_at_again(an_incident(suppressed=Suppressed.OVER_MAX_SERVICES), DANA)
    assert isinstance(refused, Denied)
    assert refused.reason is Objection.NOT_INVESTIGATED


def test_alerts_change_neither_the_severity_nor_the_title_that_a_person_set() -> None:
    outcome = edited(an_incident(), DANA, title="Payments fail", severity=Severity.INFO)
    assert isinstance(outcome, Acted)
    held = Versioned(outcome.incident, "etag")
    worse = an_arrival(an_alert(fingerprint="other", severity=Severity.CRITICAL))
    change = record(
        held.value.tenant_id, held.value.incident_id, held, {}, [Work(worse, worse.alert.signal_id)], now=DANA.now
    )
    assert change is not None
    assert (change.incident.title, change.incident.severity) == ("Payments fail", Severity.INFO)


def test_services_that_leave_take_neither_of_them_along() -> None:
    nodes = tuple(
        ServiceNode(service_name=name, first_started_at=NOON, last_started_at=NOON, severity="critical")
        for name in ("payment", "search")
    )
    departure = Departure(services=("payment",), target=IncidentId("inc-2"), at=NOON)
    before = an_incident(services=nodes, departing=departure, signal_count=2, firing_count=2)
    outcome = edited(before, DANA, title="Payments fail", severity=Severity.INFO)
    assert isinstance(outcome, Acted)
    going = Versioned(a_signal(), "etag")
    staying = a_signal(an_alert(service_name="search", fingerprint="s"))
    change = left(Versioned(outcome.incident, "e"), departure.target, [going], [staying], is_last=True, now=NOON)
    after = change.incident
    assert (after.service_name, after.title, after.severity) == ("search", "Payments fail", Severity.INFO)
