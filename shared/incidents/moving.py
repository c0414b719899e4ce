"""Moving services from one incident to another: what each step writes. Merging is moving all of them.

A move is begun in the source (`departing`), its signals are created in the target, claims are repointed, and only
then are they removed from the source. Every step can be repeated, so whoever meets a move half done completes it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from shared.incidents.flapping import joint_fires
from shared.incidents.lifecycle import Heard, group_id, is_stale, settle, wanting_context
from shared.incidents.nodes import with_nodes
from shared.incidents.recording import headline, opened_by
from shared.incidents.timeline import entry
from shared.models.base import IncidentId
from shared.models.correlation import Joined, Membership, ServiceNode
from shared.models.incidents import Departure, Incident, TimelineEntry, TimelineEvent
from shared.models.signals import AlertStatus, Severity, Signal
from shared.ports.stores import IncidentChange, Versioned


def begun(source: Versioned[Incident], departure: Departure, *, now: datetime) -> IncidentChange:
    """The source with the move announced: from now on alerts of these services go to the target."""
    after = _next(source.value, {"departing": departure}, now=now)
    return IncidentChange(incident=after, etag=source.etag)


def arrived(
    target: Versioned[Incident] | None,
    target_id: IncidentId,
    source: Incident,
    signals: Sequence[Signal],
    present: Mapping[str, object],
    *,
    now: datetime,
) -> IncidentChange | None:
    """The target with those of the signals that it has not got yet; None when it has them all."""
    departure = _departure(source)
    coming = [_rehomed(signal, target_id, departure) for signal in signals if signal.id not in present]
    if not coming:
        return None
    nodes = {
        node.service_name: node.model_copy(update={"pinned": node.pinned or departure.by is not None})
        for node in source.services
        if node.service_name in {signal.service_name for signal in coming}
    }
    before = target.value if target else _split_off(source, target_id, coming, nodes, now=now)
    after, settled = _settled(_grown(before, source, coming, nodes, now=now), now=now)
    if target and after.is_open and is_stale(after, now=now):
        after = wanting_context(after, f"moved-{after.version}", now=now)
    told = entry(
        after,
        TimelineEvent.SERVICES_CAME,
        coming[0].membership.reason.value if coming[0].membership else "moved",
        coming,
        now=now,
        text=f"{', '.join(sorted(nodes))} came from incident {source.incident_id}",
    )
    return IncidentChange(
        incident=after, etag=target.etag if target else None, created_signals=coming, timeline=[told, *settled]
    )


def left(
    source: Versioned[Incident],
    target_id: IncidentId,
    going: Sequence[Versioned[Signal]],
    staying_signals: Sequence[Signal],
    *,
    is_last: bool,
    now: datetime,
) -> IncidentChange:
    """The source without these signals; after the last of them without the services, and merged if it is empty.

    What stays gives it its name, and settles it: it is resolved when nothing that stays fires.
    """
    departure = _departure(source.value)
    firing = sum(1 for held in going if held.value.status is AlertStatus.FIRING)
    fields: dict[str, object] = {
        "signal_count": max(source.value.signal_count - len(going), 0),
        "firing_count": max(source.value.firing_count - firing, 0),
    }
    if not is_last:
        return IncidentChange(incident=_next(source.value, fields, now=now), etag=source.etag, removed_signals=going)
    staying = tuple(node for node in source.value.services if node.service_name not in departure.services)
    fields |= {
        "departing": None,
        "departed": {**source.value.departed, **dict.fromkeys(departure.services, target_id)},
        "services": staying,
        "merged_into": None if staying else target_id,
        "severity": _severity(source.value, staying),
    }
    if source.value.service_name in departure.services and staying_signals:
        fields |= headline(staying_signals)
        fields["title"] = source.value.title if source.value.title_by else fields["title"]
    after, settled = _settled(_next(source.value, fields, now=now), now=now)
    event = TimelineEvent.SERVICES_LEFT if staying else TimelineEvent.MERGED
    words = f"{', '.join(sorted(departure.services))} went to incident {target_id}"
    reason = next(iter(departure.memberships.values())).reason.value if departure.memberships else "moved"
    told = entry(after, event, reason, [], now=now, text=words)
    return IncidentChange(incident=after, etag=source.etag, removed_signals=going, timeline=[told, *settled])


def _settled(incident: Incident, *, now: datetime) -> tuple[Incident, list[TimelineEntry]]:
    """The incident in the state that its alerts ask for after a move, and what the timeline says of it."""
    after, why = settle(incident, Heard(received_at=now), is_new=False, now=now, reopen_within=timedelta())
    if why is None or not why.closes:
        return after, []
    return after, [entry(after, TimelineEvent.RESOLVED, why.reason.value, [], now=now)]


def _departure(source: Incident) -> Departure:
    if source.departing is None:
        raise ValueError(f"no move of {source.incident_id} was begun")
    return source.departing


def _rehomed(signal: Signal, target_id: IncidentId, departure: Departure) -> Signal:
    fallback = Membership(reason=Joined.CORRELATED, at=departure.at)
    membership = departure.memberships.get(signal.service_name, fallback)
    return signal.model_copy(update={"incident_id": target_id, "membership": membership})


def _split_off(
    source: Incident,
    target_id: IncidentId,
    coming: Sequence[Signal],
    nodes: Mapping[str, ServiceNode],
    *,
    now: datetime,
) -> Incident:
    opened = opened_by(source.tenant_id, target_id, coming, now=now)
    return opened.model_copy(
        update={
            # It began when the first of its alerts came, not when it was split off.
            "detected_at": min(signal.created_at for signal in coming),
            "suppressed": source.suppressed,
            "severity": _worst(tuple(nodes.values())) or opened.severity,
        }
    )


def _grown(
    before: Incident, source: Incident, coming: Sequence[Signal], nodes: Mapping[str, ServiceNode], *, now: datetime
) -> Incident:
    firing = sum(1 for signal in coming if signal.status is AlertStatus.FIRING)
    services = with_nodes(before.services, nodes)
    fields = {
        "services": services,
        "departed": {name: where for name, where in before.departed.items() if name not in nodes},
        "signal_count": before.signal_count + len(coming),
        "firing_count": before.firing_count + firing,
        "severity": _severity(before, services),
        # Alerts that a cut list hides may be of these services, and what flapped there flaps here.
        "cut_groups": tuple(dict.fromkeys([*before.cut_groups, *_cut_with(source, coming)])),
        **joint_fires(before, [signal for signal in coming if len(signal.recent_fires) > 1]),
    }
    if firing:
        fields["held_open"] = None
    return _next(before, fields, now=now)


def _cut_with(source: Incident, coming: Sequence[Signal]) -> list[str]:
    groups = {group_id(signal.normalized_data.group_key) for signal in coming}
    return [group for group in source.cut_groups if group in groups]


def _severity(incident: Incident, nodes: Sequence[ServiceNode]) -> Severity:
    """That of the worst of these services, unless a person said another."""
    return incident.severity if incident.severity_by else _worst(nodes) or incident.severity


def _worst(nodes: Sequence[ServiceNode]) -> Severity | None:
    return min((Severity(node.severity) for node in nodes), key=lambda severity: severity.rank, default=None)


def _next(before: Incident, fields: Mapping[str, object], *, now: datetime) -> Incident:
    return before.model_copy(update={**fields, "version": before.version + 1, "updated_at": now})
