"""The tenant's graph: who calls whom, as it was measured and as the tenant declares it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.preconditions import require_match, show_version
from shared.api.problems import PROBLEMS
from shared.api.views_directory import LINE
from shared.errors import Malformed
from shared.models.audit import AuditAction, Facts
from shared.models.base import Instant
from shared.models.evidence import EdgeSource, NodeKind
from shared.models.topology import MAX_DECLARED, MAX_NAME_CHARS, DeclaredCall, DeclaredTopology
from shared.pipeline.editing import Edit, edit_record, next_version
from shared.pipeline.topology import TenantGraph, graph_of

router = APIRouter(prefix="/topology", tags=["topology"], responses=PROBLEMS)

NodeName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME_CHARS, pattern=LINE)
]


class DeclaredNodeText(BaseModel):
    """What stands under a name, whatever is measured of it."""

    model_config = ConfigDict(extra="forbid")

    name: NodeName
    kind: NodeKind


class DeclaredEdgeText(BaseModel):
    """One service calls another."""

    model_config = ConfigDict(extra="forbid")

    caller: NodeName
    callee: NodeName


class TopologyText(BaseModel):
    """All that the tenant declares; what is left out is not declared any more."""

    model_config = ConfigDict(extra="forbid")

    edges: list[DeclaredEdgeText] = Field(default=[], max_length=MAX_DECLARED)
    nodes: list[DeclaredNodeText] = Field(default=[], max_length=MAX_DECLARED)

    def calls(self) -> tuple[DeclaredCall, ...]:
        """The calls; raises Malformed where one is declared twice, or a service calls itself."""
        found = tuple(DeclaredCall(caller=one.caller, callee=one.callee) for one in self.edges)
        if any(one.caller == one.callee for one in found):
            raise Malformed("a service does not call itself", reason="self_call")
        if len({(one.caller, one.callee) for one in found}) < len(found):
            raise Malformed("a call is declared once", reason="declared_twice")
        return found

    def kinds(self) -> dict[str, NodeKind]:
        """What stands under each name; raises Malformed where a name has two kinds."""
        found = {one.name: one.kind for one in self.nodes}
        if len(found) < len(self.nodes):
            raise Malformed("a name stands for one node", reason="declared_twice")
        return found


class DeclaredView(BaseModel):
    """What is declared, as it was written."""

    edges: list[DeclaredEdgeText]
    nodes: list[DeclaredNodeText]
    version: int = Field(description="0 before anything was declared.")
    updated_at: Instant | None
    updated_by: str | None = Field(description="The object id of who wrote this version.")

    @classmethod
    def of(cls, declared: DeclaredTopology) -> Self:
        """From the record."""
        is_there = declared.version > 0
        return cls(
            edges=[DeclaredEdgeText(caller=one.caller, callee=one.callee) for one in declared.calls],
            nodes=[DeclaredNodeText(name=name, kind=kind) for name, kind in sorted(declared.kinds.items())],
            version=declared.version,
            updated_at=declared.updated_at if is_there else None,
            updated_by=declared.updated_by if is_there else None,
        )


class NodeView(BaseModel):
    """What stands at an end of a call."""

    name: str
    kind: NodeKind = Field(description="`client_view` is known only by what its callers see of it.")


class EdgeView(BaseModel):
    """One service calls another."""

    caller: str
    callee: str
    told_by: list[EdgeSource] = Field(description="Who tells of it, the most direct first.")
    calls_per_second: float | None = Field(
        description="When it was last asked for: 0 where it is not made any more, null where it is only declared."
    )
    first_seen_at: Instant | None
    last_seen_at: Instant | None
    age_seconds: float | None = Field(description="Since calls were last measured; null where it is only declared.")


class TopologyView(BaseModel):
    """The merged graph, and what of it is declared."""

    service: str | None = Field(description="Around which service; null for all of it.")
    measured_at: Instant | None = Field(description="When any part of it was last measured.")
    nodes: list[NodeView]
    edges: list[EdgeView]
    declared: DeclaredView

    @classmethod
    def of(cls, graph: TenantGraph, service: str | None, *, now: datetime) -> Self:
        """From the graph."""
        return cls(
            service=service,
            measured_at=graph.measured_at,
            nodes=[NodeView(name=name, kind=kind) for name, kind in sorted(graph.kinds.items())],
            edges=[
                EdgeView(
                    caller=edge[0],
                    callee=edge[1],
                    told_by=list(one.told_by),
                    calls_per_second=one.calls_per_second if one.seen_at else None,
                    first_seen_at=graph.first_seen.get(edge),
                    last_seen_at=one.seen_at,
                    age_seconds=round((now - one.seen_at).total_seconds(), 3) if one.seen_at else None,
                )
                for edge, one in sorted(graph.edges.items())
            ],
            declared=DeclaredView.of(graph.declared),
        )


@router.get("", summary="Read the topology")
async def read_topology(
    response: Response,
    principal: Annotated[Principal, Depends(allowed("read_topology"))],
    services: Wired,
    service: Annotated[
        str | None, Query(min_length=1, max_length=200, description="Only what lies within two calls of it.")
    ] = None,
) -> TopologyView:
    """Calls that were measured in the last seven days, and those that are declared. The ETag is that of the
    declaration.
    """
    now = datetime.now(UTC)
    graph = await graph_of(principal.tenant_id, service, services, now=now)
    show_version(response, graph.declared.version)
    return TopologyView.of(graph, service, now=now)


@router.put("", summary="Declare the topology")
async def replace_topology(
    wanted: TopologyText,
    request: Request,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("replace_topology"))],
    services: Wired,
) -> DeclaredView:
    """All of it at once. What is measured is shown beside it, and counts where both tell of the same call."""
    calls, kinds, now = wanted.calls(), wanted.kinds(), datetime.now(UTC)
    none_yet = DeclaredTopology.none_yet(principal.tenant_id, now=now)

    def decide(held: DeclaredTopology | None) -> Edit[DeclaredTopology] | None:
        before = held or none_yet
        require_match(request, before.version)
        if (before.calls, before.kinds) == (calls, kinds):
            return None
        after = next_version(before, calls=calls, kinds=kinds, updated_at=now, updated_by=principal.object_id)
        entry = principal.entry(
            *("replace_topology", AuditAction.UPDATE, "topology", DeclaredTopology.id_for()),
            before=_facts(before, after),
            after=_facts(after, before),
            now=now,
        )
        return Edit(after, entry)

    written = await edit_record(principal.tenant_id, DeclaredTopology, DeclaredTopology.id_for(), decide, services)
    declared = written or none_yet
    show_version(response, declared.version)
    return DeclaredView.of(declared)


_FIRST = 10


def _facts(one: DeclaredTopology, other: DeclaredTopology) -> Facts:
    """How much is declared, and the first that the other does not have."""
    calls = sorted(f"{call.caller} → {call.callee}" for call in set(one.calls) - set(other.calls))
    kinds = sorted(f"{name}: {kind.value}" for name, kind in _differing(one.kinds, other.kinds))
    told = {"changed_calls": ", ".join(calls[:_FIRST]), "changed_kinds": ", ".join(kinds[:_FIRST])}
    return {"calls": len(one.calls), "kinds": len(one.kinds), **{name: text for name, text in told.items() if text}}


def _differing(these: Mapping[str, NodeKind], others: Mapping[str, NodeKind]) -> list[tuple[str, NodeKind]]:
    return [(name, kind) for name, kind in these.items() if others.get(name) is not kind]
