"""Deviations that a look found, as signals of the incident that was looked at: told, and never taken for alerts."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from shared.incidents.timeline import entry
from shared.models.base import IncidentId, ReceiptId, SignalId, SnapshotId, document_id
from shared.models.evidence import SeriesEvidence
from shared.models.incidents import Incident, TimelineEntry, TimelineEvent
from shared.models.measures import MOVING, Direction, Metric, Relation
from shared.models.quantities import clock
from shared.models.signals import Alert, AlertStatus, Severity, Signal, SignalType, Source
from shared.models.snapshots import PARTIAL, Snapshot, SnapshotBody

MAX_DEVIATIONS = 12
"""Of one look; those that went farthest. The snapshot has them all."""
SAME_WITHIN = timedelta(minutes=10)
"""Looks find the onset of one deviation a few samples apart; it stays the same deviation."""


def deviations_in(body: SnapshotBody) -> list[SeriesEvidence]:
    """The alerting service's traffic where it shifted, and what moved for the worse around it; the farthest first.

    What the alerting service suffers of errors and latency is what its own alerts say. Fewer requests are nothing to
    tell where a part of them could not be read.
    """
    series = [
        piece
        for section in body.sections
        for piece in section.evidence
        if isinstance(piece, SeriesEvidence) and not (section.reason == PARTIAL and _is_fewer(piece))
    ]
    found = [piece for piece in series if piece.metric in MOVING and piece.is_worse and _is_told(piece)]
    return sorted(found, key=lambda piece: (-piece.movement.score, piece.id))[:MAX_DEVIATIONS]


def _is_fewer(piece: SeriesEvidence) -> bool:
    return piece.metric is Metric.REQUEST_RATE and piece.movement.direction is Direction.DOWN


def _is_told(piece: SeriesEvidence) -> bool:
    if piece.metric is Metric.REQUEST_RATE:
        return piece.movement.shift is not None
    return piece.relation is not Relation.SELF


def ids_of(incident_id: IncidentId, piece: SeriesEvidence) -> tuple[SignalId, SignalId]:
    """The id of a deviation, and the one it has if another look found its onset on the other side of a border."""
    about = (incident_id, piece.service, piece.metric.value, piece.movement.direction.value)
    onset = piece.movement.onset_at
    if onset is None:
        # It was there before the window began: nobody knows since when, so it is one for all looks.
        return (_id(*about, "before"), _id(*about, "before"))
    place, within = divmod(onset.timestamp(), SAME_WITHIN.total_seconds())
    other = place + (1 if within >= SAME_WITHIN.total_seconds() / 2 else -1)
    return _id(*about, f"{place:.0f}"), _id(*about, f"{other:.0f}")


def _id(*about: str) -> SignalId:
    return SignalId(document_id("sig", "measured", *about))


def signals_of(
    snapshot: Snapshot,
    found: Sequence[SeriesEvidence],
    known: Collection[str],
    *,
    receipt_id: ReceiptId,
    now: datetime,
) -> list[Signal]:
    """A signal for each deviation that the incident does not have yet; `known` are the ids of those that it has."""
    new: dict[str, Signal] = {}
    for piece in found:
        own, other = ids_of(snapshot.incident_id, piece)
        if own not in known and other not in known and own not in new:
            new[own] = _signal(own, piece, snapshot, receipt_id=receipt_id, now=now)
    return list(new.values())


def _signal(
    signal_id: SignalId, piece: SeriesEvidence, snapshot: Snapshot, *, receipt_id: ReceiptId, now: datetime
) -> Signal:
    alert = _as_alert(piece, snapshot.body.window_start)
    return Signal(
        id=signal_id,
        tenant_id=snapshot.tenant_id,
        incident_id=snapshot.incident_id,
        signal_type=alert.signal_type,
        source=alert.source,
        severity=alert.severity,
        status=alert.status,
        raw_pointer=None,
        normalized_data=alert,
        service_name=alert.service_name,
        context_snapshot_id=SnapshotId(snapshot.id),
        fingerprint=alert.fingerprint,
        timestamp=alert.starts_at,
        created_at=now,
        last_received_at=now,
        receipt_id=receipt_id,
    )


def _as_alert(piece: SeriesEvidence, window_start: datetime) -> Alert:
    moved = piece.movement
    measured = {"current": moved.current, "baseline": moved.baseline_median, "score": moved.score}
    return Alert(
        source=Source.MEASURED,
        fingerprint=document_id("deviation", piece.service, piece.metric.value, moved.direction.value),
        name=name_of(piece),
        service_name=piece.service,
        service_from="none",
        severity=Severity.INFO,
        status=AlertStatus.OBSERVED,
        summary=piece.said,
        labels={
            "metric": piece.metric.value,
            "direction": moved.direction.value,
            "relation": piece.relation.value,
            "baseline": moved.baseline.value,
            "evidence": piece.id,
        },
        annotations={},
        starts_at=moved.onset_at or window_start,
        start_known=moved.onset_at is not None,
        ends_at=None,
        expression=piece.query,
        generator_url=None,
        group_key="",
        signal_type=SignalType.METRIC_DEVIATION,
        values={name: value for name, value in measured.items() if value is not None},
    )


def name_of(piece: SeriesEvidence) -> str:
    """What people call it: `request rate surge`, `latency p95 up`."""
    shift = piece.movement.shift
    return f"{piece.metric.value.replace('_', ' ')} {shift.value if shift else piece.movement.direction.value}"


def told_of(incident: Incident, signals: Sequence[Signal], *, now: datetime) -> list[TimelineEntry]:
    """What the timeline says of new deviations: nothing where there are none."""
    if not signals:
        return []
    first = sorted(signals, key=lambda one: (one.timestamp, one.id))
    words = "; ".join(f"{one.service_name}: {one.normalized_data.name} ({_since(one)})" for one in first)
    return [entry(incident, TimelineEvent.DEVIATIONS_FOUND, "measured", first, now=now, text=f"Measured: {words}")]


def _since(signal: Signal) -> str:
    return clock(signal.timestamp) if signal.normalized_data.start_known else f"before {clock(signal.timestamp)}"
