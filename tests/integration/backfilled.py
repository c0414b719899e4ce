"""A real Prometheus on loopback whose whole history was written beforehand."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

needs_prometheus = pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed")


@contextlib.contextmanager
def backfilled(openmetrics: str, home: Path) -> Iterator[str]:
    """The base URL of a Prometheus that holds this OpenMetrics text, samples with their times; it scrapes nothing."""
    history, storage, config = home / "history.om", home / "tsdb", home / "prometheus.yml"
    history.write_text(openmetrics, encoding="utf-8")
    config.write_text("global: {scrape_interval: 1h}\n", encoding="utf-8")
    backfill = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "-q", str(history), str(storage)]
    subprocess.run(backfill, check=True, capture_output=True)
    port = a_free_port()
    command = [
        "prometheus", f"--config.file={config}", f"--storage.tsdb.path={storage}",
        f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=90d", "--log.level=error",
        "--web.route-prefix=/metrics-api", "--web.external-url=/metrics-api",
    ]  # fmt: skip
    with (home / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            url = f"http://127.0.0.1:{port}/metrics-api/"
            _wait_until_ready(url, home / "log")
            yield url
        finally:
            process.terminate()


def a_free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(url: str, log: Path) -> None:
    for _ in range(200):
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}-/ready", trust_env=False).is_success:
                return
        time.sleep(0.05)
    pytest.fail(log.read_text())
