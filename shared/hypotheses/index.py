"""A snapshot's evidence, looked up while an answer is verified: arranged once, however much is said about it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Self

from shared.hypotheses.assertions import Frame, frame_of
from shared.hypotheses.facts import Facts, services_of
from shared.hypotheses.wording import plain
from shared.models.evidence import EdgeEvidence, Evidence, SeriesEvidence
from shared.models.measures import Direction, Metric
from shared.models.snapshots import SnapshotBody

NO_FACTS = Facts((), (), frozenset())


@dataclass(frozen=True)
class EvidenceIndex:
    """The evidence of one snapshot by id and by service (named plainly), and the graph of who calls whom."""

    service: str
    """Who alerted."""
    frame: Frame
    known: Mapping[str, Evidence]
    about: Mapping[str, frozenset[str]]
    """By the id of a piece, the services that it is about."""
    series: Mapping[str, Sequence[SeriesEvidence]]
    callees: Mapping[str, Sequence[str]]
    reached: frozenset[str]
    """The alerting service and whom it calls, directly or not."""
    reaching: frozenset[str]
    """The alerting service and who calls it, directly or not."""
    services: frozenset[str]
    """Everybody named, in lower case."""
    symptom_at: datetime
    """When what the alerting service shows most began: its clearest errors or latency, so that a wobble before does
    not count; the snapshot's onset where it shows neither.
    """
    told: Facts
    """What the snapshot tells of itself, whichever evidence is cited: its onset and its end."""
    _facts: dict[str, Facts] = field(default_factory=dict)

    @classmethod
    def of(cls, body: SnapshotBody) -> Self:
        """Arrange a snapshot's evidence; in time that grows with its length alone."""
        known: dict[str, Evidence] = {}
        series: dict[str, list[SeriesEvidence]] = defaultdict(list)
        callees: dict[str, list[str]] = defaultdict(list)
        callers: dict[str, list[str]] = defaultdict(list)
        about: dict[str, frozenset[str]] = {}
        named = cache(plain)
        for piece in body.evidence():
            known[piece.id] = piece
            about[piece.id] = frozenset(map(named, services_of(piece)))
            match piece:
                case SeriesEvidence():
                    series[named(piece.service)].append(piece)
                case EdgeEvidence():
                    callees[named(piece.caller)].append(named(piece.callee))
                    callers[named(piece.callee)].append(named(piece.caller))
        service = plain(body.service)
        return cls(
            service=service,
            frame=frame_of(body.onset_at, body.step_seconds),
            known=known,
            about=about,
            series=series,
            callees=callees,
            reached=_along(service, callees),
            reaching=_along(service, callers),
            services=frozenset(name.lower() for names in about.values() for name in names),
            symptom_at=_symptom_at(series.get(service, ())) or body.onset_at,
            told=Facts((), (body.onset_at, body.window_end), frozenset({service.lower()})),
        )

    @property
    def knows_graph(self) -> bool:
        """Whether anybody says who calls whom: without that, no path is missing."""
        return bool(self.callees)

    def facts(self, ids: Iterable[str], *, of_points: Iterable[str] = ()) -> Facts:
        """What these pieces tell, together; of those in `of_points`, what their points tell as well."""
        points = [Facts.of_points(self.known[one]) for one in dict.fromkeys(of_points)]
        return self.told.and_these([*points, *(self._of(one) for one in dict.fromkeys(ids))])

    def _of(self, evidence_id: str) -> Facts:
        if evidence_id not in self._facts:
            piece = self.known.get(evidence_id)
            self._facts[evidence_id] = NO_FACTS if piece is None else Facts.of(piece)
        return self._facts[evidence_id]

    def onset_of(self, service: str) -> datetime | None:
        """When a service began to get worse; None where it did not, or only gets fewer requests."""
        found = self.series.get(service, ())
        surges = [
            piece.movement.onset_at
            for piece in found
            if piece.metric is Metric.REQUEST_RATE and piece.movement.direction is Direction.UP
        ]
        return min([*onsets_of(found), *(at for at in surges if at is not None)], default=None)

    def latest_onset(self, service: str) -> datetime:
        """When the last series of a service that got worse did so; the snapshot's onset where none did."""
        onsets = [piece.movement.onset_at for piece in self.series.get(service, ()) if piece.is_worse]
        return max((at for at in onsets if at is not None), default=self.frame.onset_at)


def onsets_of(series: Sequence[SeriesEvidence]) -> list[datetime]:
    """When the series in which trouble shows got worse, of those that did; how many requests come is none of them."""
    return [
        piece.movement.onset_at
        for piece in series
        if piece.metric is not Metric.REQUEST_RATE and piece.is_worse and piece.movement.onset_at is not None
    ]


def _symptom_at(series: Sequence[SeriesEvidence]) -> datetime | None:
    shown = [
        (-piece.movement.score, piece.movement.onset_at)
        for piece in series
        if piece.metric.propagates and piece.is_worse and piece.movement.onset_at is not None
    ]
    return min(shown)[1] if shown else None


def _along(start: str, calls: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Everybody at the other end of calls, and of theirs: each is visited once, so circles end."""
    reached, waiting = {start}, [start]
    while waiting:
        for other in calls.get(waiting.pop(), ()):
            if other not in reached:
                reached.add(other)
                waiting.append(other)
    return frozenset(reached)
