"""The API for admins who connect systems: a made-up outside world, and a public address."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, cached_property
from typing import Any

import httpx
from fastapi import FastAPI

from shared.access.authentication import Authenticator
from shared.adapters.addresses import admit
from shared.adapters.entra import EntraKeys
from shared.adapters.memory import MemoryQueues, services_in_memory
from shared.api import create_api
from shared.api.options import ApiOptions
from shared.api.pace import Rate
from shared.errors import Unauthenticated
from shared.messages import QueueName
from shared.models.base import TenantId
from shared.models.connections import ConnectionConfig
from shared.models.signals import Source
from shared.models.tenants import IntegrationType
from shared.pipeline.due import send_due
from shared.pipeline.table import attend_queue
from shared.ports.connections import Finding, Reason
from shared.ports.services import Services
from shared.signals.credentials import InboundCredentials
from shared.signals.schemes import GITHUB_HEADER, GRAFANA_HEADER, PAGERDUTY_HEADER, Presented, signature_of
from tests.builders import NOON
from tests.unit.access.issuer import AUDIENCE, AUTHORITY, a_token
from tests.unit.api.serving import Served, bearer, two_tenants

BASE = "https://copilot.example"
BODY = b'{"alerts": []}'


@dataclass
class FakeConnections:
    """Systems that answer as they are told, by URL; unknown ones do not listen. URLs are admitted for real."""

    findings: dict[str, Finding] = field(default_factory=dict)
    asked: list[tuple[IntegrationType, ConnectionConfig]] = field(default_factory=list)

    def admit(self, url: str) -> None:
        admit(url, allow_private=False)

    async def check(self, tenant_id: TenantId, kind: IntegrationType, config: ConnectionConfig) -> Finding:
        self.asked.append((kind, config))
        return self.findings.get(config.url, Finding(Reason.NOT_LISTENING, "Nobody listens."))


# All tests of a process ask this one app, faster than one admin ever would.
OPTIONS = ApiOptions(public_base_url=BASE, requests=Rate(per_minute=10**9, burst=10**9))


@cache
def the_api() -> FastAPI:
    """Made once, for making it takes longer than asking it; each client says on what it stands."""
    return create_api(services_in_memory(), an_authenticator(Served()), options=OPTIONS)


def an_authenticator(served: Served) -> Authenticator:
    """It is noon."""
    return Authenticator(
        keys=EntraKeys(AUTHORITY, served.endpoint.client(), clock=served.clock),
        lookups=served.services.lookups,
        directory=served.services.directory,
        authority=AUTHORITY,
        audience=AUDIENCE,
        now=lambda: NOON,
    )


@dataclass
class Connected(Served):
    """Served with a public address."""

    @cached_property
    def authenticator(self) -> Authenticator:
        """With keys that are fetched once."""
        return an_authenticator(self)

    def app(self, keys: EntraKeys) -> FastAPI:
        api = the_api()
        api.state.services, api.state.authenticator = self.services, self.authenticator
        return api


async def connected(connections: FakeConnections | None = None) -> Connected:
    """Acme and Globex, and the world outside."""
    tenants = await two_tenants()
    served = Connected(services=tenants.services, endpoint=tenants.endpoint, clock=tenants.clock)
    made = served.without(connections=connections or FakeConnections())
    assert isinstance(made, Connected)
    return made


async def asked(served: Served, method: str, path: str, body: Any = None, **named: Any) -> httpx.Response:
    """The answer to an admin, unless the headers say otherwise."""
    headers = {**bearer(a_token(roles=["admin"])), **named.pop("headers", {})}
    async with served.client(headers=headers) as client:
        return await client.request(method, path, json=body, **named)


async def made(served: Served, kind: str, **fields: Any) -> dict[str, Any]:
    """A new integration of this kind, as the API answers."""
    answer = await asked(served, "POST", "/integrations", {"integration_type": kind, "name": f"our {kind}", **fields})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def proof(kind: str, secret: str) -> Presented:
    """What a sender of this kind presents by default."""
    match kind:
        case "grafana":
            headers = {GRAFANA_HEADER: signature_of(secret, BODY)}
        case "pagerduty":
            headers = {PAGERDUTY_HEADER: f"v1={signature_of(secret, BODY)}"}
        case "github":
            headers = {GITHUB_HEADER: f"sha256={signature_of(secret, BODY)}"}
        case "grafana-legacy":
            headers = dict(
                httpx.BasicAuth("x", secret).auth_flow(httpx.Request("GET", "http://x")).__next__().headers
            )
        case _:
            headers = {"authorization": f"Bearer {secret}"}
    return Presented(headers, BODY)


async def accepts(services: Services, kind: str, integration_id: str, secret: str) -> bool:
    """Whether the webhook accepts a delivery proved with this secret, by a process that remembers nothing."""
    credentials = InboundCredentials(services.lookups, services.secret_box)
    try:
        await credentials.authenticate(integration_id, Source(kind), proof(kind, secret), now=NOON)
    except Unauthenticated:
        return False
    return True


async def work_off_checks(services: Services, *, after: timedelta = timedelta(0)) -> None:
    """Do what is due and what was asked for, until the queue is empty."""
    assert isinstance(services.queues, MemoryQueues)
    now = NOON + after
    await send_due(services, now=now)
    while body := services.queues.take(QueueName.CHECKS):
        if json.loads(body)["kind"] != "seal_audit":
            await attend_queue(QueueName.CHECKS, body, services, dequeue_count=1, now=now)
