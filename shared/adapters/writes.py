"""What is the same for every backend: ids and tenants, a change as one batch, the list's cursor, pointers."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from shared.errors import Malformed, StoreRejected
from shared.models.base import Document, ReceiptId, TenantId
from shared.models.incidents import TimelineEntry, TimelineEvent
from shared.models.receipts import DeadLetter, ReceiptPart
from shared.models.tenants import Record
from shared.ports.stores import IncidentChange

MAX_BATCH = 100
MAX_CURSOR_CHARS = 400
DocumentT = TypeVar("DocumentT", bound=Document)

# An id is a path segment: with these Cosmos DB refuses it, or the HTTP client takes "." and ".." for directions.
_ID = re.compile(r"(?!\.{1,2}\Z)[^/\\?#\x00-\x1f\x7f\ud800-\udfff]{1,255}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def can_be_id(text: str) -> bool:
    """Whether a document could have this id; nothing is ever found under any other."""
    return _ID.fullmatch(text) is not None


def of_kind(kind: type[DocumentT], stored: Mapping[str, Any] | None) -> DocumentT | None:
    """The document, or None when there is none or its id belongs to a document of another type."""
    if stored is None or stored.get("type") != kind.model_fields["type"].default:
        return None
    return kind.from_stored(stored)


def place_in_timeline(entry: TimelineEntry) -> tuple[int, datetime, int]:
    """What timelines are sorted by; what one write tells happened at one moment, so the events have an order too."""
    return entry.incident_version, entry.at, list(TimelineEvent).index(entry.event)


def pointer_to(tenant_id: TenantId, receipt_id: ReceiptId) -> str:
    """Where the body of a receipt lies; the same receipt always leads to the same place."""
    pointer = f"{tenant_id}/{receipt_id}"
    require_own_pointer(tenant_id, pointer)
    return pointer


def require_own_pointer(tenant_id: TenantId, pointer: str) -> None:
    """Raise Malformed unless a pointer is exactly one step below the tenant: `..` would lead into another's."""
    owner, _, name = pointer.partition("/")
    if owner != tenant_id or not can_be_id(owner) or not can_be_id(name):
        raise Malformed("the pointer is another tenant's, or not one of ours", reason="foreign_pointer")


def receipt_folder(tenant_id: TenantId, receipt_id: str) -> str | None:
    """Where the parts of a receipt lie, None for ids that would lead elsewhere."""
    return f"{tenant_id}/{receipt_id}/" if can_be_id(tenant_id) and can_be_id(receipt_id) else None


def part_pointer(tenant_id: TenantId, part: ReceiptPart) -> str:
    """Where one part lies; raises StoreRejected for another tenant's part and for ids that would lead elsewhere."""
    require_tenant(tenant_id, part)
    folder = receipt_folder(tenant_id, part.receipt_id)
    if folder is None or not can_be_id(part.id):
        raise StoreRejected("the part of a receipt cannot have such an id", reason="bad_id")
    return f"{folder}{part.id}.json"


def require_tenant(tenant_id: TenantId, document: Document) -> None:
    """Raise StoreRejected when a document of one tenant would be written as another's."""
    if not tenant_id or document.tenant_id != tenant_id:
        raise StoreRejected("the document belongs to another tenant", reason="foreign_tenant")


def batch_of(tenant_id: TenantId, change: IncidentChange) -> list[tuple[dict[str, Any], str | None]]:
    """The bodies to write with the etag each must still have; None creates. Raises StoreRejected.

    `removals_of` are part of the same batch.
    """
    incident_id = change.incident.incident_id
    parts: list[tuple[Document, str | None]] = [(change.incident, change.etag)]
    parts += [(signal, None) for signal in change.created_signals]
    parts += [(held.value, held.etag) for held in change.changed_signals]
    parts += [(one, None) for one in (*change.timeline, *change.snapshots, *change.hypotheses)]
    for document, _ in parts:
        require_tenant(tenant_id, document)
        if getattr(document, "incident_id", None) != incident_id:
            raise StoreRejected("the change holds a document of another incident", reason="foreign_incident")
    if len(parts) + len(change.removed_signals) > MAX_BATCH:
        raise StoreRejected(f"a change writes at most {MAX_BATCH} documents", reason="batch_too_large")
    return [(document.to_stored(), etag) for document, etag in parts]


def removals_of(change: IncidentChange) -> list[tuple[str, str]]:
    """The ids of the documents to delete, with the etag each must still have."""
    return [(held.value.id, held.etag) for held in change.removed_signals]


def cursor_after_letter(letter: DeadLetter) -> str:
    """An opaque cursor that goes on after this letter: its order values, not a position."""
    return cursor_of(letter.to_stored()["recorded_at"], letter.id)


def cursor_after_record(record: Record) -> str:
    """The same for a record of the directory."""
    return cursor_of(record.to_stored()["created_at"], record.id)


def cursor_of(detected_at: str, summary_id: str) -> str:
    """A moment and an id as an opaque cursor."""
    return urlsafe_b64encode(json.dumps([detected_at, summary_id]).encode()).decode().rstrip("=")


def order_values(cursor: str) -> tuple[str, str]:
    """(detected_at as stored, id) of a cursor; raises Malformed for anything that is not one of ours."""
    try:
        if len(cursor) > MAX_CURSOR_CHARS:
            raise ValueError("too long")
        detected_at, summary_id = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not (_MOMENT.fullmatch(detected_at) and can_be_id(summary_id)):
            raise ValueError("not the values of a summary")
        datetime.fromisoformat(detected_at)
        # Each place in the list has one spelling; base64 and JSON alone would take many.
        if cursor_of(detected_at, summary_id) != cursor:
            raise ValueError("not as we spell it")
    except (ValueError, TypeError, Base64Error, RecursionError) as exc:
        raise Malformed("the cursor is not one of ours", reason="bad_cursor") from exc
    return detected_at, summary_id
