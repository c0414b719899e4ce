"""A real Prometheus on loopback whose whole history was written beforehand, for tests and for the bench."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from dev.sentences import CannotRun

PREFIX = "/metrics-api"
_READY_WITHIN_SECONDS = 30.0


@contextlib.contextmanager
def backfilled(history: Path, home: Path) -> Iterator[str]:
    """The base URL of a Prometheus that holds this OpenMetrics file, samples with their times; it scrapes nothing.

    `home` is an empty folder for its data; raises CannotRun with what it said when it does not start.
    """
    storage, config, log = home / "tsdb", home / "prometheus.yml", home / "log"
    config.write_text("global: {scrape_interval: 1h}\n", encoding="utf-8")
    backfill = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "-q", str(history), str(storage)]
    done = subprocess.run(backfill, check=False, capture_output=True, text=True)
    if done.returncode:
        raise CannotRun(f"promtool could not load {history.name}: {done.stderr[-500:]}")
    port = a_free_port()
    command = [
        "prometheus", f"--config.file={config}", f"--storage.tsdb.path={storage}",
        f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=90d", "--log.level=error",
        f"--web.route-prefix={PREFIX}", f"--web.external-url={PREFIX}",
    ]  # fmt: skip
    with log.open("wb") as written, subprocess.Popen(command, stdout=written, stderr=written) as process:
        try:
            url = f"http://127.0.0.1:{port}{PREFIX}/"
            wait_until_ready(url, log)
            yield url
        finally:
            process.terminate()


def a_free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(url: str, log: Path) -> None:
    """Wait for a Prometheus or an Alertmanager at this base URL, with its slash; raises CannotRun with its log."""
    until = time.monotonic() + _READY_WITHIN_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}-/ready", trust_env=False).is_success:
                return
        time.sleep(0.05)
    raise CannotRun(f"it does not get ready: {log.read_text(errors='replace')[-500:]}")
