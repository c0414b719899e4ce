"""What a change of an incident means as one batch, and the cursor of the list: the same for every backend."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from datetime import datetime
from typing import Any

from shared.errors import Malformed, StoreRejected
from shared.models.base import Document, TenantId
from shared.models.incidents import IncidentSummary
from shared.ports.stores import IncidentChange

MAX_BATCH = 100
MAX_CURSOR_CHARS = 400


def require_tenant(tenant_id: TenantId, document: Document) -> None:
    """Raise StoreRejected when a document of one tenant would be written as another's."""
    if not tenant_id or document.tenant_id != tenant_id:
        raise StoreRejected("the document belongs to another tenant", reason="foreign_tenant")


def batch_of(tenant_id: TenantId, change: IncidentChange) -> list[tuple[dict[str, Any], str | None]]:
    """The bodies to write with the etag each must still have; None creates. Raises StoreRejected."""
    incident_id = change.incident.incident_id
    parts: list[tuple[Document, str | None]] = [(change.incident, change.etag)]
    parts += [(signal, None) for signal in change.created_signals]
    parts += [(held.value, held.etag) for held in change.changed_signals]
    parts += [(one, None) for one in (*change.timeline, *change.snapshots, *change.hypotheses)]
    for document, _ in parts:
        require_tenant(tenant_id, document)
        if getattr(document, "incident_id", None) != incident_id:
            raise StoreRejected("the change holds a document of another incident", reason="foreign_incident")
    if len(parts) > MAX_BATCH:
        raise StoreRejected(f"a change writes at most {MAX_BATCH} documents", reason="batch_too_large")
    return [(document.to_stored(), etag) for document, etag in parts]


def cursor_after(summary: IncidentSummary) -> str:
    """An opaque cursor that goes on after this summary: its order values, not a position."""
    values = [summary.to_stored()["detected_at"], summary.id]
    return urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def order_values(cursor: str) -> tuple[str, str]:
    """(detected_at as stored, id) of a cursor; raises Malformed for anything that is not one of ours."""
    try:
        if len(cursor) > MAX_CURSOR_CHARS:
            raise ValueError("too long")
        values = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        detected_at, summary_id = values
        if not (isinstance(detected_at, str) and isinstance(summary_id, str)):
            raise TypeError("not texts")
        datetime.fromisoformat(detected_at)
    except (ValueError, TypeError, Base64Error, RecursionError) as exc:
        raise Malformed("the cursor is not one of ours", reason="bad_cursor") from exc
    return detected_at, summary_id
