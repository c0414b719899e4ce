"""Child processes of the stack: started in order, watched while they come up, stopped in reverse."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dev.sentences import CannotRun

READY_SECONDS = 40
STOP_SECONDS = 30
POLL_SECONDS = 0.1

Probe = Callable[[], Awaitable[bool]]


@dataclass(frozen=True)
class Part:
    """One process: how to start it, on which ports, and how to tell that it is ready."""

    name: str
    command: Sequence[str]
    ports: Sequence[int]
    is_ready: Probe
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path()


class Processes:
    """The running parts. Each has its own session, so Ctrl-C reaches only us and we stop them in order."""

    def __init__(self, logs: Path, *, stop_seconds: float = STOP_SECONDS) -> None:
        self._logs = logs
        self._stop_seconds = stop_seconds
        self._running: list[tuple[Part, asyncio.subprocess.Process]] = []

    async def start(self, part: Part) -> None:
        """Start a part and wait until it is ready; raises CannotRun with one sentence when it does not come up."""
        for port in part.ports:
            refuse_taken_port(part.name, port)
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{part.name}.log"
        with log.open("ab") as output:
            try:
                child = await asyncio.create_subprocess_exec(
                    *part.command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=part.folder,
                    env={**os.environ, **part.environment},
                    start_new_session=True,
                )
            except FileNotFoundError as exc:
                raise CannotRun(
                    f"{part.name} cannot start: {part.command[0]} is not installed; run `make setup`"
                ) from exc
        self._running.append((part, child))
        await self._wait_until_ready(part, child, log)

    async def _wait_until_ready(self, part: Part, child: asyncio.subprocess.Process, log: Path) -> None:
        for _ in range(int(READY_SECONDS / POLL_SECONDS)):
            if child.returncode is not None:
                raise CannotRun(f"{part.name} stopped while starting: {last_line(log)} (all of it: {log})")
            if await part.is_ready():
                return
            await asyncio.sleep(POLL_SECONDS)
        raise CannotRun(f"{part.name} was not ready after {READY_SECONDS} s: {last_line(log)} (all of it: {log})")

    def pid(self, name: str) -> int:
        """The process id of a running part."""
        return next(child.pid for part, child in self._running if part.name == name)

    async def kill(self, name: str) -> None:
        """End a part at once, as a crash would."""
        at = next(i for i, (part, _) in enumerate(self._running) if part.name == name)
        _, child = self._running.pop(at)
        child.kill()
        await child.wait()

    async def stop_all(self) -> None:
        """Stop everything, last started first; what does not stop in time is killed."""
        while self._running:
            _, child = self._running.pop()
            await _stop(child, self._stop_seconds)

    async def first_to_end(self) -> str:
        """Wait until any part ends by itself, and name it."""
        ends = {asyncio.ensure_future(child.wait()): part.name for part, child in self._running}
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in ends:
                future.cancel()
        return ends[done.pop()]


async def _stop(child: asyncio.subprocess.Process, seconds: float) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    try:
        await asyncio.wait_for(child.wait(), seconds)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()


def refuse_taken_port(name: str, port: int) -> None:
    """Raise CannotRun when something listens on a port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as exc:
            sentence = (
                f"{name} needs port {port}, which is in use; stop what uses it, or move the stack with --port-base"
            )
            raise CannotRun(sentence) from exc


def last_line(log: Path) -> str:
    """What a part said last."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.exists() else []
    return lines[-1][:300] if lines else "it said nothing"


def http_ready(url: str) -> Probe:
    """Ready when a GET is answered with anything but a server error."""
    import httpx

    async def probe() -> bool:
        try:
            async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
                return (await client.get(url)).status_code < 500
        except httpx.HTTPError:
            return False

    return probe


def port_ready(port: int) -> Probe:
    """Ready when a connection is taken."""

    async def probe() -> bool:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 2)
        except (OSError, TimeoutError):
            return False
        writer.close()
        return True

    return probe
