"""The API with sign-in: an identity provider in a few lines, a clock to turn, browsers that keep cookies."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from shared.access.authentication import Authenticator
from shared.adapters.entra import EntraKeys
from shared.adapters.secret_box import AesSecretBox
from shared.errors import ProviderUnavailable, Unauthenticated
from shared.models.audit import AuditEntry
from shared.models.base import TenantId
from shared.models.tenants import Role, User
from shared.pipeline.sessions import Sessions
from shared.pipeline.signing_in import SignIn
from shared.ports.services import Services
from shared.ports.sign_in import Begun, Tokens
from tests.builders import ACME, NOON
from tests.unit.access.issuer import AUDIENCE, AUTHORITY, OBJECT_ID, Clock, KeyEndpoint, a_token
from tests.unit.api.apps import an_api
from tests.unit.api.serving import Served, two_tenants

BASE_URL = "https://copilot.test"
SESSION, CSRF, FLOW = "__Host-sre-session", "__Host-sre-csrf", "__Host-sre-sign-in"


class DataKey:
    """The environment's data key."""

    async def data_key(self) -> bytes:
        return b"k" * 32


@dataclass
class Time:
    """The time of day, until a test moves it on."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at

    def goes_by(self, **length: float) -> None:
        self.at += timedelta(**length)


@dataclass
class FakeProvider:
    """Implements IdentityProvider: a code works once, for the flow that it was issued to."""

    time: Time
    takes_seconds: float = 0
    is_down: bool = False
    refuses: bool = False
    claims: dict[str, Any] = field(default_factory=dict)
    object_id: str = OBJECT_ID
    renewals: list[str] = field(default_factory=list)
    _codes: dict[str, str] = field(default_factory=dict)

    async def begin(self, *, redirect_uri: str, login_hint: str | None) -> Begun:
        self._require_up()
        state = secrets.token_urlsafe(8)
        address = f"{AUTHORITY}/authorize?state={state}&redirect_uri={redirect_uri}&login_hint={login_hint or ''}"
        return Begun(address, json.dumps({"state": state, "code_verifier": state[::-1]}))

    def a_code(self, state: str) -> str:
        """Somebody has signed in."""
        code = secrets.token_urlsafe(8)
        self._codes[code] = state
        return code

    async def complete(self, flow: str, answer: Mapping[str, str]) -> Tokens:
        self._require_up()
        if self._codes.pop(answer["code"], None) != json.loads(flow)["state"]:
            raise Unauthenticated("no such code", reason="provider_refused")
        return self._tokens()

    async def renew(self, refresh_token: str) -> Tokens:
        self._require_up()
        await asyncio.sleep(self.takes_seconds)
        if self.refuses or refresh_token in self.renewals:
            raise Unauthenticated("no", reason="provider_refused")
        self.renewals.append(refresh_token)
        return self._tokens()

    def _tokens(self) -> Tokens:
        now = int(self.time.at.timestamp())
        access_token = a_token(**{"iat": now, "nbf": now, "exp": now + 3600, **self.claims})
        return Tokens(access_token, f"refresh-{secrets.token_urlsafe(8)}", self.object_id)

    def _require_up(self) -> None:
        if self.is_down:
            raise ProviderUnavailable("down")


@dataclass
class SigningIn:
    """What a test can turn and look at."""

    served: Served
    time: Time
    provider: FakeProvider
    audited: list[AuditEntry] = field(default_factory=list)
    is_offered: bool = True

    @property
    def services(self) -> Services:
        return self.served.services

    def outcomes(self) -> list[object]:
        """What the trail tells, in order."""
        return [entry.after.get("outcome") for entry in self.audited]

    @asynccontextmanager
    async def browser(self, **named: Any) -> AsyncIterator["Browser"]:
        """A browser of its own, on an app of its own that shares the stores."""
        keys = EntraKeys(AUTHORITY, self.served.endpoint.client(), clock=self.served.clock)
        authenticator = Authenticator(
            keys, self.services.lookups, self.services.directory, AUTHORITY, AUDIENCE, now=self.time
        )
        box = AesSecretBox(DataKey())
        sessions = Sessions(self.provider, authenticator, box, self.services, self._append, self.time)
        offered = SignIn(sessions, BASE_URL) if self.is_offered else None
        transport = httpx.ASGITransport(
            an_api(self.services, authenticator, options=self.served.options, sign_in=offered)
        )
        async with httpx.AsyncClient(transport=transport, base_url=f"{BASE_URL}/api/v1", **named) as client:
            yield Browser(client, self.provider)
        await keys.aclose()

    async def _append(self, tenant_id: TenantId, entry: AuditEntry, services: Services, now: datetime) -> None:
        self.audited.append(entry)


@dataclass
class Browser:
    """A browser with its cookies, and the few things that people and the web app do with it."""

    client: httpx.AsyncClient
    provider: FakeProvider

    async def begin(self, **asked: str) -> str:
        """Go to sign in; the state of the flow."""
        answer = await self.client.get("/auth/login", params=asked)
        assert answer.status_code == 303, answer.text
        return parse_qs(urlsplit(answer.headers["location"]).query)["state"][0]

    async def come_back(self, state: str, code: str) -> httpx.Response:
        """What the provider's answer makes a browser ask."""
        return await self.client.get("/auth/callback", params={"state": state, "code": code})

    async def sign_in(self, **asked: str) -> httpx.Response:
        """The whole way."""
        state = await self.begin(**asked)
        return await self.come_back(state, self.provider.a_code(state))

    def cookie(self, name: str = SESSION) -> str:
        """A cookie that it holds."""
        return str(self.client.cookies[name])

    def holds(self, **cookies: str) -> None:
        """Put cookies into it; `session`, `flow`."""
        names = {"session": SESSION, "flow": FLOW}
        for name, value in cookies.items():
            self.client.cookies.set(names[name], value, domain="copilot.test", path="/")

    def proof(self) -> dict[str, str]:
        """What the web app's own requests carry."""
        return {"X-CSRF-Token": self.cookie(CSRF), "Origin": BASE_URL, "Sec-Fetch-Site": "same-origin"}

    async def refresh(self) -> httpx.Response:
        """Refresh as the web app does."""
        return await self.client.post("/auth/refresh", headers=self.proof())

    async def me(self) -> httpx.Response:
        """Who is signed in?"""
        return await self.client.get("/auth/me")


async def signing_in() -> SigningIn:
    """Acme and Globex, and nobody signed in."""
    time = Time()
    return SigningIn(await two_tenants(), time, FakeProvider(time))


def a_user(role: Role = Role.ADMIN, *, is_active: bool = True, object_id: str = OBJECT_ID) -> User:
    """Acme's Dana."""
    return User(
        id=User.id_of(object_id),
        tenant_id=ACME,
        email="dana.ops@acme.example",
        entra_object_id=object_id,
        full_name="Dana Ops",
        role=role,
        is_active=is_active,
        created_at=NOON,
    )


__all__ = [
    "BASE_URL",
    "CSRF",
    "FLOW",
    "SESSION",
    "Browser",
    "Clock",
    "KeyEndpoint",
    "SigningIn",
    "a_user",
    "signing_in",
]
