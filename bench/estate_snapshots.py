"""Snapshots of storms: the same trouble with as many alerts as asked for, over thirty services."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from shared.context.identity import identified
from shared.models.base import IncidentId, SnapshotId, TenantId
from shared.models.evidence import (
    AlertEvidence,
    ChangeEvidence,
    EdgeEvidence,
    Evidence,
    RelatedEvidence,
    RunbookEvidence,
    SeriesEvidence,
)
from shared.models.measures import RED, Direction, Metric, Movement, Relation
from shared.models.signals import AlertStatus, Severity
from shared.models.snapshots import Section, SectionName, SectionStatus, Snapshot, SnapshotBody, digest

SERVICES = 30
ILL = 6
"""How many of them depart from normal."""
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TENANT = TenantId("ten-bench")
STEADY = {Metric.REQUEST_RATE: 40.0, Metric.ERROR_RATIO: 0.002, Metric.LATENCY_P95: 0.08}
WORDS = ("upstream", "timed", "out", "waiting", "for", "a", "connection", "from", "the", "pool", "of", "workers")


def a_storm(signals: int, seed: int) -> Snapshot:
    """A frozen snapshot with so many alerts; those of other seeds differ in all that is measured."""
    chance = Random(seed)
    # Named as the product names them: a call between two services has one id in every incident.
    sections = identified(
        Section(name=name, status=SectionStatus.OK if pieces else SectionStatus.EMPTY, evidence=tuple(pieces))
        for name, pieces in _sections(signals, chance).items()
    )
    body = SnapshotBody(
        service=_name(0),
        window_start=NOON - timedelta(hours=1),
        onset_at=NOON,
        window_end=NOON + timedelta(minutes=3),
        step_seconds=15.0,
        sections=sections,
    )
    return Snapshot(
        id=SnapshotId(f"snap-{signals}-{seed}"), tenant_id=TENANT, incident_id=IncidentId(f"inc-{signals}-{seed}"),
        taken_at=NOON, elapsed_seconds=1.0, body=body, sha256=digest(body),
    )  # fmt: skip


def _sections(signals: int, chance: Random) -> dict[SectionName, list[Evidence]]:
    return {
        SectionName.ALERTS: [_alert(number, chance) for number in range(signals)],
        SectionName.TRAFFIC: [_series(0, metric, chance) for metric in RED],
        SectionName.TOPOLOGY: list(_edges()),
        SectionName.DEPENDENCIES: [_series(at, metric, chance) for at in range(1, SERVICES) for metric in RED],
        SectionName.CHANGES: [_change(at, chance) for at in (1, 7, 19)],
        SectionName.RELATED: [_related(number, chance) for number in range(min(20, signals))],
        SectionName.RUNBOOKS: [_runbook(number) for number in range(3)],
    }


def _name(at: int) -> str:
    return f"service-{at:02}"


def _alert(number: int, chance: Random) -> AlertEvidence:
    return AlertEvidence(
        name=chance.choice(("HighErrorRatio", "LatencyTooHigh", "PodRestarts", "QueueTooLong")),
        service=_name(number % SERVICES),
        severity=Severity.CRITICAL if number % 3 else Severity.WARNING,
        status=AlertStatus.FIRING,
        summary=f"{' '.join(chance.sample(WORDS, 10))} on pod {chance.randrange(10**6)}",
        starts_at=NOON + timedelta(seconds=chance.uniform(0, 120)),
        expression='sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m])) > 0.05',
    )


def _series(at: int, metric: Metric, chance: Random) -> SeriesEvidence:
    usual = STEADY[metric] * chance.uniform(0.8, 1.2)
    is_ill = at < ILL and metric is not Metric.REQUEST_RATE
    now = usual * (20 if is_ill else 1)
    points = tuple(
        (NOON.timestamp() - 3600 + 15 * step, (now if step > 240 else usual) * chance.uniform(0.95, 1.05))  # noqa: PLR2004 -- an hour of steps
        for step in range(252)
    )
    movement = Movement(
        baseline_median=usual, baseline_spread=usual / 20, baseline_samples=240, current=now,
        score=6.0 - at * 0.3 if is_ill else 0.1, direction=Direction.UP if is_ill else Direction.STEADY,
        onset_at=NOON + timedelta(seconds=10 * (ILL - at)) if is_ill else None,
    )  # fmt: skip
    relation = Relation.CALLEE if at else Relation.SELF
    return SeriesEvidence(
        service=_name(at), relation=relation, hops=min(at, 3), metric=metric, points=points, movement=movement,
        query=f'sum(rate(http_requests_total{{service="{_name(at)}"}}[1m]))',
    )  # fmt: skip


def _edges() -> Iterator[EdgeEvidence]:
    for at in range(SERVICES - 1):
        for callee in {at + 1, (at * 7 + 3) % SERVICES} - {at}:
            yield EdgeEvidence(caller=_name(at), callee=_name(callee), calls_per_second=20.0, failed_ratio=0.01)


def _change(at: int, chance: Random) -> ChangeEvidence:
    when = NOON - timedelta(seconds=chance.uniform(60, 900))
    return ChangeEvidence(
        service=_name(at), version="2.4.1", previous_version="2.4.0", at=when, seconds_before_onset=60
    )


def _related(number: int, chance: Random) -> RelatedEvidence:
    return RelatedEvidence(
        name="NodeNotReady", service=_name(20 + number % 10), status=AlertStatus.FIRING, starts_at=NOON,
        score=chance.random(),
    )  # fmt: skip


def _runbook(number: int) -> RunbookEvidence:
    return RunbookEvidence(
        runbook_id=f"rb-{number}", service=_name(0), title=f"When {_name(number)} is slow", score=0.8,
        excerpt=" ".join(WORDS * 6),
    )  # fmt: skip
