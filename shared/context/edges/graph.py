"""The graph around a service: what is measured now, what was measured before, and what is declared, as one. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.context.edges.kept import Kept
from shared.context.edges.reading import Measured, Reading
from shared.context.neighbourhood import Edge, Neighbourhood, select
from shared.models.evidence import EdgeEvidence, EdgeSource, NodeKind, Origin
from shared.models.topology import kinds_of

MAX_EVIDENCE = 300
MAX_SILENT = 20
"""How many calls that were seen before, and are made no more, are shown, the alerting service's own first and the
latest of them: names may come and go by the hundred."""


@dataclass(frozen=True)
class Asked:
    """What Prometheus was asked, and when what it told was so."""

    service: str
    """The one that alerts."""
    reading: Reading
    services: frozenset[str]
    """Of whose calls it told."""
    now: datetime
    then: datetime
    """When the calls were made that were seen only before."""
    seconds: float
    """Over how long rates were taken."""


@dataclass(frozen=True)
class Joined:
    """One edge, by everybody who tells of it."""

    calls_per_second: float
    told_by: tuple[EdgeSource, ...]
    seen_at: datetime | None = None
    callee_kind: NodeKind | None = None
    failed_ratio: float | None = None
    query: str | None = None
    is_past: bool = False
    window_seconds: float = 0.0


def joined(kept: Kept, asked: Asked | None = None) -> dict[Edge, Joined]:
    """Every edge that is known; without anything asked, as it was when it was last measured."""
    edges = {edge: Joined(0.0, (EdgeSource.DECLARED,)) for edge in kept.declared}
    before = _before(kept, asked)
    measured = {edge: _measured(one, asked) for edge, one in asked.reading.edges.items()} if asked else {}
    for edge, one in (before | measured).items():
        declared = (EdgeSource.DECLARED,) if edge in edges else ()
        edges[edge] = replace(one, told_by=(*one.told_by, *declared))
    return edges


def _measured(one: Measured, asked: Asked) -> Joined:
    return Joined(
        calls_per_second=one.calls_per_second,
        told_by=one.told_by,
        seen_at=asked.then if one.is_past else asked.now,
        callee_kind=one.callee_kind,
        failed_ratio=one.failed_ratio,
        query=one.query,
        is_past=one.is_past,
        window_seconds=asked.seconds,
    )


def _before(kept: Kept, asked: Asked | None) -> dict[Edge, Joined]:
    """The calls that were measured before. Of those that were asked for and not told of now, there are none now,
    provided that nothing is missing from the answer; of those that were not asked for nothing is said.
    """
    found = {
        edge: Joined(call.calls_per_second, call.told_by, call.seen_at, call.callee_kind, is_past=True)
        for edge, call in kept.calls.items()
    }
    if asked is None:
        return found
    silent = {
        edge: replace(one, calls_per_second=0.0, is_past=False) if asked.reading.is_whole else one
        for edge, one in found.items()
        if edge not in asked.reading.edges and not asked.services.isdisjoint(edge)
    }
    own_first = sorted(silent, key=lambda edge: (asked.service in edge, kept.calls[edge].seen_at, edge), reverse=True)
    return {edge: silent[edge] for edge in own_first[:MAX_SILENT]}


def neighbourhood(service: str, edges: Mapping[Edge, Joined], kinds: Mapping[str, NodeKind]) -> Neighbourhood:
    """The services around and the calls between them; `kinds` is what people say stands under a name."""
    neighbours, left_out = select(service, {edge: one.calls_per_second for edge, one in edges.items()})
    near = {service, *neighbours}
    inside = sorted(
        (edge for edge in edges if near.issuperset(edge)), key=lambda edge: (-edges[edge].calls_per_second, edge)
    )
    counts = {
        f"more services around {service} are left out": left_out,
        "less frequent calls between services are left out": len(inside[MAX_EVIDENCE:]),
    }
    stands = nodes(service, edges, kinds)
    return Neighbourhood(
        neighbours=neighbours,
        edges=tuple(_evidence(edge, edges[edge], stands) for edge in inside[:MAX_EVIDENCE]),
        warnings=tuple(f"{count} {what}" for what, count in counts.items() if count),
    )


def nodes(service: str | None, edges: Mapping[Edge, Joined], kinds: Mapping[str, NodeKind]) -> dict[str, NodeKind]:
    """What stands under each name. Whose alerts come to us is no stranger, though its callers may know no more."""
    found = kinds_of(((*edge, one.callee_kind) for edge, one in edges.items()), kinds)
    if service in found and service not in kinds and found[service] in (NodeKind.CLIENT_VIEW, NodeKind.EXTERNAL):
        found[service] = NodeKind.SERVICE
    return found


def _evidence(edge: Edge, one: Joined, kinds: Mapping[str, NodeKind]) -> EdgeEvidence:
    return EdgeEvidence(
        origin=Origin.PROMETHEUS if one.seen_at else Origin.RECORDS,
        query=one.query,
        window_start=one.seen_at - timedelta(seconds=one.window_seconds) if one.query and one.seen_at else None,
        window_end=one.seen_at if one.query else None,
        caller=edge[0],
        callee=edge[1],
        caller_kind=kinds[edge[0]],
        callee_kind=kinds[edge[1]],
        calls_per_second=one.calls_per_second,
        failed_ratio=one.failed_ratio,
        told_by=one.told_by,
        seen_at=one.seen_at,
        is_past=one.is_past,
    )
