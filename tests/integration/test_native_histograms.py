"""Native histograms, which promtool 2.42 cannot write down: the rows that read them, asked of a real Prometheus."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from shared.context.conventions import BINDINGS, Asked, Binding, expression
from tests.fakes.remote_write import HEADERS, write_request

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed"),
]

END = int(time.time()) // 60 * 60 - 60
MINUTES, BACK_SECONDS = 40, 1200


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    home = tmp_path_factory.mktemp("native")
    (home / "prometheus.yml").write_text("global: {}\n", encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(_command(home, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            _wait(client)
            yield client
    finally:
        process.terminate()
        process.wait()


def _command(home: Path, port: int) -> list[str]:
    return [
        "prometheus",
        f"--config.file={home / 'prometheus.yml'}",
        f"--storage.tsdb.path={home / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--enable-feature=native-histograms",
    ]


def _wait(client: httpx.Client) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            if client.get("/-/ready").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError("Prometheus did not start")


def write(client: httpx.Client, labels: Mapping[str, str], before: int, now: int) -> None:
    """`before` a minute, each of 0.8 s; after 20 minutes `now` a minute, each of 1.6 s."""
    for minute in range(MINUTES + 1):
        fast, slow = before * min(minute, 20), now * max(0, minute - 20)
        at, total = END - 60 * (MINUTES - minute), 0.8 * fast + 1.6 * slow
        written = write_request(labels, [at], counts=[fast, slow], total=total)
        answer = client.post("/api/v1/write", content=written, headers=HEADERS)
        assert answer.is_success, answer.text


def answers(client: httpx.Client, binding: Binding, metric: str, service: str) -> dict[str, float]:
    """By how far back it was asked."""
    promql = expression(binding, metric, [service], window_seconds=240, backs=(0, BACK_SECONDS))
    answer = client.post("/api/v1/query", data={"query": promql, "time": str(END)}).json()
    assert answer["status"] == "success", answer
    found = answer["data"]["result"]
    assert all(one["metric"][binding.label] == service for one in found)
    return {one["metric"]["back"]: float(one["value"][1]) for one in found}


def is_at(share: float, low: float, value: float) -> bool:
    """Whether a quantile lies at this share of the bucket from `low` to twice that, as some version puts it."""
    linear, exponential = low + low * share, low * 2**share
    return value == pytest.approx(linear) or value == pytest.approx(exponential)


def test_native_histograms_answer_as_classic_ones_do(prometheus: httpx.Client) -> None:
    named = {"__name__": "http_server_request_duration_seconds", "job": "shop"}
    good, bad = {**named, "http_response_status_code": "200"}, {**named, "http_response_status_code": "500"}
    write(prometheus, good, 30, 45)
    write(prometheus, {**bad, "error_type": "500"}, 0, 15)
    (native,) = (one for one in BINDINGS if one.name == "otel_http_native/job")
    expected = {
        # 45 + 15 and 30 a minute; a quarter of them failed, and none before.
        Asked.REQUEST_RATE: (1.0, 0.5),
        Asked.ERROR_RATIO: (0.25, 0.0),
        Asked.LATENCY_MEAN: (1.6, 0.8),
    }
    for metric, (now, before) in expected.items():
        found = answers(prometheus, native, metric, "shop")
        assert found == pytest.approx({"0": now, str(BACK_SECONDS): before}), metric
    # All between 1 and 2 s, and before between 0.5 and 1 s.
    for metric, share in ((Asked.LATENCY_P50, 0.5), (Asked.LATENCY_P95, 0.95), (Asked.LATENCY_P99, 0.99)):
        found = answers(prometheus, native, metric, "shop")
        assert is_at(share, 1.0, found["0"]), metric
        assert is_at(share, 0.5, found[str(BACK_SECONDS)]), metric


def test_a_counter_beside_a_native_histogram_finds_its_quantiles(prometheus: httpx.Client) -> None:
    write(prometheus, {"__name__": "http_request_duration_seconds", "service": "till"}, 60, 60)
    (client_library,) = (one for one in BINDINGS if one.name == "prometheus_client/service")
    assert is_at(0.95, 1.0, answers(prometheus, client_library, "latency_p95", "till")["0"])
    assert answers(prometheus, client_library, "latency_mean", "till")["0"] == pytest.approx(1.6)
