"""`python -m dev host`: serves the function app of the current folder until a signal asks to stop."""

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn

from dev.host.bindings import HostedFunction
from dev.host.errors import HostRefused
from dev.host.indexing import find_app, import_app, index
from dev.host.keys import load_keys
from dev.host.runtime import FunctionHost, describe
from dev.host.settings import HostSettings, load_host_settings, load_local_settings

log = logging.getLogger("dev.host")

_GRACE_SECONDS = 25
_BACKLOG = 2048


@dataclass(frozen=True)
class _Prepared:
    folder: Path
    settings: HostSettings
    functions: tuple[HostedFunction, ...]
    lease_seconds: float


def serve(*, port: int, lease_seconds: float) -> None:
    """Run the host; a reason not to start is one sentence on stderr and exit status 1."""
    logging.basicConfig(format="%(asctime)s %(levelname)-7s %(name)s %(message)s", level=logging.INFO)
    # At INFO they log every call: a flood for a host that polls, and query strings hold keys.
    for library in ("azure", "httpx"):
        logging.getLogger(library).setLevel(logging.WARNING)
    try:
        listening = _bind(port)
        prepared = _prepare(Path.cwd(), lease_seconds)
        finished = asyncio.run(_run(prepared, listening))
    except HostRefused as exc:
        sys.exit(str(exc))
    if not finished:
        # A thread that outlived its grace would keep the interpreter from exiting.
        logging.shutdown()
        os._exit(0)


def _prepare(folder: Path, lease_seconds: float) -> _Prepared:
    load_local_settings(folder, os.environ)
    settings = load_host_settings(folder, os.environ)
    functions = index(find_app(import_app(folder)), os.environ)
    return _Prepared(folder, settings, functions, lease_seconds)


def _bind(port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only for sockets that name TCP; with it every answer waits 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as exc:
        listening.close()
        if exc.errno == errno.EADDRINUSE:
            raise HostRefused(f"port {port} is already in use, choose another with --port") from exc
        raise HostRefused(f"port {port} cannot be used: {exc.strerror}") from exc
    return listening


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the host stops HTTP together with its listeners."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _StopRequest:
    """Set by the first SIGINT or SIGTERM; the second ends the process at once."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._asked = False
        # Plain handlers, not the loop's: the second signal must work while a function blocks the loop.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    async def wait(self) -> None:
        """Return once a stop was asked for."""
        await self._event.wait()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._asked:
            os._exit(1)
        self._asked = True
        self._loop.call_soon_threadsafe(self._event.set)


async def _run(prepared: _Prepared, listening: socket.socket) -> bool:
    stop = _StopRequest()
    host = FunctionHost(
        prepared.functions,
        folder=prepared.folder,
        settings=prepared.settings,
        keys=load_keys(prepared.folder, os.environ),
        environ=os.environ,
        lease_seconds=prepared.lease_seconds,
    )
    server = _Server(_http_config(host))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    host.start()
    table = describe(prepared.functions, prefix=prepared.settings.route_prefix, environ=os.environ)
    log.info("serving http://127.0.0.1:%d\n%s", listening.getsockname()[1], table)
    await asyncio.wait({serving, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
    log.info("stopping: finishing what is in flight, at most %d s", _GRACE_SECONDS)
    server.should_exit = True
    drained, _ = await asyncio.gather(host.stop(_GRACE_SECONDS), serving)
    return await host.close() and drained


def _http_config(host: FunctionHost) -> uvicorn.Config:
    return uvicorn.Config(
        host.web,
        access_log=False,
        backlog=_BACKLOG,
        lifespan="off",
        log_config=None,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        ws="none",
    )
