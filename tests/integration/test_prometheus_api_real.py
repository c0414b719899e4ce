"""Prometheus through the API, with the real Prometheus behind it: its semantics, its words, its values."""

import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from shared.adapters.guarded_http import GuardedHttp
from shared.adapters.prometheus import PrometheusOfTenant
from shared.adapters.prometheus_queries import PrometheusQueries
from shared.context.promql import quoted
from shared.models.tenants import IntegrationType
from tests.builders import ACME
from tests.unit.adapters.scripted import BoundBox, connected_to
from tests.unit.api.serving import two_tenants

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed"),
]

END = int(time.time()) // 60 * 60 - 600
START = END - 1200
SCRAPE_SECONDS = 15
WHOLE = {"start": START, "end": END}
NAMES = ['"} or vector(1) #', "two words", "größe", "back\\slash", "a.b|.*"]


def a_history() -> str:
    """Every service serves one request a second; `payment` fails a quarter of its own. And what is no number."""
    times = range(START, END + 1, SCRAPE_SECONDS)
    lines = ["# TYPE http_requests counter"]
    for name in [*NAMES, "payment"]:
        lines += [f'http_requests_total{{service={quoted(name)},code="200"}} {at - START} {at}' for at in times]
    lines += [f'http_requests_total{{service="payment",code="500"}} {(at - START) / 3} {at}' for at in times]
    lines.append("# TYPE odd gauge")
    for name, value in (("nan", "NaN"), ("up", "+Inf"), ("down", "-Inf")):
        lines += [f'odd{{name="{name}"}} {value} {at}' for at in times]
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("prometheus-api")
    history, storage, config = home / "history.om", home / "tsdb", home / "prometheus.yml"
    history.write_text(a_history(), encoding="utf-8")
    config.write_text("global: {scrape_interval: 1h}\n", encoding="utf-8")
    backfill = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "-q", str(history), str(storage)]
    subprocess.run(backfill, check=True, capture_output=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        "prometheus", f"--config.file={config}", f"--storage.tsdb.path={storage}",
        f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=10d", "--log.level=error",
        "--web.route-prefix=/prom", "--web.external-url=/prom",
    ]  # fmt: skip
    url = f"http://127.0.0.1:{port}/prom/"
    with (home / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_until_ready(url, home / "log")
            yield url
        finally:
            process.terminate()


def wait_until_ready(url: str, log: Path) -> None:
    for _ in range(200):
        try:
            if httpx.get(f"{url}-/ready", trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    pytest.fail(log.read_text())


@asynccontextmanager
async def api_to(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Acme's API, with this Prometheus connected."""
    served, http = await two_tenants(), GuardedHttp(allow_private=True)
    integration = connected_to(url, id="int-p", integration_type=IntegrationType.PROMETHEUS)
    await served.services.records.create(ACME, integration)
    metrics = PrometheusOfTenant(served.services.directory, BoundBox(), http)
    served = served.without(queries=PrometheusQueries(BoundBox(), http), metrics=metrics)
    try:
        async with served.client() as client:
            yield client
    finally:
        await http.aclose()


async def asked(url: str, endpoint: str = "query", **params: Any) -> httpx.Response:
    async with api_to(url) as client:
        asked_at = {"time": END} if endpoint == "query" else {}
        return await client.get(f"/integrations/int-p/prometheus/{endpoint}", params={**asked_at, **params})


def found(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_what_is_no_number_stays_a_text(prometheus: str) -> None:
    vector = found(await asked(prometheus, query="odd"))
    assert vector["resultType"] == "vector"
    assert {one["metric"]["name"]: one["value"] for one in vector["result"]} == {
        "nan": [END, "NaN"], "up": [END, "+Inf"], "down": [END, "-Inf"],
    }  # fmt: skip


async def test_every_type_of_result_passes(prometheus: str) -> None:
    assert found(await asked(prometheus, query="1 / 0")) == {"resultType": "scalar", "result": [END, "+Inf"]}
    assert found(await asked(prometheus, query='"text"')) == {"resultType": "string", "result": [END, "text"]}
    assert found(await asked(prometheus, query="no_such_metric")) == {"resultType": "vector", "result": []}
    matrix = found(await asked(prometheus, query='odd{name="up"}[1m]'))
    assert matrix["resultType"] == "matrix"
    assert {value for _, value in matrix["result"][0]["values"]} == {"+Inf"}


async def test_a_range_has_a_point_a_step_with_both_ends(prometheus: str) -> None:
    matrix = found(await asked(prometheus, "query_range", query="vector(1)", start=START, end=END, step="1m"))
    (series,) = matrix["result"]
    assert series["values"] == [[float(at), "1"] for at in range(START, END + 1, 60)]


async def test_our_limit_on_points_is_exactly_prometheus_own(prometheus: str) -> None:
    most = await asked(prometheus, "query_range", query="vector(1)", start=END - 11_000, end=END, step=1)
    more = await asked(prometheus, "query_range", query="vector(1)", start=END - 11_001, end=END, step=1)
    async with httpx.AsyncClient(trust_env=False) as direct:
        beyond = {"query": "vector(1)", "start": END - 11_001, "end": END, "step": 1}
        its_own = await direct.get(f"{prometheus}api/v1/query_range", params=beyond)
    assert len(found(most)["result"][0]["values"]) == 11_001
    assert (more.status_code, its_own.status_code) == (400, 400)
    assert "11,000" in its_own.json()["error"]


@pytest.mark.parametrize(
    ("endpoint", "params", "error_type", "error"),
    [
        ("query", {"query": "sum("}, "bad_data", "parse error"),
        ("query", {"query": '{__name__=~".*"}'}, "bad_data", "at least one non-empty matcher"),
        ("query_range", {"query": "odd[1m]", **WHOLE, "step": 60}, "bad_data", "invalid expression type"),
        ("query", {"query": "odd * on () group_left () odd"}, "execution", "many-to-many"),
    ],
)  # fmt: skip
async def test_a_query_that_prometheus_refuses_is_told_in_its_words(
    prometheus: str, endpoint: str, params: dict[str, Any], error_type: str, error: str
) -> None:
    answer = await asked(prometheus, endpoint, **params)
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (400, "urn:sre-copilot:problem:query-refused")
    assert problem["error_type"] == error_type
    assert error in problem["error"]


async def test_a_query_that_takes_too_long_is_a_timeout_in_its_words(prometheus: str) -> None:
    answer = await asked(prometheus, query="count_over_time(vector(time())[20m:1ms])", timeout="1ms")
    problem = answer.json()
    assert (answer.status_code, problem["reason"], problem["error_type"]) == (424, "timeout", "timeout")
    assert "query timed out" in problem["error"]


async def test_a_url_that_is_no_prometheus_is_told_so(prometheus: str) -> None:
    answer = await asked(f"{prometheus}elsewhere", query="up")
    assert (answer.status_code, answer.json()["reason"]) == (424, "not_found")


async def test_a_service_of_any_name_has_its_metrics_and_no_other_services(prometheus: str) -> None:
    async with api_to(prometheus) as client:
        for name in NAMES:
            answer = await client.get(f"/services/{quote(name, safe='')}/metrics?window=15m&end={END}")
            metrics = {one["metric"]: one for one in answer.json()["metrics"]}
            assert metrics["request_rate"]["status"] == "ok", name
            assert metrics["request_rate"]["points"][-1][1] == pytest.approx(1)
            assert {value for _, value in metrics["error_ratio"]["points"]} == {0.0}


async def test_a_metrics_query_gives_its_points_again(prometheus: str) -> None:
    async with api_to(prometheus) as client:
        metrics = (await client.get(f"/services/payment/metrics?window=15m&end={END}")).json()
        errors = metrics["metrics"][1]
        params = {"query": errors["query"], **{name: metrics[name] for name in ("start", "end")}}
        params["step"] = metrics["step_seconds"]
        again = await client.get("/integrations/int-p/prometheus/query_range", params=params)
    assert errors["metric"] == "error_ratio"
    assert [[at, float(value)] for at, value in again.json()["data"]["result"][0]["values"]] == errors["points"]
    assert errors["points"][-1][1] == pytest.approx(0.25)


async def test_a_service_that_nobody_knows_is_empty_and_not_healthy(prometheus: str) -> None:
    async with api_to(prometheus) as client:
        metrics = (await client.get(f"/services/nobody/metrics?end={END}")).json()["metrics"]
    assert {(one["status"], one["reason"]) for one in metrics} == {("empty", "no_known_metrics")}
