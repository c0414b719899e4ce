"""What the stories' incidents were looked at with: series, calls and deploys, as the collectors would find them."""

import math
from datetime import datetime, timedelta

from dev.stories import Story
from shared.models.evidence import AlertEvidence, ChangeEvidence, EdgeEvidence, SeriesEvidence
from shared.models.measures import Direction, Metric, Movement, Relation
from shared.models.signals import Alert
from shared.models.snapshots import Section, SectionName, SectionStatus

STEP_SECONDS = 15


def sections_of(story: Story, alert: Alert, began: datetime, at: datetime) -> list[Section]:
    """What was looked at: all of it, or only the alert where nothing answered."""
    seen = AlertEvidence(
        name=alert.name,
        service=alert.service_name,
        severity=alert.severity,
        status=alert.status,
        summary=alert.summary,
        starts_at=alert.starts_at,
        expression=alert.expression,
    )
    alerts = Section(name=SectionName.ALERTS, status=SectionStatus.OK, evidence=(seen,))
    measured = (SectionName.TRAFFIC, SectionName.TOPOLOGY, SectionName.DEPENDENCIES, SectionName.CHANGES)
    if not story.is_measured:
        return [alerts, *(Section(name=name, status=SectionStatus.FAILED, reason="timeout") for name in measured)]
    found = {
        SectionName.TRAFFIC: (_series(story.service, Relation.SELF, story.errors, began, at),),
        SectionName.TOPOLOGY: (
            EdgeEvidence(caller=story.service, callee=story.callee, calls_per_second=41.0, failed_ratio=0.001),
        ),
        SectionName.DEPENDENCIES: (_series(story.callee, Relation.CALLEE, 0.0, began, at),),
        SectionName.CHANGES: _deploys(story, began),
    }
    return [alerts, *(_answered(name, evidence) for name, evidence in found.items())]


def _answered(name: SectionName, evidence: tuple[object, ...]) -> Section:
    status = SectionStatus.OK if evidence else SectionStatus.EMPTY
    return Section.model_validate({"name": name, "status": status, "evidence": evidence, "elapsed_seconds": 0.4})


def _deploys(story: Story, began: datetime) -> tuple[ChangeEvidence, ...]:
    if story.deploy is None:
        return ()
    version, previous = story.deploy
    at = began - timedelta(minutes=2)
    deploy = ChangeEvidence(
        service=story.service, version=version, previous_version=previous, at=at, seconds_before_onset=None
    )
    return (deploy,)


def _series(service: str, relation: Relation, errors: float, began: datetime, at: datetime) -> SeriesEvidence:
    """The error ratio: an hour of little, then this much, or still little where it is zero."""
    normal, count = 0.004, 240
    onset = began - timedelta(seconds=45) if errors else None
    times = [at - timedelta(seconds=STEP_SECONDS * (count - number)) for number in range(count + 1)]
    points = tuple(
        (one.timestamp(), round(errors if onset and one >= onset else normal * (1 + 0.3 * math.sin(number)), 6))
        for number, one in enumerate(times)
    )
    moved = Movement(
        baseline_median=normal,
        baseline_spread=0.001,
        baseline_samples=count,
        current=errors or normal,
        score=round(math.log1p((errors or normal) / 0.001), 3) if errors else 0.2,
        direction=Direction.UP if errors else Direction.STEADY,
        onset_at=onset,
    )
    selector = f'http_requests_total{{service="{service}"'
    query = f'sum(rate({selector},code=~"5.."}}[1m])) / sum(rate({selector}}}[1m]))'
    return SeriesEvidence(
        service=service, relation=relation, metric=Metric.ERROR_RATIO, query=query, points=points, movement=moved
    )
