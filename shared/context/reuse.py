"""Whether what was measured minutes ago still answers for an incident: a storm must not become a storm of queries."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from shared.context.collectors.alerts import alerts_of
from shared.context.freeze import counted
from shared.context.identity import identified
from shared.context.prepare import prepared
from shared.context.sections import stamped
from shared.models.base import SnapshotId
from shared.models.evidence import EdgeEvidence
from shared.models.incidents import Incident
from shared.models.signals import AlertStatus, Signal
from shared.models.snapshots import Section, SectionName, SectionStatus, Snapshot, SnapshotBody, digest

REUSED_FOR = timedelta(minutes=5)
LASTING = frozenset(("expression_refused", "not_measured"))
"""What was not answered for these reasons is not answered a minute later either."""


class Reuse(StrEnum):
    """What becomes of an earlier snapshot's measurements."""

    REUSED = "reused"
    NONE_YET = "none_yet"
    TOO_OLD = "too_old"
    INCOMPLETE = "incomplete"
    """Something could not be asked then, and may be now."""
    OUT_OF_SIGHT = "out_of_sight"
    """An alert of a service that it did not look at."""
    TOO_EARLY = "too_early"
    """An alert began after it was taken, so it cannot show why."""


def reuse_of(latest: Snapshot | None, incident: Incident, signals: Sequence[Signal], *, now: datetime) -> Reuse:
    """Whether the measurements of the latest snapshot stand for these signals, and why not."""
    if latest is None or latest.body.service != incident.service_name:
        return Reuse.NONE_YET
    body = latest.body
    if not is_fresh(latest, now=now):
        return Reuse.TOO_OLD
    # Without its points, as its blob is gone, it would be passed on as all that was measured.
    if latest.whole_in is not None or any(_may_be_answered_now(one) for one in body.sections):
        return Reuse.INCOMPLETE
    firing = [one for one in signals if one.status is AlertStatus.FIRING]
    if any(one.service_name not in _in_sight(body) for one in firing):
        return Reuse.OUT_OF_SIGHT
    if any(one.timestamp > body.window_end for one in firing):
        return Reuse.TOO_EARLY
    return Reuse.REUSED


def is_fresh(latest: Snapshot, *, now: datetime) -> bool:
    """Whether its measurements are of the last minutes."""
    return now - (latest.body.measured_at or latest.taken_at) <= REUSED_FOR


def _may_be_answered_now(section: Section) -> bool:
    """Whether its source could not be asked; that an older answer is shown instead changes nothing."""
    unasked = section.status in (SectionStatus.FAILED, SectionStatus.STALE)
    return unasked and section.reason not in LASTING


def with_alerts(latest: Snapshot, signals: Sequence[Signal], *, snapshot_id: SnapshotId, now: datetime) -> Snapshot:
    """The latest snapshot's measurements with the alerts of now, as a snapshot of its own."""
    found = alerts_of(signals)
    alerts = Section(
        name=SectionName.ALERTS, status=SectionStatus.OK, warnings=found.warnings, evidence=found.evidence
    )
    before = latest.body
    prepared_alerts = prepared(stamped(alerts, now), (before.window_start, before.window_end), before.onset_at)
    kept = [prepared_alerts if one.name is SectionName.ALERTS else one for one in before.sections]
    body = counted(
        before.model_copy(
            update={
                "sections": identified(kept),
                "reused_from": before.reused_from or latest.id,
                "measured_at": before.measured_at or latest.taken_at,
            }
        )
    )
    again = {"id": snapshot_id, "taken_at": now, "elapsed_seconds": 0.0, "body": body, "sha256": digest(body)}
    return latest.model_copy(update=again)


def _in_sight(body: SnapshotBody) -> set[str]:
    edges = [one for one in body.evidence() if isinstance(one, EdgeEvidence)]
    return {body.service, *(name for edge in edges for name in (edge.caller, edge.callee))}
