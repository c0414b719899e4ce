"""Requests and responses as values, and the raw ASGI around them."""

import json
import math
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from dev.cosmos.errors import bad_request, too_large

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_REQUEST_BYTES = 2 * 1024 * 1024
# A request that is too large is still read up to here, so that the client gets its 413 and not a broken connection.
_MAX_READ_BYTES = 16 * MAX_REQUEST_BYTES


@dataclass(frozen=True)
class Request:
    """One request. Header names are lower case, path segments are decoded one by one, an id may hold anything."""

    method: str
    segments: tuple[str, ...]
    headers: Mapping[str, str]
    body: bytes = b""

    def flag(self, name: str) -> bool:
        """Whether a boolean header is set; the SDK sends Python's `True` for some and `true` for others."""
        return self.headers.get(name, "").lower() == "true"

    def json(self) -> Any:
        """The body as strict JSON; refused with 400 or, above 2 MB, with 413."""
        if len(self.body) > MAX_REQUEST_BYTES:
            raise too_large()
        try:
            return json.loads(
                self.body, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_within_double
            )
        except (ValueError, RecursionError) as exc:
            raise bad_request("The request body is not valid JSON.") from exc

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object, else 400."""
        body = self.json()
        if not isinstance(body, dict):
            raise bad_request("The request body must be a JSON object.")
        return body

    def whole_number(self, name: str) -> int | None:
        """A numeric header; None when it is absent, 400 when it is not a number."""
        value = self.headers.get(name)
        if value is None:
            return None
        try:
            return int(value)
        except ValueError as exc:
            raise bad_request(f"The value of header '{name}' is not a number.") from exc


@dataclass
class Response:
    """One answer; `body` is JSON, or None for an empty one.

    `parts` is for the counters: a batch's operations by kind, or how many documents a page of a query holds.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    parts: Mapping[str, int] = field(default_factory=dict)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text} is beyond the range of a number")
    return value


def _within_double(text: str) -> int:
    _finite(text)
    return int(text)


async def read_request(scope: Scope, receive: Receive) -> Request:
    """Read one whole request."""
    body = bytearray()
    while True:
        message = await receive()
        if len(body) <= _MAX_READ_BYTES:
            body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    # Ids are percent-encoded one by one: split first, decode after. Paths of the SDK end with a slash.
    parts = scope["raw_path"].split(b"/")
    return Request(
        scope["method"],
        tuple(unquote_to_bytes(part).decode("utf-8", "replace") for part in parts if part),
        {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        bytes(body),
    )


async def send_response(response: Response, send: Send) -> None:
    """Send one answer."""
    content = b"" if response.body is None else json.dumps(response.body, separators=(",", ":")).encode()
    headers = {"content-type": "application/json", "content-length": str(len(content)), **response.headers}
    if response.status in {204, 304}:
        del headers["content-length"]
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
    await send({"type": "http.response.body", "body": content})
