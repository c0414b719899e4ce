"""Choose the incidents that new alerts go to, and claim them for their services, before anything is recorded."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import AlreadyExists, Conflict
from shared.incidents.correlate import Correlation, correlate, home_after, new_incident_id
from shared.incidents.nodes import nodes_of
from shared.models.base import IncidentId, TenantId
from shared.models.claims import OpenIncidentClaim
from shared.models.correlation import Membership
from shared.models.incidents import Coverage, Incident
from shared.models.signals import Arrival
from shared.models.tenants import Tenant
from shared.pipeline.coverage import coverage, policies_of
from shared.pipeline.grouping import Newcomer, joined_by
from shared.ports.services import Services
from shared.ports.stores import Versioned

MAX_RACES = 12
DEFAULT_REOPEN_WITHIN = timedelta(minutes=30)


@dataclass(frozen=True)
class Home:
    """Where new alerts of a service go, and why."""

    incident_id: IncidentId
    link: Membership | None = None
    coverage: Coverage = Coverage.COVERED


@dataclass(frozen=True)
class _Standing:
    """What is known of a service before its home is chosen."""

    claim: Versioned[OpenIncidentClaim] | None
    incident: Incident | None


async def homes_of(
    tenant_id: TenantId,
    arrivals: Mapping[str, Sequence[Arrival]],
    tenant: Tenant | None,
    services: Services,
    *,
    now: datetime,
) -> dict[str, Home]:
    """A home for every service (by name, with its new alerts), claimed for it."""
    homes: dict[str, Home] = {}
    for _ in range(MAX_RACES):
        undecided = {name: group for name, group in arrivals.items() if name not in homes}
        if not undecided:
            return homes
        standing = await _standing(tenant_id, list(undecided), services)
        homeless = {}
        for name, group in undecided.items():
            # By when they were received, so that a message that waited is decided like one that did not.
            why = _correlated(standing[name], name, tenant, now=_received(group))
            if why.joins:
                homes[name] = await _joined(tenant_id, name, group, standing[name], tenant, services)
            else:
                homeless[name] = group
        homes |= await _housed(tenant_id, homeless, standing, tenant, services, now=now)
    raise Conflict(f"the open incidents of services changed {MAX_RACES} times while they were read")


async def _standing(tenant_id: TenantId, names: Sequence[str], services: Services) -> dict[str, _Standing]:
    claims = await services.claims.open_incidents(tenant_id, names)
    ids = sorted({held.value.incident_id for held in claims.values()})
    read = await asyncio.gather(*(services.incidents.read(tenant_id, one) for one in ids))
    incidents = {held.value.incident_id: held.value for held in read if held}
    return {
        name: _Standing(claims.get(name), incidents.get(claims[name].value.incident_id) if name in claims else None)
        for name in names
    }


def _correlated(standing: _Standing, name: str, tenant: Tenant | None, *, now: datetime) -> Correlation:
    if standing.claim is None:
        return Correlation.CLOSED
    window = tenant.reopen_within if tenant else DEFAULT_REOPEN_WITHIN
    return correlate(standing.incident, name, reopen_within=window, now=now)


async def _joined(
    tenant_id: TenantId,
    name: str,
    arrivals: Sequence[Arrival],
    standing: _Standing,
    tenant: Tenant | None,
    services: Services,
) -> Home:
    if standing.claim is None:
        raise ValueError("only a service with a claim joins")
    incident = standing.incident
    # A service whose incident is investigated stays so; only a pause of the tenant changes that.
    unsure = incident is None or incident.suppressed or (tenant and not tenant.is_active)
    covered = Coverage.COVERED
    if unsure:
        policies = await policies_of(tenant_id, services)
        covered = await coverage(tenant_id, tenant, name, services, policies=policies, at=_received(arrivals))
    return Home(standing.claim.value.incident_id, coverage=covered)


def _received(arrivals: Sequence[Arrival]) -> datetime:
    return min(one.received_at for one in arrivals)


async def _housed(
    tenant_id: TenantId,
    homeless: Mapping[str, Sequence[Arrival]],
    standing: Mapping[str, _Standing],
    tenant: Tenant | None,
    services: Services,
    *,
    now: datetime,
) -> dict[str, Home]:
    """Homes for services without a current incident; those that another worker housed meanwhile are left out."""
    if not homeless:
        return {}
    policies = await policies_of(tenant_id, services)
    covered = {
        name: await coverage(tenant_id, tenant, name, services, policies=policies, at=_received(group))
        for name, group in homeless.items()
    }
    newcomers = [
        Newcomer(nodes_of(one.alert for one in group)[name], _own(tenant_id, group, standing[name]))
        for name, group in homeless.items()
    ]
    investigated = [one for one in newcomers if covered[one.node.service_name] is Coverage.COVERED]
    joined = await joined_by(tenant_id, investigated, tenant, services)
    housed = {}
    for one in newcomers:
        name = one.node.service_name
        if moved_to := _left_for(standing[name], name):
            # The claim was not repointed yet; whether that incident takes alerts is looked at in the next round.
            await _claimed(tenant_id, _claim(tenant_id, name, moved_to, now=now), standing[name], services)
            continue
        target, link = joined.get(name, (one.incident_id, None))
        earlier = _earlier(standing[name]) if target == one.incident_id else None
        proposed = _claim(tenant_id, name, target, earlier=earlier, now=now)
        if await _claimed(tenant_id, proposed, standing[name], services):
            housed[name] = Home(target, link, covered[name])
    return housed


def _own(tenant_id: TenantId, group: Sequence[Arrival], standing: _Standing) -> IncidentId:
    """The incident the service opens if it joins none: named after its first alert and what came before."""
    earlier = _earlier(standing) or ""
    first = min(group, key=lambda one: (one.alert.starts_at, one.alert.episode))
    return new_incident_id(tenant_id, first.alert, after=earlier)


def _earlier(standing: _Standing) -> IncidentId | None:
    return standing.claim.value.incident_id if standing.claim else None


def _left_for(standing: _Standing, name: str) -> IncidentId | None:
    """The incident that the service was moved to, when it was."""
    if standing.incident is None:
        return None
    home = home_after(standing.incident, name)
    return home if home != standing.incident.incident_id else None


def _claim(
    tenant_id: TenantId, name: str, incident_id: IncidentId, *, earlier: IncidentId | None = None, now: datetime
) -> OpenIncidentClaim:
    return OpenIncidentClaim(
        id=OpenIncidentClaim.id_for(name),
        tenant_id=tenant_id,
        service_name=name,
        incident_id=incident_id,
        earlier_incident_id=earlier,
        created_at=now,
    )


async def _claimed(tenant_id: TenantId, proposed: OpenIncidentClaim, standing: _Standing, services: Services) -> bool:
    try:
        if standing.claim is None:
            await services.claims.create(tenant_id, proposed)
        else:
            await services.claims.replace(tenant_id, proposed, standing.claim.etag)
    except (AlreadyExists, Conflict):
        return False
    return True
