"""What is kept of reported changes when a pipeline reports them again."""

from datetime import timedelta

import pytest

from shared.adapters.memory import services_in_memory
from shared.messages import Ingest
from shared.models.base import ReceiptId
from shared.models.signals import Source
from shared.pipeline.ingest import ingest
from shared.ports.services import Services
from tests.builders import ACME, NOON

HOUR = timedelta(hours=1)


async def report(services: Services, body: bytes, *, minute: float, receipt: str) -> None:
    received_at = NOON + timedelta(minutes=minute)
    message = Ingest(
        tenant_id=ACME,
        receipt_id=ReceiptId(receipt),
        correlation_id=receipt,
        integration_id="int-1",
        source=Source.CHANGES,
        received_at=received_at,
    )
    await ingest(message.with_body(body), services, now=received_at)


@pytest.mark.parametrize("body", [b'{"service": "payment"}', b'{"service": "payment", "version": "1.5.0"}'])
async def test_a_report_with_neither_id_nor_time_that_is_sent_twice_is_one_change(body: bytes) -> None:
    services = services_in_memory()
    for minute, receipt in [(0, "rcp-1"), (1, "rcp-2"), (1, "rcp-2"), (9, "rcp-3")]:
        await report(services, body, minute=minute, receipt=receipt)
    (change,) = await services.changes.between(ACME, NOON - HOUR, NOON + HOUR)
    assert change.at == NOON, "a retry does not move it behind its own consequences"


async def test_the_same_deploy_an_hour_later_is_another_change() -> None:
    services = services_in_memory()
    for minute, receipt in [(0, "rcp-1"), (60, "rcp-2")]:
        await report(services, b'{"service": "payment"}', minute=minute, receipt=receipt)
    found = await services.changes.between(ACME, NOON - HOUR, NOON + HOUR)
    assert [one.at for one in found] == [NOON + HOUR, NOON]
