"""What metrics tell of changes: versions that came, and processes that began. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from shared.context.changes.names import Around
from shared.context.changes.queries import (
    BINDING,
    OTEL_VERSION,
    STARTED,
    STARTED_AT,
    TARGET_INFO,
    otel_versions,
    started,
)
from shared.context.changes.running import Grid, turns
from shared.context.changes.told import Rank, Told, names_of, version_text
from shared.context.conventions import SERVICE_LABELS, VERSION_LABEL, build_service_of, build_versions
from shared.models.changes import ChangeKind
from shared.models.evidence import ChangeEvidence
from shared.ports.metrics import Answer, Series

MAX_STARTS_TOLD = 3

Versions = dict[str, Sequence[float]]
"""The times at which each version was seen."""
Named = dict[str, dict[str, Versions]]
"""By name of a service in Prometheus, and by metric."""


@dataclass(frozen=True)
class Asked:
    """What was answered, and how to read it."""

    around: Around
    grid: Grid
    since: datetime
    until: datetime
    ranges: Sequence[Answer]
    """Of the whole time, seldom, and of the time around the alert, often."""
    births: Answer = field(default_factory=Answer)
    namespaces: Collection[str] = ()
    """Those that the alerts name."""


def series_of(asked: Asked) -> list[Series]:
    """The same series of several ranges as one, its points ascending."""
    found: dict[tuple[tuple[str, str], ...], dict[float, float]] = {}
    for answer in asked.ranges:
        for one in answer.series:
            found.setdefault(tuple(sorted(one.labels.items())), {}).update(one.points)
    return [Series(dict(labels), sorted(points.items())) for labels, points in sorted(found.items()) if points]


def versions(asked: Asked, series: Sequence[Series]) -> tuple[list[Told], list[str]]:
    """Versions that came, and what a person can mend. Each metric is told for itself: a library's build information
    that comes with a new version is no deploy.
    """
    told: list[Told] = []
    warnings: list[str] = []
    for service, by_name in (*_by_build(asked.around, series).items(), *_by_job(asked.around, series).items()):
        only = asked.around.only(service, by_name)
        if only is None:
            likely = " or ".join(sorted(by_name)[:3])
            warnings.append(f"{service} could be {likely} in Prometheus: the versions there are not told")
            continue
        name, metrics = only
        for metric, seen in sorted(metrics.items()):
            query = otel_versions([name]) if metric == TARGET_INFO else build_versions([name])
            told += _came(asked, service, metric, seen, query)
    return told, warnings


def _came(asked: Asked, service: str, metric: str, seen: Versions, query: str) -> Iterable[Told]:
    for turn in turns(seen, asked.grid):
        piece = ChangeEvidence(
            service=service,
            change=ChangeKind.ROLLBACK if turn.is_back else ChangeKind.DEPLOY,
            version=version_text(turn.version),
            previous_version=version_text(turn.previous),
            at=moment(turn.at),
            uncertain_seconds=turn.uncertain,
            query=query,
        )
        yield measured(piece, metric, Rank.SEEN, turn.version)


def _by_build(around: Around, series: Sequence[Series]) -> dict[str, Named]:
    """By service and its name there: each metric's versions, from the likeliest of the labels that name services."""
    found: dict[str, dict[int, Named]] = {}
    for one in series:
        if one.labels.get(BINDING) not in SERVICE_LABELS:
            continue
        likelihood, name = build_service_of(one.labels)
        service = around.of(name)
        if service:
            by_name = found.setdefault(service, {}).setdefault(likelihood, {})
            seen = by_name.setdefault(name, {}).setdefault(one.labels.get("__name__", ""), {})
            seen[one.labels.get(VERSION_LABEL, "")] = [at for at, _ in one.points]
    return {service: by_label[min(by_label)] for service, by_label in found.items()}


def _by_job(around: Around, series: Sequence[Series]) -> dict[str, Named]:
    """OpenTelemetry's, by service and its job."""
    found: dict[str, Named] = {}
    for one in series:
        job = one.labels.get("job", "")
        service = around.of(job) if one.labels.get(BINDING) == TARGET_INFO else None
        if service:
            seen = found.setdefault(service, {}).setdefault(job, {}).setdefault(TARGET_INFO, {})
            seen[one.labels.get(OTEL_VERSION, "")] = [at for at, _ in one.points]
    return found


def starts(asked: Asked) -> Iterable[Told]:
    """The latest minutes in which processes began, from the likeliest label of each service."""
    found: dict[str, dict[int, list[tuple[float, float, str]]]] = {}
    first, last = asked.since.timestamp(), asked.until.timestamp()
    for one in asked.births.samples:
        label = one.labels.get(BINDING, "").removeprefix(f"{STARTED}/")
        name = one.labels.get(label, "")
        service = asked.around.of(name) if label in SERVICE_LABELS else None
        began = _number(one.labels.get(STARTED_AT, ""))
        if service and began is not None and first <= began < last:
            by_label = found.setdefault(service, {})
            by_label.setdefault(SERVICE_LABELS.index(label), []).append((began, one.value, name))
    for service, by_label in found.items():
        for began, count, name in sorted(by_label[min(by_label)])[-MAX_STARTS_TOLD:]:
            piece = ChangeEvidence(
                service=service,
                change=ChangeKind.OTHER,
                title=f"{count:.0f} processes started" if count > 1 else "a process started",
                at=moment(began),
                query=started([name], since=asked.grid.fine_from),
            )
            yield measured(piece, STARTED, Rank.STARTED, lasts=timedelta(minutes=1))


def measured(piece: ChangeEvidence, teller: str, rank: Rank, *names: str, lasts: timedelta = timedelta()) -> Told:
    """A change that a metric tells of, from when it may have been until when it may still show."""
    began = piece.at - timedelta(seconds=piece.uncertain_seconds)
    return Told(piece, teller, rank, names_of(*names), began, piece.at + lasts)


def moment(seconds: float) -> datetime:
    """A time in UTC, of seconds that were checked to be one."""
    return datetime.fromtimestamp(seconds, UTC)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
