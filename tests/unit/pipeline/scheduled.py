"""Incidents, sources and due work for tests of scheduled work."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from shared.adapters.memory import MemoryQueues, services_in_memory
from shared.incidents.silence import schedule_auto_resolve
from shared.messages import QueueName
from shared.models.base import IncidentId, TenantId
from shared.models.incidents import IncidentSummary
from shared.models.schedule import DueWork
from shared.models.signals import AlertStatus, Signal, Source
from shared.models.tenants import Integration
from shared.ports.alert_sources import FiringAlert, FiringNow
from shared.ports.services import Services
from shared.ports.stores import IncidentChange
from tests.builders import ACME, NOON, a_signal, a_tenant, an_alert, an_incident, an_integration

WINDOW = timedelta(minutes=60)
LATER = NOON + WINDOW
GRACE = timedelta(minutes=6)
INCIDENT = IncidentId("inc-1")


@dataclass
class FakeApi:
    """A source that says what it is told to say."""

    alerts: Sequence[FiringAlert] = ()
    receiver: str | None = "us"
    grace: timedelta = GRACE
    down: Exception | None = None

    async def firing(self, *, now: datetime) -> FiringNow:
        if self.down:
            raise self.down
        return FiringNow(self.alerts, now)


@dataclass
class FakeApis:
    """Sources by integration."""

    apis: dict[str, FakeApi] = field(default_factory=dict)

    async def of_integration(self, tenant_id: TenantId, integration: Integration) -> FakeApi | None:
        return self.apis.get(integration.id)


def services_with(**apis: FakeApi) -> Services:
    sources = FakeApis({name.replace("_", "-"): api for name, api in apis.items()})
    return replace(services_in_memory(), alert_sources=sources)


def sent_to(services: Services, queue: QueueName) -> list[bytes]:
    assert isinstance(services.queues, MemoryQueues)
    found = []
    while body := services.queues.take(queue.value):
        found.append(body)
    return found


def a_firing_signal(fingerprint: str = "f", source: Source = Source.GENERIC, **changes: Any) -> Signal:
    return a_signal(an_alert(fingerprint=fingerprint, source=source), **{"last_received_at": NOON, **changes})


async def an_open_incident(services: Services, *signals: Signal, **changes: Any) -> DueWork:
    """An incident with these signals, its line in the list, and the work that looks after its silence."""
    firing = sum(1 for one in signals if one.status is AlertStatus.FIRING)
    fields = {"signal_count": len(signals), "firing_count": firing, "last_alert_at": NOON, **changes}
    incident = an_incident(**fields)
    await services.incidents.commit(ACME, IncidentChange(incident, None, created_signals=signals))
    await services.incident_list.put(ACME, IncidentSummary.of(incident))
    tenant = a_tenant(auto_resolve_after_minutes=60)
    await services.directory.put(ACME, tenant)
    work = schedule_auto_resolve(tenant, incident, now=NOON)
    await services.schedule.put(ACME, work)
    return work


def fires_there(fingerprint: str = "f", starts_at: datetime = NOON) -> FiringAlert:
    labels = {"alertname": "HighErrorRatio", "service": "payment"}
    return FiringAlert(fingerprint, starts_at, labels, receivers=frozenset({"us"}))


async def with_alertmanager(services: Services, *names: str) -> None:
    for name in names:
        await services.directory.put(ACME, an_integration(id=name, config="sealed"))
