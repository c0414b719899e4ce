"""The answers for one snapshot: the ranker's, and then the model's where it stands up to checking."""

import time
from datetime import datetime

from shared.errors import ModelUnavailable
from shared.hypotheses.proposal import ModelHypotheses
from shared.hypotheses.propose import PROMPT_VERSION, render
from shared.hypotheses.rank import RANKER_VERSION
from shared.hypotheses.scene import scene_of
from shared.hypotheses.suspects import suspects_of
from shared.hypotheses.verify import Verified, verify
from shared.hypotheses.wording import hypothesis, queries_to_try
from shared.models.base import SnapshotId, document_id
from shared.models.hypotheses import Conclusion, GeneratedBy, HypothesisSet
from shared.models.snapshots import SectionName, SectionStatus, Snapshot, SnapshotBody
from shared.ports.model import Model, ModelAnswer

MAX_HYPOTHESES = 5
BY_PROMETHEUS = (SectionName.TRAFFIC, SectionName.TOPOLOGY, SectionName.DEPENDENCIES, SectionName.CHANGES)
"""What every tenant's Prometheus is asked; of the rest, a tenant may have connected or written nothing."""
UNMEASURED = {SectionStatus.FAILED, SectionStatus.NOT_CONFIGURED}


def ranked_set(snapshot: Snapshot, *, now: datetime) -> HypothesisSet:
    """The deterministic answer; it needs nothing but the snapshot."""
    scene = scene_of(snapshot.body)
    suspects = suspects_of(scene)[:MAX_HYPOTHESES]
    edges = [edge for found in scene.calls.values() for edge in found]
    return HypothesisSet(
        id=document_id("hyp", snapshot.id, GeneratedBy.RANKER.value),
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


async def refine(
    snapshot: Snapshot, ranked: HypothesisSet, model: Model | None, *, now: datetime, timeout_seconds: float
) -> HypothesisSet:
    """The final answer: the model's, checked, or the ranker's with the reason why the model's does not stand."""
    if model is None:
        return _final(ranked, reason="model_not_configured", now=now)
    began = time.monotonic()
    try:
        answer = await model.ask(render(snapshot, ranked), ModelHypotheses, timeout_seconds=timeout_seconds)
    except ModelUnavailable as exc:
        elapsed = round(time.monotonic() - began, 3)
        return _final(ranked, reason=exc.reason, now=now, elapsed_seconds=elapsed)
    checked = verify(answer.answer, snapshot.body, ranked)
    elapsed = round(time.monotonic() - began, 3)
    if not checked.hypotheses:
        return _final(
            ranked,
            reason="model_unsupported",
            now=now,
            elapsed_seconds=elapsed,
            dropped_hypotheses=checked.dropped_hypotheses,
            dropped_citations=checked.dropped_citations,
        )
    return _by_model(ranked, checked, answer, now=now, elapsed_seconds=elapsed)


def _final(ranked: HypothesisSet, *, reason: str, now: datetime, **changes: object) -> HypothesisSet:
    final_id = document_id("hyp", ranked.snapshot_id, "final")
    return ranked.model_copy(update={"id": final_id, "reason": reason, "created_at": now, **changes})


def _by_model(
    ranked: HypothesisSet,
    checked: Verified,
    answer: ModelAnswer[ModelHypotheses],
    *,
    now: datetime,
    elapsed_seconds: float,
) -> HypothesisSet:
    return _final(
        ranked,
        reason="verified",
        now=now,
        generated_by=GeneratedBy.MODEL,
        hypotheses=checked.hypotheses,
        dropped_hypotheses=checked.dropped_hypotheses,
        dropped_citations=checked.dropped_citations,
        model=answer.model,
        prompt_version=PROMPT_VERSION,
        elapsed_seconds=elapsed_seconds,
    )
