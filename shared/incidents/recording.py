"""What a group of alerts changes in one incident: decided here, written elsewhere in one batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import Conflict
from shared.incidents.effects import Effect, signal_effect
from shared.incidents.flapping import signal_fired_again
from shared.incidents.lifecycle import Decision, Heard, settle, wanting_context
from shared.incidents.nodes import nodes_of, with_nodes
from shared.incidents.timeline import entry
from shared.models.base import IncidentId, SignalId, TenantId
from shared.models.correlation import Joined, Membership
from shared.models.incidents import (
    MAX_TITLE_CHARS,
    Coverage,
    Incident,
    IncidentState,
    TimelineEntry,
    TimelineEvent,
)
from shared.models.signals import AlertStatus, Arrival, Origin, Severity, Signal
from shared.ports.stores import IncidentChange, Versioned

TELL_AGAIN_AFTER = timedelta(minutes=1)


def effect_of(arrival: Arrival, known: Signal | None) -> Effect:
    """What an arrival does, given the signal of its episode if there is one."""
    return signal_effect(known, arrival.alert, arrival.received_at, arrival.origin).effect


@dataclass(frozen=True)
class Work:
    """An arrival that is to be recorded as the signal its claim chose."""

    arrival: Arrival
    signal_id: SignalId
    link: Membership | None = None
    """Why its service comes to the incident, when correlation put it there."""
    is_fresh: bool = False
    """The claim was taken just now, so nobody can have recorded the alert unless this write is a repeat."""


@dataclass(frozen=True)
class Occasion:
    """What a delivery says beside its alerts."""

    truncated_alerts: int = 0
    coverage: Coverage | None = None
    """Whether the plan covers the service of its new alerts; None when it has none."""
    reopen_within: timedelta = timedelta(minutes=30)


PLAIN = Occasion()


def record(
    tenant_id: TenantId,
    incident_id: IncidentId,
    current: Versioned[Incident] | None,
    known: Mapping[str, Versioned[Signal]],
    work: Sequence[Work],
    *,
    occasion: Occasion = PLAIN,
    earlier: IncidentId | None = None,
    now: datetime,
) -> IncidentChange | None:
    """All that these alerts change in the incident, or None; one that they open comes after `earlier`.

    Raises Conflict when it was closed for good since they were placed: placed again, they open another one.
    """
    effects = [(one, effect_of(one.arrival, _value(known.get(one.signal_id)))) for one in work]
    before = current.value if current else None
    new = [one for one, effect in effects if effect is Effect.JOINS]
    joining = [new_signal(tenant_id, incident_id, one, membership_of(one, before, now=now), now=now) for one in new]
    resolving = [_resolved(known[one.signal_id], one.arrival, now) for one, e in effects if e is Effect.RESOLVES]
    refiring = [_refired(known[one.signal_id], one.arrival, now) for one, e in effects if e is Effect.REFIRES]
    repeating = [_heard_of(known[one.signal_id], one.arrival) for one, e in effects if e is Effect.REPEATS]
    if not (joining or resolving or refiring or repeating):
        return None
    opened = before or opened_by(tenant_id, incident_id, joining, now=now, earlier=earlier)
    counted = _counted(opened, joining, len(resolving), len(refiring), is_new=before is None, now=now)
    counted = _covered(counted, occasion.coverage, is_new=before is None)
    heard = _heard(work, joining, refiring, occasion)
    after, why = settle(counted, heard, is_new=before is None, now=now, reopen_within=occasion.reopen_within)
    _require_taken(incident_id, why, heard)
    timeline, after = _told(
        after, before, joining, resolving, refiring, why=why, origin=work[0].arrival.origin, now=now
    )
    return IncidentChange(
        incident=after,
        etag=current.etag if current else None,
        created_signals=joining,
        changed_signals=[*resolving, *refiring, *repeating],
        timeline=timeline,
    )


def _require_taken(incident_id: IncidentId, why: Decision | None, heard: Heard) -> None:
    """Raise Conflict when something fires and the incident does not open for it."""
    if why and not why.allowed and (heard.fires_again or heard.new_alert_fires):
        raise Conflict(f"incident {incident_id} takes no firing alerts: {why.reason}", reason="incident_closed")


def _heard(work: Sequence[Work], joining: Sequence[Signal], refiring: Sequence[object], occasion: Occasion) -> Heard:
    return Heard.of(
        [one.arrival for one in work],
        fires_again=bool(refiring),
        new_alert_fires=any(one.status is AlertStatus.FIRING for one in joining),
        truncated_alerts=occasion.truncated_alerts,
    )


def membership_of(work: Work, before: Incident | None, *, now: datetime) -> Membership:
    """Why a new signal is in its incident."""
    if before is None:
        return work.link or Membership(reason=Joined.FIRST_OF_INCIDENT, at=now)
    if any(node.service_name == work.arrival.alert.service_name for node in before.services):
        return Membership(reason=Joined.SAME_SERVICE, at=now)
    return work.link or Membership(reason=Joined.SAME_SERVICE, at=now)


def _covered(incident: Incident, coverage: Coverage | None, *, is_new: bool) -> Incident:
    """An incident is investigated once any of its services is covered; a pause of the tenant stops that."""
    if coverage is None:
        return incident
    if coverage.suppressed is None and incident.suppressed:
        woken = f"covered-{incident.version}"
        return wanting_context(incident, woken, now=incident.updated_at).model_copy(update={"suppressed": None})
    if is_new or coverage is Coverage.INACTIVE_TENANT:
        return incident.model_copy(update={"suppressed": coverage.suppressed})
    return incident


def new_signal(
    tenant_id: TenantId, incident_id: IncidentId, work: Work, membership: Membership, *, now: datetime
) -> Signal:
    """The signal that an alert becomes."""
    arrival, alert = work.arrival, work.arrival.alert
    resolved = alert.status is AlertStatus.RESOLVED
    return Signal(
        id=work.signal_id,
        tenant_id=tenant_id,
        incident_id=incident_id,
        signal_type=alert.signal_type,
        source=alert.source,
        severity=alert.severity,
        status=alert.status,
        raw_pointer=arrival.raw_pointer,
        normalized_data=alert,
        service_name=alert.service_name,
        fingerprint=alert.fingerprint,
        timestamp=alert.starts_at,
        resolved_at=(alert.ends_at or now) if resolved else None,
        created_at=now,
        last_received_at=arrival.received_at,
        receipt_id=arrival.receipt_id,
        integration_id=arrival.integration_id,
        said_at=alert.said_at,
        resolved_by=arrival.origin if resolved else None,
        membership=membership,
    )


def opened_by(
    tenant_id: TenantId,
    incident_id: IncidentId,
    signals: Sequence[Signal],
    *,
    now: datetime,
    earlier: IncidentId | None = None,
) -> Incident:
    """The incident that these signals open, before they are counted."""
    first = _first(signals)
    return Incident(
        id=incident_id,
        tenant_id=tenant_id,
        incident_id=incident_id,
        title=_title(first),
        service_name=first.service_name,
        state=IncidentState.DETECTED,
        severity=first.severity,
        detected_at=now,
        version=0,
        context_wanted_at=now,
        external_id=first.normalized_data.external_id,
        earlier_incident_id=earlier,
        created_at=now,
        updated_at=now,
    )


def headline(signals: Sequence[Signal]) -> dict[str, object]:
    """The fields that name an incident after the first of its worst signals."""
    first = _first(signals)
    return {"title": _title(first), "service_name": first.service_name}


def _first(signals: Sequence[Signal]) -> Signal:
    return min(signals, key=lambda s: (s.severity.rank, s.timestamp))


def _title(signal: Signal) -> str:
    return f"{signal.service_name}: {signal.normalized_data.summary}"[:MAX_TITLE_CHARS]


def _counted(
    before: Incident, joining: Sequence[Signal], resolved: int, refired: int, *, is_new: bool, now: datetime
) -> Incident:
    firing = sum(1 for s in joining if s.status is AlertStatus.FIRING)
    worst = min([before.severity, *(s.severity for s in joining)], key=lambda severity: severity.rank)
    return before.model_copy(
        update={
            "signal_count": before.signal_count + len(joining),
            "firing_count": before.firing_count + firing + refired - resolved,
            "severity": before.severity if before.severity_by else Severity(worst),
            "services": with_nodes(before.services, nodes_of(s.normalized_data for s in joining)),
            "last_alert_at": now,
            "version": 1 if is_new else before.version + 1,
            "updated_at": now,
        }
    )


def _resolved(known: Versioned[Signal], arrival: Arrival, now: datetime) -> Versioned[Signal]:
    changed = known.value.model_copy(
        update={
            "status": AlertStatus.RESOLVED,
            "resolved_at": arrival.alert.ends_at or now,
            "resolved_by": arrival.origin,
            "said_at": arrival.alert.said_at or known.value.said_at,
            "last_received_at": arrival.received_at,
            "receipt_id": arrival.receipt_id,
        }
    )
    return Versioned(changed, known.etag)


def _refired(known: Versioned[Signal], arrival: Arrival, now: datetime) -> Versioned[Signal]:
    changed = signal_fired_again(known.value, now=now).model_copy(
        update={
            "status": AlertStatus.FIRING,
            "resolved_at": None,
            "resolved_by": None,
            "said_at": arrival.alert.said_at or known.value.said_at,
            "last_received_at": arrival.received_at,
            "receipt_id": arrival.receipt_id,
        }
    )
    return Versioned(changed, known.etag)


def _heard_of(known: Versioned[Signal], arrival: Arrival) -> Versioned[Signal]:
    heard = {"last_received_at": arrival.received_at, "said_at": arrival.alert.said_at or known.value.said_at}
    return Versioned(known.value.model_copy(update=heard), known.etag)


def _told(
    after: Incident,
    before: Incident | None,
    joining: Sequence[Signal],
    resolving: Sequence[Versioned[Signal]],
    refiring: Sequence[Versioned[Signal]],
    *,
    why: Decision | None,
    origin: Origin,
    now: datetime,
) -> tuple[list[TimelineEntry], Incident]:
    entries = []
    if joining and is_told(joining, before, now=now):
        event = TimelineEvent.SIGNALS_JOINED if before else TimelineEvent.OPENED
        reason = joining[0].membership.reason.value if joining[0].membership else Joined.SAME_SERVICE.value
        reason = reason if origin is Origin.WEBHOOK else origin.value
        after = after.model_copy(update={"told_at": now})
        entries.append(entry(after, event, reason, joining, now=now))
    for event, signals, reason in (
        (TimelineEvent.SIGNALS_RESOLVED, resolving, "sender_says_resolved"),
        (TimelineEvent.SIGNALS_REFIRED, refiring, "sender_says_firing"),
    ):
        if signals:
            why_told = reason if origin is Origin.WEBHOOK else origin.value
            entries.append(entry(after, event, why_told, [held.value for held in signals], now=now))
    if why and why.to_state is not why.from_state:
        event = TimelineEvent.RESOLVED if why.closes else TimelineEvent.REOPENED
        event = event if why.closes or why.reopens else TimelineEvent.STATE_CHANGED
        entries.append(entry(after, event, why.reason.value, [], now=now))
    return entries, after


def is_told(joining: Sequence[Signal], before: Incident | None, *, now: datetime) -> bool:
    """Whether the timeline tells of alerts that join: of a new service always, of more of the same once a minute.

    Nothing is lost where it does not: every signal says itself when and why it joined.
    """
    if before is None or before.told_at is None or now - before.told_at >= TELL_AGAIN_AFTER:
        return True
    present = {node.service_name for node in before.services}
    return any(signal.service_name not in present for signal in joining)


def _value(known: Versioned[Signal] | None) -> Signal | None:
    return known.value if known else None
