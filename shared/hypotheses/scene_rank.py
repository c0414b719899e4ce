"""The deterministic ranker: which service moved first and most by itself, and what was deployed there before it did.

What a series is decides, never what a service is called. Errors and latency propagate from callee to caller, so
what its callees' changes account for of a caller's is explained away; traffic is weak evidence. A deploy counts only
where something moved after it, so a harmless one of a healthy service does not. Scores order; they are no
probabilities.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.hypotheses.scene import Scene, change_of, got_worse, onset_of, strength_of
from shared.models.changes import ChangeKind
from shared.models.evidence import ChangeEvidence, EdgeEvidence, SeriesEvidence
from shared.models.measures import Direction, Metric

EXPLAINS_FROM = 0.3
"""A callee explains its caller only from this share on: a tiny wobble with a large z must not exonerate."""
OUTSIDE_CONE = 0.5
"""The graph is never complete, so what lies outside of it is doubted, not excluded."""
OTHER_SYMPTOM = 0.8
TRAFFIC_ONLY = 0.25
SURGE_RATIO = 1.5
SURGE_WEIGHT = 0.6
LATER_SECONDS = 60.0
RECENT_SECONDS = 900.0
LOOK_BACK_SECONDS = 3600.0
TAIL_SHARE = 0.05
"""The share of requests that makes up what lies above a 95th percentile."""
DEAD_FROM = 0.5
"""From this share of failed calls on, a callee that says nothing of itself is taken for dead."""
LEAST_SCORE = 0.08
CAUSES = (
    ChangeKind.DEPLOY,
    ChangeKind.ROLLBACK,
    ChangeKind.CONFIG,
    ChangeKind.FEATURE_FLAG,
    ChangeKind.INFRASTRUCTURE,
)
"""Of what is left, processes that began anew are rather a symptom, and a release was not deployed for all we know."""
PROPAGATING = (Metric.ERROR_RATIO, Metric.LATENCY_P95)


@dataclass(frozen=True)
class Suspect:
    """A service that may be the cause, with every factor of its score."""

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


def rank(scene: Scene) -> list[Suspect]:
    """Suspects, the likeliest first; empty when nothing exceeds normal."""
    found = [one for service in scene.services for one in _suspicions(scene, service)]
    earliest = min((one.onset_at for one in found if one.onset_at), default=None)
    scored = [_scored(scene, one, earliest) for one in found]
    best: dict[str, Suspect] = {}
    for one in scored:
        if one.score >= LEAST_SCORE and (one.service not in best or one.score > best[one.service].score):
            best[one.service] = one
    return sorted(best.values(), key=lambda one: (-one.score, one.onset_at is None, one.onset_at, _tie(scene, one)))


def explained_share(scene: Scene, piece: SeriesEvidence) -> float:
    """How much of a propagating change its service's callees account for, 0 to 1."""
    own = change_of(piece)
    if own <= 0:
        return 0.0
    rate = scene.rate(piece.service)
    edges = scene.calls.get(piece.service, ())
    covered = sum(_carried(scene, edge, piece, _calls_per_request(edge, rate)) for edge in edges)
    share = min(1.0, covered / own)
    return share if share >= EXPLAINS_FROM else 0.0


def _calls_per_request(edge: EdgeEvidence, rate: float | None) -> float:
    # Of calls that are only declared nobody knows how many there are.
    return edge.calls_per_second / rate if rate and edge.calls_per_second else 1.0


def _carried(
    scene: Scene, edge: EdgeEvidence, piece: SeriesEvidence, calls: float, passed: frozenset[str] = frozenset()
) -> float:
    """What a callee's change adds to one request of the service of `piece`, which makes that many calls to it."""
    carried = 0.0
    callee = scene.of(edge.callee, piece.metric)
    if callee is not None and got_worse(callee) and onset_of(callee) <= onset_of(piece) + scene.slack:
        # Of errors a caller sees its share. Its 95th percentile shows the callee whole once one request in twenty
        # waits for it, and as often as a request calls it.
        in_tail = max(calls, min(1.0, calls / TAIL_SHARE))
        carried = change_of(callee) * (in_tail if piece.metric is Metric.LATENCY_P95 else calls)
    if piece.metric is Metric.ERROR_RATIO and (_is_dead(scene, edge) or got_worse(callee)):
        carried = max(carried, (edge.failed_ratio or 0.0) * calls)
    if not scene.is_measured(edge.callee) and edge.callee not in passed:
        carried = max(carried, _carried_through(scene, edge.callee, piece, calls, passed | {edge.callee}))
    return carried


def _carried_through(
    scene: Scene, unmeasured: str, piece: SeriesEvidence, calls: float, passed: frozenset[str]
) -> float:
    """What comes up through a service that nobody measures: how often it is called tells how often it calls."""
    rate = sum(edge.calls_per_second for edge in scene.callers_of(unmeasured))
    edges = scene.calls.get(unmeasured, ())
    return sum(_carried(scene, edge, piece, calls * _calls_per_request(edge, rate), passed) for edge in edges)


def _is_dead(scene: Scene, edge: EdgeEvidence) -> bool:
    """Whether calls fail while the callee itself is silent, or answers far fewer requests than it did."""
    if (edge.failed_ratio or 0.0) < DEAD_FROM:
        return False
    own_rate = scene.of(edge.callee, Metric.REQUEST_RATE)
    if own_rate is None:
        return True
    return got_worse(own_rate) and own_rate.movement.direction is Direction.DOWN


def _suspicions(scene: Scene, service: str) -> list[Suspect]:
    found = [
        _local(scene, piece) for metric in PROPAGATING if (piece := scene.of(service, metric)) and got_worse(piece)
    ]
    traffic = scene.of(service, Metric.REQUEST_RATE)
    if traffic is not None and got_worse(traffic):
        found.append(_by_traffic(scene, traffic))
    dead = tuple(edge for edge in scene.callers_of(service) if _is_dead(scene, edge))
    if dead and not any(got_worse(scene.of(service, metric)) for metric in PROPAGATING):
        found.append(_dead(scene, service, dead))
    return found


def _local(scene: Scene, piece: SeriesEvidence) -> Suspect:
    explained = explained_share(scene, piece)
    own = strength_of(piece) * (1.0 - explained)
    own *= 1.0 if piece.metric is _family(scene) else OTHER_SYMPTOM
    own *= _weight(scene, piece)
    onset = onset_of(piece)
    deploy = _change_before(scene, piece.service, onset)
    return Suspect(piece.service, "local", piece, (), deploy, onset, explained, {"own_movement": own}, 0.0)


def _weight(scene: Scene, piece: SeriesEvidence) -> float:
    """Whether a change is large enough to make up the alerting service's own, 0 to 1: a wobble is not."""
    hurt = scene.of(scene.service, piece.metric)
    if hurt is None or hurt is piece or not got_worse(hurt):
        return 1.0
    here, there = scene.rate(scene.service), scene.rate(piece.service)
    calls = max(1.0, there / here) if here and there else 1.0
    return min(1.0, calls * change_of(piece) / (EXPLAINS_FROM * change_of(hurt)))


def _by_traffic(scene: Scene, piece: SeriesEvidence) -> Suspect:
    moved = piece.movement
    before, now = moved.baseline_median or 0.0, moved.current or 0.0
    is_entry = not scene.callers_of(piece.service)
    surges = moved.direction is Direction.UP and is_entry and before > 0 and now / before >= SURGE_RATIO
    weight = SURGE_WEIGHT if surges else TRAFFIC_ONLY
    own = strength_of(piece) * weight
    kind = "surge" if surges else "local"
    return Suspect(piece.service, kind, piece, (), None, onset_of(piece), 0.0, {"own_movement": own}, 0.0)


def _dead(scene: Scene, service: str, edges: tuple[EdgeEvidence, ...]) -> Suspect:
    # Who still calls others is not dead: nobody measures it, and what fails may be further down.
    explained = max((edge.failed_ratio or 0.0 for edge in scene.calls.get(service, ())), default=0.0)
    own = max(edge.failed_ratio or 0.0 for edge in edges) * (1.0 - explained)
    hurt = [scene.of(edge.caller, Metric.ERROR_RATIO) for edge in edges]
    onsets = [onset_of(piece) for piece in hurt if piece is not None and got_worse(piece)]
    onset = min(onsets, default=None)
    deploy = _change_before(scene, service, onset) if onset else None
    return Suspect(service, "dead", None, edges, deploy, onset, explained, {"own_movement": own}, 0.0)


def _scored(scene: Scene, one: Suspect, earliest: datetime | None) -> Suspect:
    first = 0.0
    if one.onset_at and earliest:
        late = max(0.0, (one.onset_at - earliest - scene.slack).total_seconds())
        first = max(0.0, 1.0 - late / LATER_SECONDS)
    changed = _recency(one.deploy, one.onset_at)
    reach = 1.0 if one.service in scene.cone() or one.kind == "surge" else OUTSIDE_CONE
    own = one.factors["own_movement"]
    score = reach * own * (0.6 + 0.15 * first + 0.25 * changed)
    factors = {
        "own_movement": round(own, 4),
        "explained_by_callees": round(one.explained, 4),
        "moved_first": round(first, 4),
        "recent_change": round(changed, 4),
        "within_reach": reach,
    }
    return Suspect(
        one.service, one.kind, one.symptom, one.dead_edges, one.deploy, one.onset_at, one.explained, factors,
        round(min(1.0, score), 4),
    )  # fmt: skip


def _change_before(scene: Scene, service: str, onset: datetime) -> ChangeEvidence | None:
    """The last change that can have caused what began at `onset`; one that was under way only after it cannot."""
    changed = [one for one in scene.changes.get(service, ()) if one.change in CAUSES]
    before = [one for one in changed if one.effective_from <= onset + scene.slack]
    recent = [one for one in before if (onset - one.at).total_seconds() <= LOOK_BACK_SECONDS]
    return recent[-1] if recent else None


def _recency(deploy: ChangeEvidence | None, onset: datetime | None) -> float:
    if deploy is None or onset is None:
        return 0.0
    return math.exp(-max(0.0, (onset - deploy.at).total_seconds()) / RECENT_SECONDS)


def _family(scene: Scene) -> Metric:
    """The symptom that the alerting service shows most: errors or latency."""
    own = [piece for metric in PROPAGATING if (piece := scene.of(scene.service, metric)) and got_worse(piece)]
    return max(own, key=strength_of).metric if own else Metric.ERROR_RATIO


def _tie(scene: Scene, one: Suspect) -> tuple[float, float]:
    """What decides between equals: the larger change, then the busier service. Never a name."""
    change = change_of(one.symptom) if one.symptom else 1.0
    return (-change, -(scene.rate(one.service) or 0.0))
