"""A page of each sender, signed as it signs, ends in hypotheses; a bad signature at the door, a secret in raw bodies.

The tests share one stack, whose model and Prometheus leak secrets; the first of them finds it empty.
"""

import hmac
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from dev.openai.server import create_app
from dev.stack import Stack
from shared.models.base import document_id
from tests.e2e.leaky import an_answer_that_leaks, leaky_prometheus
from tests.e2e.searching import (
    blobs_of,
    files_in,
    holds,
    send_leaks,
    serving,
    told_by_the_api,
    until_queues_are_empty,
)
from tests.e2e.stacks import a_stack, an_item, incidents_once_quiet
from tests.planted import PLANTED

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

RAW = "raw"


@dataclass(frozen=True)
class Running:
    """The stack, a sender's client without a credential, and the simulator of the model."""

    stack: Stack
    client: httpx.AsyncClient
    simulator: httpx.AsyncClient
    data: Path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    data = tmp_path_factory.mktemp("stack")
    async with serving(create_app()) as model, httpx.AsyncClient(base_url=model, trust_env=False) as simulator:
        await simulator.post("/_script", json=[an_answer_that_leaks()] * 100)
        settings = {"AZURE_OPENAI_DEPLOYMENT": "simulated", "AZURE_OPENAI_API_KEY": "none"}
        async with a_stack(data, lease_seconds=5, AZURE_OPENAI_ENDPOINT=model, **settings) as (stack, sender):
            sender.client.headers.pop("authorization")
            async with serving(leaky_prometheus(), stack.options.ports.prometheus):
                yield Running(stack, sender.client, simulator, data)


def secret_of(stack: Stack, kind: str) -> str:
    return stack.options.layout.webhook_secret(kind).read_text()


def path_of(kind: str) -> str:
    return f"/api/webhooks/{kind}/{document_id('int', 'acme', kind)}"


def signed(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, sha256).hexdigest()


def a_pagerduty_event(incident: str) -> bytes:
    data = {
        "id": incident,
        "type": "incident",
        "status": "triggered",
        "title": "search is slow",
        "created_at": "2026-11-23T11:59:00Z",
        "urgency": "high",
        "service": {"id": "PSEARCH", "summary": "search"},
    }
    event = {"id": f"01-{incident}", "event_type": "incident.triggered", "occurred_at": "2026-11-23T12:00:00Z"}
    return json.dumps({"event": {**event, "data": data}}).encode()


async def test_a_page_of_each_sender_ends_in_hypotheses(running: Running) -> None:
    stack, client = running.stack, running.client
    token = secret_of(stack, "alertmanager")
    pages = json.dumps({"version": "4", "alerts": [an_item("am", "payment")]}).encode()
    for headers, query in (
        ({"Authorization": f"Bearer {token}"}, {}),
        ({"Authorization": "Basic " + b64encode(f"copilot:{token}".encode()).decode()}, {}),
        ({}, {"code": token}),
    ):
        answer = await client.post(path_of("alertmanager"), content=pages, headers=headers, params=query)
        assert answer.status_code == 202
    await _grafana(stack, client)
    await _pagerduty(stack, client)
    await _changes(stack, client)
    incidents = await incidents_once_quiet(stack, services=3, within_seconds=40)
    assert {one["service_name"] for one in incidents} == {"payment", "checkout", "search"}
    assert [one["external_id"] for one in incidents if one["service_name"] == "search"] == ["Q1"]
    logs = "".join(path.read_text(errors="replace") for path in stack.options.layout.logs.glob("*"))
    assert not [kind for kind in ("alertmanager", "pagerduty", "grafana", "github") if secret_of(stack, kind) in logs]


async def test_planted_secrets_are_in_the_raw_bodies_and_nowhere_else(running: Running) -> None:
    assert len({one.secret for one in PLANTED}) >= 60
    assert len({one.kind for one in PLANTED}) >= 12
    await send_leaks(running.stack, running.client)
    await until_queues_are_empty(running.stack, within_seconds=90)
    told = await told_by_the_api(running.stack)
    blobs = list(blobs_of(running.stack))
    raw = "".join(text for container, text in blobs if container == RAW)
    assert [one.secret for one in PLANTED if not holds(raw, one.secret)] == [], "they all came in"
    derived = {
        "answers of the API": json.dumps(told),
        "prompts": json.dumps((await running.simulator.get("/_requests")).json()),
        "blobs": "".join(text for container, text in blobs if container != RAW),
        "documents": files_in(running.data / "cosmos"),
        "logs": files_in(running.data / "logs"),
    }
    masked = {name for name, text in derived.items() if "[redacted:" in text}
    assert masked >= {"answers of the API", "prompts", "documents"}, "what came in went everywhere"
    found = {name: [one.secret for one in PLANTED if holds(text, one.secret)] for name, text in derived.items()}
    assert {name: secrets for name, secrets in found.items() if secrets} == {}


async def _grafana(stack: Stack, client: httpx.AsyncClient) -> None:
    body = json.dumps({"version": "1", "orgId": 1, "alerts": [an_item("g", "checkout")]}).encode()
    signature = signed(secret_of(stack, "grafana"), body)
    bad = await client.post(
        path_of("grafana"), content=body + b" ", headers={"X-Grafana-Alerting-Signature": signature}
    )
    assert (bad.status_code, bad.content) == (401, b"")
    good = await client.post(path_of("grafana"), content=body, headers={"X-Grafana-Alerting-Signature": signature})
    assert good.status_code == 202


async def _pagerduty(stack: Stack, client: httpx.AsyncClient) -> None:
    body = a_pagerduty_event("Q1")
    signature = f"v1={'0' * 64}, v1={signed(secret_of(stack, 'pagerduty'), body)}"
    headers = {"X-PagerDuty-Signature": signature, "X-Webhook-Id": "wh-1"}
    answers = [await client.post(path_of("pagerduty"), content=body, headers=headers) for _ in range(3)]
    assert [one.status_code for one in answers] == [202] * 3
    assert len({one.json()["receipt_id"] for one in answers}) == 1, "a retry is the same receipt"
    elsewhere = await client.post(path_of("generic"), content=body, headers=headers)
    assert elsewhere.status_code == 401


async def _changes(stack: Stack, client: httpx.AsyncClient) -> None:
    deploy = json.dumps({"service": "payment", "version": "1.5.0", "at": "2026-11-23T11:58:00Z"}).encode()
    headers = {"Authorization": f"Bearer {secret_of(stack, 'changes')}"}
    assert (await client.post(path_of("changes"), content=deploy, headers=headers)).status_code == 202
    status = {
        "deployment_status": {"state": "success", "updated_at": "2026-11-23T11:58:00Z"},
        "deployment": {"id": 1, "ref": "v1.5.0"},
        "repository": {"full_name": "acme/payment"},
    }
    body = json.dumps(status).encode()
    headers = {"X-Hub-Signature-256": f"sha256={signed(secret_of(stack, 'github'), body)}", "X-GitHub-Delivery": "1"}
    assert (await client.post(path_of("github"), content=body, headers=headers)).status_code == 202
