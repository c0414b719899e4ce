"""Prometheus through the API: whose it is, what passes on, and how its failures look."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import azure.functions as func
import httpx
import pytest

from shared.adapters.entra import EntraKeys
from shared.adapters.prometheus import PrometheusOfTenant
from shared.adapters.prometheus_queries import PrometheusQueries
from shared.errors import KeysUnavailable
from shared.models.tenants import IntegrationType
from tests.builders import ACME, GLOBEX
from tests.listening import listening
from tests.unit.access.issuer import AUTHORITY, GLOBEX_TID, a_token
from tests.unit.adapters.scripted import Asked, BoundBox, Script, Servers, connected_to, responding
from tests.unit.api.serving import Served, Untouched, bearer

ID = "int-prom"
RANGE = {"query": "up", "start": "0", "end": "60", "step": "15"}
NOTHING = {"status": "success", "data": {"resultType": "vector", "result": []}}
PROMETHEUS = IntegrationType.PROMETHEUS


async def with_prometheus(served: Served, script: Script, **changes: Any) -> tuple[Served, Servers]:
    servers = Servers(script)
    integration = connected_to("http://127.0.0.1:9090", **{"id": ID, "integration_type": PROMETHEUS, **changes})
    await served.services.records.create(ACME, integration)
    http = servers.client()
    metrics = PrometheusOfTenant(served.services.directory, BoundBox(), http)
    return served.without(queries=PrometheusQueries(BoundBox(), http), metrics=metrics), servers


async def got(served: Served, path: str, params: Any = None, **named: Any) -> httpx.Response:
    async with served.client(**named) as client:
        return await client.get(path, params=params)


async def asked(served: Served, params: Any = None, *, endpoint: str = "query", **named: Any) -> httpx.Response:
    return await got(served, f"/integrations/{ID}/prometheus/{endpoint}", params or {"query": "up"}, **named)


async def test_prometheus_answers_in_its_own_words(served: Served) -> None:
    said = {
        "status": "success",
        "data": {"resultType": "vector", "result": [{"metric": {"a.b": "ü"}, "value": [1.5, "NaN"]}]},
        "warnings": ["a store is down"],
        "infos": ["a hint"],
    }
    served, servers = await with_prometheus(served, lambda _: responding(said))
    answer = await asked(served, {"query": 'up{a="ü"}', "time": "2026-11-23T12:00:00Z", "timeout": "2s"})
    assert (answer.status_code, answer.json()) == (200, {**said, "errorType": None, "error": None})
    form = {"query": ['up{a="ü"}'], "time": ["1795435200.000"], "timeout": ["2.000"]}
    assert (servers.asked[0].path, servers.asked[0].form) == ("/api/v1/query", form)


async def test_a_range_is_asked_with_its_step(served: Served) -> None:
    said = {
        "status": "success",
        "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[0, "+Inf"]]}]},
    }
    served, servers = await with_prometheus(served, lambda _: responding(said))
    answer = await asked(served, {**RANGE, "step": "15s"}, endpoint="query_range")
    assert answer.json()["data"]["result"] == [{"metric": {}, "values": [[0.0, "+Inf"]]}]
    form = {"query": ["up"], "start": ["0.000"], "end": ["60.000"], "step": ["15.000"], "timeout": ["10.000"]}
    assert (servers.asked[0].path, servers.asked[0].form) == ("/api/v1/query_range", form)


@pytest.mark.parametrize(("status", "error_type"), [(400, "bad_data"), (422, "execution")])
async def test_a_query_that_prometheus_refuses_is_400_in_prometheus_words(
    served: Served, status: int, error_type: str
) -> None:
    said = {"status": "error", "errorType": error_type, "error": "1:5: parse error"}
    served, _ = await with_prometheus(served, lambda _: responding(said, status))
    answer = await asked(served)
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert problem["type"] == "urn:sre-copilot:problem:query-refused"
    assert (problem["error_type"], problem["error"]) == (error_type, "1:5: parse error")
    assert problem["request_id"] == answer.headers["x-request-id"]


FAILURES = [
    (responding(b"who are you?", 401), "unauthorised"),
    (responding({"status": "error", "errorType": "timeout", "error": "slow"}, 503), "timeout"),
    (responding(b"<html>intranet-secret</html>"), "not_json"),
    (responding(b"<html>intranet-secret</html>", 502), "http_5xx"),
    (responding(json.dumps(NOTHING).encode()[:-1]), "not_json"),
    (responding(b" " * 5_000_000), "too_large"),
    (responding(b"", 302, headers="Location: http://169.254.169.254/\r\n"), "redirect"),
]


async def test_a_source_that_fails_is_424_and_never_looks_like_our_own_fault(served: Served) -> None:
    replies = [response for response, _ in FAILURES]
    served, _ = await with_prometheus(served, lambda _: replies.pop(0))
    async with served.client() as client:
        for _, reason in FAILURES:
            answer = await client.get(f"/integrations/{ID}/prometheus/query?query=up")
            problem = answer.json()
            assert (answer.status_code, problem["type"]) == (424, "urn:sre-copilot:problem:source-failed")
            assert problem["reason"] == reason
            assert "www-authenticate" not in answer.headers
            assert "secret" not in answer.text


async def test_a_source_that_says_nothing_is_424_after_its_timeout(served: Served) -> None:
    served, _ = await with_prometheus(served, lambda _: None)
    answer = await asked(served, {"query": "up", "timeout": "10ms"})
    assert (answer.status_code, answer.json()["reason"]) == (424, "timeout")


async def test_a_config_that_was_sealed_for_another_is_424(served: Served) -> None:
    served, servers = await with_prometheus(served, lambda _: None, config=f"{GLOBEX}|{ID}|{{}}")
    answer = await asked(served)
    assert (answer.status_code, answer.json()["reason"]) == (424, "secret_unreadable")
    assert servers.asked == []


BEYOND = [
    ("query_range", {**RANGE, "end": "11001", "step": "1"}, "11000 points"),
    ("query_range", {**RANGE, "end": "9999999", "step": "1d"}, "32 days"),
    ("query_range", {**RANGE, "start": "61"}, "not before start"),
    ("query_range", {**RANGE, "step": "0"}, "Step"),
    ("query_range", {name: RANGE[name] for name in ("query", "start", "end")}, "step"),
    ("query", {"query": "x" * 8001}, "8000 characters"),
    ("query", {"query": ""}, "Query"),
    ("query", {"query": "up", "time": "noon"}, "RFC 3339"),
    ("query", {"query": "up", "timeout": "1m"}, "30 seconds"),
]


async def test_a_question_beyond_our_limits_is_400_and_nothing_is_sent(served: Served) -> None:
    served, servers = await with_prometheus(served, lambda _: responding(NOTHING))
    async with served.client() as client:
        for endpoint, params, said in BEYOND:
            answer = await client.get(f"/integrations/{ID}/prometheus/{endpoint}", params=params)
            assert (answer.status_code, servers.asked) == (400, []), said
            assert answer.json()["type"] == "urn:sre-copilot:problem:bad-request"
            assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    "changes",
    [
        {"is_active": False},
        {"config": None},
        {"integration_type": IntegrationType.GRAFANA},
        {"id": "int-another"},
    ],
    ids=["switched off", "not set up", "another kind", "another id"],
)
async def test_what_is_not_a_prometheus_in_use_is_404(served: Served, changes: dict[str, Any]) -> None:
    served, servers = await with_prometheus(served, lambda _: responding(NOTHING), **changes)
    async with served.client() as client:
        for endpoint, params in (("query", {"query": "up"}), ("query_range", RANGE)):
            answer = await client.get(f"/integrations/{ID}/prometheus/{endpoint}", params=params)
            assert (answer.status_code, servers.asked) == (404, [])


async def test_another_tenants_prometheus_is_not_there(served: Served) -> None:
    served, servers = await with_prometheus(served, lambda _: responding(NOTHING))
    async with served.client(headers=bearer(a_token(tid=GLOBEX_TID))) as client:
        for endpoint, params in (("query", {"query": "up"}), ("query_range", RANGE)):
            answer = await client.get(f"/integrations/{ID}/prometheus/{endpoint}", params=params)
            assert (answer.status_code, servers.asked) == (404, [])
            assert answer.json()["detail"] == "There is no such Prometheus integration."


async def test_an_id_that_is_none_never_reaches_the_store(served: Served) -> None:
    async with served.without(records=Untouched()).client() as client:
        for text in ("a b", "a'b", "..", "x" * 101, "%00"):
            answer = await client.get(f"/integrations/{quote(text)}/prometheus/query?query=up")
            assert answer.status_code == 404, text


async def test_a_viewer_reads_metrics_by_convention_and_asks_nothing_of_their_own(served: Served) -> None:
    viewer = bearer(a_token(roles=["viewer"]))
    assert (await asked(served, headers=viewer)).status_code == 403
    assert (await asked(served, RANGE, endpoint="query_range", headers=viewer)).status_code == 403
    assert (await got(served, "/services/payment/metrics", headers=viewer)).status_code == 200


async def test_how_a_question_went_is_counted_by_its_reason_alone(served: Served) -> None:
    bad = responding({"status": "error", "errorType": "bad_data", "error": "x"}, 400)
    replies = [responding(NOTHING), bad, responding(b"", 401)]
    served, _ = await with_prometheus(served, lambda _: replies.pop(0))
    with listening() as heard:
        async with served.client() as client:
            for query in ("tenant_text", "tenant_text", "tenant_text", ""):
                await client.get(f"/integrations/{ID}/prometheus/query", params={"query": query})
        counted = heard.measured("prometheus_queries")
    assert counted == {"reason=ok": 1, "reason=bad_query": 1, "reason=unauthorised": 1}


def prometheus_of(services: Sequence[str]) -> Script:
    """Knows these services, and gives each of their ranges one point; what is over half full cannot be asked."""

    def answer(one: Asked) -> bytes:
        (query,) = one.form["query"]
        if "process_open_fds" in query:
            return responding(b"<html>", 500)
        result = [
            {
                "metric": {"service": name, "binding": "prometheus_client/service"},
                "value": [60, "1"],
                "values": [[60, "2.5"]],
            }
            for name in services
        ]
        kind = "matrix" if one.path.endswith("range") else "vector"
        return responding({"status": "success", "data": {"resultType": kind, "result": result}})

    return answer


NAMES = ['"} or vector(1) #', "a.b", "two words", "größe 注文", "it's", "100%", "a?b#c&d=e", "\\", "..."]


async def test_a_service_may_have_any_printable_name(served: Served) -> None:
    served, servers = await with_prometheus(served, prometheus_of(NAMES))
    async with served.client() as client:
        for name in NAMES:
            servers.asked.clear()
            answer = await client.get(f"/services/{quote(name, safe='')}/metrics?window=30m")
            assert (answer.status_code, answer.json()["service"]) == (200, name)
            escaped = name.replace("\\", "\\\\").replace('"', '\\"')
            assert len(servers.asked) == 9
            assert all(f'"{escaped}"' in one.form["query"][0] for one in servers.asked)


async def test_a_services_name_comes_through_the_function_as_it_is(served: Served) -> None:
    keys = EntraKeys(AUTHORITY, served.endpoint.client(), clock=served.clock)
    middleware = func.AsgiMiddleware(served.app(keys))
    for name in NAMES:
        url = f"http://127.0.0.1/api/v1/services/{quote(name, safe='')}/metrics"
        request = func.HttpRequest(method="GET", url=url, headers=bearer(a_token()), body=b"")
        answer = await middleware.handle_async(request)
        assert (answer.status_code, json.loads(answer.get_body())["service"]) == (200, name)
    await keys.aclose()


async def test_a_services_metrics_come_with_their_window_and_each_with_its_status(served: Served) -> None:
    served, _ = await with_prometheus(served, prometheus_of(["payment"]))
    found = (await got(served, "/services/payment/metrics?window=30m&end=1795435200")).json()
    metrics = {one["metric"]: one for one in found["metrics"]}
    assert (metrics["latency_p95"]["status"], metrics["latency_p95"]["points"]) == ("ok", [[60.0, 2.5]])
    assert (metrics["saturation"]["status"], metrics["saturation"]["reason"]) == ("failed", "http_5xx")
    assert found["convention"] == "prometheus_client/service"
    assert (found["start"], found["end"]) == ("2026-11-23T11:30:00.000000Z", "2026-11-23T12:00:00.000000Z")


async def test_without_a_prometheus_the_metrics_are_not_configured(served: Served) -> None:
    found = (await got(served, "/services/payment/metrics")).json()
    assert {(one["status"], one["reason"]) for one in found["metrics"]} == {("not_configured", "no_prometheus")}
    assert len(found["metrics"]) == 6


async def test_a_prometheus_that_cannot_be_opened_is_failed_and_no_error(served: Served) -> None:
    served, _ = await with_prometheus(served, lambda _: None, config=f"{GLOBEX}|{ID}|{{}}")
    found = (await got(served, "/services/payment/metrics")).json()
    assert {(one["status"], one["reason"]) for one in found["metrics"]} == {("failed", "secret_unreadable")}


async def test_a_window_or_a_name_that_makes_no_sense_is_400(served: Served) -> None:
    cases = ["payment/metrics?window=4m", "payment/metrics?window=8d", "payment/metrics?window=x"]
    cases += ["payment/metrics?end=x", "a%0Ab/metrics", "a%00/metrics", f"{'x' * 201}/metrics"]
    async with served.client() as client:
        answers = [await client.get(f"/services/{one}") for one in cases]
        slash = await client.get("/services/a%2Fb/metrics")
    assert [one.status_code for one in answers] == [400] * len(cases)
    assert slash.status_code == 404


async def test_a_tenant_asks_only_its_own_prometheus(served: Served) -> None:
    served, servers = await with_prometheus(served, prometheus_of(["payment"]))
    answer = await got(served, "/services/payment/metrics", headers=bearer(a_token(tid=GLOBEX_TID)))
    assert {one["status"] for one in answer.json()["metrics"]} == {"not_configured"}
    assert servers.asked == []


class NoKeys:
    """A process that cannot reach its key vault."""

    async def ask(self, *_: object) -> None:
        raise KeysUnavailable("the vault does not answer")


async def test_a_key_vault_that_is_down_is_our_own_fault(served: Served) -> None:
    served, _ = await with_prometheus(served, lambda _: None)
    answer = await asked(served.without(queries=NoKeys()))
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:sre-copilot:problem:temporarily-unavailable")
