"""`python -m dev cosmos` as a process: it survives being killed and says in one sentence why it cannot start."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from azure.core.exceptions import AzureError
from azure.cosmos import CosmosClient

from dev.cosmos.auth import EMULATOR_KEY
from tests.contract.cosmos_standin.running import a_container, an_item, ids, refused

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]


def started(data: Path, *arguments: str, port: int = 0) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "dev", "cosmos", "--port", str(port), "--data", str(data), *arguments]
    return subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextmanager
def process(data: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A stand-in of its own, and its address."""
    with started(data, *arguments) as running:
        assert running.stdout is not None
        said = running.stdout.readline()
        assert "http://127.0.0.1:" in said
        try:
            yield running, said.split()[3].rstrip(",")
        finally:
            running.kill()


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    with process(tmp_path) as (running, address), CosmosClient(address, EMULATOR_KEY) as client:
        container = a_container(client.create_database("db"))

        def write() -> None:
            try:
                for number in range(100_000):
                    container.create_item(an_item(str(number)))
                    acknowledged.append(str(number))
                    if number == 20:
                        busy.set()
            except AzureError:
                return

        busy = threading.Event()
        writing = threading.Thread(target=write)
        writing.start()
        assert busy.wait(20)
        running.send_signal(signal.SIGKILL)
        running.wait()
        writing.join()
    with process(tmp_path) as (_, address), CosmosClient(address, EMULATOR_KEY) as client:
        container = client.get_database_client("db").get_container_client(container.id)
        kept = ids(container.read_all_items())
        container.create_item(an_item("after"))
    assert kept[: len(acknowledged)] == acknowledged
    assert len(kept) <= len(acknowledged) + 1


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly_when_asked_to(tmp_path: Path, signum: signal.Signals) -> None:
    with process(tmp_path) as (running, _):
        running.send_signal(signum)
        assert running.wait(10) == 0
        assert running.stderr is not None
        assert running.stderr.read() == ""


def test_strict_mode_is_a_switch(tmp_path: Path) -> None:
    with process(tmp_path, "--strict") as (_, address), CosmosClient(address, EMULATOR_KEY) as client:
        container = a_container(client.create_database("db"))
        with refused(403):
            list(container.query_items("SELECT * FROM c", enable_cross_partition_query=True))


def one_sentence(failed: subprocess.Popen[str]) -> str:
    with failed:
        _, said = failed.communicate(timeout=20)
    assert failed.returncode == 1
    assert said.count("\n") == 1
    return said


def test_a_port_in_use_is_said_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = one_sentence(started(tmp_path, port=port))
    assert said == f"cosmos: port {port} of 127.0.0.1 is in use by another program.\n"


def test_a_folder_that_cannot_be_used_is_said_in_one_sentence(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("not a folder")
    assert f"the folder {occupied} cannot be used" in one_sentence(started(occupied))


def test_a_folder_that_another_stand_in_uses_is_refused(tmp_path: Path) -> None:
    with process(tmp_path):
        assert "another stand-in uses it" in one_sentence(started(tmp_path))
