"""From the answers to calls that are told once: named alike, never counted twice, with who told of them. Pure."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from shared.context.edges.asking import MAX_CALLS_A_TIME, NOW, THEN, TOLD, query_of
from shared.context.edges.names import Name, Spelling, service
from shared.context.edges.table import BY_NAME, EdgeRow, kind_of
from shared.context.look import MAX_SERVICE_CHARS
from shared.context.neighbourhood import Edge
from shared.models.evidence import EdgeSource, NodeKind
from shared.models.topology import MOST_DIRECT_FIRST, USER, strongest
from shared.ports.metrics import Answer, Sample

Key = frozenset[tuple[str, str]]
Ratios = Mapping[Key, float]
"""By the labels of a series and its row: the share of its calls that failed."""
_NAMESPACES = ("source_workload_namespace", "destination_service_namespace")


@dataclass(frozen=True)
class Telling:
    """One sample: that a convention counts calls from one name to another, now or when the alert began."""

    row: EdgeRow
    labels: Mapping[str, str]
    caller: Name
    callee: Name
    callee_kind: NodeKind
    rate: float
    is_past: bool


@dataclass(frozen=True)
class Measured:
    """The calls of one edge, by the most direct of those who tell of it."""

    calls_per_second: float
    is_past: bool
    """Whether they were seen only when the alert began, and not now."""
    told_by: tuple[EdgeSource, ...]
    callee_kind: NodeKind
    query: str
    failed_ratio: float | None = None


@dataclass(frozen=True)
class Reading:
    """Everything that answers told."""

    edges: Mapping[Edge, Measured]
    warnings: tuple[str, ...] = ()
    is_whole: bool = True
    """Whether what is not told of has no calls: false where some may be missing from the answers."""


def read(
    answers: Sequence[Answer],
    failed: Answer,
    alerting: str,
    *,
    seconds: float,
    aliases: Mapping[str, str] | None = None,
) -> Reading:
    """The edges of these answers, spelled as beside the service that alerts; `aliases`: other names, and whose."""
    samples = [sample for answer in answers for sample in answer.samples]
    namespaces = frozenset(_namespaces(samples))
    tellings, nameless = _tellings(samples, namespaces)
    spelled = Spelling((name for one in tellings for name in (one.caller, one.callee)), alerting, aliases)
    together: dict[Edge, list[Telling]] = defaultdict(list)
    overlong = set[Edge]()
    for one in tellings:
        edge = spelled(one.caller), spelled(one.callee)
        if max(map(len, edge)) > MAX_SERVICE_CHARS:
            overlong.add(edge)  # once cut, a name might be taken for another
        elif edge[0] != edge[1]:
            together[edge].append(one)
    ratios = {_key(sample): sample.value for sample in failed.samples if math.isfinite(sample.value)}
    edges = {edge: _measured(found, ratios, seconds) for edge, found in together.items()}
    told = [warning for answer in (*answers, failed) for warning in answer.warnings]
    asked = [warning for answer in answers for warning in answer.warnings]
    whole = not (asked or nameless or any(map(_is_cut, answers)))
    return Reading(
        edges=edges,
        warnings=(*told, *_warnings(len(overlong), nameless, alerting, spelled.taken_together)),
        is_whole=whole and any(not one.is_past for one in edges.values()),
    )


def _namespaces(samples: Iterable[Sample]) -> Iterable[str]:
    for sample in samples:
        for label, value in sample.labels.items():
            if label in _NAMESPACES and (known := _known(value)):
                yield known
            elif "/" in value and (name := service(value)) and name.namespace:
                yield name.namespace


def _tellings(samples: Iterable[Sample], namespaces: frozenset[str]) -> tuple[list[Telling], int]:
    """What the samples tell, the same one once; and how many of them do not name both ends."""
    found: dict[tuple[str, ...], Telling] = {}
    nameless = 0
    for sample in samples:
        row_name, _, when = sample.labels.get(TOLD, "").partition(" ")
        row = BY_NAME.get(row_name)
        if row is None or when not in (NOW, THEN) or not math.isfinite(sample.value):
            continue
        telling = _telling(row, sample, namespaces, is_past=when == THEN)
        if telling is not None:
            found[row_name, when, *(sample.labels.get(label, "") for label in row.labels)] = telling
        elif not (_first(sample, row.callers) and _first(sample, row.callees)):
            nameless += 1
    return list(found.values()), nameless


def _telling(row: EdgeRow, sample: Sample, namespaces: frozenset[str], *, is_past: bool) -> Telling | None:
    caller = _caller(row, sample.labels)
    ends = (_first(sample, (label,)) for label in row.callees)
    callee = next((name for text in ends if text and (name := row.callee_of(text, namespaces))), None)
    if caller is None or callee is None:
        return None
    if callee.kind is not NodeKind.EXTERNAL and not callee.namespace:
        callee = replace(callee, namespace=_known(sample.labels.get("destination_service_namespace")))
    kind = kind_of(row, sample.labels, callee, caller_is_user=caller.base == USER)
    return Telling(row, sample.labels, caller, callee, kind, sample.value, is_past)


def _caller(row: EdgeRow, labels: Mapping[str, str]) -> Name | None:
    named = (service(labels.get(label, "")) for label in row.callers)
    caller = next((name for name in named if name), None)
    if caller and not caller.namespace:
        return replace(caller, namespace=_known(labels.get("source_workload_namespace")))
    return caller


def _known(namespace: str | None) -> str | None:
    return None if namespace in (None, "", "unknown") else namespace


def _first(sample: Sample, labels: Sequence[str]) -> str:
    return next((value for label in labels if (value := sample.labels.get(label, ""))), "")


def _measured(tellings: Sequence[Telling], ratios: Ratios, seconds: float) -> Measured:
    present = [one for one in tellings if not one.is_past]
    counted = present or list(tellings)
    sources = sorted({one.row.source for one in counted}, key=MOST_DIRECT_FIRST.index)
    rows: dict[str, list[Telling]] = defaultdict(list)
    for one in counted:
        if one.row.source is sources[0]:
            rows[one.row.name].append(one)
    # Conventions of one source may count the same calls: an HTTP call may be how a database is asked.
    best = max(rows.values(), key=lambda found: (sum(one.rate for one in found), found[0].row.name))
    return Measured(
        calls_per_second=sum(one.rate for one in best),
        is_past=not present,
        told_by=tuple(sources),
        callee_kind=strongest(one.callee_kind for one in counted),
        query=query_of(best[0].row, [one.labels for one in best], seconds=seconds),
        failed_ratio=_failed(best, ratios),
    )


def _failed(tellings: Sequence[Telling], ratios: Ratios) -> float | None:
    """The share of failed calls over all series of the edge, each weighted by its calls."""
    known = [(ratios[key], one.rate) for one in tellings if (key := _key_of(one.row.name, one.labels)) in ratios]
    calls = sum(rate for _, rate in known)
    return sum(ratio * rate for ratio, rate in known) / calls if calls else None


def _key(sample: Sample) -> Key:
    return _key_of(sample.labels.get(TOLD, "").partition(" ")[0], sample.labels)


def _key_of(row: str, labels: Mapping[str, str]) -> Key:
    return frozenset({**labels, TOLD: row}.items())


def _is_cut(answer: Answer) -> bool:
    times = [sample.labels.get(TOLD, "").rpartition(" ")[2] for sample in answer.samples]
    return times.count(NOW) >= MAX_CALLS_A_TIME


def _warnings(overlong: int, nameless: int, alerting: str, together: Sequence[str]) -> list[str]:
    counts = {
        "calls between services with overlong names are left out": overlong,
        "calls that do not name both ends are left out": nameless,
    }
    told = [f"{count} {what}" for what, count in counts.items() if count]
    if together:
        told.append(f"{alerting} is in the namespaces {', '.join(together)}: its calls there are taken together")
    return told
