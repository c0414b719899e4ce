"""What stands between the boundary and the routes: sizes, guessing, and which parameters may come."""

from collections import Counter
from collections.abc import Iterator
from email.message import Message as Headed
from typing import get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.api.limits import RequestLimits, TooManyRequests
from shared.api.options import ApiOptions
from shared.api.pace import Buckets, Clock, neighbourhood
from shared.api.problems import refusal
from shared.errors import CopilotError, Malformed
from shared.models.base import TenantId

NO_GUESSES = frozenset({"no_token", "session_stale", "token_time"})
"""Why somebody is not authenticated who tried nothing out: there was no credential, or one that was good till now.

Whoever wakes a laptop asks with a token or session that is over. All of an office would wait for a few who do.
"""
_MAX_NAMED_CHARS = 50
# What an identity provider adds to its answer is ignored (RFC 6749, 4.1.2).
_ANSWERED_BY_OTHERS = frozenset({"finish_sign_in"})


class Bounded:
    """ASGI middleware: refuses what is too large, and JSON that two parsers could read in two ways."""

    def __init__(self, app: ASGIApp, limits: RequestLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await self._checked(scope, receive)
        except CopilotError as exc:
            await refusal(Request(scope), exc)(scope, receive, send)
            return
        await self._app(scope, _again(body, receive), send)

    async def _checked(self, scope: Scope, receive: Receive) -> bytes:
        raw_path = scope.get("raw_path") or scope["path"].encode(errors="replace")
        self._limits.check_head(len(raw_path) + len(scope["query_string"]), scope["headers"])
        body = await self._read(receive)
        if body and _is_json(Headers(scope=scope).get("content-type", "")):
            self._limits.check_json(body)
        return body

    async def _read(self, receive: Receive) -> bytes:
        body, has_more = bytearray(), True
        while has_more:
            message = await receive()
            body += message.get("body", b"")
            self._limits.check_body(len(body))
            has_more = message.get("more_body", False)
        return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the whole body first."""
    left = [body]

    async def give() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return give


def _is_json(content_type: str) -> bool:
    """As FastAPI decides it, so that nothing is understood as JSON that was not looked at here."""
    headed = Headed()
    headed["content-type"] = content_type
    subtype = headed.get_content_subtype()
    return headed.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))


class Unhurried:
    """ASGI middleware: an address from which failures keep coming waits, so that guessing costs us nothing."""

    def __init__(self, app: ASGIApp, options: ApiOptions, failures: Buckets) -> None:
        self._app = app
        self._options = options
        self._failures = failures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        address = self._options.client_address(Headers(scope=scope)) if scope["type"] == "http" else None
        if address is None:
            await self._app(scope, receive, send)
            return
        key = neighbourhood(address)
        wait = self._failures.wait_seconds(key)
        if wait:
            exc = TooManyRequests(
                "too many refused requests from here", wait_seconds=wait, reason="too_many_failures"
            )
            await refusal(Request(scope), exc)(scope, receive, send)
            return

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_guess(scope):
                self._failures.take(key)
            await send(message)

        await self._app(scope, receive, noting)


def _is_guess(scope: Scope) -> bool:
    """Whether this request was refused for a credential that was made up, or could have been."""
    why = scope["state"].get("unauthenticated_for")
    return why is not None and why not in NO_GUESSES


class Pace:
    """How fast each person or script may ask, and each address from which somebody signs in."""

    def __init__(self, options: ApiOptions, clock: Clock) -> None:
        self._requests = Buckets(options.requests, clock=clock)

    def require(self, tenant_id: TenantId, object_id: str) -> None:
        """Count a request; raises TooManyRequests when whoever makes it must wait."""
        self._take(f"{tenant_id} {object_id}")

    def require_of_address(self, address: str | None) -> None:
        """The same for who is not known yet, where their address is believed."""
        if address is not None:
            self._take(neighbourhood(address))

    def _take(self, key: str) -> None:
        wait = self._requests.take(key)
        if wait:
            raise TooManyRequests("you ask faster than you may", wait_seconds=wait)


async def known_parameters(request: Request) -> None:
    """Refuse a query parameter that the operation does not have, and one of a single value that comes twice.

    A filter whose name is misspelt would let everything through, and which of two values counted would be a guess.
    """
    route = request.scope["route"]
    known = dict(_parameters(route.dependant))
    for name, times in Counter(name for name, _ in request.query_params.multi_items()).items():
        if name not in known and route.name not in _ANSWERED_BY_OTHERS:
            raise Malformed(f"there is no query parameter {name[:_MAX_NAMED_CHARS]!r}", reason="unknown_parameter")
        if times > 1 and not known.get(name):
            raise Malformed("a query parameter comes twice", reason="repeated_parameter")


def _parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """The query parameters of a route by name, and whether each takes several values."""
    for field in dependant.query_params:
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            for name, one in annotation.model_fields.items():
                yield one.alias or name, get_origin(one.annotation) is list
        else:
            yield field.alias, get_origin(annotation) is list
    for each in dependant.dependencies:
        yield from _parameters(each)
