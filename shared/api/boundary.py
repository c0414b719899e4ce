"""The outermost layers of the API: name each request, set the security headers, let no exception out."""

import traceback
import uuid
from pathlib import Path

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.api.problems import problem
from shared.telemetry import bound, logger

log = logger(__name__)

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Boundary:
    """ASGI middleware. Plain, for Starlette's base class runs every answer through a second task."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        scope["state"] = {**(scope.get("state") or {}), "request_id": request_id}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _set_headers(message, request_id)
            await send(message)

        with bound(request_id=request_id):
            await self._app(scope, receive, send_with_headers)


class Caught:
    """ASGI middleware inside the boundary: an exception becomes a problem that is answered like any other."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        has_started = False

        async def noting(message: Message) -> None:
            nonlocal has_started
            has_started = has_started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noting)
        # An exception that left the app would reach the host, which answers with an empty 500.
        except Exception as exc:
            log.error("api_failed", extra={"bug": type(exc).__name__, "where": _where(exc)})
            if has_started or scope["type"] != "http":
                raise
            await problem(Request(scope), 500)(scope, receive, send)


def _set_headers(message: Message, request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    headers["X-Request-Id"] = request_id


def _where(exc: Exception) -> str:
    # Places only: an exception's text may hold what somebody sent.
    frames = traceback.extract_tb(exc.__traceback__)[-3:]
    return " < ".join(f"{Path(one.filename).name}:{one.lineno}" for one in reversed(frames))
