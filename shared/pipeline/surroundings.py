"""What correlation may know beside the alerts: gathered for it, and kept from what the context stage measured."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from shared.errors import Conflict
from shared.incidents.correlation import Placed, Surroundings, when_changes_matter
from shared.models.base import TenantId
from shared.models.correlation import Verdict
from shared.models.evidence import EdgeEvidence
from shared.models.snapshots import Snapshot
from shared.models.surroundings import MAX_EDGES, TOPOLOGY_TTL_SECONDS, Call, Corrections, KnownTopology
from shared.pipeline.turns import turn
from shared.ports.services import Services

MAX_TRIES = 4
STILL_FRESH = timedelta(minutes=30)
"""A call that was seen this recently is not written again."""


async def surroundings_of(tenant_id: TenantId, placed: Sequence[Placed], services: Services) -> Surroundings:
    """Topology, changes and corrections around these services; what is not known is None, which is not nothing."""
    start, end = when_changes_matter([one.node for one in placed])
    topology, corrections, changes = await asyncio.gather(
        services.surroundings.topology(tenant_id),
        services.surroundings.corrections(tenant_id),
        services.changes.between(tenant_id, start, end),
    )
    return Surroundings(
        # Nothing is written while nobody looks, so what has grown old is left out where it is read, too.
        calls=_calls(_still_known(topology.value, now=end)) if topology else None,
        changes=tuple((one.service_name, one.at, one.id) for one in changes) or None,
        history=_history(corrections.value) if corrections else None,
    )


def _still_known(topology: KnownTopology, *, now: datetime) -> dict[tuple[str, str], Call]:
    """The calls by caller and callee, without those that nobody has seen for as long as the whole is kept."""
    forgotten = now - timedelta(seconds=TOPOLOGY_TTL_SECONDS)
    return {(call.caller, call.callee): call for call in topology.calls if call.seen_at > forgotten}


def _calls(known: Iterable[tuple[str, str]]) -> Mapping[str, frozenset[str]]:
    callees: dict[str, set[str]] = defaultdict(set)
    for caller, callee in known:
        callees[caller].add(callee)
    return {caller: frozenset(found) for caller, found in callees.items()}


def _history(corrections: Corrections) -> Mapping[frozenset[str], Verdict]:
    return {frozenset(one.services): one.verdict for one in corrections.corrections}


async def remember_topology(tenant_id: TenantId, snapshot: Snapshot, services: Services, *, now: datetime) -> bool:
    """Keep the calls that a snapshot measured, for correlation: it cannot wait for a metric query.

    Returns whether any of them was news.
    """
    seen = {(one.caller, one.callee) for one in snapshot.body.evidence() if isinstance(one, EdgeEvidence)}
    if not seen:
        return False
    async with turn(tenant_id, "topology"):
        for _ in range(MAX_TRIES):
            held = await services.surroundings.topology(tenant_id)
            known = _still_known(held.value, now=now) if held else {}
            if all(edge in known and now - known[edge].seen_at < STILL_FRESH for edge in seen):
                return False
            news = not seen <= known.keys()
            known |= {edge: Call(caller=edge[0], callee=edge[1], seen_at=now) for edge in seen}
            latest = sorted(known.values(), key=lambda call: (call.seen_at, call.caller, call.callee))[-MAX_EDGES:]
            topology = KnownTopology(
                id=KnownTopology.id_for(), tenant_id=tenant_id, calls=tuple(latest), updated_at=now
            )
            try:
                await services.surroundings.keep(tenant_id, topology, held.etag if held else None)
            except Conflict:
                continue
            return news
    raise Conflict(f"the known topology changed {MAX_TRIES} times while calls were added")
