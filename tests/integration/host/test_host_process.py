"""The host as its own process: how it starts, refuses to start and ends."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dev.host.keys import KEYS_FILE
from tests.integration.host.hosting import STORAGE, Queues, eventually

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]
APP = """
import asyncio, os, pathlib
import azure.functions as func
app = func.FunctionApp(http_auth_level="ANONYMOUS")
here = pathlib.Path(__file__).parent
"""
SETTINGS = """
@app.route(route="setting/{name}")
def setting(req: func.HttpRequest) -> str:
    return os.environ[req.route_params["name"]]
"""
SLOW = """
@app.route(route="slow")
async def slow(req: func.HttpRequest) -> str:
    (here / "started").touch()
    while not (here / "finish").exists():
        await asyncio.sleep(0.02)
    return "finished"
"""
HANGING_WORKER = """
@app.queue_trigger(arg_name="msg", queue_name="{queue}", connection="AzureWebJobsStorage")
async def work(msg: func.QueueMessage) -> None:
    with (here / "deliveries").open("a") as file:
        file.write(str(msg.dequeue_count))
    if msg.dequeue_count == 1:
        await asyncio.Event().wait()
"""


class HostProcess:
    """`python -m dev host` in a folder."""

    def __init__(self, folder: Path, source: str, *, port: int | None = None, **environ: str) -> None:
        (folder / "function_app.py").write_text(APP + source)
        self.port = port or a_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "dev", "host", "--port", str(self.port), "--lease-seconds", "2"]
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("Azure", "AZURE"))}
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env={**kept, "PYTHONPATH": str(ROOT), **environ},
            stderr=subprocess.PIPE,
            text=True,
        )

    def serving(self) -> "HostProcess":
        """This host, once it answers."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{self.url}/admin/host/ping")
                return self
            time.sleep(0.05)
        self.process.kill()
        raise AssertionError(self.process.communicate()[1])

    def end(self) -> tuple[int, str]:
        """The exit status and everything on stderr, once the process has ended."""
        errors = self.process.communicate(timeout=20)[1]
        return self.process.returncode, errors


@contextlib.contextmanager
def running(host: HostProcess) -> Iterator[HostProcess]:
    try:
        yield host.serving()
    finally:
        host.process.kill()
        host.process.communicate()


def a_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


async def test_a_message_of_a_killed_host_comes_back_when_its_lease_ends(queues: Queues, tmp_path: Path) -> None:
    queue = await queues.create()
    await queues.put(queue, "x")
    source, setting = HANGING_WORKER.format(queue=queue), {STORAGE: queues.connection}
    deliveries = tmp_path / "deliveries"
    with running(HostProcess(tmp_path, source, **setting)) as first:
        await eventually(lambda: _exists(deliveries))
        first.process.send_signal(signal.SIGKILL)
        assert first.end()[0] == -signal.SIGKILL
    with running(HostProcess(tmp_path, source, **setting)):
        await eventually(lambda: _is_gone(queues, queue))
    assert deliveries.read_text() == "12"


async def test_sigterm_finishes_what_is_in_flight_and_exits_0(tmp_path: Path) -> None:
    with running(HostProcess(tmp_path, SLOW)) as host:
        async with httpx.AsyncClient() as client:
            answer = asyncio.create_task(client.get(f"{host.url}/api/slow"))
            await eventually(lambda: _exists(tmp_path / "started"))
            host.process.send_signal(signal.SIGTERM)
            await eventually(lambda: _refuses(host.port))
            (tmp_path / "finish").touch()
            assert (await answer).text == "finished"
        assert host.end()[0] == 0


async def test_a_second_signal_exits_at_once(tmp_path: Path) -> None:
    with running(HostProcess(tmp_path, SLOW)) as host, socket.create_connection(("127.0.0.1", host.port)) as caller:
        caller.sendall(b"GET /api/slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await eventually(lambda: _exists(tmp_path / "started"))
        host.process.send_signal(signal.SIGINT)
        await eventually(lambda: _refuses(host.port))
        host.process.send_signal(signal.SIGINT)
        assert host.end()[0] == 1


def test_local_settings_apply_below_the_environment_and_keys_are_made_once(tmp_path: Path) -> None:
    values = '{"Values": {"FROM_FILE": "file", "FROM_BOTH": "file"}}'
    (tmp_path / "local.settings.json").write_text(values)
    with running(HostProcess(tmp_path, SETTINGS, FROM_BOTH="environment")) as host:
        names = ("FROM_FILE", "FROM_BOTH", "AZURE_FUNCTIONS_ENVIRONMENT")
        found = [httpx.get(f"{host.url}/api/setting/{name}").text for name in names]
    assert found == ["file", "environment", "Development"]
    assert (tmp_path / KEYS_FILE).stat().st_mode & 0o777 == 0o600


def test_a_taken_port_is_one_sentence_and_exit_status_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, errors = HostProcess(tmp_path, SLOW, port=port).end()
    assert (status, errors) == (1, f"port {port} is already in use, choose another with --port\n")


def test_an_app_that_azure_would_reject_is_one_sentence_and_exit_status_1(tmp_path: Path) -> None:
    status, errors = HostProcess(tmp_path, "\nimport no_such_package\n").end()
    assert status == 1
    assert errors == (
        "function_app.py cannot be imported: ModuleNotFoundError: No module named 'no_such_package'"
        " (function_app.py:7)\n"
    )


async def _exists(file: Path) -> bool:
    return await asyncio.to_thread(file.exists)


async def _refuses(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


async def _is_gone(queues: Queues, queue: str) -> bool:
    return await queues.count(queue) == 0
