"""Keeps snapshots whole: a large body lies in a blob, written before the document that points at it."""

import asyncio

from shared.context.limit import INLINE_BYTES, as_document
from shared.errors import Malformed
from shared.models.base import IncidentId, SnapshotId, TenantId
from shared.models.snapshots import Snapshot, SnapshotBody
from shared.ports.services import Services
from shared.telemetry import logger

log = logger(__name__)


async def checked_in(tenant_id: TenantId, snapshot: Snapshot, services: Services) -> Snapshot:
    """The snapshot as its document keeps it; what is too large for that is in a blob by then."""
    # Megabytes take a while to spell: not on the loop, where other incidents wait.
    whole = await asyncio.to_thread(_spelled, snapshot.body)
    if len(whole) <= INLINE_BYTES:
        return snapshot
    # With its hash in the name: of two workers that build the same snapshot, neither replaces the other's body.
    pointer = await services.snapshot_bodies.put(tenant_id, f"{snapshot.id}-{snapshot.sha256[:16]}", whole)
    body = await asyncio.to_thread(as_document, snapshot.body)
    return snapshot.model_copy(update={"body": body, "whole_in": pointer})


def _spelled(body: SnapshotBody) -> bytes:
    return body.canonical_json().encode()


async def whole_snapshot(
    tenant_id: TenantId, incident_id: IncidentId, snapshot_id: SnapshotId, services: Services
) -> Snapshot | None:
    """A snapshot with all its points; without them where its blob is gone, which its hash then tells.

    Raises StoreUnavailable and BlobUnavailable.
    """
    held = await services.incidents.snapshot(tenant_id, incident_id, snapshot_id)
    return await made_whole(tenant_id, held, services) if held else None


async def made_whole(tenant_id: TenantId, held: Snapshot, services: Services) -> Snapshot:
    """The snapshot of a document with all its points, or as the document has it; raises BlobUnavailable."""
    if held.whole_in is None:
        return held
    try:
        body = await services.snapshot_bodies.get(tenant_id, held.whole_in)
    except Malformed as exc:
        log.warning("snapshot_body_unreadable", extra={"snapshot_id": held.id, "reason": exc.reason})
        return held
    return held.model_copy(update={"body": SnapshotBody.model_validate_json(body), "whole_in": None})
