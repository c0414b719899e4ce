"""What `bench api` asks for: one tenant with many incidents, one with few, and others beside them."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dev.entra.tokens import entra_tenant_guid
from dev.seed import SLUG
from shared.bootstrap import build
from shared.models.base import IncidentId, ReceiptId, TenantId, document_id
from shared.models.incidents import Incident, IncidentState, IncidentSummary, TimelineEntry, TimelineEvent
from shared.models.signals import Alert, AlertStatus, Severity, Signal, Source
from shared.models.tenants import PlanType, Tenant
from shared.ports.services import Services
from shared.ports.stores import IncidentChange
from shared.settings import Settings

AT_ONCE = 32
SIGNALS = 3
SERVICES = 40
LARGE = SLUG


@dataclass(frozen=True)
class Few:
    """A tenant with few incidents, to compare with."""

    slug: str
    incidents: int


SMALL = Few("bench-small", 100)
OTHERS = 20
"""Incidents of each other tenant."""


@dataclass(frozen=True)
class Loaded:
    """The incidents of the large tenant, newest first."""

    incident_ids: Sequence[IncidentId]


async def load(environment: Mapping[str, str], *, incidents: int, others: int) -> Loaded:
    """Write everything through the product's own stores."""
    process = build(Settings.from_environment(environment))
    now = datetime.now(UTC)
    wanted = {LARGE: incidents, SMALL.slug: SMALL.incidents, **{f"bench-{one}": OTHERS for one in range(others)}}
    try:
        for slug in wanted:
            await _tenant(slug, process.services, now)
        made = [one for slug, count in wanted.items() for one in _incidents(slug, count, now)]
        await _write(iter(made), process.services)
    finally:
        await process.aclose()
    large = _tenant_id(LARGE)
    return Loaded([one.incident_id for one in made if one.tenant_id == large])


async def _write(made: Iterator[Incident], services: Services) -> None:
    async def work() -> None:
        for incident in made:
            await services.incidents.commit(incident.tenant_id, _change(incident))
            await services.incident_list.put(incident.tenant_id, IncidentSummary.of(incident))

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


def _tenant_id(slug: str) -> TenantId:
    return TenantId(document_id("ten", slug))


async def _tenant(slug: str, services: Services, now: datetime) -> None:
    tenant_id = _tenant_id(slug)
    if await services.directory.tenant(tenant_id) is not None:
        return
    tenant = Tenant(
        id=tenant_id,
        tenant_id=tenant_id,
        name=slug,
        slug=slug,
        plan_type=PlanType.ENTERPRISE,
        created_at=now,
        updated_at=now,
    )
    await services.directory.put(tenant_id, tenant)
    await services.lookups.put_entra(entra_tenant_guid(slug), tenant_id)


def _incidents(slug: str, count: int, now: datetime) -> Iterator[Incident]:
    for number in range(count):
        incident_id, at = IncidentId(document_id("inc", slug, str(number))), now - timedelta(seconds=30 * number)
        service = f"service-{number % SERVICES}"
        yield Incident(
            id=incident_id,
            incident_id=incident_id,
            tenant_id=_tenant_id(slug),
            title=f"{service}: {service} fails its requests",
            service_name=service,
            state=IncidentState.DETECTED,
            severity=list(Severity)[number % len(Severity)],
            detected_at=at,
            signal_count=SIGNALS,
            firing_count=SIGNALS,
            created_at=at,
            updated_at=at,
        )


def _change(incident: Incident) -> IncidentChange:
    opened = TimelineEntry(
        id=document_id("tle", incident.id, "1"),
        tenant_id=incident.tenant_id,
        incident_id=incident.incident_id,
        event=TimelineEvent.OPENED,
        reason="opened_new",
        text=f"Opened by HighErrorRatio of {incident.service_name}.",
        at=incident.detected_at,
        incident_version=1,
    )
    signals = [_signal(incident, number) for number in range(SIGNALS)]
    return IncidentChange(incident=incident, etag=None, created_signals=signals, timeline=[opened])


def _signal(incident: Incident, number: int) -> Signal:
    alert = Alert(
        source=Source.ALERTMANAGER,
        fingerprint=document_id("fp", incident.id, str(number))[-16:],
        name=f"HighErrorRatio{number}",
        service_name=incident.service_name,
        service_from="service",
        severity=incident.severity,
        status=AlertStatus.FIRING,
        summary=f"{incident.service_name} fails its requests",
        labels={"alertname": f"HighErrorRatio{number}", "service": incident.service_name},
        annotations={"summary": f"{incident.service_name} fails its requests"},
        starts_at=incident.detected_at,
        ends_at=None,
        expression=None,
        generator_url=None,
        group_key=incident.service_name,
    )
    return Signal(
        id=alert.signal_id,
        tenant_id=incident.tenant_id,
        incident_id=incident.incident_id,
        source=alert.source,
        severity=alert.severity,
        status=alert.status,
        raw_pointer=None,
        normalized_data=alert,
        service_name=alert.service_name,
        fingerprint=alert.fingerprint,
        timestamp=alert.starts_at,
        created_at=alert.starts_at,
        last_received_at=alert.starts_at,
        receipt_id=ReceiptId("rcp-" + "0" * 32),
    )
