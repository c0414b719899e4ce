"""The stand-in over HTTP on loopback.

Beside Cosmos DB's protocol there are, without a signature: `GET /_health`; `POST`, `GET` and `DELETE /_faults`;
`GET` and `DELETE /_operations`.
"""

import errno
import signal
import socket
import sqlite3
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from dev.cosmos.auth import EMULATOR_KEY, refuse_unsigned
from dev.cosmos.catalog import Catalog, Clock
from dev.cosmos.errors import Refusal, bad_request
from dev.cosmos.faults import Fault
from dev.cosmos.http import Receive, Request, Response, Scope, Send, read_request, send_response
from dev.cosmos.routes import Route, route_of
from dev.cosmos.service import Service
from dev.cosmos.storage import Storage

__all__ = ["EMULATOR_KEY", "create_app", "serve"]


class CosmosApp:
    """The ASGI application. Its file is closed with its lifespan, or by `close`."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        request = await read_request(scope, receive)
        if request.segments and request.segments[0].startswith("_"):
            response = _guarded(lambda: control(self.service, request))
        else:
            answered = await self._answered(request, receive)
            if answered is None:
                return
            response = answered
        await send_response(response, send)

    def close(self) -> None:
        """Close the file."""
        self.service.storage.close()

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return
            await send({"type": "lifespan.startup.complete"})

    async def _answered(self, request: Request, receive: Receive) -> Response | None:
        """The answer, after any fault that was ordered for it; None when nothing is to be said at all."""
        service, route = self.service, route_of(request)
        if refusal := refuse_unsigned(request):
            return _refused(refusal)
        container = self._container_name(request)
        fault = service.faults.take(route.operation, container)
        response = self._with_fault(route, request, fault)
        charge = float(response.headers.get("x-ms-request-charge", 0))
        is_failed = response.status >= 400 or response.status == 207
        service.counts.record(route.operation, container, charge=charge, failed=is_failed, parts=response.parts)
        if fault is not None and fault.hangs:
            await _until_disconnected(receive)
            return None
        return response

    def _with_fault(self, route: Route, request: Request, fault: Fault | None) -> Response:
        if fault is None:
            return _guarded(lambda: route.handler(self.service, request))
        if fault.after_commit:
            _guarded(lambda: route.handler(self.service, request))
        return _refused(fault.refusal())

    def _container_name(self, request: Request) -> str | None:
        if len(request.segments) < 4 or request.segments[2] != "colls":
            return None
        try:
            return self.service.catalog.container(request.segments[1], request.segments[3]).id
        except Refusal:
            return request.segments[3]


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


def _guarded(answer: Callable[[], Response]) -> Response:
    try:
        response = answer()
    except Refusal as refusal:
        return _refused(refusal)
    except RecursionError:
        return _refused(bad_request("The request is nested too deeply."))
    response.headers.setdefault("x-ms-activity-id", str(uuid.uuid4()))
    return response


def _refused(refusal: Refusal) -> Response:
    activity_id = str(uuid.uuid4())
    message = f"{refusal.message}\r\nActivityId: {activity_id}"
    headers = {
        "x-ms-activity-id": activity_id,
        "x-ms-substatus": str(refusal.substatus),
        "x-ms-request-charge": "1.00",
    }
    return Response(refusal.status, {"code": refusal.code, "message": message}, {**headers, **refusal.headers})


def control(service: Service, request: Request) -> Response:
    """The stand-in's own controls."""
    match request.method, request.segments:
        case "GET", ("_health",):
            return Response(200, {"status": "ok", "strict": service.strict})
        case "POST", ("_faults",):
            try:
                service.faults.arm(Fault.model_validate_json(request.body))
            except ValidationError as exc:
                raise bad_request(f"Not a fault: {exc.errors()[0]['loc']}: {exc.errors()[0]['msg']}") from exc
            return Response(204)
        case "GET", ("_faults",):
            return Response(200, service.faults.listed())
        case "DELETE", ("_faults",):
            service.faults.clear()
            return Response(204)
        case "GET", ("_operations",):
            return Response(200, service.counts.summary())
        case "DELETE", ("_operations",):
            service.counts.reset()
            return Response(204)
    raise Refusal(404, "NotFound", "There is no such control.")


def create_app(data: Path, *, strict: bool, clock: Clock = time.time) -> CosmosApp:
    """The stand-in on the file in a folder; OSError or sqlite3.Error when it cannot be opened."""
    storage = Storage(data)
    return CosmosApp(Service(storage, Catalog(storage, clock), clock, strict))


def serve(*, port: int, data: Path, strict: bool) -> None:
    """Serve until SIGINT or SIGTERM; what prevents it is said in one sentence, with exit code 1."""
    import uvicorn

    listener = listen(port)
    try:
        app = create_app(data, strict=strict)
    except (OSError, sqlite3.Error) as exc:
        why = "another stand-in uses it" if "locked" in str(exc) else str(exc)
        raise _cannot(f"the folder {data} cannot be used: {why}.") from exc
    # Connections stay open longer than clients keep them idle, so that none is closed under a request on its way.
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_level="warning",
        proxy_headers=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=600,
        ws="none",
    )
    server = uvicorn.Server(config)

    def stop(*_: object) -> None:
        server.should_exit = True

    for signum in (signal.SIGINT, signal.SIGTERM):
        # uvicorn puts its own handlers over these once it runs, and raises the signal again when it has shut down.
        signal.signal(signum, stop)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    print(f"cosmos: stand-in at {address}, data in {data}{', strict' if strict else ''}", flush=True)
    server.run(sockets=[listener])


def listen(port: int) -> socket.socket:
    """A listening socket on loopback, port 0 for any free one; SystemExit(1) after a sentence that says why not."""
    # asyncio switches Nagle's algorithm off only for sockets that name TCP as their protocol, which
    # `socket.create_server` does not do; with it on, every answer waits 40 ms for the client's acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError as exc:
        listener.close()
        if exc.errno == errno.EADDRINUSE:
            raise _cannot(f"port {port} of 127.0.0.1 is in use by another program.") from exc
        raise _cannot(f"port {port} of 127.0.0.1 cannot be opened: {exc}.") from exc
    return listener


def _cannot(why: str) -> SystemExit:
    print(f"cosmos: {why}", file=sys.stderr)
    return SystemExit(1)
