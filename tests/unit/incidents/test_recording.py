"""What alerts change in an incident."""

from datetime import timedelta

import pytest

from shared.errors import Conflict
from shared.incidents.lifecycle import LOOK_AGAIN_AFTER
from shared.incidents.recording import Work, record
from shared.models.base import IncidentId
from shared.models.incidents import Incident, IncidentState, TimelineEvent
from shared.models.signals import REFIRE_AFTER, AlertStatus, Arrival, Severity, Signal
from shared.ports.stores import IncidentChange, Versioned
from tests.builders import ACME, NOON, ONE_SECOND, a_signal, an_alert, an_arrival, an_incident, resolved

INCIDENT = IncidentId("inc-1")
SECOND = an_alert(fingerprint="second", name="HighLatency", severity=Severity.WARNING)


def recorded(current: Incident | None, known: list[Signal], *arrivals: Arrival) -> IncidentChange | None:
    by_id = {signal.id: Versioned(signal, "s1") for signal in known}
    work = [Work(arrival, arrival.alert.signal_id) for arrival in arrivals]
    held = Versioned(current, "i1") if current else None
    return record(ACME, INCIDENT, held, by_id, work, now=NOON + timedelta(minutes=1))


def events(change: IncidentChange | None) -> list[TimelineEvent]:
    return [entry.event for entry in change.timeline] if change else []


def test_the_first_alert_opens_the_incident_with_its_words_and_severity() -> None:
    change = recorded(None, [], an_arrival(), an_arrival(SECOND))
    assert change is not None
    assert change.etag is None
    assert change.incident.title == "payment: payment fails its requests"
    assert (change.incident.state, change.incident.severity) == (IncidentState.DETECTED, Severity.CRITICAL)
    assert (change.incident.signal_count, change.incident.firing_count, change.incident.version) == (2, 2, 1)
    assert events(change) == [TimelineEvent.OPENED]


def test_a_second_alert_joins_under_the_etag_the_incident_was_read_with() -> None:
    change = recorded(an_incident(), [], an_arrival(SECOND))
    assert change is not None
    assert change.etag == "i1"
    assert (change.incident.signal_count, change.incident.version) == (2, 2)
    assert [signal.id for signal in change.created_signals] == [SECOND.signal_id]
    assert events(change) == [TimelineEvent.SIGNALS_JOINED]


def test_an_alert_that_is_recorded_changes_nothing() -> None:
    assert recorded(an_incident(), [a_signal()], an_arrival()) is None


def test_a_worse_alert_raises_the_severity_and_a_milder_one_does_not_lower_it() -> None:
    mild = recorded(an_incident(severity=Severity.WARNING), [], an_arrival(an_alert(fingerprint="x")))
    same = recorded(an_incident(), [], an_arrival(SECOND))
    assert mild is not None
    assert same is not None
    assert mild.incident.severity is Severity.CRITICAL
    assert same.incident.severity is Severity.CRITICAL


def test_the_last_resolution_resolves_the_incident() -> None:
    change = recorded(an_incident(), [a_signal()], an_arrival(resolved(an_alert())))
    assert change is not None
    assert change.incident.state is IncidentState.RESOLVED
    assert change.incident.resolved_at == NOON + timedelta(minutes=1)
    assert [held.value.status for held in change.changed_signals] == [AlertStatus.RESOLVED]
    assert [held.etag for held in change.changed_signals] == ["s1"]
    assert events(change) == [TimelineEvent.SIGNALS_RESOLVED, TimelineEvent.RESOLVED]


def test_one_resolution_of_two_leaves_the_incident_open() -> None:
    change = recorded(
        an_incident(signal_count=2, firing_count=2), [a_signal(), a_signal(SECOND)], an_arrival(resolved(SECOND))
    )
    assert change is not None
    assert change.incident.state is IncidentState.DETECTED
    assert change.incident.firing_count == 1


def test_an_alert_that_is_first_seen_resolved_is_kept_and_opens_nothing_that_stays_open() -> None:
    change = recorded(None, [], an_arrival(resolved(an_alert())))
    assert change is not None
    assert change.incident.state is IncidentState.RESOLVED
    assert (change.incident.signal_count, change.incident.firing_count) == (1, 0)


def over() -> Signal:
    return a_signal(status=AlertStatus.RESOLVED, resolved_at=NOON, last_received_at=NOON)


def test_firing_again_long_after_the_resolution_reopens_the_incident_and_looks_again() -> None:
    closed = an_incident(state=IncidentState.RESOLVED, resolved_at=NOON, firing_count=0, version=4)
    change = recorded(closed, [over()], an_arrival(received_at=NOON + REFIRE_AFTER))
    assert change is not None
    assert (change.incident.state, change.incident.resolved_at) == (IncidentState.DETECTED, None)
    assert change.incident.context_trigger == "reopened-5"
    assert events(change) == [TimelineEvent.SIGNALS_REFIRED, TimelineEvent.REOPENED]


def test_a_late_copy_of_the_firing_alert_does_not_reopen() -> None:
    closed = an_incident(state=IncidentState.RESOLVED, firing_count=0)
    assert recorded(closed, [over()], an_arrival(received_at=NOON + REFIRE_AFTER - ONE_SECOND)) is None


def test_a_new_alert_makes_us_look_again_unless_we_just_did() -> None:
    asked = NOON + timedelta(minutes=1)
    stale = recorded(an_incident(context_wanted_at=asked - LOOK_AGAIN_AFTER), [], an_arrival(SECOND))
    fresh = recorded(an_incident(context_wanted_at=asked - LOOK_AGAIN_AFTER + ONE_SECOND), [], an_arrival(SECOND))
    assert stale is not None
    assert fresh is not None
    assert (stale.incident.context_trigger, fresh.incident.context_trigger) == ("joined-2", "opened")
    assert stale.incident.context_wanted_at == asked


def test_an_incident_that_people_closed_for_good_refuses_alerts_that_fire() -> None:
    learned = an_incident(state=IncidentState.LEARNED, firing_count=0)
    with pytest.raises(Conflict) as refused:
        recorded(learned, [], an_arrival(SECOND))
    assert refused.value.reason == "incident_closed"


def test_a_resolution_that_comes_first_leaves_the_state_that_people_chose() -> None:
    learned = an_incident(state=IncidentState.LEARNED, firing_count=0)
    change = recorded(learned, [], an_arrival(resolved(SECOND)))
    assert change is not None
    assert change.incident.state is IncidentState.LEARNED


def test_the_same_decision_twice_writes_the_same_ids() -> None:
    first, second = recorded(None, [], an_arrival()), recorded(None, [], an_arrival())
    assert first == second
