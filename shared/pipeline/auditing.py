"""What is done through the API is audited: changes are announced before they are made, written with them and sealed
after; sign-ins and reads of what is sensitive are sealed before they are answered."""

import asyncio
from datetime import datetime

from shared.access.audit_chain import announcement
from shared.access.principals import Principal
from shared.messages import Check, QueueName
from shared.models.audit import AuditAction, AuditEntry, AuditIntent, AuditWhere, Facts
from shared.models.audit_log import AuditOutcome
from shared.models.base import ReceiptId, TenantId
from shared.models.schedule import WorkKind
from shared.pipeline.sealing import extend
from shared.ports.services import Services

SEAL_AFTER_SECONDS = 2.0
"""By then the change is written, as a rule; where it is not, the check is sent again."""


async def announce(tenant_id: TenantId, entry: AuditEntry, where: AuditWhere, services: Services) -> None:
    """Say what is about to be done, and have it sealed whether or not this worker lives to see it.

    To be called before the change is written; the change itself carries the entry (`AuditedDocument.with_audit`).
    """
    terms = await services.sealing.terms()
    intent = announcement(tenant_id, entry, where, terms.key)
    await asyncio.gather(
        services.audit.intend(tenant_id, intent),
        services.queues.send(QueueName.CHECKS, _seal(tenant_id, intent), delay_seconds=SEAL_AFTER_SECONDS),
    )


async def append(tenant_id: TenantId, entry: AuditEntry, services: Services, now: datetime) -> None:
    """Seal at once what changes no document of ours, before it is answered; raises what becomes a 503."""
    await extend(tenant_id, entry, AuditOutcome.DONE, services, now=now)


async def record_view(
    principal: Principal,
    event_type: str,
    resource_type: str,
    resource_id: str,
    services: Services,
    *,
    now: datetime,
    asked: Facts | None = None,
) -> None:
    """Seal that somebody is about to be shown something sensitive; `asked` says what they asked for."""
    entry = principal.entry(event_type, AuditAction.VIEW, resource_type, resource_id, after=asked, now=now)
    await append(principal.tenant_id, entry, services, now)


def _seal(tenant_id: TenantId, intent: AuditIntent) -> Check:
    return Check(
        tenant_id=tenant_id,
        receipt_id=ReceiptId(intent.id),
        correlation_id=intent.entry.request_id or intent.id,
        work_id=intent.id,
        kind=WorkKind.SEAL_AUDIT,
        subject=intent.month,
    )
