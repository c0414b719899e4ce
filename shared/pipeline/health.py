"""Whether what a tenant connected can be used: asked again and again, rarely where it fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from shared.errors import Conflict, SecretUnreadable
from shared.messages import Check
from shared.models.base import IntegrationId
from shared.models.schedule import HEALTH_EVERY, DueWork, WorkKind
from shared.models.tenants import Integration
from shared.pipeline.integrations import opened
from shared.pipeline.settling import works_of
from shared.ports.connections import Finding, Reason
from shared.ports.services import Services
from shared.ports.stores import Versioned
from shared.telemetry import logger

log = logger(__name__)

LONGEST = timedelta(hours=1)
PUT_OFF_FOR = timedelta(minutes=1)
MAX_AT_ONCE = 4
"""In one process: systems that swallow our questions must leave room for the other checks of the queue."""
MAX_TRIES = 8
UNREADABLE = "The stored connection cannot be opened. Give it again."


class _Slots:
    """Counts what is under way in this process; nobody waits."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    @property
    def are_taken(self) -> bool:
        return self._left == 0

    @contextmanager
    def taking_one(self) -> Iterator[None]:
        self._left -= 1
        try:
            yield
        finally:
            self._left += 1


_slots = _Slots(MAX_AT_ONCE)


async def check_health(message: Check, held: Versioned[DueWork], services: Services, *, now: datetime) -> None:
    """Ask one integration's system and note what came of it; a fault of our own is nobody's illness and rises."""
    work = held.value
    found = await services.records.read(message.tenant_id, Integration, work.subject)
    if found is None or WorkKind.HEALTH not in works_of(found.value):
        await services.schedule.done(work.tenant_id, held)
        return
    if found.value.deleted_at is not None:
        await _remove(found, held, services)
        return
    if _slots.are_taken:
        await _move(work, services, due_at=now + PUT_OFF_FOR, every_seconds=work.every_seconds)
        return
    with _slots.taking_one():
        finding = await try_saved(found.value, services, now=now)
    every = pace(work, is_good=finding is None or finding.is_good)
    await _move(work, services, due_at=now + every, every_seconds=every.total_seconds())


def pace(work: DueWork, *, is_good: bool) -> timedelta:
    """How long until it is asked again: twice as long with each failure, and only slowly shorter with success.

    A system that flaps is therefore asked no more often than one that is well.
    """
    every = timedelta(seconds=work.every_seconds)
    return max(HEALTH_EVERY, every / 2) if is_good else min(LONGEST, every * 2)


async def try_saved(integration: Integration, services: Services, *, now: datetime) -> Finding | None:
    """Ask an integration's system now and note what came of it; None when it has no API that is asked.

    Raises KeysUnavailable, and SourceUnavailable when too many are asked for the tenant: that is nobody's illness.
    """
    finding = await _find(integration, services)
    if finding is not None:
        error = None if finding.is_good else finding.message
        await services.directory.note_sync(integration.tenant_id, IntegrationId(integration.id), at=now, error=error)
        log.info("health_checked", extra={"integration_id": integration.id, "reason": finding.reason.value})
    return finding


async def _find(integration: Integration, services: Services) -> Finding | None:
    try:
        config = await opened(integration, services)
    except SecretUnreadable as exc:
        log.warning("config_unreadable", extra={"integration_id": integration.id, "reason": exc.reason})
        return Finding(Reason.UNREADABLE, UNREADABLE)
    if config is None:
        return None
    return await services.connections.check(integration.tenant_id, integration.integration_type, config)


async def _remove(found: Versioned[Integration], held: Versioned[DueWork], services: Services) -> None:
    """The end of a deleted integration, once the audit trail has all that was done to it."""
    gone = found.value
    if gone.audit_pending:
        return
    await services.lookups.remove_inbound(gone.id)
    await services.records.delete(gone.tenant_id, gone.id, found.etag)
    await services.schedule.done(gone.tenant_id, held)


async def _move(work: DueWork, services: Services, *, due_at: datetime, every_seconds: float) -> None:
    for _ in range(MAX_TRIES):
        held = await services.schedule.read(work.tenant_id, work.id)
        if held is None:
            return
        moved = held.value.model_copy(update={"due_at": due_at, "every_seconds": every_seconds})
        try:
            await services.schedule.replace(work.tenant_id, moved, held.etag)
        except Conflict:
            continue
        return
    raise Conflict(f"due work {work.id} moved {MAX_TRIES} times")
