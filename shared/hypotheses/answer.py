"""The deterministic answer for one snapshot: it stands before a model was asked, and when none answers."""

from datetime import datetime

from shared.hypotheses.confidence import confident
from shared.hypotheses.rank import RANKER_VERSION
from shared.hypotheses.scene import scene_of
from shared.hypotheses.suspects import suspects_of
from shared.hypotheses.wording import hypothesis, queries_to_try
from shared.models.base import SnapshotId, document_id
from shared.models.calibration import Curve
from shared.models.hypotheses import Conclusion, GeneratedBy, HypothesisSet
from shared.models.snapshots import SectionName, SectionStatus, Snapshot, SnapshotBody

MAX_HYPOTHESES = 5
BY_PROMETHEUS = (SectionName.TRAFFIC, SectionName.TOPOLOGY, SectionName.DEPENDENCIES, SectionName.CHANGES)
"""What every tenant's Prometheus is asked; of the rest, a tenant may have connected or written nothing."""
UNMEASURED = {SectionStatus.FAILED, SectionStatus.NOT_CONFIGURED}


def ranking_id(snapshot_id: SnapshotId) -> str:
    """The id of a snapshot's deterministic answer."""
    return document_id("hyp", snapshot_id, GeneratedBy.RANKER.value)


def ranked_set(snapshot: Snapshot, *, now: datetime, curve: Curve | None = None) -> HypothesisSet:
    """The deterministic answer; it needs nothing but the snapshot. `curve` is the tenant's own calibration."""
    scene = scene_of(snapshot.body)
    suspects = suspects_of(scene)[:MAX_HYPOTHESES]
    edges = [edge for found in scene.calls.values() for edge in found]
    found = HypothesisSet(
        id=ranking_id(SnapshotId(snapshot.id)),
        tenant_id=snapshot.tenant_id,
        incident_id=snapshot.incident_id,
        snapshot_id=SnapshotId(snapshot.id),
        generated_by=GeneratedBy.RANKER,
        reason="ranked",
        conclusion=conclusion_of(snapshot.body, found=bool(suspects)),
        hypotheses=tuple(hypothesis(scene, one, position) for position, one in enumerate(suspects, start=1)),
        ranker_version=RANKER_VERSION,
        next_steps=() if suspects else _unmeasured_steps(snapshot.body) + queries_to_try(scene, edges),
        created_at=now,
    )
    return confident(found, snapshot.body, curve)


def conclusion_of(body: SnapshotBody, *, found: bool) -> Conclusion:
    """Whether the evidence points anywhere. What could not be measured is never read as health."""
    if found:
        return Conclusion.RANKED
    measured = {section.name: section.status for section in body.sections}
    looked = [measured.get(name, SectionStatus.FAILED) for name in (SectionName.TRAFFIC, SectionName.DEPENDENCIES)]
    return Conclusion.NOT_MEASURED if UNMEASURED.intersection(looked) else Conclusion.NO_EVIDENCE


def _unmeasured_steps(body: SnapshotBody) -> tuple[str, ...]:
    failed = [
        f"{one.name.value} ({one.reason or one.status.value})"
        for one in body.sections
        if one.status is SectionStatus.FAILED or (one.name in BY_PROMETHEUS and one.status in UNMEASURED)
    ]
    return (f"Could not be looked at: {', '.join(failed)}. Check that Prometheus answers.",) if failed else ()
