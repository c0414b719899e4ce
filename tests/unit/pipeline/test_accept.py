"""Accepting: what a delivery becomes on the queue, whose it is, which receipt it has, and how long that may take."""

import asyncio
import hmac
import logging
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from shared.adapters.memory import MemoryQueues, services_in_memory
from shared.errors import Malformed, QueueUnavailable, Unauthenticated
from shared.messages import Ingest
from shared.models.base import IntegrationId, ReceiptId, TenantId
from shared.models.signals import Source
from shared.models.tenants import InboundCredential, IntegrationType, Scheme
from shared.pipeline.accept import MAX_BODY_BYTES, Delivery, accept
from shared.ports.services import Services
from shared.signals.credentials import InboundCredentials, hash_token
from shared.signals.pacing import Pacer
from tests.builders import ACME, GLOBEX, NOON, a_credential

TOKEN = "a-token"
PAGE = b'{"alerts": [{"labels": {}}]}'


class PlainBox:
    """Seals nothing: what is sealed reads as it is."""

    async def seal(self, tenant_id: TenantId, integration_id: IntegrationId, plaintext: str) -> str:
        return plaintext

    async def open(self, tenant_id: TenantId, integration_id: IntegrationId, sealed: str) -> str:
        return sealed


class HangingQueues(MemoryQueues):
    """Never answers."""

    async def send_raw(self, queue: str, body: bytes, *, delay_seconds: float = 0) -> None:
        await asyncio.Event().wait()


class FlakyQueues(MemoryQueues):
    """Cannot be written as long as it is down."""

    is_down = False

    async def send_raw(self, queue: str, body: bytes, *, delay_seconds: float = 0) -> None:
        if self.is_down:
            raise QueueUnavailable("down")
        await super().send_raw(queue, body, delay_seconds=delay_seconds)


class Door:
    """Where deliveries come in, over services in memory."""

    def __init__(self, *credentials: InboundCredential, queues: MemoryQueues | None = None) -> None:
        self.queues = queues or MemoryQueues()
        self.services: Services = replace(services_in_memory(), queues=self.queues)
        self.credentials = InboundCredentials(self.services.lookups, PlainBox())
        self.pacer = Pacer()
        self._known = credentials

    async def takes(self, delivery: Delivery, **limits: float) -> ReceiptId:
        for credential in self._known:
            await self.services.lookups.put_inbound(credential)
        return await accept(delivery, self.credentials, self.pacer, self.services, **limits)

    def queued(self) -> list[Ingest]:
        return [Ingest.decode(one.body) for one in self.queues.waiting["signals"]]

    def delays(self) -> list[float]:
        return [one.delay_seconds for one in self.queues.waiting["signals"]]


def a_delivery(body: bytes = PAGE, **changes: Any) -> Delivery:
    """One from Alertmanager with the right token, at noon."""
    headers = {"authorization": f"Bearer {TOKEN}", **changes.pop("headers", {})}
    fields: dict[str, Any] = {"integration_id": "int-1", "code": None, "traceparent": None, "received_at": NOON}
    return Delivery(**{"source": Source.ALERTMANAGER, "body": body, "headers": headers, **fields, **changes})


def bearing(**changes: Any) -> InboundCredential:
    return a_credential(token_hashes=(hash_token(TOKEN),), **changes)


async def test_the_tenant_is_the_integrations_whatever_the_body_says() -> None:
    door = Door(bearing())
    await door.takes(a_delivery(b'{"tenant_id": "ten-globex", "integration_id": "int-2"}'))
    (message,) = door.queued()
    assert (message.tenant_id, message.integration_id) == (ACME, "int-1")


@pytest.mark.parametrize(
    ("kind", "source"),
    [(IntegrationType.CHANGES, Source.CHANGES), (IntegrationType.GENERIC, Source.GENERIC)],
)
async def test_an_integration_takes_its_own_source_and_no_other(kind: IntegrationType, source: Source) -> None:
    door = Door(bearing(integration_type=kind))
    await door.takes(a_delivery(source=source))
    for other in set(Source) - {source}:
        with pytest.raises(Unauthenticated):
            await door.takes(a_delivery(source=other))
    assert [one.source for one in door.queued()] == [source]


@pytest.mark.parametrize(
    ("scheme", "kind", "header"),
    [
        (Scheme.PAGERDUTY, IntegrationType.PAGERDUTY, "x-pagerduty-signature: v1="),
        (Scheme.GITHUB, IntegrationType.GITHUB, "x-hub-signature-256: sha256="),
        (Scheme.GRAFANA_HMAC, IntegrationType.GRAFANA, "x-grafana-alerting-signature: "),
    ],
)
async def test_a_signed_body_is_accepted_and_a_changed_one_is_not(
    scheme: Scheme, kind: IntegrationType, header: str
) -> None:
    door = Door(a_credential(integration_type=kind, schemes=(scheme,), sealed_secrets=("new", "old")))
    name, _, prefix = header.partition(": ")
    signed = {name: prefix + hmac.new(b"old", PAGE, sha256).hexdigest()}
    await door.takes(a_delivery(source=Source(kind.value), headers=signed))
    with pytest.raises(Unauthenticated):
        await door.takes(a_delivery(PAGE + b" ", source=Source(kind.value), headers=signed))
    assert len(door.queued()) == 1


@pytest.mark.parametrize("header", ["x-webhook-id", "x-github-delivery"])
async def test_a_retry_that_its_sender_names_has_the_same_receipt(header: str) -> None:
    door = Door(bearing())
    first, again = [await door.takes(a_delivery(headers={header: "wh-1"})) for _ in range(2)]
    assert first == again
    assert [one.receipt_id for one in door.queued()] == [first, first]


async def test_another_body_or_integration_under_the_same_delivery_id_is_no_retry() -> None:
    door = Door(bearing(), bearing(integration_id="int-2"))
    named = {"x-webhook-id": "wh-1"}
    receipts = {
        await door.takes(a_delivery(headers=named)),
        await door.takes(a_delivery(b"{}", headers=named)),
        await door.takes(a_delivery(integration_id="int-2", headers=named)),
        await door.takes(a_delivery(headers={"x-webhook-id": "wh-2"})),
    }
    assert len(receipts) == 4


async def test_without_a_delivery_id_each_delivery_has_its_own_receipt() -> None:
    door = Door(bearing())
    assert len({await door.takes(a_delivery(headers={"x-webhook-id": ""})) for _ in range(2)}) == 2


async def test_a_tenant_over_its_quota_is_delayed_and_the_message_says_how_long(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    door = Door(bearing(alerts_per_minute=1), bearing(integration_id="int-2", tenant_id=GLOBEX, alerts_per_minute=1))
    for _ in range(4):
        await door.takes(a_delivery())
    assert door.delays() == [0, 0, 60, 120]
    assert [one.delayed_seconds for one in door.queued()] == door.delays()
    delayed = [one.__dict__ for one in caplog.records if one.__dict__.get("event") == "delivery_delayed"]
    assert [(one["tenant_id"], one["reason"], one["delay_seconds"]) for one in delayed] == [
        (ACME, "over_quota", 60),
        (ACME, "over_quota", 120),
    ]
    await door.takes(a_delivery(integration_id="int-2"))
    assert door.delays()[-1] == 0, "another tenant does not wait"


async def test_a_delivery_that_we_failed_to_take_costs_no_quota() -> None:
    queues = FlakyQueues()
    door = Door(bearing(alerts_per_minute=1), queues=queues)
    queues.is_down = True
    for _ in range(50):
        with pytest.raises(QueueUnavailable):
            await door.takes(a_delivery())
    queues.is_down = False
    await door.takes(a_delivery())
    assert door.delays() == [0]


async def test_a_delivery_that_is_not_durable_in_time_is_our_own_fault() -> None:
    door = Door(bearing(), queues=HangingQueues())
    with pytest.raises(QueueUnavailable) as caught:
        await door.takes(a_delivery(), within_seconds=0.02)
    assert (caught.value.reason, caught.value.retryable) == ("accept_timeout", True)


async def test_the_size_is_bounded_before_anything_is_looked_up() -> None:
    door = Door()
    with pytest.raises(Malformed) as caught:
        await door.takes(a_delivery(b"x" * (MAX_BODY_BYTES + 1), integration_id="int-unknown"))
    assert caught.value.reason == "body_too_large"


def test_neither_headers_nor_code_nor_body_are_in_the_representation() -> None:
    shown = repr(a_delivery(b"in-the-body", code="in-the-query"))
    assert not [one for one in (TOKEN, "in-the-body", "in-the-query") if one in shown]
