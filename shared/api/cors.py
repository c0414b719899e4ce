"""Which other origins' pages may call the API: those that the installation names, exactly, and no others."""

import re
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.api.problems import problem

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
REQUEST_HEADERS = ("Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "X-CSRF-Token")
ANSWER_HEADERS = ("Content-Disposition", "ETag", "Location", "Retry-After", "X-Request-Id")
MAX_AGE_SECONDS = 600

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_ORIGIN = re.compile(
    rf"https://{_LABEL}(\.{_LABEL})*(:[1-9][0-9]{{0,4}})?|http://(localhost|127\.0\.0\.1)(:[1-9][0-9]{{0,4}})?"
)


class NotAnOrigin(ValueError):
    """A configured origin that is not one, or not one that could be trusted with credentials."""


def exact_origins(listed: str) -> tuple[str, ...]:
    """The origins of a comma-separated list; raises NotAnOrigin for `*`, `null`, paths, and plain http elsewhere."""
    origins = tuple(one.strip() for one in listed.split(",") if one.strip())
    for one in origins:
        if not _ORIGIN.fullmatch(one):
            raise NotAnOrigin(f"CORS_ORIGINS: {one!r} is not an origin such as https://app.example.com")
    return origins


class Cors(CORSMiddleware):
    """Starlette's, but what is refused is told nothing of what is allowed, in the one shape of our errors."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=REQUEST_HEADERS,
            allow_credentials=True,
            expose_headers=ANSWER_HEADERS,
            max_age=MAX_AGE_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        is_preflight = scope.get("method") == "OPTIONS" and "access-control-request-method" in headers
        if not is_preflight or "origin" not in headers:
            await super().__call__(scope, receive, send)
            return
        answer = self.preflight_response(headers)
        if not answer.status_code < 400:  # noqa: PLR2004 -- an error
            answer = problem(Request(scope), 403, detail="This origin may not do this.", headers={"Vary": "Origin"})
        await answer(scope, receive, send)

    async def send(self, message: Message, send: Send, request_headers: Headers) -> None:
        """Mark an answer for its origin, if that is one of ours."""
        if message["type"] == "http.response.start" and not self.is_allowed_origin(request_headers.get("origin", "")):
            MutableHeaders(scope=message).add_vary_header("Origin")
            await send(message)
            return
        await super().send(message, send, request_headers)
