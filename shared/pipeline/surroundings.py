"""What correlation may know beside the alerts: gathered for it, and kept from what the context stage measured."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from shared.context.edges.kept import kept_of, remembered
from shared.errors import Conflict
from shared.incidents.correlation import Placed, Surroundings, when_changes_matter
from shared.models.base import TenantId
from shared.models.correlation import Verdict
from shared.models.snapshots import SectionName, Snapshot
from shared.models.surroundings import Corrections
from shared.models.topology import DeclaredTopology
from shared.pipeline.turns import turn
from shared.ports.services import Services

MAX_TRIES = 4


async def surroundings_of(tenant_id: TenantId, placed: Sequence[Placed], services: Services) -> Surroundings:
    """Topology, changes and corrections around these services; what is not known is None, which is not nothing."""
    start, end = when_changes_matter([one.node for one in placed])
    topology, declared, corrections, changes = await asyncio.gather(
        services.surroundings.topology(tenant_id),
        services.records.read(tenant_id, DeclaredTopology, DeclaredTopology.id_for()),
        services.surroundings.corrections(tenant_id),
        services.changes.between(tenant_id, start, end),
    )
    # Nothing is written while nobody looks, so what has grown old is left out where it is read, too.
    kept = kept_of(
        topology.value if topology else None,
        declared.value if declared else None,
        [one.node.service_name for one in placed],
        now=end,
    )
    return Surroundings(
        calls=_calls((*kept.calls, *kept.declared)) if topology or kept.declared else None,
        changes=tuple((one.service_name, one.at, one.id) for one in changes) or None,
        history=_history(corrections.value) if corrections else None,
    )


def _calls(known: Iterable[tuple[str, str]]) -> Mapping[str, frozenset[str]]:
    callees: dict[str, set[str]] = defaultdict(set)
    for caller, callee in known:
        callees[caller].add(callee)
    return {caller: frozenset(found) for caller, found in callees.items()}


def _history(corrections: Corrections) -> Mapping[frozenset[str], Verdict]:
    return {frozenset(one.services): one.verdict for one in corrections.corrections}


async def remember_topology(tenant_id: TenantId, snapshot: Snapshot, services: Services, *, now: datetime) -> bool:
    """Keep the calls that a snapshot measured, for the next one and for correlation, which cannot wait for a query.

    Returns whether any of them was news.
    """
    if snapshot.body.section(SectionName.TOPOLOGY) is None:
        return False
    async with turn(tenant_id, "topology"):
        for _ in range(MAX_TRIES):
            held = await services.surroundings.topology(tenant_id)
            topology, is_news = remembered(tenant_id, held.value if held else None, snapshot, now=now)
            if topology is None:
                return False
            try:
                await services.surroundings.keep(tenant_id, topology, held.etag if held else None)
            except Conflict:
                continue
            return is_news
    raise Conflict(f"the known topology changed {MAX_TRIES} times while calls were added")
