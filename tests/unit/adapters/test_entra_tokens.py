"""Tokens for an Azure Monitor workspace: how they are asked for, how long they are kept, and where they never go."""

import asyncio
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.core.pipeline.transport import AsyncHttpTransport

from shared.adapters.connection_checks import GuardedConnectionChecks
from shared.adapters.entra_tokens import MAX_KEPT, EntraTokens, Fetched, entra_token
from shared.adapters.prometheus import Connection, PrometheusSource
from shared.adapters.prometheus_queries import PrometheusQueries
from shared.errors import SecretUnreadable, SourceUnavailable
from shared.models.azure_monitor import CLOUDS, AzureCloud, ServicePrincipal, cloud_of
from shared.models.connections import ConnectionConfig
from shared.models.tenants import IntegrationType
from shared.ports.connections import Reason
from shared.ports.queries import Question
from tests.builders import ACME, NOON
from tests.unit.adapters.scripted import BoundBox, connected_to

PUBLIC, US, CHINA = CLOUDS
WORKSPACE = "https://shop-a1b2.westeurope.prometheus.monitor.azure.com"
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
GIVEN = {"directory_id": GUID, "client_id": GUID, "client_secret": "s3cret~value"}
PRINCIPAL = ServicePrincipal.model_validate(GIVEN)
EMPTY = b'{"status":"success","data":{"resultType":"vector","result":[]}}'


@dataclass
class FakeEntra:
    """Gives a new token to each question, good for an hour of a clock that is moved by hand, or refuses."""

    seconds: float = 1_000_000.0
    refusal: Exception | None = None
    asked: list[AzureCloud] = field(default_factory=list)

    async def __call__(self, principal: ServicePrincipal, cloud: AzureCloud) -> Fetched:
        self.asked.append(cloud)
        await asyncio.sleep(0)
        if self.refusal is not None:
            raise self.refusal
        return f"token-{len(self.asked)}", self.seconds + 3600

    def clock(self) -> float:
        return self.seconds

    def tokens(self) -> EntraTokens:
        return EntraTokens(fetch=self, clock=self.clock)


@dataclass
class Recording:
    """Answers everything with nothing, and keeps the headers that it was sent."""

    sent: list[Mapping[str, str]] = field(default_factory=list)
    status: int = 200
    body: bytes = EMPTY
    headers: Mapping[str, str] = field(default_factory=dict)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
        max_bytes: int | None = None,
        answers: Collection[int] = (),
    ) -> "Recording":
        self.sent.append(headers or {})
        return self


async def reason_of(tokens: EntraTokens) -> str:
    with pytest.raises(SourceUnavailable) as refused:
        await tokens.token(PRINCIPAL, PUBLIC)
    return refused.value.reason


async def test_a_token_is_kept_until_five_minutes_before_it_expires() -> None:
    entra = FakeEntra()
    tokens = entra.tokens()
    assert [await tokens.token(PRINCIPAL, PUBLIC) for _ in range(3)] == ["token-1"] * 3
    entra.seconds += 3299
    assert await tokens.token(PRINCIPAL, PUBLIC) == "token-1"
    entra.seconds += 1
    assert await tokens.token(PRINCIPAL, PUBLIC) == "token-2"


async def test_many_questions_at_once_are_one_to_entra() -> None:
    entra = FakeEntra()
    tokens = entra.tokens()
    found = await asyncio.gather(*(tokens.token(PRINCIPAL, PUBLIC) for _ in range(20)))
    assert (set(found), len(entra.asked)) == ({"token-1"}, 1)


async def test_each_principal_and_each_cloud_has_its_own() -> None:
    entra = FakeEntra()
    tokens = entra.tokens()
    other = PRINCIPAL.model_copy(update={"client_secret": "another"})
    pairs = [(PRINCIPAL, PUBLIC), (PRINCIPAL, US), (other, PUBLIC)]
    assert len({await tokens.token(principal, cloud) for principal, cloud in pairs}) == 3


async def test_no_more_are_kept_than_said() -> None:
    entra = FakeEntra()
    tokens = entra.tokens()
    for number in range(MAX_KEPT + 1):
        await tokens.token(PRINCIPAL.model_copy(update={"client_secret": str(number)}), PUBLIC)
    await tokens.token(PRINCIPAL.model_copy(update={"client_secret": "1"}), PUBLIC)
    await tokens.token(PRINCIPAL.model_copy(update={"client_secret": "0"}), PUBLIC)
    assert len(entra.asked) == MAX_KEPT + 2


async def test_a_refusal_is_believed_for_a_minute() -> None:
    entra = FakeEntra(refusal=ClientAuthenticationError("AADSTS7000215: Invalid client secret"))
    tokens = entra.tokens()
    assert [await reason_of(tokens) for _ in range(3)] == ["entra_refused"] * 3
    assert len(entra.asked) == 1
    entra.seconds += 60
    entra.refusal = None
    assert await tokens.token(PRINCIPAL, PUBLIC) == "token-2"


@pytest.mark.parametrize("failure", [ServiceRequestError("no route"), TimeoutError()])
async def test_an_entra_that_is_away_is_asked_again(failure: Exception) -> None:
    entra = FakeEntra(refusal=failure)
    tokens = entra.tokens()
    assert [await reason_of(tokens) for _ in range(2)] == ["entra_unavailable"] * 2
    assert len(entra.asked) == 2


async def test_who_gives_up_leaves_the_question_to_the_next() -> None:
    entra = FakeEntra()
    tokens = entra.tokens()
    first = asyncio.create_task(tokens.token(PRINCIPAL, PUBLIC))
    second = asyncio.create_task(tokens.token(PRINCIPAL, PUBLIC))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "token-2"


@pytest.mark.parametrize(
    ("url", "cloud"),
    [
        (WORKSPACE, PUBLIC),
        (f"{WORKSPACE}:443/", PUBLIC),
        (WORKSPACE.upper(), PUBLIC),
        ("https://query.eastus.prometheus.monitor.azure.com/", PUBLIC),
        ("https://x.usgovvirginia.prometheus.monitor.azure.us", US),
        ("https://x.chinanorth3.prometheus.monitor.azure.cn", CHINA),
        ("http://x.prometheus.monitor.azure.com", None),
        ("https://prometheus.monitor.azure.com", None),
        ("https://.prometheus.monitor.azure.com", None),
        ("https://x.prometheus.monitor.azure.com.evil.example", None),
        ("https://evilprometheus.monitor.azure.com", None),
        ("https://evil.example/.prometheus.monitor.azure.com", None),
        ("https://evil.example#.prometheus.monitor.azure.com", None),
        ("https://evil.example?.prometheus.monitor.azure.com", None),
        ("https://evil.example\\.prometheus.monitor.azure.com", None),
        ("https://evil.example@x.prometheus.monitor.azure.com", None),
        ("https://x.prometheus.monitor.azure.com@evil.example", None),
        ("https://x.prometheus.monitor.azure.com:8443", None),
        ("https://evil.example%2f.prometheus.monitor.azure.com", None),
        ("https://evil.example。prometheus.monitor.azure.com", None),
        ("https://evil.example\t.prometheus.monitor.azure.com", None),
        ("x", None),
    ],
)
def test_only_the_https_url_of_a_workspace_is_azures(url: str, cloud: AzureCloud | None) -> None:
    try:
        found = cloud_of(url)
    except ValueError:
        found = None
    assert found is cloud
    if cloud is not None:
        assert httpx.URL(url).host.endswith(cloud.hosts)


async def test_the_token_travels_to_the_workspace_and_the_secret_never_does() -> None:
    http, entra = Recording(), FakeEntra()
    config = ConnectionConfig(url=WORKSPACE, service_principal=PRINCIPAL)
    connection = Connection.from_config(config.as_text())
    await PrometheusSource(http, connection, tokens=entra.tokens()).query("up", at=NOON)
    assert http.sent == [{"authorization": "Bearer token-1"}]
    assert "s3cret" not in repr((connection, config, PRINCIPAL))


async def test_a_question_on_somebodys_behalf_and_a_check_take_the_token_too() -> None:
    http, entra = Recording(), FakeEntra()
    config = ConnectionConfig(url=WORKSPACE, service_principal=PRINCIPAL)
    integration = connected_to("", config=f"{ACME}|int-1|{config.as_text()}")
    await PrometheusQueries(BoundBox(), http, tokens=entra.tokens()).ask(
        ACME, integration, Question("query", {"query": "up"}, 1.0)
    )
    checks = GuardedConnectionChecks(http, allow_private=False, tokens=entra.tokens())
    await checks.check(ACME, IntegrationType.PROMETHEUS, config)
    assert [one["authorization"] for one in http.sent[:2]] == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (ClientAuthenticationError("AADSTS700016: intranet-secret"), Reason.ENTRA_REFUSED),
        (ServiceRequestError("no route"), Reason.ENTRA_UNAVAILABLE),
    ],
)
async def test_a_check_says_when_it_is_entra_that_has_no_token(refusal: Exception, reason: Reason) -> None:
    http = Recording()
    checks = GuardedConnectionChecks(http, allow_private=False, tokens=FakeEntra(refusal=refusal).tokens())
    config = ConnectionConfig(url=WORKSPACE, service_principal=PRINCIPAL)
    finding = await checks.check(ACME, IntegrationType.PROMETHEUS, config)
    assert (finding.reason, http.sent) == (reason, [])
    assert "secret" not in finding.message.replace("client secret", "")


async def test_a_missing_token_never_opens_the_breaker_and_asks_no_source() -> None:
    http = Recording()
    source = PrometheusSource(
        http,
        Connection(WORKSPACE, service_principal=PRINCIPAL),
        tokens=FakeEntra(refusal=ServiceRequestError("no route")).tokens(),
    )
    for _ in range(9):
        with pytest.raises(SourceUnavailable) as failed:
            await source.query("up", at=NOON)
        assert failed.value.reason == "entra_unavailable"
    assert http.sent == []


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "https://prom.example.com"},
        {"url": "http://x.prometheus.monitor.azure.com"},
        {"service_principal": {**GIVEN, "directory_id": "../evil"}},
        {"service_principal": {**GIVEN, "client_secret": ""}},
        {"service_principal": "x"},
        {"service_principal": []},
    ],
    ids=range(6),
)
def test_a_stored_principal_that_has_no_business_at_its_url_makes_no_connection(changes: dict[str, Any]) -> None:
    with pytest.raises(SecretUnreadable) as refused:
        Connection.from_config(json.dumps({"url": WORKSPACE, "service_principal": GIVEN, **changes}))
    assert refused.value.reason == "config_malformed"


async def test_the_tenant_of_a_mimir_is_named_in_its_header() -> None:
    http = Recording()
    config = ConnectionConfig(url="https://mimir.example/prometheus", bearer_token="t0", scope_org_id="team-a|team-b")
    await PrometheusSource(http, Connection.from_config(config.as_text())).query("up", at=NOON)
    assert http.sent == [{"x-scope-orgid": "team-a|team-b", "authorization": "Bearer t0"}]


class _Answer:
    """What azure-core needs of a response."""

    def __init__(self, request: Any, status: int, said: Mapping[str, Any]) -> None:
        self.request, self.status_code, self.reason = request, status, "Said"
        self.headers = {"content-type": "application/json"}
        self.content_type = "application/json"
        self._text = json.dumps(said)

    def text(self, encoding: str | None = None) -> str:
        return self._text

    def body(self) -> bytes:
        return self._text.encode()


class Wire(AsyncHttpTransport):  # type: ignore[type-arg]  # generic over types of its own
    """Entra ID as azure-identity sees it."""

    def __init__(self, status: int, said: Mapping[str, Any]) -> None:
        self.status, self.said = status, said
        self.asked: list[Any] = []

    async def send(self, request: Any, **_: Any) -> Any:
        self.asked.append(request)
        return _Answer(request, self.status, self.said)

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        pass

    async def sleep(self, duration: float) -> None:
        pass


@pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.authority)
async def test_entra_is_asked_at_the_clouds_own_authority_for_the_clouds_own_audience(cloud: AzureCloud) -> None:
    wire = Wire(200, {"access_token": "eyJ", "expires_in": 3599, "token_type": "Bearer"})
    token, _ = await entra_token(PRINCIPAL, cloud, transport=wire)
    (asked,) = wire.asked
    assert (token, asked.url) == ("eyJ", f"https://{cloud.authority}/{GUID}/oauth2/v2.0/token")
    form = asked.data if isinstance(asked.data, dict) else parse_qs(asked.data)
    assert (form["scope"], form["grant_type"]) == (cloud.scope, "client_credentials")


async def test_what_entra_refuses_is_a_refusal() -> None:
    wire = Wire(401, {"error": "invalid_client", "error_description": "AADSTS7000215"})

    async def over_the_wire(principal: ServicePrincipal, cloud: AzureCloud) -> Fetched:
        return await entra_token(principal, cloud, transport=wire)

    assert await reason_of(EntraTokens(fetch=over_the_wire)) == "entra_refused"
