"""What is the same for every backend: ids and tenants, a change as one batch, the list's cursor, pointers."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from shared.errors import Malformed, StoreRejected, StoreUnavailable
from shared.models.audit import AuditEntry
from shared.models.audit_log import AuditLog, place_of
from shared.models.base import Document, Instant, TenantId
from shared.models.changes import Change
from shared.models.incidents import TimelineEntry, TimelineEvent
from shared.models.receipts import DeadLetter, ReceiptPart
from shared.models.tenants import Integration, Record
from shared.ports.stores import IncidentChange

MAX_BATCH = 100
MAX_CURSOR_CHARS = 400
DELIVERY_NOTED_EVERY = timedelta(minutes=5)
DocumentT = TypeVar("DocumentT", bound=Document)
_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)

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


def is_worth_noting(integration: Integration, delivered_at: datetime) -> bool:
    """Whether the time of a delivery is news: one write in five minutes says enough."""
    known = integration.last_delivery_at
    return known is None or delivered_at - known >= DELIVERY_NOTED_EVERY


def place_in_timeline(entry: TimelineEntry) -> tuple[int, datetime, int]:
    """What timelines are sorted by; what one write tells happened at one moment, so the events have an order too."""
    return entry.incident_version, entry.at, list(TimelineEvent).index(entry.event)


def pointer_to(tenant_id: TenantId, owner_id: str) -> str:
    """Where the body of a receipt or a snapshot lies; the same owner always leads to the same place."""
    pointer = f"{tenant_id}/{owner_id}"
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


def require_owner(tenant_id: TenantId, document: Mapping[str, Any]) -> None:
    """The same for a document that is not read into a model, which must have an id, too."""
    if not tenant_id or document.get("tenant_id") != tenant_id or not can_be_id(str(document.get("id", ""))):
        raise StoreRejected("the document is another tenant's, or has no id", reason="foreign_tenant")


def require_own_name(tenant_id: TenantId, name: str) -> None:
    """Raise StoreRejected unless a blob's name lies below the tenant, step by step."""
    owner, *rest = name.split("/")
    if owner != tenant_id or not rest or not all(can_be_id(step) for step in (owner, *rest)):
        raise StoreRejected("the blob is another tenant's, or not one of ours", reason="foreign_tenant")


def batch_of(tenant_id: TenantId, change: IncidentChange) -> list[tuple[dict[str, Any], str | None]]:
    """The bodies to write with the etag each must still have; None creates. Raises StoreRejected.

    `removals_of` are part of the same batch.
    """
    incident_id = change.incident.incident_id
    parts: list[tuple[Document, str | None]] = [(change.incident, change.etag)]
    parts += [(signal, None) for signal in change.created_signals]
    parts += [(held.value, held.etag) for held in change.changed_signals]
    parts += [(one, None) for one in (*change.timeline, *change.snapshots, *change.hypotheses, *change.said)]
    parts += [(held.value, held.etag) for held in change.said_anew]
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


def cursor_after_change(change: Change) -> str:
    """The same for a change."""
    return cursor_of(change.to_stored()["at"], change.id)


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


def stored_instant(at: datetime) -> str:
    """A time as documents hold it, to compare with theirs."""
    text: str = _INSTANT.dump_python(at, mode="json")
    return text


def entries_in(stored: Mapping[str, Any]) -> list[AuditEntry]:
    """The audit entries that a stored document of any kind carries."""
    return [AuditEntry.model_validate(one) for one in stored.get("audit_pending", ())]


def without_entries(stored: Mapping[str, Any], entry_ids: frozenset[str]) -> dict[str, Any] | None:
    """The body to store without some of its entries, all else as it was; None when it has none of them."""
    held = stored.get("audit_pending", [])
    kept = [one for one in held if one.get("entry_id") not in entry_ids]
    if len(kept) == len(held):
        return None
    own = {name: value for name, value in stored.items() if not name.startswith("_")}
    return {**own, "audit_pending": kept}


def tail_in(found: Sequence[Mapping[str, Any]]) -> AuditLog | None:
    """The last entry of a chain; raises StoreUnavailable while what lies there is no entry."""
    if not found:
        return None
    try:
        tail = AuditLog.from_stored(found[0])
    except ValidationError as exc:
        raise StoreUnavailable("what ends the audit chain is no entry", reason="audit_chain_broken") from exc
    if tail.id != place_of(tail.sequence):
        raise StoreUnavailable("what ends the audit chain lies at another's place", reason="audit_chain_broken")
    return tail
