"""The Prometheus client against answers good, bad and not from Prometheus at all."""

import asyncio
import json
import math
from base64 import b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.adapters.prometheus import Connection, PrometheusOfTenant, PrometheusSource
from shared.errors import SecretUnreadable, SourceUnavailable
from shared.models.base import IntegrationId, TenantId
from shared.models.tenants import Integration, IntegrationType, Tenant, User
from shared.ports.metrics import Answer
from tests.builders import ACME, GLOBEX, an_integration

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class Canned:
    """One answer, as the guarded client gives it."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class FakeHttp:
    """Gives one answer to everything and keeps what it was asked."""

    answer: Canned
    asked: list[dict[str, Any]] = field(default_factory=list)
    running: int = 0
    most: int = 0

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
        answers: Collection[int] = (),
    ) -> Canned:
        self.asked.append(
            {"method": method, "url": url, "headers": headers, "form": form, "timeout_seconds": timeout_seconds}
        )
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        return self.answer


def said(envelope: object, status: int = 200) -> FakeHttp:
    return FakeHttp(Canned(status, json.dumps(envelope).encode()))


def success(kind: str, result: object, **more: object) -> FakeHttp:
    return said({"status": "success", "data": {"resultType": kind, "result": result}, **more})


async def asked_instantly(http: FakeHttp, connection: Connection | None = None) -> Answer:
    return await PrometheusSource(http, connection or Connection("https://prom.example")).query("up", at=NOON)


async def asked_over_time(http: FakeHttp) -> Answer:
    source = PrometheusSource(http, Connection("https://prom.example"))
    return await source.query_range("up", start=NOON, end=NOON, step_seconds=15)


async def test_values_are_read_with_nan_and_the_infinities() -> None:
    values = [[1, "1.5"], [2.5, "NaN"], [3, "+Inf"], [4, "-Inf"]]
    answer = await asked_over_time(success("matrix", [{"metric": {"a": "b"}, "values": values}]))
    (series,) = answer.series
    assert series.labels == {"a": "b"}
    assert [at for at, _ in series.points] == [1, 2.5, 3, 4]
    first, nan, high, low = (value for _, value in series.points)
    assert (first, high, low) == (1.5, math.inf, -math.inf)
    assert math.isnan(nan)


async def test_an_instant_vector_and_a_scalar_become_samples() -> None:
    vector = await asked_instantly(success("vector", [{"metric": {"a": "b"}, "value": [7.5, "2"]}]))
    scalar = await asked_instantly(success("scalar", [7.5, "2"]))
    assert [(one.labels, one.at, one.value) for one in vector.samples] == [({"a": "b"}, 7.5, 2.0)]
    assert [(one.labels, one.at, one.value) for one in scalar.samples] == [({}, 7.5, 2.0)]


async def test_an_empty_result_is_an_answer() -> None:
    assert await asked_instantly(success("vector", [])) == Answer()


async def test_warnings_and_infos_stand_beside_the_data() -> None:
    http = success("vector", [{"metric": {}, "value": [1, "1"]}], warnings=["partial: store down"], infos=["a hint"])
    answer = await asked_instantly(http)
    assert answer.warnings == ("partial: store down", "a hint")
    assert len(answer.samples) == 1


async def test_data_that_comes_with_an_error_is_kept_with_a_warning() -> None:
    envelope = {
        "status": "error", "errorType": "timeout", "error": "one shard timed out",
        "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "1"]}]},
    }  # fmt: skip
    answer = await asked_instantly(said(envelope))
    assert len(answer.samples) == 1
    assert answer.warnings == ("partial data: one shard timed out",)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, b"<html>Sign in</html>", "not_json"),
        (200, b"", "not_json"),
        (200, b"\xff\xfe", "not_json"),
        (200, b"[" * 100_000, "not_json"),
        (200, b'["status"]', "unexpected_shape"),
        (200, b'{"ok": true}', "unexpected_shape"),
        (200, b'{"status": "success", "data": []}', "unexpected_shape"),
        (200, b'{"status": "success", "data": {"resultType": "vector", "result": {"a": 1}}}', "unexpected_shape"),
        (200, b'{"status": "success", "data": {"resultType": "vector", "result": [[1]]}}', "unexpected_shape"),
        (200, b'{"status": "success", "data": {"resultType": "string", "result": [1, "x"]}}', "unexpected_shape"),
        (200, b'{"status": "success", "data": {"resultType": "scalar", "result": [1e400, "1"]}}', "unexpected_shape"),
        (
            200,
            b'{"status":"success", "data": {"resultType":"matrix", "result":[{"metric":{}, "values":[[NaN, "1"]]}]}}',
            "unexpected_shape",
        ),
        (
            200,
            b'{"status":"success", "data": {"resultType":"vector", "result":[{"metric":{}, "value":[1e18, "1"]}]}}',
            "unexpected_shape",
        ),
        (
            200,
            b'{"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "x"]}]}}',
            "unexpected_shape",
        ),
        (400, b'{"status": "error", "errorType": "bad_data", "error": "parse error"}', "bad_query"),
        (422, b'{"status": "error", "errorType": "execution", "error": "many-to-many matching"}', "execution"),
        (499, b'{"status": "error", "errorType": "canceled", "error": "x"}', "timeout"),
        (200, b'{"status": "error", "errorType": "timeout", "error": "x"}', "timeout"),
        (200, b'{"status": "error", "errorType": "unavailable", "error": "x"}', "unavailable"),
        (400, b'{"status": "error", "errorType": ["odd"]}', "refused"),
        (401, b"Unauthorized", "unauthorised"),
        (403, b"<html>Forbidden</html>", "unauthorised"),
        (404, b"404 page not found", "not_found"),
        (429, b"", "throttled"),
    ],
)
async def test_what_is_no_answer_fails_with_its_reason(status: int, body: bytes, reason: str) -> None:
    with pytest.raises(SourceUnavailable) as failed:
        await asked_instantly(FakeHttp(Canned(status, body)))
    assert failed.value.reason == reason


async def test_a_query_is_posted_as_a_form_below_the_base_path() -> None:
    http = success("vector", [])
    await asked_instantly(http, Connection("https://prom.example/tenant/7/?org=1"))
    (asked,) = http.asked
    assert (asked["method"], asked["url"]) == ("POST", "https://prom.example/tenant/7/api/v1/query?org=1")
    assert asked["form"] == {"query": "up", "time": f"{NOON.timestamp():.3f}", "timeout": asked["form"]["timeout"]}
    assert float(asked["form"]["timeout"]) == pytest.approx(asked["timeout_seconds"] - 1, abs=0.001)
    assert 8 < asked["timeout_seconds"] <= 9


@pytest.mark.parametrize(
    ("config", "authorization"),
    [
        ({"url": "https://p"}, None),
        ({"url": "https://p", "bearer_token": "t0"}, "Bearer t0"),
        ({"url": "https://p", "username": "u", "password": "p"}, f"Basic {b64encode(b'u:p').decode()}"),
    ],
)
async def test_a_credential_travels_in_the_authorization_header(
    config: dict[str, str], authorization: str | None
) -> None:
    http = success("vector", [])
    connection = Connection.from_config(json.dumps(config))
    await asked_instantly(http, connection)
    assert http.asked[0]["headers"].get("authorization") == authorization
    assert "t0" not in repr(connection)


async def test_no_more_than_eight_queries_run_at_a_time() -> None:
    http = success("vector", [])
    source = PrometheusSource(http, Connection("https://prom.example"))
    await asyncio.gather(*(source.query("up", at=NOON) for _ in range(30)))
    assert len(http.asked) == 30
    assert http.most == 8


@dataclass
class FakeDirectory:
    """Integrations by tenant."""

    held: dict[TenantId, list[Integration]]

    async def tenant(self, tenant_id: TenantId) -> Tenant | None:
        raise NotImplementedError

    async def user_by_object_id(self, tenant_id: TenantId, entra_object_id: str) -> User | None:
        raise NotImplementedError

    async def integrations(self, tenant_id: TenantId, kind: IntegrationType) -> list[Integration]:
        return [one for one in self.held.get(tenant_id, []) if one.integration_type is kind]

    async def put(self, tenant_id: TenantId, document: Tenant | User | Integration) -> None:
        raise NotImplementedError


@dataclass
class FakeBox:
    """A box whose sealed text is `tenant|integration|plain`."""

    opened: int = 0

    async def seal(self, tenant_id: TenantId, integration_id: IntegrationId, plaintext: str) -> str:
        return f"{tenant_id}|{integration_id}|{plaintext}"

    async def open(self, tenant_id: TenantId, integration_id: IntegrationId, sealed: str) -> str:
        self.opened += 1
        prefix = f"{tenant_id}|{integration_id}|"
        if not sealed.startswith(prefix):
            raise SecretUnreadable("sealed for another")
        return sealed.removeprefix(prefix)


def connected(url: str, tenant_id: TenantId = ACME, **changes: Any) -> Integration:
    fields = {"id": "int-p", "config": f"{tenant_id}|int-p|" + json.dumps({"url": url}), **changes}
    return an_integration(tenant_id=tenant_id, integration_type=IntegrationType.PROMETHEUS, **fields)


def sources(*held: Integration, box: FakeBox | None = None) -> tuple[PrometheusOfTenant, FakeHttp]:
    http = success("vector", [])
    by_tenant: dict[TenantId, list[Integration]] = {}
    for one in held:
        by_tenant.setdefault(one.tenant_id, []).append(one)
    return PrometheusOfTenant(FakeDirectory(by_tenant), box or FakeBox(), http), http


async def test_a_tenant_without_an_active_prometheus_has_no_source() -> None:
    found, _ = sources(
        an_integration(), connected("https://off", is_active=False), connected("https://x", config=None)
    )
    assert await found.of_tenant(ACME) is None
    assert await found.of_tenant(GLOBEX) is None


async def test_each_tenant_gets_its_own_prometheus() -> None:
    found, http = sources(connected("https://acme"), connected("https://globex", GLOBEX))
    for tenant in (ACME, GLOBEX):
        source = await found.of_tenant(tenant)
        assert source is not None
        await source.query("up", at=NOON)
    assert [one["url"] for one in http.asked] == ["https://acme/api/v1/query", "https://globex/api/v1/query"]


async def test_a_config_is_opened_once_and_again_when_it_changed() -> None:
    box = FakeBox()
    directory = FakeDirectory({ACME: [connected("https://old")]})
    found = PrometheusOfTenant(directory, box, success("vector", []))
    assert await found.of_tenant(ACME) is await found.of_tenant(ACME)
    directory.held = {ACME: [connected("https://new")]}
    await found.of_tenant(ACME)
    assert box.opened == 2


async def test_a_config_sealed_for_another_tenant_is_not_opened() -> None:
    stolen = connected("https://globex", config="ten-globex|int-p|{}")
    with pytest.raises(SecretUnreadable):
        await sources(stolen)[0].of_tenant(ACME)


@pytest.mark.parametrize(
    "opened",
    [
        "", "[]", "{}", "[" * 100_000, '{"url": 7}', '{"url": "https://[::1"}',
        '{"url": "https://p", "bearer_token": {}}',
    ],
    ids=range(7),
)  # fmt: skip
async def test_a_config_that_makes_no_sense_is_unreadable(opened: str) -> None:
    with pytest.raises(SecretUnreadable) as refused:
        await sources(connected("", config=f"{ACME}|int-p|{opened}"))[0].of_tenant(ACME)
    assert refused.value.reason == "config_malformed"
