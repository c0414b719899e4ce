"""Runs the real Azurite for tests, on free ports of its own and in a directory of its own."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ACCOUNT = "devstoreaccount1"
# Microsoft publishes this key for every storage emulator.
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
SCRIPT = Path(__file__).parents[2] / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
START_SECONDS = 30.0


@dataclass(frozen=True)
class Ports:
    """One port a service."""

    blob: int
    queue: int
    table: int

    @property
    def connection_string(self) -> str:
        """What a storage client or an app setting needs to reach this Azurite."""
        endpoints = (f"{name}Endpoint=http://127.0.0.1:{port}/{ACCOUNT}" for name, port in self._by_name())
        return ";".join(
            ["DefaultEndpointsProtocol=http", f"AccountName={ACCOUNT}", f"AccountKey={ACCOUNT_KEY}", *endpoints]
        )

    def _by_name(self) -> list[tuple[str, int]]:
        return [("Blob", self.blob), ("Queue", self.queue), ("Table", self.table)]


def free_ports() -> Ports:
    """Three ports that nothing listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    ports = Ports(*(listening.getsockname()[1] for listening in sockets))
    for listening in sockets:
        listening.close()
    return ports


@contextmanager
def running_azurite(directory: Path, ports: Ports | None = None) -> Iterator[str]:
    """The connection string of an Azurite that runs until the block ends."""
    ports = ports or free_ports()
    command = ["node", str(SCRIPT), "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    command += ["--location", str(directory), "--blobPort", str(ports.blob)]
    command += ["--queuePort", str(ports.queue), "--tablePort", str(ports.table)]
    with (directory / "azurite.log").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_until_serving(process, ports, directory / "azurite.log")
        yield ports.connection_string
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of one Azurite for the whole run; use names of your own in it."""
    with running_azurite(tmp_path_factory.mktemp("azurite")) as connection:
        yield connection


def _wait_until_serving(process: subprocess.Popen[bytes], ports: Ports, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not all(_accepts(port) for port in (ports.blob, ports.queue, ports.table)):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Azurite did not start: {log.read_text(errors='replace')[-500:]}")
        time.sleep(0.05)


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
