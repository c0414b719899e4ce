"""Builds snapshot bodies out of what matters to the ranker: who moved when, who calls whom, what was deployed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.models.base import IncidentId, SnapshotId
from shared.models.evidence import AlertEvidence, ChangeEvidence, EdgeEvidence, Evidence, SeriesEvidence
from shared.models.measures import RED, Direction, Metric, Movement, Relation
from shared.models.signals import AlertStatus, Severity
from shared.models.snapshots import Section, SectionName, SectionStatus, Snapshot, SnapshotBody, digest
from tests.builders import ACME, NOON

FLOORS = {Metric.REQUEST_RATE: 0.5, Metric.ERROR_RATIO: 0.005, Metric.LATENCY_P95: 0.005}


@dataclass
class World:
    """Services with their series; everything is steady until it is moved."""

    alerting: str
    calls: Mapping[str, Mapping[str, float]]
    rates: dict[str, float] = field(default_factory=dict)
    moves: dict[tuple[str, Metric], tuple[float, float, datetime]] = field(default_factory=dict)
    deploys: list[tuple[str, str, datetime]] = field(default_factory=list)
    others: list[ChangeEvidence] = field(default_factory=list)
    failed: dict[tuple[str, str], float] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    statuses: dict[SectionName, SectionStatus] = field(default_factory=dict)

    def move(self, service: str, metric: Metric, before: float, now: float, at: float = 0.0) -> "World":
        """A series departs from its baseline, `at` seconds after noon."""
        self.moves[service, metric] = (before, now, NOON + timedelta(seconds=at))
        return self

    def errors(self, service: str, now: float, at: float = 0.0) -> "World":
        """Errors go from none to a share of the requests."""
        return self.move(service, Metric.ERROR_RATIO, 0.0, now, at)

    def deploy(self, service: str, at: float) -> "World":
        """Version 2 replaces version 1, `at` seconds after noon."""
        self.deploys.append((service, "2", NOON + timedelta(seconds=at)))
        return self

    def changed(self, service: str, at: float, **fields: Any) -> "World":
        """Something else was changed, `at` seconds after noon."""
        self.others.append(ChangeEvidence(service=service, at=NOON + timedelta(seconds=at), **fields))
        return self

    @property
    def services(self) -> list[str]:
        """Everybody who calls or is called."""
        named = set(self.calls) | {callee for callees in self.calls.values() for callee in callees} | {self.alerting}
        return sorted(named)

    def body(self) -> SnapshotBody:
        """The snapshot."""
        evidence = {
            SectionName.ALERTS: [self._alert()],
            SectionName.TRAFFIC: self._series([self.alerting]),
            SectionName.TOPOLOGY: self._edges(),
            SectionName.DEPENDENCIES: self._series([one for one in self.services if one != self.alerting]),
            SectionName.CHANGES: self._deploys(),
        }
        return a_body(self.alerting, evidence, self.statuses)

    def _alert(self) -> AlertEvidence:
        return AlertEvidence(
            name="HighErrorRatio",
            service=self.alerting,
            severity=Severity.CRITICAL,
            status=AlertStatus.FIRING,
            summary="customers see errors",
            starts_at=NOON + timedelta(seconds=30),
            expression="errors > 0.05",
        )

    def _series(self, services: Sequence[str]) -> list[Evidence]:
        heard = [one for one in services if one not in self.silent]
        return [self._one(service, metric) for service in heard for metric in RED]

    def _one(self, service: str, metric: Metric) -> SeriesEvidence:
        usual = {
            Metric.REQUEST_RATE: self.rates.get(service, 10.0),
            Metric.ERROR_RATIO: 0.0,
            Metric.LATENCY_P95: 0.05,
        }
        before, now, onset = self.moves.get((service, metric), (usual[metric], usual[metric], None))
        spread = FLOORS[metric]
        moved = onset is not None and now != before
        movement = Movement(
            baseline_median=before,
            baseline_spread=spread,
            baseline_samples=60,
            current=now,
            score=min(8.0, math.log1p(abs(now - before) / spread)) if moved else 0.0,
            direction=(Direction.UP if now > before else Direction.DOWN) if moved else Direction.STEADY,
            onset_at=onset if moved else None,
        )
        return SeriesEvidence(
            service=service,
            relation=Relation.SELF if service == self.alerting else Relation.CALLEE,
            metric=metric,
            query=f'{metric.value}{{service="{service}"}}',
            points=((NOON.timestamp(), before), (NOON.timestamp() + 60, now)),
            movement=movement,
        )

    def _edges(self) -> list[Evidence]:
        return [
            EdgeEvidence(
                caller=caller, callee=callee, calls_per_second=rate, failed_ratio=self.failed.get((caller, callee))
            )
            for caller, callees in self.calls.items()
            for callee, rate in callees.items()
        ]

    def _deploys(self) -> list[Evidence]:
        deployed = (
            ChangeEvidence(service=service, version=version, previous_version="1", at=at, seconds_before_onset=None)
            for service, version, at in self.deploys
        )
        return [*deployed, *self.others]


def a_body(
    service: str,
    evidence: Mapping[SectionName, Sequence[Evidence]],
    statuses: Mapping[SectionName, SectionStatus] | None = None,
) -> SnapshotBody:
    """A body with evidence numbered in order; a section that failed has none."""
    number = 0
    sections = []
    for name in SectionName:
        status = (statuses or {}).get(name, SectionStatus.OK)
        pieces = []
        for piece in evidence.get(name, ()) if status is SectionStatus.OK else ():
            number += 1
            pieces.append(piece.model_copy(update={"id": f"E{number}"}))
        sections.append(Section(name=name, status=status, evidence=tuple(pieces)))
    return SnapshotBody(
        service=service,
        window_start=NOON - timedelta(minutes=10),
        onset_at=NOON,
        window_end=NOON + timedelta(minutes=1),
        step_seconds=2,
        sections=tuple(sections),
    )


def a_snapshot_of(body: SnapshotBody) -> Snapshot:
    """The body, frozen."""
    return Snapshot(
        id=SnapshotId("snap-1"),
        tenant_id=ACME,
        incident_id=IncidentId("inc-1"),
        taken_at=NOON,
        elapsed_seconds=0.1,
        body=body,
        sha256=digest(body),
    )
