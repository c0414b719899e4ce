"""How people's records change: announced for the audit trail, then written with their entry, under the etag read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.errors import AlreadyExists, Conflict
from shared.models.audit import AuditEntry, AuditHome, AuditWhere
from shared.models.base import TenantId
from shared.models.tenants import Record, Tenant
from shared.pipeline.auditing import announce
from shared.ports.services import Services
from shared.ports.stores import Page, Versioned

MAX_TRIES = 8
MAX_LOOKS = 5
"""How many pages of the store one page of a filtered list may cost."""

T = TypeVar("T", bound=Record)


@dataclass(frozen=True)
class Edit(Generic[T]):
    """What becomes of a record, and the entry that says so."""

    after: T
    entry: AuditEntry


async def create_record(tenant_id: TenantId, record: T, entry: AuditEntry, services: Services) -> T:
    """Keep a new record with its entry; raises AlreadyExists."""
    await announce(tenant_id, entry, where(record), services)
    made = record.with_audit(entry)
    await services.records.create(tenant_id, made)
    return made


async def edit_record(
    tenant_id: TenantId,
    kind: type[T],
    record_id: str,
    decide: Callable[[T | None], Edit[T] | None],
    services: Services,
) -> T | None:
    """Change a record as `decide` says of it as it stands; None changes nothing. What it raises is passed on.

    Decided again when somebody else was quicker: the sealer of the audit trail writes the same documents.
    """
    for _ in range(MAX_TRIES):
        held = await services.records.read(tenant_id, kind, record_id)
        edit = decide(held.value if held else None)
        if edit is None:
            return held.value if held else None
        try:
            if held is None:
                return await create_record(tenant_id, edit.after, edit.entry, services)
            return await write_edit(tenant_id, held, edit, services)
        except (AlreadyExists, Conflict):
            continue
    raise Conflict(f"{kind.__name__} {record_id} moved {MAX_TRIES} times")


async def write_edit(
    tenant_id: TenantId,
    held: Versioned[T],
    edit: Edit[T],
    services: Services,
    *,
    unmoved: Versioned[Tenant] | None = None,
) -> T:
    """Write an edit, provided that neither the record nor the `unmoved` one has changed since; raises Conflict."""
    written = edit.after.with_audit(edit.entry)
    await announce(tenant_id, edit.entry, where(edit.after), services)
    together: list[Versioned[Record]] = [Versioned(written, held.etag)]
    if unmoved:
        together.append(Versioned(unmoved.value, unmoved.etag))
    await services.records.replace_together(tenant_id, together)
    return written


def next_version(record: T, **fields: object) -> T:
    """The record with these fields changed by somebody, checked as when it is read."""
    return type(record).model_validate({**dict(record), **fields, "version": record.version + 1})


async def filtered_page(
    tenant_id: TenantId,
    kind: type[T],
    wanted: Callable[[T], bool],
    services: Services,
    *,
    limit: int,
    cursor: str | None,
) -> Page[T]:
    """The records of a kind that are wanted, oldest first; a page may be short although there is more."""
    found: list[T] = []
    for _ in range(MAX_LOOKS):
        page = await services.records.page(tenant_id, kind, limit=limit - len(found), cursor=cursor)
        found += [held.value for held in page.items if wanted(held.value)]
        cursor = page.cursor
        if cursor is None or len(found) == limit:
            break
    return Page(found, cursor)


async def every(tenant_id: TenantId, kind: type[T], services: Services) -> list[T]:
    """All records of a kind."""
    found: list[T] = []
    cursor: str | None = None
    while True:
        page = await services.records.page(tenant_id, kind, limit=100, cursor=cursor)
        found += [held.value for held in page.items]
        cursor = page.cursor
        if cursor is None:
            return found


def where(record: Record) -> AuditWhere:
    """Where the trail's sealer finds the record."""
    return AuditWhere(home=AuditHome.DIRECTORY, id=record.id)
