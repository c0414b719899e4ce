"""The stack refuses in one sentence, and stops what it started."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from dev.binaries import find
from dev.parse import signals_of
from dev.ports import a_free_base
from dev.processes import Part, Processes, port_ready
from dev.sentences import CannotRun

SLEEPS = [sys.executable, "-c", "import time; time.sleep(60)"]


async def always() -> bool:
    return True


async def never() -> bool:
    return False


async def test_a_port_in_use_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotRun, match=rf"^prometheus needs port {port}, which is in use"):
            await Processes(tmp_path).start(Part("prometheus", SLEEPS, [port], always))


async def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="no-such-program is not installed"):
        await Processes(tmp_path).start(Part("part", ["no-such-program"], [], always))


async def test_a_part_that_ends_while_starting_is_quoted(tmp_path: Path) -> None:
    broken = [sys.executable, "-c", "raise SystemExit('the disk is full')"]
    with pytest.raises(CannotRun, match="part stopped while starting: the disk is full"):
        await Processes(tmp_path).start(Part("part", broken, [], never))


async def test_stopping_ends_every_part_also_one_that_ignores_the_request(tmp_path: Path) -> None:
    processes = Processes(tmp_path, stop_seconds=0.5)
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    log = tmp_path / "stubborn.log"

    async def is_up() -> bool:
        return log.exists() and "up" in log.read_text()

    await processes.start(Part("polite", SLEEPS, [], always))
    await processes.start(Part("stubborn", [sys.executable, "-c", stubborn], [], is_up))
    pids = [processes.pid("polite"), processes.pid("stubborn")]
    await processes.stop_all()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, signal.SIG_DFL)


async def test_a_part_that_ends_by_itself_is_told(tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    await processes.start(Part("short", [sys.executable, "-c", "pass"], [], always))
    assert await asyncio.wait_for(processes.first_to_end(), 10) == "short"


async def test_a_port_is_ready_once_somebody_listens() -> None:
    port = a_free_base()
    assert not await port_ready(port)()
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)
    assert await port_ready(port)()
    server.close()
    await server.wait_closed()


def test_a_program_that_is_not_on_path_is_named_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(CannotRun, match="prometheus is not on PATH"):
        find("prometheus")


@pytest.mark.parametrize(
    ("content", "source", "sentence"),
    [
        (b"{}", "nagios", "nagios is not a source; the sources are: alertmanager"),
        (b"nope", "alertmanager", r"would become a dead letter \(not_json\)"),
        (b"x" * (4 * 1024 * 1024 + 1), "alertmanager", "would answer 413"),
        (None, "alertmanager", "cannot be read"),
    ],
)
def test_a_dry_run_refuses_in_one_sentence(tmp_path: Path, content: bytes | None, source: str, sentence: str) -> None:
    file = tmp_path / "payload.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CannotRun, match=sentence):
        signals_of(file, source)


def test_a_dry_run_shows_the_signals_that_ingestion_would_store() -> None:
    payload = Path(__file__).parents[1] / "payloads" / "alertmanager" / "shop-high-error-ratio-firing.json"
    found = signals_of(payload, "alertmanager")
    assert [signal["service_name"] for signal in found["signals"]] == ["payment"]
    assert found["dead_letters"] == []
