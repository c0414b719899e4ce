"""The suspects of a snapshot: its series as the ranker wants them, and what it found in terms of the evidence."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.hypotheses.explain import EXPLAINS_FROM
from shared.hypotheses.observation import (
    Observation,
    ObservedCall,
    ObservedChange,
    ObservedSeries,
    SeriesKind,
    Suspect,
    Weighed,
)
from shared.hypotheses.rank import rank
from shared.hypotheses.scene import CAUSES, Scene, change_of, got_worse, onset_of, strength_of
from shared.models.evidence import ChangeEvidence, EdgeEvidence, SeriesEvidence
from shared.models.measures import Direction, Metric

LEAST_SCORE = 0.03
ENOUGH_PER_SECOND = 0.5
"""With fewer requests a second, one that fails or lags looks like trouble."""
KINDS: Mapping[Metric, tuple[SeriesKind, str]] = {
    Metric.ERROR_RATIO: (SeriesKind.ERRORS, ""),
    Metric.LATENCY_P95: (SeriesKind.LATENCY, "p95"),
    Metric.REQUEST_RATE: (SeriesKind.TRAFFIC, ""),
}
PROPAGATING = (Metric.ERROR_RATIO, Metric.LATENCY_P95)


@dataclass(frozen=True)
class Suspected:
    """A service that may be the cause, with the evidence and every factor of its score."""

    service: str
    kind: str
    """`local` trouble of its own, `surge` of traffic, or `dead` to its callers."""
    symptom: SeriesEvidence | None
    dead_edges: tuple[EdgeEvidence, ...]
    deploy: ChangeEvidence | None
    onset_at: datetime | None
    explained: float
    factors: Mapping[str, float]
    score: float


def suspects_of(scene: Scene) -> list[Suspected]:
    """Suspects, the likeliest first; empty when nothing exceeds normal."""
    ranking = rank(observation_of(scene))
    # What callees account for altogether is no suspect of its own.
    left = [one for one in ranking.suspects if one.factors["explained_by_callees"] < 1]
    return [_suspected(scene, one) for one in left if one.score >= LEAST_SCORE]


def observation_of(scene: Scene) -> Observation:
    """A snapshot's series, which were compared with normal when they were measured, as the ranker wants them."""
    began_at = scene.onset_at.timestamp()
    edges = {(edge.caller, edge.callee): edge for found in scene.calls.values() for edge in found}
    return Observation(
        target=scene.service,
        target_kind=KINDS[_family(scene)][0],
        began_at=began_at,
        ends_at=math.inf,
        series=(),
        calls={caller: [edge.callee for edge in found] for caller, found in scene.calls.items()},
        kinds={edge.callee: edge.callee_kind for edge in edges.values()},
        changes=[_observed(one) for found in scene.changes.values() for one in found if one.change in CAUSES],
        step=(scene.slack.total_seconds() - 2) / 2,
        # Of calls that are only declared nobody knows how many there are.
        edges={ends: ObservedCall(edge.calls_per_second or None, edge.failed_ratio) for ends, edge in edges.items()},
        weighed=[_weighed(scene, piece, began_at) for piece in scene.series.values()],
    )


def _weighed(scene: Scene, piece: SeriesEvidence, began_at: float) -> Weighed:
    import numpy as np

    moved = piece.movement
    kind, statistic = KINDS[piece.metric]
    worse = got_worse(piece)
    nothing = np.zeros(0)
    series = ObservedSeries(
        piece.service, kind, piece.metric.value, nothing, nothing, nothing, None, statistic, piece.id
    )
    rate = scene.rate(piece.service)
    heard = 1.0 if rate is None or piece.metric is Metric.REQUEST_RATE else min(1.0, rate / ENOUGH_PER_SECOND)
    return Weighed(
        series=series,
        normal=moved.baseline_median or 0.0,
        current=moved.current or 0.0,
        change=change_of(piece) if worse else 0.0,
        z=math.expm1(max(0.0, moved.score)) if worse else 0.0,
        rarity=1.0,
        strength=math.sqrt(heard) * strength_of(piece) if worse else 0.0,
        goes_up=moved.direction is not Direction.DOWN,
        onset=onset_of(piece).timestamp() - began_at if worse else None,
    )


def _observed(change: ChangeEvidence) -> ObservedChange:
    began_at = change.began_at.timestamp() if change.began_at else None
    return ObservedChange(change.service, change.at.timestamp(), change.id, began_at)


def _suspected(scene: Scene, one: Suspect) -> Suspected:
    symptom = next((piece for piece in scene.series.values() if piece.id == one.evidence_id), None)
    deploys = scene.changes.get(one.service, ())
    is_dead = one.kind is SeriesKind.UNANSWERED
    return Suspected(
        service=one.service,
        kind="dead" if is_dead else "surge" if one.is_surge else "local",
        symptom=None if is_dead else symptom,
        dead_edges=tuple(edge for edge in scene.callers_of(one.service) if is_dead and edge.failed_ratio),
        deploy=next((change for change in deploys if one.change_evidence_id == change.id), None),
        onset_at=None if one.onset is None else datetime.fromtimestamp(one.onset, UTC),
        # The ranker calls all of a change explained from twice the least share on; people are told the share.
        explained=one.factors["explained_by_callees"] * 2 * EXPLAINS_FROM,
        factors=one.factors,
        score=one.score,
    )


def _family(scene: Scene) -> Metric:
    """The symptom that the alerting service shows most: errors or latency, or else traffic out of the usual."""
    own = [piece for metric in PROPAGATING if (piece := scene.of(scene.service, metric)) and got_worse(piece)]
    if own:
        return max(own, key=strength_of).metric
    traffic = scene.of(scene.service, Metric.REQUEST_RATE)
    return Metric.REQUEST_RATE if traffic is not None and traffic.movement.shift else Metric.ERROR_RATIO
