"""A tenant's graph as it is known without asking anybody, and what the tenant declares of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.context.edges.graph import Joined, joined, nodes
from shared.context.edges.kept import kept_of
from shared.context.neighbourhood import Edge, select
from shared.models.base import TenantId
from shared.models.conventions import ServiceNames
from shared.models.evidence import NodeKind
from shared.models.topology import DeclaredTopology
from shared.ports.services import Services


@dataclass(frozen=True)
class TenantGraph:
    """The merged graph: what stands under each name, and every call with who tells of it."""

    kinds: Mapping[str, NodeKind]
    edges: Mapping[Edge, Joined]
    first_seen: Mapping[Edge, datetime]
    measured_at: datetime | None
    """When any part of it was last measured."""
    declared: DeclaredTopology


async def graph_of(tenant_id: TenantId, service: str | None, services: Services, *, now: datetime) -> TenantGraph:
    """All of it, or what lies around a service."""
    known, held, named = await asyncio.gather(
        services.surroundings.topology(tenant_id),
        services.records.read(tenant_id, DeclaredTopology, DeclaredTopology.id_for()),
        services.records.read(tenant_id, ServiceNames, ServiceNames.id_for()),
    )
    declared = held.value if held else DeclaredTopology.none_yet(tenant_id, now=now)
    kept = kept_of(
        known.value if known else None,
        declared,
        [service] if service else [],
        now=now,
        named=named.value if named else None,
    )
    edges = _around(service, joined(kept)) if service else joined(kept)
    return TenantGraph(
        kinds=nodes(service, edges, kept.kinds),
        edges=edges,
        first_seen={edge: call.first_seen_at or call.seen_at for edge, call in kept.calls.items() if edge in edges},
        measured_at=known.value.updated_at if known and kept.calls else None,
        declared=declared,
    )


def _around(service: str, edges: Mapping[Edge, Joined]) -> dict[Edge, Joined]:
    """The calls between a service and those that are looked at with it."""
    neighbours, _ = select(service, {edge: one.calls_per_second for edge, one in edges.items()})
    near = {service, *neighbours}
    return {edge: one for edge, one in edges.items() if near.issuperset(edge)}
