"""The raw body of a delivery, for the people who may see it."""

from shared.errors import Malformed
from shared.models.base import ReceiptId, TenantId
from shared.ports.services import Services


async def raw_body(tenant_id: TenantId, receipt_id: ReceiptId, services: Services) -> bytes | None:
    """The bytes as they came; None when they are gone or were another tenant's. Raises BlobUnavailable."""
    try:
        # As `Bodies.put` names it: the pointer derives from the tenant, so another's is never asked for.
        return await services.raw.get(tenant_id, f"{tenant_id}/{receipt_id}")
    except Malformed as exc:
        if exc.reason != "payload_gone":
            raise
        return None
