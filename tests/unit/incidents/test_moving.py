"""What a move makes of both incidents: their names, their states, and what they know of flapping and cut lists."""

from datetime import datetime, timedelta

from shared.incidents.lifecycle import HeldOpen, group_id
from shared.incidents.moving import arrived, left
from shared.incidents.nodes import node_of
from shared.models.base import IncidentId
from shared.models.incidents import Departure, Incident, IncidentState, TimelineEvent
from shared.models.signals import AlertStatus, Signal
from shared.ports.stores import IncidentChange, Versioned
from tests.builders import NOON, a_signal, an_alert, an_incident

SOURCE, TARGET = IncidentId("inc-source"), IncidentId("inc-target")
LATER = NOON + timedelta(minutes=20)


def of(service: str, *, fires: bool = True, fired_at: tuple[datetime, ...] = ()) -> Signal:
    alert = an_alert(service_name=service, fingerprint=f"{service}-1", group_key=f"group of {service}")
    status = AlertStatus.FIRING if fires else AlertStatus.RESOLVED
    return a_signal(alert, incident_id=SOURCE, status=status, recent_fires=fired_at)


def holding(*signals: Signal, leaving: str | None = None, **changes: object) -> Incident:
    departing = Departure(services=(leaving,), target=TARGET, memberships={}, at=LATER) if leaving else None
    fields: dict[str, object] = {
        "id": SOURCE,
        "incident_id": SOURCE,
        "service_name": signals[0].service_name,
        "title": f"{signals[0].service_name}: it is ill",
        "services": tuple(node_of(one.normalized_data) for one in signals),
        "signal_count": len(signals),
        "firing_count": sum(one.status is AlertStatus.FIRING for one in signals),
        "departing": departing,
    }
    return an_incident(**fields | changes)


def after_leaving(gone: Signal, stays: Signal, **changes: object) -> IncidentChange:
    source = Versioned(holding(gone, stays, leaving=gone.service_name, **changes), "1")
    return left(source, TARGET, [Versioned(gone, "1")], [stays], is_last=True, now=LATER)


def after_coming(comes: Signal, target: Incident, **source: object) -> Incident:
    change = arrived(
        Versioned(target, "1"), TARGET, holding(comes, leaving=comes.service_name, **source), [comes], {}, now=LATER
    )
    assert change is not None
    return change.incident


def test_an_incident_is_named_after_what_stays_in_it() -> None:
    after = after_leaving(of("payment"), of("search")).incident
    assert (after.service_name, after.title) == ("search", f"search: {of('search').normalized_data.summary}")


def test_an_incident_keeps_its_name_when_its_own_service_stays() -> None:
    source = Versioned(holding(of("payment"), of("search"), leaving="search"), "1")
    after = left(source, TARGET, [Versioned(of("search"), "1")], [of("payment")], is_last=True, now=LATER).incident
    assert (after.service_name, after.title) == ("payment", "payment: it is ill")


def test_an_incident_whose_last_firing_alert_leaves_is_resolved() -> None:
    change = after_leaving(of("payment"), of("search", fires=False))
    assert change.incident.state is IncidentState.RESOLVED
    assert [told.event for told in change.timeline] == [TimelineEvent.SERVICES_LEFT, TimelineEvent.RESOLVED]


def test_an_incident_stays_open_while_what_stays_in_it_fires() -> None:
    change = after_leaving(of("payment", fires=False), of("search"))
    assert change.incident.state is IncidentState.DETECTED
    assert [told.event for told in change.timeline] == [TimelineEvent.SERVICES_LEFT]


def test_an_incident_whose_list_was_cut_is_not_resolved_by_a_move() -> None:
    change = after_leaving(of("payment"), of("search", fires=False), cut_groups=("grp-of-others",))
    assert (change.incident.state, change.incident.held_open) == (IncidentState.DETECTED, HeldOpen.TRUNCATED_ALERTS)


def test_an_incident_that_is_held_open_is_no_longer_when_a_firing_alert_comes() -> None:
    quiet = of("search", fires=False)
    assert after_coming(of("payment"), holding(quiet, held_open=HeldOpen.FLAPPING)).held_open is None


def test_cut_lists_go_with_the_alerts_of_their_group_and_no_others() -> None:
    mine, other = group_id("group of payment"), group_id("group of somebody else")
    assert after_coming(of("payment"), holding(of("search")), cut_groups=(mine, other)).cut_groups == (mine,)


def test_what_flapped_before_a_move_flaps_after_it() -> None:
    fired_at = tuple(NOON + timedelta(minutes=minute) for minute in (0, 5, 10, 15))
    after = after_coming(of("payment", fired_at=fired_at), holding(of("search")))
    assert after.flapping_until == NOON + timedelta(hours=1)
    assert after_coming(of("payment"), holding(of("search"))).flapping_until is None
