"""Run a storm through the product's own ingestion, with everything stored in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evals.correlation import Known, surroundings_of
from evals.storms import BEGAN, Delivery, Storm, at_time
from shared.adapters.memory import services_in_memory
from shared.messages import Ingest
from shared.models.base import IncidentId, ReceiptId, TenantId
from shared.models.changes import Change, ChangeKind, ChangeStatus, ReportedChange
from shared.models.correlation import CorrelationPolicy
from shared.models.signals import Signal, Source
from shared.models.tenants import Tenant
from shared.models.topology import Call, KnownTopology
from shared.pipeline.ingest import ingest
from shared.ports.services import Services

TENANT = TenantId("ten-evals")
MAX_INCIDENTS = 500


@dataclass
class Stored:
    """What the stores hold after a storm."""

    signals: Sequence[Signal]
    moves: int = 0
    """Not counted."""

    def incident_of_each(self) -> Mapping[str, str]:
        """The incident of every alert, by fingerprint."""
        return {one.fingerprint: one.incident_id for one in self.signals}

    def groups(self) -> frozenset[frozenset[str]]:
        """The services of each incident."""
        found: dict[str, set[str]] = {}
        for one in self.signals:
            found.setdefault(one.incident_id, set()).add(one.service_name)
        return frozenset(frozenset(services) for services in found.values())


async def ingested(
    storm: Storm, deliveries: Sequence[Delivery], *, known: Known, policy: CorrelationPolicy
) -> Stored:
    """One order, played by the product."""
    services = services_in_memory()
    tenant = Tenant(
        id=TENANT,
        tenant_id=TENANT,
        name="Evals",
        slug="evals",
        max_services=1000,
        correlation=policy,
        created_at=BEGAN,
        updated_at=BEGAN,
    )
    await services.directory.put(TENANT, tenant)
    await _know(storm, known, services)
    for number, one in enumerate(deliveries):
        receipt_id = ReceiptId(f"rcp-{number}")
        message = Ingest(
            tenant_id=TENANT,
            receipt_id=receipt_id,
            correlation_id=receipt_id,
            integration_id="int-evals",
            source=Source.ALERTMANAGER,
            received_at=at_time(one.at),
        )
        await ingest(message.with_body(one.body), services, now=at_time(one.at))
    return await _stored(services)


async def _know(storm: Storm, known: Known, services: Services) -> None:
    around = surroundings_of(storm, known)
    if around.calls is not None:
        calls = tuple(
            Call(caller=caller, callee=callee, seen_at=BEGAN)
            for caller, callees in around.calls.items()
            for callee in sorted(callees)
        )
        topology = KnownTopology(id=KnownTopology.id_for(), tenant_id=TENANT, calls=calls, updated_at=BEGAN)
        await services.surroundings.keep(TENANT, topology, None)
    for service, at, change_id in around.changes or ():
        reported = ReportedChange(
            source="evals",
            external_id=change_id,
            kind=ChangeKind.DEPLOY,
            status=ChangeStatus.SUCCEEDED,
            service_name=service,
            title="deployed",
            at=at,
            said_at=at,
        )
        change = Change(
            id=reported.change_id,
            tenant_id=TENANT,
            service_name=service,
            at=at,
            reported=reported,
            receipt_id="rcp-change",
            created_at=at,
        )
        await services.changes.record(TENANT, change)


async def _stored(services: Services) -> Stored:
    page = await services.incident_list.page(TENANT, limit=MAX_INCIDENTS)
    signals: list[Signal] = []
    for summary in page.items:
        held = await services.incidents.signals(TENANT, IncidentId(summary.id))
        signals += [one.value for one in held if one.value.is_alert]
    return Stored(signals)
