"""Find the dashboards of services in the tenant's Grafanas. A Grafana that fails says so beside those that answer."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeAlias, TypeVar

from shared.context.dashboards import (
    MAX_SERVICES,
    TEMPLATE_TAG,
    CarriedLink,
    DashboardLink,
    MatchedBy,
    TimeWindow,
    carried_links,
    chosen,
    match,
    services_of,
    url_of,
    variable_for_service,
    window_of,
)
from shared.errors import AddressRefused, SecretUnreadable, SourceUnavailable
from shared.models.base import TenantId
from shared.models.incidents import Incident
from shared.models.snapshots import SectionStatus
from shared.models.tenants import Integration, IntegrationType
from shared.ports.dashboards import Dashboard, DashboardSource
from shared.ports.services import Services
from shared.telemetry import Counter

SEARCHES = Counter("grafana_searches")
LOOK_SECONDS = 12.0
MAX_GRAFANAS = 5
MAX_DASHBOARDS = 20
PER_SEARCH = 50

T = TypeVar("T")
Warnings: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class GrafanaLook:
    """How asking one Grafana went; warnings tell what of it is missing."""

    integration_id: str
    name: str
    status: SectionStatus
    reason: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listed:
    """A dashboard of the search, with its address."""

    uid: str
    title: str
    folder: str | None
    tags: tuple[str, ...]
    url: str


@dataclass(frozen=True)
class FoundDashboards:
    """The dashboards of services, and how each Grafana answered; without a Grafana there are no sources."""

    services: tuple[str, ...]
    window: TimeWindow
    sources: tuple[GrafanaLook, ...]
    dashboards: tuple[DashboardLink, ...]
    carried: tuple[CarriedLink, ...] = ()
    services_left_out: int = 0


async def search_dashboards(
    tenant_id: TenantId,
    integration: Integration,
    services: Services,
    *,
    query: str,
    tags: Sequence[str],
    limit: int,
    page: int,
) -> tuple[GrafanaLook, list[Listed]]:
    """A page of a Grafana's search."""

    async def listed(source: DashboardSource) -> tuple[list[Listed], Warnings]:
        found = await source.search(query=query, tags=tags, limit=limit, page=page)
        links = [Listed(one.uid, one.title, one.folder, one.tags, url_of(source.address, one.uid)) for one in found]
        return links, ()

    return await _look(tenant_id, integration, services, listed)


async def dashboards_of(
    tenant_id: TenantId, names: Sequence[str], window: TimeWindow, services: Services
) -> FoundDashboards:
    """The dashboards of these services in every Grafana of the tenant that is in use."""
    held = await services.directory.integrations(tenant_id, IntegrationType.GRAFANA)
    grafanas = [one for one in held if one.is_active][:MAX_GRAFANAS]
    asked = tuple(names[:MAX_SERVICES])
    looks = await asyncio.gather(
        *(_look(tenant_id, one, services, partial(_links, one.id, asked, window)) for one in grafanas)
    )
    return FoundDashboards(
        services=asked,
        window=window,
        sources=tuple(look for look, _ in looks),
        dashboards=tuple(link for _, links in looks for link in links),
        services_left_out=len(names) - len(asked),
    )


async def dashboards_of_incident(
    tenant_id: TenantId, incident: Incident, services: Services, *, now: datetime
) -> FoundDashboards:
    """Those of its services around its time, and the panels that Grafana's alerts named."""
    signals, onset = await asyncio.gather(
        services.incidents.signals(tenant_id, incident.incident_id), _onset(tenant_id, incident, services)
    )
    window = window_of(incident, onset, now=now)
    found = await dashboards_of(tenant_id, services_of(incident), window, services)
    carried = carried_links(one.value for one in signals)
    return replace(found, carried=tuple(carried))


async def _onset(tenant_id: TenantId, incident: Incident, services: Services) -> datetime | None:
    if incident.latest_snapshot_id is None:
        return None
    found = await services.incidents.snapshot(tenant_id, incident.incident_id, incident.latest_snapshot_id)
    return found.body.onset_at if found else None


async def _look(
    tenant_id: TenantId,
    integration: Integration,
    services: Services,
    question: Callable[[DashboardSource], Awaitable[tuple[list[T], Warnings]]],
) -> tuple[GrafanaLook, list[T]]:
    """One Grafana's answer, or why there is none; only a fault of our own raises."""
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            source = await services.dashboards.of_integration(tenant_id, integration)
            if source is None:
                return _told(integration, SectionStatus.NOT_CONFIGURED, "no_url"), []
            found, warnings = await question(source)
    except TimeoutError:
        return _told(integration, SectionStatus.FAILED, "timeout"), []
    except (SourceUnavailable, AddressRefused, SecretUnreadable) as exc:
        return _told(integration, SectionStatus.FAILED, exc.reason), []
    if found:
        return _told(integration, SectionStatus.OK, None, warnings), found
    return _told(integration, SectionStatus.EMPTY, "no_dashboards", warnings), []


def _told(
    integration: Integration, status: SectionStatus, reason: str | None, warnings: Warnings = ()
) -> GrafanaLook:
    SEARCHES.add(reason="ok" if status in (SectionStatus.OK, SectionStatus.EMPTY) else reason or status.value)
    return GrafanaLook(integration.id, integration.name, status, reason, warnings)


async def _links(
    integration_id: str, names: Sequence[str], window: TimeWindow, source: DashboardSource
) -> tuple[list[DashboardLink], Warnings]:
    pairs = chosen(await _candidates(source, names), names, limit=MAX_DASHBOARDS)
    uids = list(dict.fromkeys(one.uid for one, _ in pairs))
    known = dict(zip(uids, await asyncio.gather(*(_variables(source, uid) for uid in uids)), strict=True))
    links = [
        link for one, name in pairs if (link := _link(integration_id, one, name, window, source, known[one.uid]))
    ]
    unread = sum(1 for names_of in known.values() if names_of is None)
    return links, (f"{unread} dashboards could not be read, so their variables are not set",) if unread else ()


async def _candidates(source: DashboardSource, names: Sequence[str]) -> list[Dashboard]:
    """What may be about the services: named or tagged for them, or made for every service."""
    search = partial(source.search, limit=PER_SEARCH)
    searches = [search(tags=[TEMPLATE_TAG])]
    for name in names:
        searches += [search(query=name), search(tags=[name]), search(tags=[f"service:{name}"])]
    found = [one for listed in await asyncio.gather(*searches) for one in listed]
    return list({one.uid: one for one in found}.values())


async def _variables(source: DashboardSource, uid: str) -> frozenset[str] | None:
    """None when the dashboard could not be read: it may still be shown, without its variables."""
    try:
        return await source.variables(uid)
    except SourceUnavailable:
        return None


def _link(
    integration_id: str,
    one: Dashboard,
    service: str,
    window: TimeWindow,
    source: DashboardSource,
    variables: frozenset[str] | None,
) -> DashboardLink | None:
    """The link; None when only a variable could narrow the dashboard to the service, and it has none."""
    why, variable = match(one, service), variable_for_service(variables or ())
    if why is None or (why is MatchedBy.VARIABLE and variable is None):
        return None
    url = url_of(source.address, one.uid, window=window, variable=variable, service=service)
    return DashboardLink(integration_id, one.uid, one.title, one.folder, one.tags, service, why, url)
