"""Changes through the API are audited: announced before they are made, written with them, sealed after."""

import asyncio

from shared.messages import Check, QueueName
from shared.models.audit import AuditEntry, AuditIntent, AuditWhere
from shared.models.base import ReceiptId, TenantId
from shared.models.schedule import WorkKind
from shared.ports.services import Services

SEAL_AFTER_SECONDS = 2.0
"""By then the change is written, as a rule; where it is not, the check is sent again."""
INTENT_TTL_SECONDS = 7 * 24 * 3600


async def announce(tenant_id: TenantId, entry: AuditEntry, where: AuditWhere, services: Services) -> None:
    """Say what is about to be done, and have it sealed whether or not this worker lives to see it.

    To be called before the change is written; the change itself carries the entry (`AuditedDocument.with_audit`).
    """
    intent = AuditIntent.of(tenant_id, entry, where, ttl=INTENT_TTL_SECONDS)
    await asyncio.gather(
        services.audit.intend(tenant_id, intent),
        services.queues.send(QueueName.CHECKS, _seal(tenant_id, intent), delay_seconds=SEAL_AFTER_SECONDS),
    )


def _seal(tenant_id: TenantId, intent: AuditIntent) -> Check:
    return Check(
        tenant_id=tenant_id,
        receipt_id=ReceiptId(intent.id),
        correlation_id=intent.entry.request_id or intent.id,
        work_id=intent.id,
        kind=WorkKind.SEAL_AUDIT,
        subject=intent.month,
    )
