"""A check knows the real Prometheus and Alertmanager when it meets them, and a wrong address from a right one."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dev import binaries
from dev.prometheus import render
from shared.adapters.connection_checks import GuardedConnectionChecks
from shared.adapters.guarded_http import GuardedHttp
from shared.models.connections import ConnectionConfig
from shared.models.tenants import IntegrationType
from shared.ports.connections import Reason
from tests.builders import ACME
from tests.integration.test_reconcile_real import a_free_port, wait_until_ready

pytestmark = pytest.mark.integration
PROMETHEUS, ALERTMANAGER = IntegrationType.PROMETHEUS, IntegrationType.ALERTMANAGER


@contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[str]:
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        try:
            wait_until_ready(f"http://127.0.0.1:{port}/", log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One that scrapes nothing."""
    folder, port = tmp_path_factory.mktemp("prometheus"), a_free_port()
    (folder / "prometheus.yml").write_text("scrape_configs: []\n")
    binary = binaries.find("prometheus")
    command = render.prometheus_command(binary, folder / "prometheus.yml", folder / "data", port)
    with running(command, port, folder / "log") as url:
        yield url


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("alertmanager"), a_free_port()
    (folder / "alertmanager.yml").write_text("route: {receiver: us}\nreceivers: [{name: us}]\n")
    binary = binaries.find("alertmanager")
    command = render.alertmanager_command(binary, folder / "alertmanager.yml", folder / "data", port)
    with running(command, port, folder / "log") as url:
        yield url


@pytest.fixture
async def checks() -> AsyncIterator[GuardedConnectionChecks]:
    http = GuardedHttp(allow_private=True)
    yield GuardedConnectionChecks(http, allow_private=True)
    await http.aclose()


async def test_a_prometheus_without_series_is_told_from_none(
    checks: GuardedConnectionChecks, prometheus: str
) -> None:
    finding = await checks.check(ACME, PROMETHEUS, ConnectionConfig(url=prometheus))
    assert finding.reason is Reason.NO_SERIES, finding
    wrong_path = await checks.check(ACME, PROMETHEUS, ConnectionConfig(url=f"{prometheus}/api/v1"))
    assert wrong_path.reason is Reason.NOT_FOUND
    wrong_scheme = await checks.check(ACME, PROMETHEUS, ConnectionConfig(url=prometheus.replace("http:", "https:")))
    assert wrong_scheme.reason is Reason.TLS
    another = await checks.check(ACME, ALERTMANAGER, ConnectionConfig(url=prometheus))
    assert another.reason is Reason.NOT_FOUND


async def test_an_alertmanager_is_named_with_its_version_and_its_receivers_are_known(
    checks: GuardedConnectionChecks, alertmanager: str
) -> None:
    found = await checks.check(ACME, ALERTMANAGER, ConnectionConfig(url=alertmanager, receiver="us"))
    assert (found.reason, bool(found.version)) == (Reason.REACHED, True)
    unknown = await checks.check(ACME, ALERTMANAGER, ConnectionConfig(url=alertmanager, receiver="them"))
    assert unknown.reason is Reason.NO_SUCH_RECEIVER
