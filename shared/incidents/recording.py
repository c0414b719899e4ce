"""What a group of alerts changes in one incident: decided here, written elsewhere in one batch."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from shared.incidents.lifecycle import Transition, is_stale, moved, transition, wanting_context
from shared.incidents.timeline import entry
from shared.models.base import IncidentId, SignalId, TenantId
from shared.models.incidents import Incident, IncidentState, TimelineEntry, TimelineEvent
from shared.models.signals import AlertStatus, Arrival, Severity, Signal, fires_again
from shared.ports.stores import IncidentChange, Versioned

MAX_TITLE_CHARS = 200


class Effect(StrEnum):
    """What one alert does to the incident."""

    JOINS = "joins"
    RESOLVES = "resolves"
    REFIRES = "refires"
    NOTHING_NEW = "nothing_new"


def effect_of(arrival: Arrival, known: Signal | None) -> Effect:
    """Decide from the signal of the same episode, if there is one."""
    if known is None:
        return Effect.JOINS
    if known.status is arrival.alert.status:
        return Effect.NOTHING_NEW
    if arrival.alert.status is AlertStatus.RESOLVED:
        return Effect.RESOLVES
    # The claim sorts out late copies too, but a claim left half done does not know of the resolution.
    again = fires_again(resolved=known.last_received_at, received=arrival.received_at)
    return Effect.REFIRES if again else Effect.NOTHING_NEW


def record(
    tenant_id: TenantId,
    incident_id: IncidentId,
    current: Versioned[Incident] | None,
    known: Mapping[SignalId, Versioned[Signal]],
    arrivals: Sequence[Arrival],
    *,
    now: datetime,
) -> IncidentChange | None:
    """All that these alerts change in the incident, or None when they change nothing."""
    effects = [(a, effect_of(a, _value(known.get(a.alert.signal_id)))) for a in arrivals]
    joining = [new_signal(tenant_id, incident_id, a, now=now) for a, e in effects if e is Effect.JOINS]
    resolving = [_resolved(known[a.alert.signal_id], a, now) for a, e in effects if e is Effect.RESOLVES]
    refiring = [_refired(known[a.alert.signal_id], a) for a, e in effects if e is Effect.REFIRES]
    if not (joining or resolving or refiring):
        return None
    before = current.value if current else _opened(tenant_id, incident_id, joining, now=now)
    counted = _counted(before, joining, len(resolving), len(refiring), is_new=current is None, now=now)
    why = transition(counted)
    after = moved(counted, why, now=now)
    if current and any(one.status is AlertStatus.FIRING for one in joining) and is_stale(after, now=now):
        after = wanting_context(after, f"joined-{after.version}", now=now)
    timeline = _timeline(after, joining, resolving, refiring, opened=current is None, why=why, now=now)
    return IncidentChange(
        incident=after,
        etag=current.etag if current else None,
        created_signals=joining,
        changed_signals=[*resolving, *refiring],
        timeline=timeline,
    )


def new_signal(tenant_id: TenantId, incident_id: IncidentId, arrival: Arrival, *, now: datetime) -> Signal:
    """The signal that an alert becomes."""
    alert = arrival.alert
    resolved = alert.status is AlertStatus.RESOLVED
    return Signal(
        id=alert.signal_id,
        tenant_id=tenant_id,
        incident_id=incident_id,
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
    )


def _opened(tenant_id: TenantId, incident_id: IncidentId, signals: Sequence[Signal], *, now: datetime) -> Incident:
    first = min(signals, key=lambda s: (s.severity.rank, s.timestamp))
    return Incident(
        id=incident_id,
        tenant_id=tenant_id,
        incident_id=incident_id,
        title=f"{first.service_name}: {first.normalized_data.summary}"[:MAX_TITLE_CHARS],
        service_name=first.service_name,
        state=IncidentState.DETECTED,
        severity=first.severity,
        detected_at=now,
        version=0,
        context_wanted_at=now,
        created_at=now,
        updated_at=now,
    )


def _counted(
    before: Incident, joining: Sequence[Signal], resolved: int, refired: int, *, is_new: bool, now: datetime
) -> Incident:
    firing = sum(1 for s in joining if s.status is AlertStatus.FIRING)
    worst = min([before.severity, *(s.severity for s in joining)], key=lambda severity: severity.rank)
    return before.model_copy(
        update={
            "signal_count": before.signal_count + len(joining),
            "firing_count": before.firing_count + firing + refired - resolved,
            "severity": Severity(worst),
            "version": 1 if is_new else before.version + 1,
            "updated_at": now,
        }
    )


def _resolved(known: Versioned[Signal], arrival: Arrival, now: datetime) -> Versioned[Signal]:
    changed = known.value.model_copy(
        update={
            "status": AlertStatus.RESOLVED,
            "resolved_at": arrival.alert.ends_at or now,
            "last_received_at": arrival.received_at,
            "receipt_id": arrival.receipt_id,
        }
    )
    return Versioned(changed, known.etag)


def _refired(known: Versioned[Signal], arrival: Arrival) -> Versioned[Signal]:
    changed = known.value.model_copy(
        update={
            "status": AlertStatus.FIRING,
            "resolved_at": None,
            "last_received_at": arrival.received_at,
            "receipt_id": arrival.receipt_id,
        }
    )
    return Versioned(changed, known.etag)


def _timeline(
    after: Incident,
    joining: Sequence[Signal],
    resolving: Sequence[Versioned[Signal]],
    refiring: Sequence[Versioned[Signal]],
    *,
    opened: bool,
    why: Transition,
    now: datetime,
) -> list[TimelineEntry]:
    entries = []
    if joining:
        event = TimelineEvent.OPENED if opened else TimelineEvent.SIGNALS_JOINED
        reason = "first_alert_of_the_service" if opened else "service_has_an_open_incident"
        entries.append(entry(after, event, reason, joining, now=now))
    if resolving:
        entries.append(
            entry(
                after, TimelineEvent.SIGNALS_RESOLVED, "sender_says_resolved", [s.value for s in resolving], now=now
            )
        )
    if refiring:
        entries.append(
            entry(after, TimelineEvent.SIGNALS_REFIRED, "sender_says_firing", [s.value for s in refiring], now=now)
        )
    if why is not Transition.STAYS:
        event = TimelineEvent.RESOLVED if why is Transition.ALL_RESOLVED else TimelineEvent.REOPENED
        entries.append(entry(after, event, why.value, [], now=now))
    return entries


def _value(known: Versioned[Signal] | None) -> Signal | None:
    return known.value if known else None
