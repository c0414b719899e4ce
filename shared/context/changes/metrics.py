"""What metrics tell of changes: versions, ReplicaSets and config maps that came, processes that began. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from shared.context.changes.names import Around
from shared.context.changes.queries import (
    BINDING,
    CONFIG_MAP,
    NAMESPACES,
    OTEL_VERSION,
    REPLICA_SET,
    STARTED,
    STARTED_AT,
    TARGET_INFO,
    configs,
    otel_versions,
    replica_sets,
    started,
)
from shared.context.changes.running import Grid, Turn, turns, withdrawn
from shared.context.changes.told import Rank, Told, names_of, title_text, version_text
from shared.context.conventions import SERVICE_LABELS, VERSION_LABEL, build_service_of, build_versions
from shared.models.changes import ChangeKind
from shared.models.evidence import ChangeEvidence
from shared.ports.metrics import Answer, Series

ROLLOUT = timedelta(minutes=5)
"""How long after a ReplicaSet was made its pods may take to show themselves."""
RESTLESS = 5
"""A config map that changes more often is no configuration: somebody keeps a lock or a heartbeat in it."""
MAX_STARTS_TOLD = 3

_HASH = re.compile(r"-[bcdfghjklmnpqrstvwxz2456789]{1,10}$")


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


@dataclass(frozen=True)
class Read:
    """The changes, and what a person can mend."""

    told: tuple[Told, ...] = ()
    warnings: tuple[str, ...] = ()


def read(asked: Asked) -> Read:
    """Everything that these answers tell."""
    series = _joined(asked.ranges)
    sets, ambiguous = _owned(asked, [one for one in series if one.labels.get(BINDING) == REPLICA_SET], "replicaset")
    maps, unsure = _owned(asked, [one for one in series if one.labels.get(BINDING) == CONFIG_MAP], "configmap")
    jobs, twice = _by_job(asked.around, series)
    told = [
        *_versions(asked, _by_build(asked.around, series)),
        *_versions(asked, jobs),
        *(one for service, held in sets.items() for one in _rollouts(asked, service, held)),
        *(one for service, held in maps.items() for one in _reconfigured(asked, service, held)),
        *_starts(asked),
    ]
    lately = tuple(one for one in told if asked.since <= one.piece.at < asked.until)
    return Read(lately, tuple(sorted({*ambiguous, *unsure, *twice})))


Versions = Mapping[tuple[str, str], Mapping[str, Sequence[float]]]
"""By service and metric: the times at which each version was seen."""


def _versions(asked: Asked, found: Versions) -> Iterable[Told]:
    for (service, metric), seen in found.items():
        query = otel_versions([service]) if metric == TARGET_INFO else build_versions([service])
        for turn in turns(seen, asked.grid):
            piece = ChangeEvidence(
                service=service,
                change=ChangeKind.ROLLBACK if turn.is_back else ChangeKind.DEPLOY,
                version=version_text(turn.version),
                previous_version=version_text(turn.previous),
                at=_at(turn.at),
                uncertain_seconds=turn.uncertain,
                query=query,
            )
            yield _told(piece, metric, Rank.SEEN, turn.version)


def _by_build(around: Around, series: Sequence[Series]) -> Versions:
    """From the likeliest of the labels under which a service is known. Each metric is told for itself: a library's
    build information that comes with a new version is no deploy."""
    found: dict[str, dict[int, dict[tuple[str, str], dict[str, list[float]]]]] = {}
    for one in series:
        if one.labels.get(BINDING) not in SERVICE_LABELS:
            continue
        likelihood, service = build_service_of(one.labels)
        if service in around.services:
            held = found.setdefault(service, {}).setdefault(likelihood, {})
            versions = held.setdefault((service, one.labels.get("__name__", "")), {})
            versions[one.labels.get(VERSION_LABEL, "")] = [at for at, _ in one.points]
    return {key: seen for by_label in found.values() for key, seen in by_label[min(by_label)].items()}


def _by_job(around: Around, series: Sequence[Series]) -> tuple[Versions, list[str]]:
    """OpenTelemetry's, by service; of two jobs that could be one service's neither is taken."""
    jobs: dict[str, dict[str, dict[str, list[float]]]] = {}
    for one in series:
        job = one.labels.get("job", "")
        service = around.of(job) if one.labels.get(BINDING) == TARGET_INFO else None
        if service:
            seen = jobs.setdefault(service, {}).setdefault(job, {})
            seen[one.labels.get(OTEL_VERSION, "")] = [at for at, _ in one.points]
    found: dict[tuple[str, str], dict[str, list[float]]] = {}
    warnings: list[str] = []
    for service, held in jobs.items():
        likeliest = [service] if service in held else sorted(held)
        if len(likeliest) > 1:
            warnings.append(
                f"{service} could be {' or '.join(likeliest[:3])} in target_info: its versions are not told"
            )
        else:
            found[service, TARGET_INFO] = held[likeliest[0]]
    return found, warnings


def _rollouts(asked: Asked, service: str, sets: Sequence[Series]) -> Iterable[Told]:
    """ReplicaSets of one Deployment: new ones at the second they were made, and old ones that are back."""
    born = _born(asked)
    seen = {_object(one, "replicaset"): [at for at, _ in one.points] for one in sets}
    workloads = {_workload(name) for name in seen}
    for name, made in sorted(born.items()):
        if made >= asked.since.timestamp() and _workload(name) in workloads:
            yield _rolled_out(service, Turn(made, name, None, is_back=False, uncertain=0.0))
    for turn in turns(seen, asked.grid):
        made_at = born.get(turn.version)
        is_old = made_at is not None and made_at < turn.at - turn.uncertain - ROLLOUT.total_seconds()
        if turn.is_back or is_old:
            yield _rolled_out(service, replace(turn, is_back=True))
        elif made_at is None:
            yield _rolled_out(service, turn)
    for turn in withdrawn(seen, asked.grid):
        yield _rolled_out(service, turn)


def _rolled_out(service: str, turn: Turn) -> Told:
    instead = f" in the place of {turn.previous}" if turn.previous else ""
    happened = "is back" if turn.is_back else "came in" if turn.previous else "was made"
    piece = ChangeEvidence(
        service=service,
        change=ChangeKind.ROLLBACK if turn.is_back else ChangeKind.DEPLOY,
        title=title_text(f"ReplicaSet {turn.version} {happened}{instead}"),
        at=_at(turn.at),
        uncertain_seconds=turn.uncertain,
        query=replica_sets([service]),
    )
    return _told(piece, REPLICA_SET, Rank.ROLLED_OUT, lasts=ROLLOUT)


def _born(asked: Asked) -> dict[str, float]:
    return {
        _object_of(one.labels, "replicaset"): one.value
        for one in asked.births.samples
        if one.labels.get(BINDING) == REPLICA_SET and 0 < one.value < asked.until.timestamp()
    }


def _reconfigured(asked: Asked, service: str, maps: Sequence[Series]) -> Iterable[Told]:
    for one in maps:
        changed = [
            later
            for (earlier, before), (later, now) in zip(one.points, one.points[1:], strict=False)
            if before != now and not asked.grid.is_broken(earlier, later)
        ]
        if len(changed) > RESTLESS:
            continue
        for at in changed:
            piece = ChangeEvidence(
                service=service,
                change=ChangeKind.CONFIG,
                title=title_text(f"config map {_object(one, 'configmap')} was changed"),
                at=_at(at),
                uncertain_seconds=asked.grid.step_before(at),
                query=configs([service]),
            )
            yield _told(piece, CONFIG_MAP, Rank.CONFIGURED)


def _starts(asked: Asked) -> Iterable[Told]:
    """The latest minutes in which processes began, from the likeliest label of each service."""
    found: dict[str, dict[int, list[tuple[float, float]]]] = {}
    for one in asked.births.samples:
        label = one.labels.get(BINDING, "").removeprefix(f"{STARTED}/")
        service = one.labels.get(label, "")
        if label in SERVICE_LABELS and service in asked.around.services:
            began = _number(one.labels.get(STARTED_AT, ""))
            if began is not None and asked.since.timestamp() <= began < asked.until.timestamp():
                by_label = found.setdefault(service, {})
                by_label.setdefault(SERVICE_LABELS.index(label), []).append((began, one.value))
    for service, by_label in found.items():
        for began, count in sorted(by_label[min(by_label)])[-MAX_STARTS_TOLD:]:
            many = f"{count:.0f} processes" if count > 1 else "a process"
            piece = ChangeEvidence(
                service=service,
                change=ChangeKind.OTHER,
                title=f"{many} started",
                at=_at(began),
                query=started([service], since=asked.grid.fine_from),
            )
            yield _told(piece, STARTED, Rank.STARTED, lasts=timedelta(minutes=1))


def _owned(asked: Asked, series: Sequence[Series], label: str) -> tuple[dict[str, list[Series]], list[str]]:
    """Kubernetes objects by service; of two workloads that could be one service's neither is taken."""
    found: dict[str, dict[str, list[Series]]] = {}
    for one in series:
        name = _object(one, label)
        owner = _workload(name) if label == "replicaset" else name
        service = asked.around.of(owner) or asked.around.of(_unsuffixed(owner))
        if service:
            found.setdefault(service, {}).setdefault(owner, []).append(one)
    chosen, warnings = {}, []
    for service, owners in found.items():
        here = [one for one in owners if one.rpartition("/")[0] in asked.namespaces] or list(owners)
        places = {one.rpartition("/")[0] for one in here}
        exact = [one for one in here if one.rpartition("/")[2] == service.rpartition("/")[2]]
        if label == "configmap" and len(places) == 1:
            chosen[service] = [one for name in here for one in owners[name]]
        elif len(here) == 1 or len(exact) == 1:
            chosen[service] = owners[(exact or here)[0]]
        else:
            told = " or ".join(sorted(here)[:3])
            warnings.append(f"{service} could be {told} in Kubernetes: changes there are not told")
    return chosen, warnings


def _joined(answers: Sequence[Answer]) -> list[Series]:
    """The same series of several ranges as one, its points ascending."""
    found: dict[tuple[tuple[str, str], ...], dict[float, float]] = {}
    for answer in answers:
        for one in answer.series:
            found.setdefault(tuple(sorted(one.labels.items())), {}).update(one.points)
    return [Series(dict(labels), sorted(points.items())) for labels, points in sorted(found.items()) if points]


def _told(piece: ChangeEvidence, teller: str, rank: Rank, *names: str, lasts: timedelta = timedelta()) -> Told:
    began = piece.at - timedelta(seconds=piece.uncertain_seconds)
    return Told(piece, teller, rank, names_of(*names), began, piece.at + lasts)


def _object(one: Series, label: str) -> str:
    return _object_of(one.labels, label)


def _object_of(labels: Mapping[str, str], label: str) -> str:
    namespace = next((labels[name] for name in NAMESPACES if labels.get(name)), "")
    return f"{namespace}/{labels.get(label, '')}"


def _workload(replica_set: str) -> str:
    return _HASH.sub("", replica_set)


_FOR_CONFIG = re.compile(r"-(?:config|configmap|configuration|cm|env|settings)$")


def _unsuffixed(name: str) -> str:
    return _FOR_CONFIG.sub("", name)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
