"""That a sender delivers is noted with its integration, and never at the cost of a page."""

import json
from dataclasses import replace
from datetime import datetime

from shared.adapters.memory import services_in_memory
from shared.errors import StoreUnavailable
from shared.messages import Ingest, QueueName
from shared.models.base import IntegrationId, ReceiptId
from shared.models.signals import Origin, Source
from shared.pipeline.stages import Ending
from shared.pipeline.table import attend_queue
from shared.ports.services import Services
from tests.builders import ACME, NOON, a_tenant, an_integration

BODY = json.dumps({"alerts": [{"name": "A", "service": "payment", "id": "1"}]}).encode()


async def delivered(services: Services, body: bytes = BODY, origin: Origin = Origin.WEBHOOK) -> Ending:
    message = Ingest(
        tenant_id=ACME,
        receipt_id=ReceiptId("rcp-1"),
        correlation_id="c",
        integration_id="int-1",
        source=Source.GENERIC,
        received_at=NOON,
        origin=origin,
    )
    return await attend_queue(
        QueueName.SIGNALS, message.with_body(body).encode(), services, dequeue_count=1, now=NOON
    )


async def with_integration() -> Services:
    services = services_in_memory()
    await services.directory.put(ACME, a_tenant())
    await services.directory.put(ACME, an_integration())
    return services


async def last_of(services: Services) -> datetime | None:
    found = await services.directory.integration(ACME, IntegrationId("int-1"))
    assert found is not None
    return found.last_delivery_at


async def test_a_delivery_is_noted_even_when_it_cannot_be_read() -> None:
    for body in (BODY, b"no json"):
        services = await with_integration()
        await delivered(services, body)
        assert await last_of(services) == NOON


async def test_what_we_made_good_ourselves_is_no_delivery() -> None:
    services = await with_integration()
    await delivered(services, origin=Origin.RECONCILED)
    assert await last_of(services) is None


async def test_a_delivery_that_cannot_be_noted_is_worked_on_all_the_same() -> None:
    services = await with_integration()

    class Directory:
        def __getattr__(self, name: str) -> object:
            return getattr(services.directory, name)

        async def note_delivery(self, *_: object, **__: object) -> None:
            raise StoreUnavailable("down")

    broken = replace(services, directory=Directory())  # type: ignore[arg-type]  # the rest is the real one
    assert await delivered(broken) is Ending.DONE
    assert len(await services.incident_list.open_ones(ACME)) == 1
