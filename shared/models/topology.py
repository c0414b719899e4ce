"""A tenant's graph of calls: those that were measured in the last days, and those that the tenant declares."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from shared.models.base import Document, Instant, TenantId, Value
from shared.models.evidence import EdgeSource, NodeKind
from shared.models.tenants import Record

MAX_EDGES = 4000
MAX_CALLS_BYTES = 1_300_000
"""A document may have two megabytes; names may be long and in any alphabet."""
TOPOLOGY_TTL_SECONDS = 7 * 24 * 3600
TOPOLOGY_FRESH = timedelta(minutes=15)
MAX_LOOKED_AT = 200
MAX_DECLARED = 500
MAX_NAME_CHARS = 120
USER = "user"
"""What service graphs call whoever is outside of all that is traced."""

MOST_DIRECT_FIRST = (
    EdgeSource.SERVICE_GRAPH,
    EdgeSource.ISTIO,
    EdgeSource.ENVOY,
    EdgeSource.OTEL_CLIENT,
    EdgeSource.DECLARED,
)
"""Whose word counts where several tell of the same call."""

_STRONGEST = (NodeKind.DATABASE, NodeKind.SERVICE, NodeKind.QUEUE, NodeKind.EXTERNAL, NodeKind.CLIENT_VIEW)


class Call(Value):
    """One service calls another."""

    caller: str
    callee: str
    seen_at: Instant
    """When calls were last measured."""
    first_seen_at: Instant | None = None
    callee_kind: NodeKind = NodeKind.SERVICE
    """What was said of the callee."""
    told_by: tuple[EdgeSource, ...] = (EdgeSource.SERVICE_GRAPH,)
    """Who measured it then, the most direct first."""
    calls_per_second: float = 0.0
    """When it was last asked for: 0 where there were no calls any more, or nobody noted how many."""

    @property
    def edge(self) -> tuple[str, str]:
        """(caller, callee)."""
        return self.caller, self.callee


class KnownTopology(Document):
    """Every call that was measured in the last days, the latest MAX_EDGES of them; a tenant has one."""

    type: Literal["known_topology"] = "known_topology"
    calls: tuple[Call, ...] = Field(default=(), max_length=MAX_EDGES)
    looked_at: Mapping[str, Instant] = Field(default_factory=dict)
    """The services whose surroundings were measured of late, and when."""
    updated_at: Instant
    ttl: int = TOPOLOGY_TTL_SECONDS

    @staticmethod
    def id_for() -> str:
        """A tenant has one."""
        return "known-topology"

    def to_stored(self) -> dict[str, Any]:
        """See Document. What goes without saying is left out of the calls: there are thousands."""
        stored = self.model_dump(mode="json", exclude={"calls"})
        return {**stored, "calls": [call.model_dump(mode="json", exclude_defaults=True) for call in self.calls]}


class DeclaredCall(Value):
    """One service calls another, as people say."""

    caller: str = Field(min_length=1, max_length=MAX_NAME_CHARS)
    callee: str = Field(min_length=1, max_length=MAX_NAME_CHARS)


class DeclaredTopology(Record):
    """What a tenant declares of its graph; `kinds` says what stands under a name, whatever is measured of it."""

    type: Literal["declared_topology"] = "declared_topology"
    calls: tuple[DeclaredCall, ...] = Field(default=(), max_length=MAX_DECLARED)
    kinds: Mapping[str, NodeKind] = Field(default_factory=dict, max_length=MAX_DECLARED)
    updated_at: Instant
    updated_by: str = ""
    """The Entra object id of who wrote this version."""

    @model_validator(mode="after")
    def _is_a_graph(self) -> Self:
        if any(call.caller == call.callee for call in self.calls):
            raise ValueError("a service does not call itself")
        if len({(call.caller, call.callee) for call in self.calls}) < len(self.calls):
            raise ValueError("a call is declared once")
        return self

    @staticmethod
    def id_for() -> str:
        """A tenant has one."""
        return "declared-topology"

    @classmethod
    def none_yet(cls, tenant_id: TenantId, *, now: Instant) -> "DeclaredTopology":
        """Before any is written."""
        return cls(id=cls.id_for(), tenant_id=tenant_id, version=0, created_at=now, updated_at=now)


def strongest(kinds: Iterable[NodeKind]) -> NodeKind:
    """Of what several say of one end, what says the most: a kind of its own, rather than a name that callers use."""
    return min(kinds, key=_STRONGEST.index)


def kinds_of(
    told: Iterable[tuple[str, str, NodeKind | None]], declared: Mapping[str, NodeKind]
) -> dict[str, NodeKind]:
    """What stands under each name of these calls (caller, callee, what was said of the callee).

    What people declare counts; who calls others is a service, whatever it looks like to those who call it.
    """
    callers, said = set[str](), dict[str, NodeKind]()
    names = set[str]()
    for caller, callee, kind in told:
        callers.add(caller)
        names |= {caller, callee}
        if kind is not None:
            said[callee] = strongest((said.get(callee, kind), kind))
    found = dict.fromkeys(names, NodeKind.SERVICE) | said | dict.fromkeys(callers, NodeKind.SERVICE)
    if USER in callers:
        found[USER] = NodeKind.EXTERNAL
    return {name: declared.get(name, kind) for name, kind in found.items()}
