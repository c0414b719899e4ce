"""The HTTP side of the host: routes a request to a function or an admin endpoint, and sends the answer as is."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from azure.functions.meta import Datum

from dev.host.admin import Admin, Answer
from dev.host.arguments import http_argument
from dev.host.bindings import HostedFunction, HttpTrigger
from dev.host.invocation import Invoker, Succeeded, TraceContext, new_trace
from dev.host.keys import HostKeys, presented_key
from dev.host.routes import RouteTable, build_table, compile_route
from dev.host.settings import HostSettings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_NOT_FOUND = Answer(404)
_UNAUTHORISED = Answer(401)
_TOO_LARGE = Answer(413)
_FAILED = Answer(500)
_BODILESS = frozenset({204, 304})


class ClientGone(Exception):
    """The caller hung up before its body was complete."""


class BodyTooLarge(Exception):
    """The body exceeds what the host accepts."""


class WebFront:
    """A raw ASGI application over the HTTP functions of an app."""

    def __init__(
        self,
        functions: Mapping[str, HostedFunction],
        *,
        settings: HostSettings,
        keys: HostKeys,
        invoker: Invoker,
        admin: Admin,
    ) -> None:
        self._functions = functions
        self._routes = _routes(functions, settings.route_prefix)
        self._keys = keys
        self._invoker = invoker
        self._admin = admin
        self._max_body_bytes = settings.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            answer = await self._answer(scope, receive)
        except ClientGone:
            return
        except BodyTooLarge:
            answer = _TOO_LARGE
        await _send(answer, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path = scope["raw_path"].decode("latin-1")
        header = _header(scope, b"x-functions-key")
        key = presented_key(header, scope["query_string"])
        if path.lower().startswith("/admin/"):
            body = await self._body(scope, receive)
            return self._admin.answer(scope["method"], path, key=key, body=body)
        found = self._routes.find(scope["method"], path)
        if found is None:
            return _NOT_FOUND
        route, values = found
        function = self._functions[route.function]
        assert isinstance(function.trigger, HttpTrigger)
        if not self._keys.allow(function.trigger.auth_level, function.name, key):
            return _UNAUTHORISED
        request = http_argument(scope, await self._body(scope, receive), values)
        outcome = await self._invoker.invoke(function, request, trace=_trace(scope))
        if not isinstance(outcome, Succeeded) or outcome.response is None:
            return _FAILED
        return _rendered(outcome.response)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        declared = _header(scope, b"content-length")
        if declared and declared.isdigit() and int(declared) > self._max_body_bytes:
            raise BodyTooLarge
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._max_body_bytes:
                raise BodyTooLarge
            chunks.append(chunk)
            if not message.get("more_body"):
                return b"".join(chunks)


def _routes(functions: Mapping[str, HostedFunction], prefix: str) -> RouteTable:
    return build_table(
        compile_route(
            function=function.name,
            prefix=prefix,
            template=function.trigger.route,
            methods=function.trigger.methods,
        )
        for function in functions.values()
        if isinstance(function.trigger, HttpTrigger)
    )


def _header(scope: Scope, wanted: bytes) -> str | None:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), None)


def _trace(scope: Scope) -> TraceContext:
    return new_trace(_header(scope, b"traceparent"), _header(scope, b"tracestate") or "")


def _rendered(encoded: Datum) -> Answer:
    if encoded.type == "string":
        return Answer(200, encoded.value.encode(), [(b"content-type", b"text/plain; charset=utf-8")])
    value = encoded.value
    headers = [
        (name.encode("latin-1"), field.value.encode("latin-1"))
        for name, field in value["headers"].items()
        if name.lower() != "content-length"
    ]
    for cookie in value["cookies"] or ():
        headers += [(b"set-cookie", morsel.OutputString().encode("latin-1")) for morsel in cookie.values()]
    return Answer(int(value["status_code"].value), value["body"].value, headers)


async def _send(answer: Answer, send: Send) -> None:
    bodiless = answer.status in _BODILESS
    headers = list(answer.headers)
    if not bodiless:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if bodiless else answer.body})
