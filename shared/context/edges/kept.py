"""What is known of a tenant's graph without asking anybody, and what is kept of a snapshot for later. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.context.edges.names import base_of
from shared.context.neighbourhood import Edge
from shared.models.base import TenantId
from shared.models.conventions import ServiceNames
from shared.models.evidence import EdgeEvidence, EdgeSource, NodeKind
from shared.models.snapshots import SectionName, SectionStatus, Snapshot
from shared.models.topology import (
    MAX_CALLS_BYTES,
    MAX_EDGES,
    MAX_LOOKED_AT,
    TOPOLOGY_FRESH,
    TOPOLOGY_TTL_SECONDS,
    Call,
    DeclaredTopology,
    KnownTopology,
)

STILL_FRESH = timedelta(minutes=30)
"""A call that was seen this recently is not written again."""


@dataclass(frozen=True)
class Kept:
    """The kept graph and the declared one, with the services in question spelled as their alerts spell them."""

    calls: Mapping[Edge, Call] = field(default_factory=dict)
    declared: frozenset[Edge] = frozenset()
    kinds: Mapping[str, NodeKind] = field(default_factory=dict)
    """What people say stands under a name."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """What else services are called, by the tenant's word: for each such name the service."""
    looked_at: datetime | None = None
    """When the surroundings of the first of these services were last measured."""
    warnings: tuple[str, ...] = ()

    def knows(self, service: str) -> bool:
        """Whether any call of the service is known."""
        return self.has_measured(service) or any(service in edge for edge in self.declared)

    def has_measured(self, service: str) -> bool:
        """Whether any call of the service was measured."""
        return any(service in edge for edge in self.calls)

    def every_name(self, services: Iterable[str]) -> list[str]:
        """These services under all their names."""
        wanted = list(services)
        return [*wanted, *sorted(other for other, service in self.aliases.items() if service in wanted)]

    def is_fresh(self, *, now: datetime) -> bool:
        """Whether the surroundings were measured so lately that only the rates have to be asked for."""
        return self.looked_at is not None and now - self.looked_at < TOPOLOGY_FRESH


def kept_of(
    known: KnownTopology | None,
    declared: DeclaredTopology | None,
    services: Iterable[str],
    *,
    now: datetime,
    named: ServiceNames | None = None,
) -> Kept:
    """Both as seen beside these services; `named` is what the tenant calls its services."""
    names = list(services)
    aliases = _aliases(named, names)
    spelled = _respelling(names, aliases)
    calls = {(spelled(call.caller), spelled(call.callee)): call for call in still_known(known, now=now)}
    said = ((spelled(one.caller), spelled(one.callee)) for one in declared.calls) if declared else ()
    return Kept(
        calls={edge: call for edge, call in calls.items() if edge[0] != edge[1]},
        declared=frozenset(edge for edge in said if edge[0] != edge[1]),
        kinds={spelled(name): kind for name, kind in declared.kinds.items()} if declared else {},
        aliases=aliases,
        looked_at=known.looked_at.get(base_of(names[0])) if known and names else None,
    )


def still_known(known: KnownTopology | None, *, now: datetime) -> list[Call]:
    """The calls, without those that nobody has seen for as long as the whole is kept."""
    forgotten = now - timedelta(seconds=TOPOLOGY_TTL_SECONDS)
    return [call for call in known.calls if call.seen_at > forgotten] if known else []


def _aliases(named: ServiceNames | None, services: Sequence[str]) -> dict[str, str]:
    """Every other name, and the service that it stands for: under the name that is asked by, where it is."""
    found: dict[str, str] = {}
    for one in named.services if named else ():
        group = (one.service, *one.aliases)
        service = next((name for name in services if name in group), one.service)
        found |= {name: service for name in group if name != service}
    return found


def _respelling(services: Iterable[str], aliases: Mapping[str, str]) -> Callable[[str], str]:
    """Services whose alerts name their namespace, where no other of them has the same name in another."""
    spelled: dict[str, set[str]] = {}
    for name in services:
        spelled.setdefault(base_of(name), set()).add(name)
    one_way = {base: next(iter(names)) for base, names in spelled.items() if len(names) == 1}
    return lambda name: one_way.get(name, aliases.get(name, name))


def remembered(
    tenant_id: TenantId, known: KnownTopology | None, snapshot: Snapshot, *, now: datetime
) -> tuple[KnownTopology | None, bool]:
    """The kept graph with what a snapshot measured, None where that changes nothing; and whether any call is news."""
    before = {call.edge: call for call in still_known(known, now=now)}
    seen = _seen(snapshot, before, now=now)
    looked_at = _looked_at(known, snapshot, now=now)
    is_news = not seen.keys() <= before.keys()
    if not any(_differs(call, before.get(edge)) for edge, call in seen.items()) and looked_at == (
        known.looked_at if known else {}
    ):
        return None, is_news
    topology = KnownTopology(
        id=KnownTopology.id_for(),
        tenant_id=tenant_id,
        calls=_latest((before | seen).values()),
        looked_at=looked_at,
        updated_at=now,
    )
    return topology, is_news


def _seen(snapshot: Snapshot, before: Mapping[Edge, Call], *, now: datetime) -> dict[Edge, Call]:
    """What the snapshot says of calls that were measured: those that are made, and those that ended."""
    service = snapshot.body.service
    found: dict[Edge, Call] = {}
    for piece in snapshot.body.evidence():
        if not isinstance(piece, EdgeEvidence):
            continue
        edge = _kept_name(piece.caller, service), _kept_name(piece.callee, service)
        known = before.get(edge)
        told_by = tuple(one for one in piece.told_by if one is not EdgeSource.DECLARED)
        if piece.calls_per_second > 0 and told_by and edge[0] != edge[1]:
            found[edge] = _call(piece, edge, told_by, known, now=now)
        elif known and piece.is_silent:
            found[edge] = known.model_copy(update={"calls_per_second": 0.0})
    return found


def _call(
    piece: EdgeEvidence, edge: Edge, told_by: tuple[EdgeSource, ...], known: Call | None, *, now: datetime
) -> Call:
    seen_at = min(piece.seen_at or now, now)
    if known and known.seen_at > seen_at:
        return known
    return Call(
        caller=edge[0],
        callee=edge[1],
        seen_at=seen_at,
        first_seen_at=(known.first_seen_at or known.seen_at) if known else seen_at,
        callee_kind=piece.callee_kind,
        told_by=told_by,
        calls_per_second=piece.calls_per_second,
    )


def _kept_name(name: str, service: str) -> str:
    """Only the alerting service may be spelled with a namespace that others leave out."""
    return base_of(name) if name == service else name


def _differs(call: Call, known: Call | None) -> bool:
    if known is None or call.seen_at - known.seen_at >= STILL_FRESH:
        return True
    told = (call.told_by, call.callee_kind, call.calls_per_second > 0)
    return told != (known.told_by, known.callee_kind, known.calls_per_second > 0)


def _looked_at(known: KnownTopology | None, snapshot: Snapshot, *, now: datetime) -> Mapping[str, datetime]:
    """Whose surroundings are known to be measured, of late; with this snapshot's where it asked anew and saw them."""
    held = known.looked_at if known else {}
    section = snapshot.body.section(SectionName.TOPOLOGY)
    if section is None or section.status is not SectionStatus.OK or section.as_of or snapshot.body.reused_from:
        return held
    if not any(isinstance(piece, EdgeEvidence) and piece.seen_at for piece in section.evidence):
        return held
    late = {name: at for name, at in held.items() if now - at < TOPOLOGY_FRESH}
    late[base_of(snapshot.body.service)] = now
    return dict(sorted(late.items(), key=lambda one: (one[1], one[0]))[-MAX_LOOKED_AT:])


def _latest(calls: Iterable[Call]) -> tuple[Call, ...]:
    """The calls seen last, as many as fit a document."""
    kept: list[Call] = []
    room = MAX_CALLS_BYTES
    for call in sorted(calls, key=lambda one: (one.seen_at, one.edge), reverse=True)[:MAX_EDGES]:
        room -= len(call.model_dump_json(exclude_defaults=True).encode()) + 1
        if room < 0:
            break
        kept.append(call)
    return tuple(reversed(kept))
