"""Each contract suite runs against the in-memory port and against the real backend."""

import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from dev.cosmos.server import EMULATOR_KEY
from dev.provision import provision_cosmos, provision_storage
from shared.adapters.cosmos.client import CosmosDatabase, cosmos_database
from tests.integration.azurite import running_azurite

ROOT = Path(__file__).resolve().parents[2]
BACKENDS = [pytest.param("memory"), pytest.param("real", marks=pytest.mark.integration)]
DATABASE = "contract"


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def cosmos_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The Cosmos stand-in in strict mode: a query without a partition key is refused with 403."""
    port = free_port()
    data = tmp_path_factory.mktemp("cosmos")
    command = [sys.executable, "-m", "dev", "cosmos", "--port", str(port), "--data", str(data), "--strict"]
    with subprocess.Popen(command, cwd=ROOT) as server:
        try:
            endpoint = f"http://127.0.0.1:{port}/"
            wait_until_it_answers(f"{endpoint}_health")
            provision_cosmos(endpoint, EMULATOR_KEY, DATABASE)
            yield endpoint
        finally:
            server.terminate()


def wait_until_it_answers(url: str) -> None:
    """Poll a health address for a while."""
    for _ in range(200):
        try:
            httpx.get(url, timeout=1, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"{url} did not answer")


@pytest.fixture
async def database(cosmos_endpoint: str) -> AsyncIterator[CosmosDatabase]:
    """The adapter's database on the stand-in."""
    opened = cosmos_database(cosmos_endpoint, EMULATOR_KEY, DATABASE, None)
    yield opened
    await opened.aclose()


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of a real Azurite with the product's queues and container."""
    with running_azurite(tmp_path_factory.mktemp("azurite")) as connection_string:
        provision_storage(connection_string)
        yield connection_string
