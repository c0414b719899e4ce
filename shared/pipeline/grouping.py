"""Look at a tenant's open incidents together: which one newcomers join, and what has to move."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from shared.incidents.correlate import split_incident_id
from shared.incidents.correlation import Move, Placed, decide_moves, group
from shared.messages import Envelope
from shared.models.base import IncidentId, TenantId
from shared.models.correlation import CorrelationPolicy, Membership, ServiceNode
from shared.models.incidents import Departure, IncidentSummary
from shared.models.tenants import Tenant
from shared.pipeline.moving import move
from shared.pipeline.surroundings import surroundings_of
from shared.pipeline.turns import turn
from shared.ports.services import Services
from shared.telemetry import logger

log = logger(__name__)

MAX_ROUNDS = 3
_moments = count()
_begun: dict[str, int] = {}
"""When the latest run of each tenant began that came to its end, in this process."""
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Newcomer:
    """A service without a current incident, and the one it opens if it joins none."""

    node: ServiceNode
    incident_id: IncidentId


async def joined_by(
    tenant_id: TenantId,
    newcomers: Sequence[Newcomer],
    tenant: Tenant | None,
    services: Services,
) -> dict[str, tuple[IncidentId, Membership]]:
    """Which open incident (or fellow newcomer's) each newcomer joins by score; those that join none are left out."""
    open_ones = await services.incident_list.open_ones(tenant_id)
    placed = _placed(open_ones)
    if not newcomers or len(placed) + len(newcomers) < 2:  # noqa: PLR2004 -- one service alone joins nothing
        return {}
    policy = _policy(tenant)
    # An incident that is there stays; newcomers go to it.
    arriving = [Placed(node=one.node, incident_id=one.incident_id, detected_at=_NEVER) for one in newcomers]
    around = await surroundings_of(tenant_id, [*placed, *arriving], services)
    moves = decide_moves([*placed, *arriving], group([*placed, *arriving], around, policy))
    own = {one.node.service_name: one.incident_id for one in newcomers}
    return {
        one.service_name: (one.target, one.membership)
        for one in moves
        if one.target is not None and own.get(one.service_name) == one.source
    }


async def regroup(
    message: Envelope, tenant: Tenant | None, services: Services, *, now: datetime
) -> frozenset[IncidentId]:
    """Move services until the open incidents are what the alerts known by now say; returns what was changed.

    The outcome depends on the alerts and not on their order, so that workers who opened neighbouring incidents at
    the same moment converge: whoever looks last sees them all.
    """
    tenant_id, changed = message.tenant_id, set[IncidentId]()
    asked = next(_moments)
    async with turn(tenant_id, "regroup"):
        if _begun.get(tenant_id, -1) > asked:
            # A run that began after this was asked for has seen all that this one would see.
            return frozenset()
        began = next(_moments)
        for _ in range(MAX_ROUNDS):
            placed = _placed(await services.incident_list.open_ones(tenant_id))
            if len({one.incident_id for one in placed}) < 2 and len(placed) < 2:  # noqa: PLR2004 -- nothing to compare
                break
            around = await surroundings_of(tenant_id, placed, services)
            moves = decide_moves(placed, group(placed, around, _policy(tenant)))
            departures = _departures(tenant_id, moves, placed, now=now)
            if not departures:
                break
            for source, departure in departures:
                changed |= await move(message, source, departure, services, now=now)
        _begun[tenant_id] = began
    return frozenset(changed)


def _placed(open_ones: Sequence[IncidentSummary]) -> list[Placed]:
    return [
        Placed(node=node, incident_id=IncidentId(one.id), detected_at=one.detected_at)
        for one in open_ones
        if one.suppressed is None
        for node in one.services
    ]


def _policy(tenant: Tenant | None) -> CorrelationPolicy:
    return tenant.correlation if tenant else CorrelationPolicy()


def _departures(
    tenant_id: TenantId, moves: Sequence[Move], placed: Sequence[Placed], *, now: datetime
) -> list[tuple[IncidentId, Departure]]:
    """The moves, those from one incident to another together."""
    at = {one.node.service_name: one for one in placed}
    together: dict[tuple[IncidentId, IncidentId], dict[str, Membership]] = defaultdict(dict)
    for one in moves:
        root = at[one.group]
        # Named after this moment: what split off before and came back left a merged incident under its name.
        target = one.target or split_incident_id(tenant_id, root.incident_id, one.group, now)
        together[one.source, target][one.service_name] = one.membership
    existing = {one.incident_id for one in placed}
    return [
        (
            source,
            Departure(
                services=tuple(sorted(links)),
                target=target,
                memberships=links,
                opens_target=target not in existing,
                at=now,
            ),
        )
        for (source, target), links in together.items()
    ]
