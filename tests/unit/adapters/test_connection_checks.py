"""What a check asks of each system, and what it makes of the answers."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from shared.adapters.connection_checks import GuardedConnectionChecks
from shared.errors import AddressRefused, CopilotError, SourceUnavailable
from shared.models.base import TenantId
from shared.models.connections import ConnectionConfig
from shared.models.tenants import IntegrationType
from shared.ports.connections import Finding, Reason
from tests.builders import ACME, GLOBEX

URL = "https://sys.example.com/base/"
PROMETHEUS, ALERTMANAGER = IntegrationType.PROMETHEUS, IntegrationType.ALERTMANAGER
GRAFANA, GITHUB = IntegrationType.GRAFANA, IntegrationType.GITHUB
EMPTY = {"status": "success", "data": {"resultType": "vector", "result": []}}
UP = {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "3"]}]}}
STATUS = {"versionInfo": {"version": "0.28.1"}}
HEALTH = {"database": "ok", "version": "12.2.0"}


@dataclass(frozen=True)
class Told:
    """An answer; what is not bytes is sent as JSON."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


@dataclass
class FakeClient:
    """Answers by path, with 404 where nothing is; keeps what it was asked."""

    answers: dict[str, Told | CopilotError]
    asked: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Told:
        self.asked.append((method, url, headers or {}))
        path = urlsplit(url).path.removeprefix("/base")
        told = self.answers.get(path, Told(status=404))
        if isinstance(told, CopilotError):
            raise told
        body = told.body if isinstance(told.body, bytes) else json.dumps(told.body).encode()
        return Told(body, told.status, told.headers)


async def found(
    kind: IntegrationType, answers: dict[str, Told | CopilotError], **config: Any
) -> tuple[Finding, FakeClient]:
    client = FakeClient(answers)
    checks = GuardedConnectionChecks(client, allow_private=False)
    return await checks.check(ACME, kind, ConnectionConfig(url=URL, **config)), client


PROM = {
    "/api/v1/query": Told(UP),
    "/api/v1/status/buildinfo": Told({"status": "success", "data": {"version": "3.1"}}),
}
AM = {"/api/v2/status": Told(STATUS), "/api/v2/alerts": Told([]), "/api/v2/receivers": Told([{"name": "us"}])}
GRAF = {
    "/api/health": Told(HEALTH),
    "/api/search": Told([]),
    "/api/alertmanager/grafana/api/v2/alerts": Told([]),
}
HUB = {"/rate_limit": Told({"resources": {}}, headers={"x-github-enterprise-version": "3.14"})}
PAY = "/repos/acme/pay/deployments"


@pytest.mark.parametrize(
    ("kind", "answers", "version"),
    [(PROMETHEUS, PROM, "3.1"), (ALERTMANAGER, AM, "0.28.1"), (GRAFANA, GRAF, "12.2.0"), (GITHUB, HUB, "3.14")],
)
async def test_a_system_that_is_well_is_named_with_its_version(
    kind: IntegrationType, answers: dict[str, Told | CopilotError], version: str
) -> None:
    finding, client = await found(kind, answers, bearer_token="t0ken")
    assert (finding.reason, finding.version, finding.is_good) == (Reason.REACHED, version, True)
    assert all(headers["authorization"] == "Bearer t0ken" for _, _, headers in client.asked)
    assert all(url.startswith("https://sys.example.com/base/") for _, url, _ in client.asked)


@pytest.mark.parametrize(
    ("kind", "answers", "config", "reason"),
    [
        (PROMETHEUS, {"/api/v1/query": Told(EMPTY), "/api/v1/labels": Told({"data": []})}, {}, Reason.NO_SERIES),
        (PROMETHEUS, {"/api/v1/query": Told(EMPTY), "/api/v1/labels": Told({"data": ["job"]})}, {}, Reason.REACHED),
        (PROMETHEUS, {}, {}, Reason.NOT_FOUND),
        (PROMETHEUS, {"/api/v1/query": Told(b"hello")}, {}, Reason.NOT_JSON),
        (PROMETHEUS, {"/api/v1/query": Told([1])}, {}, Reason.ANOTHER_SERVICE),
        (PROMETHEUS, {"/api/v1/query": Told({"status": "error", "errorType": "execution"}, 422)}, {}, Reason.REFUSED),
        (PROMETHEUS, {"/api/v1/query": Told(b"<html>", headers={})}, {}, Reason.HTML),
        (PROMETHEUS, {"/api/v1/query": SourceUnavailable("x", reason="tls")}, {}, Reason.TLS),
        (PROMETHEUS, {"/api/v1/query": AddressRefused("x", reason="private_address")}, {}, Reason.ADDRESS_REFUSED),
        (PROMETHEUS, {"/api/v1/query": Told(b"[" * 100_000)}, {}, Reason.NOT_JSON),
        (ALERTMANAGER, AM, {"receiver": "us"}, Reason.REACHED),
        (ALERTMANAGER, AM, {"receiver": "*"}, Reason.REACHED),
        (ALERTMANAGER, AM, {"receiver": "them"}, Reason.NO_SUCH_RECEIVER),
        (ALERTMANAGER, {**AM, "/api/v2/alerts": Told({}, 200)}, {}, Reason.ANOTHER_SERVICE),
        (ALERTMANAGER, {**AM, "/api/v2/alerts": Told(status=401)}, {}, Reason.UNAUTHORISED),
        (ALERTMANAGER, {"/api/v2/status": Told({"status": "success"})}, {}, Reason.ANOTHER_SERVICE),
        (ALERTMANAGER, {**AM, "/api/v2/alerts": Told([{}] * 10_001)}, {}, Reason.TOO_LARGE),
        (GRAFANA, {**GRAF, "/api/search": Told(status=401)}, {}, Reason.UNAUTHORISED),
        (GRAFANA, {**GRAF, "/api/alertmanager/grafana/api/v2/alerts": Told(status=403)}, {}, Reason.REACHED),
        (
            GRAFANA,
            {**GRAF, "/api/alertmanager/grafana/api/v2/alerts": Told(status=403)},
            {"receiver": "us"},
            Reason.FORBIDDEN,
        ),
        (GRAFANA, {"/api/health": Told({"ok": True})}, {}, Reason.ANOTHER_SERVICE),
        (GITHUB, {"/rate_limit": Told({"message": "Bad credentials"}, 401)}, {}, Reason.UNAUTHORISED),
        (GITHUB, {"/rate_limit": Told({})}, {}, Reason.ANOTHER_SERVICE),
        (GITHUB, {"/rate_limit": Told({}, 418)}, {}, Reason.REFUSED),
        (GITHUB, {"/rate_limit": Told({"resources": {"core": {"remaining": 0}}})}, {}, Reason.THROTTLED),
        (GITHUB, {**HUB, PAY: Told([])}, {"repositories": {"pay": "acme/pay"}}, Reason.REACHED),
        (GITHUB, {**HUB, PAY: Told({})}, {"repositories": {"pay": "acme/pay"}}, Reason.ANOTHER_SERVICE),
        (GITHUB, {**HUB, PAY: Told({}, 403)}, {"repositories": {"pay": "acme/pay"}}, Reason.FORBIDDEN),
    ],
)
async def test_what_is_wrong_has_its_reason(
    kind: IntegrationType, answers: dict[str, Told | CopilotError], config: dict[str, Any], reason: Reason
) -> None:
    finding, _ = await found(kind, answers, **config)
    assert finding.reason is reason, finding.message


async def test_a_repository_that_the_token_does_not_see_is_named() -> None:
    repositories = {"pay": "acme/pay", "cart": "acme/shop/cart", "mail": "acme/shop/mail"}
    finding, client = await found(GITHUB, {**HUB, PAY: Told([])}, repositories=repositories)
    assert finding.reason is Reason.NO_SUCH_REPOSITORY
    assert "acme/shop:" in finding.message
    assert len(client.asked) == 3, "a repository of two services is tried once"


async def test_of_many_repositories_some_are_tried() -> None:
    repositories = {str(one): f"acme/r{one:03}" for one in range(150)}
    there = {f"/repos/acme/r{one:03}/deployments": Told([]) for one in range(150)}
    finding, client = await found(GITHUB, {**HUB, **there}, repositories=repositories)
    assert (finding.reason, len(client.asked)) == (Reason.REACHED, 11)


async def test_a_version_that_is_not_told_is_no_fault() -> None:
    for odd in (Told(status=404), SourceUnavailable("x"), Told({"data": {"version": ["a"]}}), Told({"data": "\n"})):
        finding, _ = await found(PROMETHEUS, {**PROM, "/api/v1/status/buildinfo": odd})
        assert (finding.reason, finding.version) == (Reason.REACHED, None)


async def test_a_version_without_end_is_cut() -> None:
    told = Told({"data": {"version": "9" * 10_000}})
    finding, _ = await found(PROMETHEUS, {**PROM, "/api/v1/status/buildinfo": told})
    assert finding.version == "9" * 60


async def test_all_questions_together_have_one_deadline() -> None:
    class Slow(FakeClient):
        async def request(self, *args: Any, **named: Any) -> Told:
            await asyncio.sleep(0.03)
            return await super().request(*args, **named)

    checks = GuardedConnectionChecks(Slow(dict(AM)), allow_private=False, within_seconds=0.05)
    finding = await checks.check(ACME, ALERTMANAGER, ConnectionConfig(url=URL))
    assert finding.reason is Reason.TIMEOUT


async def test_the_query_of_the_url_goes_along_and_its_fragment_does_not() -> None:
    client = FakeClient(dict(AM))
    checks = GuardedConnectionChecks(client, allow_private=False)
    await checks.check(ACME, ALERTMANAGER, ConnectionConfig(url="https://sys.example.com?tenant=a#frag"))
    assert [url for _, url, _ in client.asked] == [
        "https://sys.example.com/api/v2/status?tenant=a",
        "https://sys.example.com/api/v2/alerts?tenant=a&active=true&silenced=true&inhibited=true&unprocessed=true",
    ]


async def test_at_most_eight_are_asked_at_once() -> None:
    running, most = 0, 0

    class Counting(FakeClient):
        async def request(self, *args: Any, **named: Any) -> Told:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.001)
            running -= 1
            return await super().request(*args, **named)

    checks = GuardedConnectionChecks(Counting(dict(PROM)), allow_private=False)
    tenants = [TenantId(f"ten-{number % 10}") for number in range(30)]
    await asyncio.gather(*(checks.check(one, PROMETHEUS, ConnectionConfig(url=URL)) for one in tenants))
    assert most == 8


class Silent(FakeClient):
    """One host never answers."""

    async def request(self, method: str, url: str, **named: Any) -> Told:
        if "silent" in url:
            await asyncio.Event().wait()
        return await super().request(method, url, **named)


SILENT = ConnectionConfig(url="https://silent.example.com")


async def test_a_tenant_whose_systems_never_answer_leaves_the_others_room() -> None:
    checks = GuardedConnectionChecks(Silent(dict(PROM)), allow_private=False)
    waiting = [asyncio.create_task(checks.check(ACME, PROMETHEUS, SILENT)) for _ in range(20)]
    await asyncio.sleep(0)
    assert (await checks.check(GLOBEX, PROMETHEUS, ConnectionConfig(url=URL))).is_good
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_who_asks_for_too_many_is_told_so_and_nothing_is_said_of_the_system() -> None:
    checks = GuardedConnectionChecks(Silent(dict(PROM)), allow_private=False, within_seconds=0.01)
    ended = await asyncio.gather(*(checks.check(ACME, PROMETHEUS, SILENT) for _ in range(20)), return_exceptions=True)
    assert {one.reason for one in ended if isinstance(one, Finding)} == {Reason.TIMEOUT}
    assert {one.reason for one in ended if isinstance(one, SourceUnavailable)} == {"busy"}


def test_nothing_of_a_credential_is_in_what_a_config_or_a_question_looks_like() -> None:
    config = ConnectionConfig(url=URL, username="u", password="p-secret")
    assert "secret" not in repr(config)
