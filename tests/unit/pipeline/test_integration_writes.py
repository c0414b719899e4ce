"""A change by people meets what scheduled work notes, and what other people write, at the same moment."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from shared.access.principals import Principal, RequestedFrom
from shared.adapters.memory import services_in_memory
from shared.errors import Conflict, StoreUnavailable
from shared.models.audit import MAX_PENDING, AuditAction, AuditEntry
from shared.models.base import IntegrationId
from shared.models.tenants import Integration, Role
from shared.models.wanted import IntegrationChanges
from shared.pipeline import integrations
from shared.ports.services import Services
from shared.ports.stores import Versioned
from tests.builders import ACME, NOON, an_integration

WHO = Principal(ACME, "oid", "a@acme.example", Role.ADMIN, RequestedFrom(request_id="r"))
RENAMED = IntegrationChanges(name="renamed")


class Interrupted:
    """Records into which somebody else writes just before the first replace."""

    def __init__(self, services: Services, interrupt: Callable[[], Awaitable[object]]) -> None:
        self._records = services.records
        self._interrupt: Callable[[], Awaitable[object]] | None = interrupt

    def __getattr__(self, name: str) -> object:
        return getattr(self._records, name)

    async def replace(self, tenant_id: str, record: Integration, etag: str) -> str:
        interrupt, self._interrupt = self._interrupt, None
        if interrupt:
            await interrupt()
        return await self._records.replace(ACME, record, etag)


async def with_one(**changes: object) -> tuple[Services, Versioned[Integration]]:
    services = services_in_memory()
    await services.records.create(ACME, an_integration(**changes))
    return services, await kept(services)


async def kept(services: Services) -> Versioned[Integration]:
    held = await services.records.read(ACME, Integration, "int-1")
    assert held is not None
    return held


async def renamed_while(
    services: Services, held: Versioned[Integration], interrupt: Callable[[], Awaitable[object]]
) -> Integration:
    interrupted = replace(services, records=Interrupted(services, interrupt))  # type: ignore[arg-type]  # the rest is real
    await integrations.change(WHO, held, RENAMED, interrupted, now=NOON)
    return (await kept(services)).value


async def test_what_scheduled_work_notes_meanwhile_is_kept_beside_the_change() -> None:
    services, held = await with_one()

    async def noting() -> None:
        await services.directory.note_sync(ACME, IntegrationId("int-1"), at=NOON, error="ill")
        await services.directory.note_delivery(ACME, IntegrationId("int-1"), at=NOON)

    found = await renamed_while(services, held, noting)
    assert (found.name, found.last_error, found.last_delivery_at, found.version) == ("renamed", "ill", NOON, 2)
    assert [one.event_type for one in found.audit_pending] == ["change_integration"]


async def test_what_other_people_changed_meanwhile_is_not_overwritten() -> None:
    services, held = await with_one()

    async def changing() -> None:
        theirs = held.value.model_copy(update={"name": "theirs", "version": 2})
        await services.records.replace(ACME, theirs, held.etag)

    with pytest.raises(Conflict):
        await renamed_while(services, held, changing)
    assert (await kept(services)).value.name == "theirs"


async def test_what_is_gone_meanwhile_is_not_made_again() -> None:
    services, held = await with_one()

    async def removing() -> None:
        await services.records.delete(ACME, "int-1", held.etag)

    with pytest.raises(Conflict):
        await renamed_while(services, held, removing)


async def test_a_change_waits_for_the_audit_trail_to_catch_up() -> None:
    entries = tuple(an_entry(number) for number in range(MAX_PENDING))
    services, held = await with_one(audit_pending=entries)
    with pytest.raises(StoreUnavailable) as refused:
        await integrations.change(WHO, held, RENAMED, services, now=NOON)
    assert refused.value.reason == "audit_behind"


def an_entry(number: int) -> AuditEntry:
    return AuditEntry(
        entry_id=f"aud-{number}",
        at=NOON,
        user_id="oid",
        event_type="change_integration",
        action=AuditAction.UPDATE,
        resource_type="integration",
        resource_id="int-1",
        request_id=str(number),
    )
