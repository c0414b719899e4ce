"""What a sender is told, whatever it sends and whatever is down."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from functions.answers import MAX_HEADERS, webhook_answer
from shared.adapters.key_file import KeyFile
from shared.adapters.memory import MemoryBodies, MemoryQueues, services_in_memory
from shared.adapters.secret_box import AesSecretBox
from shared.bootstrap import Process
from shared.errors import BlobUnavailable, QueueUnavailable, StoreUnavailable
from shared.messages import MAX_MESSAGE_BYTES, Ingest
from shared.models.tenants import InboundCredential, IntegrationType, Scheme
from shared.pipeline.accept import MAX_BODY_BYTES
from shared.ports.services import Services
from shared.settings import Settings
from shared.signals.credentials import InboundCredentials, hash_token
from tests.builders import ACME, a_credential

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOKEN = "a-token"
SETTINGS = Settings.from_environment({"COSMOS_ENDPOINT": "http://127.0.0.1", "ENTRA_AUDIENCE": "a"})


class DownQueues(MemoryQueues):
    """Cannot be written."""

    async def send_raw(self, queue: str, body: bytes, *, delay_seconds: float = 0) -> None:
        raise QueueUnavailable("down")


class DownBlobs(MemoryBodies):
    """Cannot be written."""

    async def put(self, tenant_id: object, receipt_id: object, body: bytes) -> str:
        raise BlobUnavailable("down")


class DownLookups:
    """Cannot be read."""

    async def inbound(self, integration_id: str) -> InboundCredential | None:
        raise StoreUnavailable("down")


async def a_process(**ports: Any) -> Process:
    services: Services = services_in_memory()
    await services.lookups.put_inbound(a_credential(token_hashes=(hash_token(TOKEN),)))
    services = replace(services, **ports)
    box = AesSecretBox(KeyFile(Path("never-read")))
    return Process(SETTINGS, services, InboundCredentials(services.lookups, box), box, [])


async def answer(process: Process, **changes: Any) -> func.HttpResponse:
    async def wired() -> Process:
        return process

    request: dict[str, Any] = {
        "source": "alertmanager",
        "integration_id": "int-1",
        "headers": {"authorization": f"Bearer {TOKEN}"},
        "body": b'{"alerts": []}',
        "now": NOON,
        "wired": wired,
    }
    method = changes.pop("method", "POST")
    return await webhook_answer(method, **{**request, **changes})


def queued(process: Process) -> list[Ingest]:
    queues = process.services.queues
    assert isinstance(queues, MemoryQueues)
    return [Ingest.decode(one.body) for one in queues.waiting["signals"]]


async def test_a_good_delivery_is_queued_before_it_is_acknowledged() -> None:
    process = await a_process()
    response = await answer(process)
    assert response.status_code == 202
    (message,) = queued(process)
    assert json.loads(response.get_body()) == {"receipt_id": message.receipt_id}
    assert (message.tenant_id, message.inline_body()) == (ACME, b'{"alerts": []}')


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_every_verb_but_post_is_405_so_that_a_redirected_post_does_not_look_accepted(method: str) -> None:
    response = await answer(await a_process(), method=method)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": {}},
        {"headers": {"authorization": "Bearer wrong"}},
        {"integration_id": "int-unknown"},
        {"integration_id": "../../secrets"},
        {"source": "unheard-of"},
        {"source": "grafana"},
        {"headers": {}, "code": TOKEN},
    ],
)
async def test_who_has_no_credential_is_told_nothing_else(changes: dict[str, Any]) -> None:
    process = await a_process()
    response = await answer(process, **changes)
    assert (response.status_code, response.get_body()) == (401, b"")
    assert queued(process) == []


async def test_a_body_over_four_mebibytes_is_413_even_without_a_credential() -> None:
    response = await answer(await a_process(), body=b"x" * (MAX_BODY_BYTES + 1), headers={})
    assert response.status_code == 413


async def test_an_unparsable_body_is_accepted_because_an_error_would_make_the_sender_loop() -> None:
    process = await a_process()
    assert (await answer(process, body=b"\xff\x00 not json")).status_code == 202
    assert queued(process)[0].inline_body() == b"\xff\x00 not json"


@pytest.mark.parametrize(
    ("ports", "body"),
    [
        ({"queues": DownQueues()}, b"{}"),
        ({"raw": DownBlobs()}, b"x" * (MAX_MESSAGE_BYTES + 1)),
        ({"lookups": DownLookups()}, b"{}"),
    ],
    ids=["queue", "blob", "store"],
)
async def test_our_own_faults_are_503_which_every_sender_tries_again(ports: dict[str, Any], body: bytes) -> None:
    response = await answer(await a_process(**ports), body=body)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize(
    "make_body",
    [
        lambda: b'"' * MAX_MESSAGE_BYTES,
        lambda: b"x" * (MAX_MESSAGE_BYTES - 100),
        lambda: b"\xff" * (MAX_MESSAGE_BYTES - 1000),
        lambda: b"x" * MAX_BODY_BYTES,
    ],
    ids=["quotes double when escaped", "envelope does not fit", "bytes grow as base64", "the largest body"],
)
async def test_a_body_whose_message_would_be_too_large_goes_through_a_blob(make_body: Callable[[], bytes]) -> None:
    process, body = await a_process(), make_body()
    assert (await answer(process, body=body)).status_code == 202
    (message,) = queued(process)
    assert message.inline_body() is None
    assert message.pointer is not None
    assert await process.services.raw.get(ACME, message.pointer) == body


@pytest.mark.parametrize("source", ["pagerduty", "changes", "github", "grafana", "grafana-legacy", "generic"])
async def test_whatever_an_authenticated_sender_posts_is_202(source: str) -> None:
    process = await a_process()
    await process.services.lookups.put_inbound(
        a_credential(
            integration_id="int-2",
            integration_type=IntegrationType(source),
            token_hashes=(hash_token(TOKEN),),
            schemes=(Scheme.CODE,),
        )
    )
    response = await answer(process, source=source, integration_id="int-2", headers={}, code=TOKEN, body=b"[")
    assert response.status_code == 202
    assert [one.source.value for one in queued(process)] == [source]


async def test_a_key_that_cannot_be_reached_is_503_and_nothing_is_said_of_the_proof() -> None:
    process = await a_process()
    await process.services.lookups.put_inbound(
        a_credential(integration_id="int-2", schemes=(Scheme.PAGERDUTY,), sealed_secrets=("v1.a.b",))
    )
    for headers in ({}, {"x-pagerduty-signature": "v1=0"}):
        response = await answer(process, integration_id="int-2", headers=headers)
        assert (response.status_code, response.get_body()) == (503, b"")


async def test_header_names_count_in_any_case_and_a_crowd_of_them_is_cut() -> None:
    process = await a_process()
    assert (await answer(process, headers={"AUTHORIZATION": f"Bearer {TOKEN}"})).status_code == 202
    crowd = {**{f"x-{number}": "x" * 100_000 for number in range(MAX_HEADERS)}, "authorization": f"Bearer {TOKEN}"}
    assert (await answer(process, headers=crowd)).status_code == 401


async def test_neither_token_nor_body_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    process = await a_process()
    await answer(process, body=b'{"alerts": [], "secret": "in-the-body"}')
    await answer(process, headers={"authorization": "Bearer wrong-token"})
    await answer(process, headers={}, code="a-code-in-the-query")
    assert "webhook_accepted" in caplog.text
    assert "webhook_refused" in caplog.text
    for secret in (TOKEN, "wrong-token", "in-the-body", "a-code-in-the-query"):
        assert secret not in caplog.text
