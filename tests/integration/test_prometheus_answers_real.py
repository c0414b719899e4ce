"""What the real Prometheus says of its limits and of native histograms, and that we read it as it is meant."""

import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from dev.backfilled import wait_until_ready
from shared.adapters.guarded_http import GuardedHttp
from shared.adapters.prometheus import Connection, PrometheusSource
from shared.adapters.prometheus_answer import parse_answer
from shared.errors import SourceUnavailable
from shared.ports.metrics import Bucket, Histogram
from tests.builders import NOON
from tests.fakes.prometheus_server import Asked, too_many_points, too_many_samples
from tests.fakes.remote_write import HEADERS, write_request

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed"),
]

SAMPLES = "sum_over_time(vector(1)[2h:1s])"
"""7,200 samples, of which this Prometheus loads no more than two thousand."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("prometheus")
    config = home / "prometheus.yml"
    config.write_text("global: {scrape_interval: 1h}\n", encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        "prometheus", f"--config.file={config}", f"--storage.tsdb.path={home / 'tsdb'}", "--query.max-samples=2000",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=error", "--web.enable-remote-write-receiver",
        "--enable-feature=native-histograms",
    ]  # fmt: skip
    with (home / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_until_ready(f"http://127.0.0.1:{port}/", home / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.fixture
async def http() -> AsyncIterator[GuardedHttp]:
    client = GuardedHttp(allow_private=True)
    yield client
    await client.aclose()


def said(url: str, endpoint: str, form: dict[str, str]) -> httpx.Response:
    return httpx.post(f"{url}/api/v1/{endpoint}", data=form, trust_env=False)


def took(url: str, written: bytes) -> bool:
    return httpx.post(f"{url}/api/v1/write", content=written, headers=HEADERS, trust_env=False).is_success


def reason_of(body: bytes) -> str:
    with pytest.raises(SourceUnavailable) as refused:
        parse_answer(body)
    return refused.value.reason


async def test_its_limits_are_told_by_their_names_and_the_fake_speaks_as_it_does(url: str) -> None:
    points = said(url, "query_range", {"query": "vector(1)", "start": "0", "end": "11001", "step": "1"})
    samples = said(url, "query", {"query": SAMPLES, "time": "1795435200"})
    assert [reason_of(one.content) for one in (points, samples)] == ["too_many_points", "too_many_samples"]
    nothing = Asked("query", {}, {})
    for real, fake in ((points, await too_many_points()(nothing)), (samples, await too_many_samples()(nothing))):
        assert (real.status_code, reason_of(fake.body)) == (fake.status, reason_of(real.content))


async def test_as_many_points_as_it_gives_are_asked_and_read(url: str, http: GuardedHttp) -> None:
    source = PrometheusSource(http, Connection(url))
    end = NOON + timedelta(seconds=11_000)
    answer = await source.query_range("1", start=NOON, end=end, step_seconds=11)
    with pytest.raises(SourceUnavailable) as refused:
        await source.query_range("1", start=NOON, end=end, step_seconds=0.99)
    assert (len(answer.series[0].points), refused.value.reason) == (1001, "too_many_points")


async def test_native_histograms_are_read_with_their_buckets_and_quantiles_of_them_are_values(
    url: str, http: GuardedHttp
) -> None:
    end = datetime.fromtimestamp(int(time.time()), UTC)
    times = [end.timestamp() - 60 + 15 * index for index in range(5)]
    written = write_request({"__name__": "latency", "job": "pay"}, times, counts=[4, 2], total=1.5, zero=1)
    assert took(url, written)
    read = Histogram(
        count=7,
        sum=1.5,
        buckets=(
            Bucket(-0.001, 0.001, 1, includes_lower=True, includes_upper=True),
            Bucket(0.5, 1, 4, includes_lower=False, includes_upper=True),
            Bucket(1, 2, 2, includes_lower=False, includes_upper=True),
        ),
    )
    source = PrometheusSource(http, Connection(url))
    now, steady, median = [
        await source.query(query, at=end)
        for query in ("latency", "rate(latency[1m])", "histogram_quantile(0.5, latency)")
    ]
    assert [(one.labels["job"], one.points) for one in now.histograms] == [("pay", ((end.timestamp(), read),))]
    assert [one.points[0][1] for one in steady.histograms] == [Histogram(0, 0)]
    assert [one.value for one in median.samples] == [0.8125]
    over_time = await source.query_range("latency", start=end - timedelta(minutes=1), end=end, step_seconds=15)
    assert [one.points for one in over_time.histograms] == [tuple((at, read) for at in times)]
    assert (over_time.series, len(over_time.warnings)) == ((), 1)
