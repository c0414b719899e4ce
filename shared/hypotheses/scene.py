"""A snapshot arranged for ranking: who moved, who calls whom, what was deployed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.models.changes import ChangeKind
from shared.models.evidence import AlertEvidence, ChangeEvidence, EdgeEvidence, SeriesEvidence
from shared.models.measures import RED, Direction, Metric
from shared.models.snapshots import SnapshotBody

FULL_STRENGTH_SCORE = 5.0
"""A movement's score is log1p of its robust z, so 5 is about 150 deviations: as clear as it gets."""
CAUSES = (
    ChangeKind.DEPLOY,
    ChangeKind.ROLLBACK,
    ChangeKind.CONFIG,
    ChangeKind.FEATURE_FLAG,
    ChangeKind.INFRASTRUCTURE,
)
"""Of what is left, processes that began anew are rather a symptom, and a release was not deployed for all we know."""


@dataclass(frozen=True)
class Scene:
    """The evidence of one snapshot, by service."""

    service: str
    onset_at: datetime
    """When it began by the alert and the alerting service's own series."""
    series: Mapping[tuple[str, Metric], SeriesEvidence]
    calls: Mapping[str, Sequence[EdgeEvidence]]
    changes: Mapping[str, Sequence[ChangeEvidence]]
    """By service, in the order in which they took effect."""
    alerts: Sequence[AlertEvidence]
    slack: timedelta
    """Onsets closer than this are a tie: two samples, as scrapes of two services are not aligned."""

    @property
    def services(self) -> list[str]:
        """Every service with a series or an edge, in a stable order."""
        named = {service for service, _ in self.series} | set(self.calls)
        named |= {edge.callee for edges in self.calls.values() for edge in edges}
        return sorted(named)

    def of(self, service: str, metric: Metric) -> SeriesEvidence | None:
        """A service's series of a metric."""
        return self.series.get((service, metric))

    def is_measured(self, service: str) -> bool:
        """Whether a service has any series of its own."""
        return any((service, metric) in self.series for metric in RED)

    def rate(self, service: str) -> float | None:
        """Requests per second now, or before where now is not known."""
        found = self.of(service, Metric.REQUEST_RATE)
        if found is None:
            return None
        moved = found.movement
        return moved.current if moved.current is not None else moved.baseline_median

    def cone(self) -> set[str]:
        """The alerting service and everything it calls, directly or not: where its cause can lie."""
        reached, waiting = {self.service}, [self.service]
        while waiting:
            for edge in self.calls.get(waiting.pop(), ()):
                if edge.callee not in reached:
                    reached.add(edge.callee)
                    waiting.append(edge.callee)
        return reached

    def callers_of(self, service: str) -> list[EdgeEvidence]:
        """The edges that end at a service."""
        return [edge for edges in self.calls.values() for edge in edges if edge.callee == service]


def scene_of(body: SnapshotBody) -> Scene:
    """Arrange a snapshot's evidence; the order in which it was found does not matter."""
    series: dict[tuple[str, Metric], SeriesEvidence] = {}
    calls: dict[str, list[EdgeEvidence]] = defaultdict(list)
    changes: dict[str, list[ChangeEvidence]] = defaultdict(list)
    alerts: list[AlertEvidence] = []
    for piece in body.evidence():
        match piece:
            case SeriesEvidence() if piece.metric in RED:
                series.setdefault((piece.service, piece.metric), piece)
            case EdgeEvidence() if not piece.is_silent:
                # Nothing comes through a call that is not made; who is at its end is looked at all the same.
                calls[piece.caller].append(piece)
            case ChangeEvidence():
                changes[piece.service].append(piece)
            case AlertEvidence():
                alerts.append(piece)
    return Scene(
        service=body.service,
        onset_at=body.onset_at,
        series=series,
        calls={caller: sorted(edges, key=lambda edge: edge.callee) for caller, edges in calls.items()},
        changes={name: sorted(found, key=lambda one: one.at) for name, found in changes.items()},
        alerts=alerts,
        slack=timedelta(seconds=2 * body.step_seconds + 2),
    )


def got_worse(piece: SeriesEvidence | None) -> bool:
    """Whether a series moved for the worse: errors or latency up, traffic either way."""
    if piece is None or piece.movement.onset_at is None or piece.movement.direction is Direction.STEADY:
        return False
    return not piece.metric.propagates or piece.movement.direction is Direction.UP


def change_of(piece: SeriesEvidence) -> float:
    """How much a series changed, in its own unit."""
    moved = piece.movement
    return abs((moved.current or 0.0) - (moved.baseline_median or 0.0))


def strength_of(piece: SeriesEvidence) -> float:
    """How far beyond normal, 0 to 1."""
    return min(1.0, max(0.0, piece.movement.score) / FULL_STRENGTH_SCORE)


def onset_of(piece: SeriesEvidence) -> datetime:
    """When a series that got worse began to; only for those."""
    onset = piece.movement.onset_at
    if onset is None:
        raise ValueError("a steady series has no onset")
    return onset
