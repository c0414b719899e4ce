"""Sign-in with the genuine msal at the local provider, over TLS: a hundred flows, and what msal must refuse."""

import json
import re
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import azure.functions as func
import httpx
import pytest
from azure.functions.http import HttpResponseConverter

from dev.entra.server import listen
from dev.entra.sign_ins import CLIENT_SECRET
from dev.entra.tokens import API_AUDIENCE, ca_file, entra_object_guid, entra_tenant_guid, mint
from shared.access.authentication import Authenticator
from shared.adapters.entra import entra_keys
from shared.adapters.entra_sign_in import EntraSignIn, entra_sign_in
from shared.adapters.memory import services_in_memory
from shared.adapters.secret_box import AesSecretBox
from shared.api import create_api
from shared.errors import ProviderUnavailable, Unauthenticated
from shared.models.base import TenantId
from shared.pipeline.auditing import append
from shared.pipeline.sessions import Sessions
from shared.pipeline.signing_in import SignIn
from shared.ports.services import Services
from tests.builders import ACME, GLOBEX, a_tenant

pytestmark = pytest.mark.integration

BASE_URL = "https://localhost:24071"
CALLBACK = f"{BASE_URL}/api/v1/auth/callback"


@dataclass
class Local:
    """The local provider, and how the product is pointed at it."""

    data: Path
    port: int

    @property
    def authority(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=ca_file(self.data))

    def sign_in(self, **changes: Any) -> EntraSignIn:
        usual: dict[str, Any] = {
            "authority": self.authority,
            "directory": "organizations",
            "client_id": API_AUDIENCE,
            "api": API_AUDIENCE,
            "credential": CLIENT_SECRET,
            "ca_file": str(ca_file(self.data)),
        }
        return entra_sign_in(**{**usual, **changes})


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    data = tmp_path_factory.mktemp("entra") / "data"
    server = listen(port=0, data=data)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    yield Local(data, server.port)
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.fixture
async def provider(local: Local) -> AsyncIterator[EntraSignIn]:
    made = local.sign_in()
    yield made
    await made.aclose()


class DataKey:
    async def data_key(self) -> bytes:
        return b"k" * 32


@asynccontextmanager
async def product(local: Local, provider: EntraSignIn) -> AsyncIterator[tuple[Any, Services]]:
    """The API, wired as bootstrap wires it, on stores in memory with two tenants."""
    services = services_in_memory()
    for tenant_id, slug in ((ACME, "acme"), (GLOBEX, "globex")):
        await services.lookups.put_entra(entra_tenant_guid(slug), TenantId(tenant_id))
        await services.directory.put(tenant_id, a_tenant(tenant_id=tenant_id))
    keys = entra_keys(local.authority, str(ca_file(local.data)), clock=lambda: 0.0)
    authenticator = Authenticator(keys, services.lookups, services.directory, local.authority, API_AUDIENCE)
    box = AesSecretBox(DataKey())
    sessions = Sessions(provider, authenticator, box, services, append, authenticator.now)
    yield create_api(services, authenticator, sign_in=SignIn(sessions, BASE_URL)), services
    await keys.aclose()


async def consent(people: httpx.AsyncClient, address: str, email: str, role: str = "engineer") -> dict[str, str]:
    """Fill in the provider's form; what it sends the browser back with."""
    answer = await people.post(address, data={"email": email, "role": role})
    assert answer.status_code == 302, answer.text
    assert answer.headers["location"].startswith(f"{CALLBACK}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def one_flow(api: Any, people: httpx.AsyncClient, email: str) -> dict[str, Any]:
    """Login, the provider's form, callback, me, refresh, logout, in a browser of its own."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url=f"{BASE_URL}/api/v1") as browser:
        begun = await browser.get("/auth/login", params={"return_to": "/incidents", "login_hint": email})
        brought = await consent(people, begun.headers["location"], email)
        back = await browser.get("/auth/callback", params=brought)
        assert (back.status_code, back.headers.get("location")) == (303, f"{BASE_URL}/incidents"), back.text
        me: dict[str, Any] = (await browser.get("/auth/me")).json()
        proof = {"X-CSRF-Token": me["session"]["csrf_token"], "Origin": BASE_URL}
        assert (await browser.post("/auth/refresh", headers=proof)).status_code == 200
        assert (await browser.post("/auth/logout", headers=proof)).status_code == 204
        assert (await browser.get("/auth/me")).status_code == 401
        return me


@pytest.mark.no_cover  # it does a hundred times what the tests of sign-in cover
async def test_a_hundred_of_a_hundred_sign_ins_complete(local: Local, provider: EntraSignIn) -> None:
    completed = 0
    async with product(local, provider) as (api, services), httpx.AsyncClient(verify=local.tls) as people:
        for number in range(100):
            slug = ("acme", "globex")[number % 2]
            email = f"person-{number}@{slug}.example"
            me = await one_flow(api, people, email)
            assert (me["tenant_id"], me["object_id"]) == ((ACME, GLOBEX)[number % 2], entra_object_guid(email))
            completed += 1
        month = f"{datetime.now(UTC):%Y-%m}"
        tails = [await services.audit.tail(tenant_id, month) for tenant_id in (ACME, GLOBEX)]
    assert completed == 100
    # A sign-in and a sign-out of each, sealed into their own tenant's chain.
    assert [tail and tail.sequence for tail in tails] == [100, 100]


@pytest.mark.parametrize(("slug", "status"), [("acme", 200), ("stranger", 403)])
async def test_a_genuine_token_learns_whether_its_directory_is_known(
    local: Local, provider: EntraSignIn, slug: str, status: int
) -> None:
    assert await status_of(local, provider, slug, local.data) == status


@pytest.mark.parametrize("slug", ["acme", "stranger"])
async def test_a_forged_token_learns_nothing(local: Local, provider: EntraSignIn, slug: str, tmp_path: Path) -> None:
    assert await status_of(local, provider, slug, tmp_path) == 401


async def status_of(local: Local, provider: EntraSignIn, slug: str, signed_by: Path) -> int:
    token = mint(
        signed_by,
        port=local.port,
        tenant_id=entra_tenant_guid(slug),
        role="viewer",
        email=f"dana@{slug}.example",
        audience=API_AUDIENCE,
        now=datetime.now(UTC),
    )
    async with product(local, provider) as (api, _):
        transport = httpx.ASGITransport(api)
        async with httpx.AsyncClient(transport=transport, base_url=f"{BASE_URL}/api/v1") as client:
            return (await client.get("/me", headers={"Authorization": f"Bearer {token}"})).status_code


@asynccontextmanager
async def begun(local: Local, provider: EntraSignIn) -> AsyncIterator[tuple[dict[str, Any], dict[str, str]]]:
    """A flow that Dana has answered: what the cookie holds, and what the browser brings back."""
    started = await provider.begin(redirect_uri=CALLBACK, login_hint=None)
    async with httpx.AsyncClient(verify=local.tls) as people:
        yield json.loads(started.flow), await consent(people, started.address, "dana@acme.example")


async def refusal(provider: EntraSignIn, flow: dict[str, Any], answer: dict[str, str]) -> str:
    with pytest.raises(Unauthenticated) as refused:
        await provider.complete(json.dumps(flow), answer)
    return refused.value.reason


async def test_a_flow_says_who_signed_in(local: Local, provider: EntraSignIn) -> None:
    async with begun(local, provider) as (flow, answer):
        tokens = await provider.complete(json.dumps(flow), answer)
        again = await provider.renew(tokens.refresh_token)
    assert tokens.object_id == entra_object_guid("dana@acme.example")
    assert again.access_token.count(".") == 2
    assert again.refresh_token != tokens.refresh_token


async def test_the_address_asks_for_pkce_a_nonce_and_an_answer_in_the_query(provider: EntraSignIn) -> None:
    started = await provider.begin(redirect_uri=CALLBACK, login_hint="dana@acme.example")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(started.address).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert asked["response_mode"] == "query"
    assert asked["login_hint"] == "dana@acme.example"
    assert f"{API_AUDIENCE}/.default" in asked["scope"].split()
    flow = json.loads(started.flow)
    assert {"state", "nonce", "code_verifier"} <= set(flow)
    assert asked["state"] == flow["state"]
    assert flow["code_verifier"] not in started.address
    assert flow["nonce"] not in started.address


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"state": "another"}, "flow_mismatch"),
        ({"nonce": "another"}, "flow_mismatch"),
        ({"code_verifier": "a" * 43}, "provider_refused"),
        ({"code_verifier": None}, "flow_mismatch"),
        ({"redirect_uri": f"{BASE_URL}/elsewhere"}, "provider_refused"),
    ],
    ids=["state mismatch", "nonce mismatch", "another PKCE verifier", "no PKCE verifier", "another redirect"],
)
async def test_an_answer_to_another_flow_is_refused(
    local: Local, provider: EntraSignIn, change: dict[str, str | None], reason: str
) -> None:
    async with begun(local, provider) as (flow, answer):
        changed = {name: value for name, value in {**flow, **change}.items() if value is not None}
        assert await refusal(provider, changed, answer) == reason


async def test_a_code_that_was_used_is_refused(local: Local, provider: EntraSignIn) -> None:
    async with begun(local, provider) as (flow, answer):
        await provider.complete(json.dumps(flow), answer)
        assert await refusal(provider, flow, answer) == "provider_refused"


async def test_a_code_of_another_flow_is_refused(local: Local, provider: EntraSignIn) -> None:
    async with begun(local, provider) as (flow, answer), begun(local, provider) as (_, others):
        assert await refusal(provider, flow, {**answer, "code": others["code"]}) == "provider_refused"


async def test_a_refresh_token_that_was_used_is_refused(local: Local, provider: EntraSignIn) -> None:
    async with begun(local, provider) as (flow, answer):
        tokens = await provider.complete(json.dumps(flow), answer)
    await provider.renew(tokens.refresh_token)
    with pytest.raises(Unauthenticated):
        await provider.renew(tokens.refresh_token)


async def test_a_credential_of_ours_that_is_refused_is_our_own_fault(local: Local) -> None:
    provider = local.sign_in(credential="wrong")
    async with begun(local, provider) as (flow, answer):
        with pytest.raises(ProviderUnavailable) as refused:
            await provider.complete(json.dumps(flow), answer)
    assert refused.value.reason == "client_refused"
    await provider.aclose()


async def test_msal_keeps_nobodys_tokens(local: Local, provider: EntraSignIn) -> None:
    async with begun(local, provider) as (flow, answer):
        await provider.complete(json.dumps(flow), answer)
    assert provider._connected.get_accounts() == []


@pytest.mark.parametrize("changes", [{"authority": "https://localhost:1"}, {"ca_file": None}], ids=["down", "no-ca"])
async def test_a_provider_that_cannot_be_reached_or_trusted_is_asked_once_a_second(
    local: Local, changes: dict[str, Any]
) -> None:
    provider = local.sign_in(**changes)
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            await provider.begin(redirect_uri=CALLBACK, login_hint=None)
    await provider.aclose()


async def test_cookies_survive_the_functions_host(local: Local, provider: EntraSignIn) -> None:
    async with product(local, provider) as (api, _), httpx.AsyncClient(verify=local.tls) as people:
        hosted = func.AsgiMiddleware(api)
        begun = await asked(hosted, "/api/v1/auth/login", {})
        flow = begun.cookies["__Host-sre-sign-in"]
        brought = await consent(people, begun.location, "dana@acme.example")
        cookies = {"cookie": f"__Host-sre-sign-in={flow}"}
        back = await asked(hosted, f"/api/v1/auth/callback?{urlencode(brought)}", cookies)
        assert back.status == 303
        assert set(back.cookies) == {"__Host-sre-session", "__Host-sre-csrf", "__Host-sre-sign-in"}
        me = await asked(
            hosted, "/api/v1/auth/me", {"cookie": f"__Host-sre-session={back.cookies['__Host-sre-session']}"}
        )
    assert me.status == 200
    session = next(one for one in back.lines if one.startswith("__Host-sre-session="))
    assert all(word in session for word in ("HttpOnly", "Secure", "SameSite=strict", "Path=/", "Max-Age=3600"))


@dataclass
class Hosted:
    """An answer as the worker hands it to the host."""

    status: int
    location: str
    lines: list[str]

    @property
    def cookies(self) -> dict[str, str]:
        pairs = [re.split("[=;]", line, maxsplit=2)[:2] for line in self.lines]
        return {name: value.strip() for name, value in pairs}


async def asked(hosted: func.AsgiMiddleware, path: str, headers: dict[str, str]) -> Hosted:
    """One request through the Functions library's own ASGI bridge."""
    route = path.removeprefix("/api/v1/").partition("?")[0]
    request = func.HttpRequest("GET", f"{BASE_URL}{path}", headers=headers, route_params={"route": route}, body=b"")
    answer = await hosted.handle_async(request)
    encoded = HttpResponseConverter.encode(answer, expected_type=None).value
    location = encoded["headers"].get("location")
    lines = [morsel.OutputString() for cookie in encoded["cookies"] or () for morsel in cookie.values()]
    return Hosted(int(encoded["status_code"].value), location.value if location else "", lines)
