"""What derives from an integration: its webhook's credential and its scheduled work, both written after it.

The record is the truth. Each change sends a check first, so that whoever stops half-way, the rest is brought in line.
"""

from datetime import datetime

from shared.errors import Conflict, CopilotError
from shared.messages import Check, QueueName
from shared.models.base import IntegrationId, ReceiptId, TenantId
from shared.models.connections import ASKED, RECONCILED
from shared.models.schedule import DueWork, WorkKind
from shared.models.tenants import InboundCredential, Integration
from shared.pipeline.sending import send_once_more
from shared.ports.services import Services
from shared.signals.inbound import credential_of
from shared.signals.reconcile import schedule_reconcile
from shared.telemetry import logger

log = logger(__name__)

SETTLE_AFTER_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 60.0
MAX_LOOKS = 5
"""A change that is not there after so many minutes never will be: requests are cut off before."""
MAX_TRIES = 8
DEFAULT_QUOTA = 1200
_OURS = (WorkKind.RECONCILE, WorkKind.HEALTH)


async def promise_to_settle(after: Integration, request_id: str, services: Services) -> None:
    """To be called before the change to this version is written: it will be settled, whoever lives to see it."""
    message = Check(
        tenant_id=after.tenant_id,
        receipt_id=ReceiptId(f"api-{request_id}"),
        correlation_id=request_id or after.id,
        work_id=str(after.version),
        kind=WorkKind.SETTLE_INTEGRATION,
        subject=after.id,
    )
    await services.queues.send(QueueName.CHECKS, message, delay_seconds=SETTLE_AFTER_SECONDS)


async def check_settled(message: Check, services: Services, *, now: datetime) -> None:
    """Keep the promise; looks again while the change it was given for is not there yet."""
    tenant_id, integration_id = message.tenant_id, IntegrationId(message.subject)
    version = await settle(tenant_id, integration_id, services, now=now)
    if version < int(message.work_id) and message.attempt < MAX_LOOKS:
        await send_once_more(QueueName.CHECKS, message.next_attempt(), services, delay_seconds=LOOK_AGAIN_SECONDS)


async def settle_now(integration: Integration, services: Services, *, now: datetime) -> None:
    """Settle with the request that made the change. What fails is left to the check: the change itself stands."""
    try:
        await settle(integration.tenant_id, IntegrationId(integration.id), services, now=now)
    except CopilotError as exc:
        if not exc.retryable:
            raise
        log.warning("settled_later", extra={"integration_id": integration.id, "reason": exc.reason})


async def settle(tenant_id: TenantId, integration_id: IntegrationId, services: Services, *, now: datetime) -> int:
    """Bring credential and scheduled work in line with the record; returns its version, 0 when there is none."""
    held = await services.records.read(tenant_id, Integration, integration_id)
    if held is None:
        return 0
    integration = held.value
    wanted = works_of(integration)
    for kind in _OURS:
        if kind in wanted:
            await services.schedule.put(tenant_id, work_on(integration, kind, now=now))
        else:
            await _call_off(work_on(integration, kind, now=now), services)
    # Last, so that whatever is to be there for a page is there when it is accepted.
    if integration.inbound is not None or not integration.is_active:
        await services.lookups.put_inbound(await credential_for(integration, services))
    return integration.version


async def credential_for(integration: Integration, services: Services) -> InboundCredential:
    """What its webhook is to accept, with the tenant's quota as it is now."""
    tenant = await services.directory.tenant(integration.tenant_id)
    return credential_of(integration, alerts_per_minute=tenant.alerts_per_minute if tenant else DEFAULT_QUOTA)


def works_of(integration: Integration) -> frozenset[WorkKind]:
    """The scheduled work on an integration. What is reconciled needs no second judge of its health."""
    if integration.deleted_at is not None:
        return frozenset({WorkKind.HEALTH})  # which removes the record once its audit entries are sealed
    if not integration.is_active or integration.config is None or integration.integration_type not in ASKED:
        return frozenset()
    is_reconciled = integration.integration_type in RECONCILED and integration.inbound is not None
    return frozenset({WorkKind.RECONCILE if is_reconciled else WorkKind.HEALTH})


def work_on(integration: Integration, kind: WorkKind, *, now: datetime) -> DueWork:
    """The one piece of work of this kind on an integration, due now."""
    if kind is WorkKind.RECONCILE:
        return schedule_reconcile(integration.tenant_id, IntegrationId(integration.id), now=now)
    return DueWork.of(integration.tenant_id, kind, integration.id, due_at=now, now=now)


async def ask_soon(integration: Integration, services: Services, *, now: datetime) -> None:
    """A changed connection is asked at once, however long its failures had put it off."""
    for kind in works_of(integration):
        fresh = work_on(integration, kind, now=now)
        held = await services.schedule.read(integration.tenant_id, fresh.id)
        if held is not None:
            try:
                await services.schedule.replace(integration.tenant_id, fresh, held.etag)
            except Conflict:
                # It was just looked at, or moved by the timer: it is asked within its usual while.
                continue


async def _call_off(work: DueWork, services: Services) -> None:
    for _ in range(MAX_TRIES):
        held = await services.schedule.read(work.tenant_id, work.id)
        if held is None:
            return
        try:
            await services.schedule.done(work.tenant_id, held)
        except Conflict:
            continue
        return
    raise Conflict(f"due work {work.id} moved {MAX_TRIES} times")
