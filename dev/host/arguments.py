"""Builds what a trigger hands to its function, the way the genuine worker does."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from azure.functions.http import HttpRequest
from azure.functions.queue import QueueMessage
from azure.functions.timer import TimerRequest
from azure.storage.queue import QueueMessage as StoredMessage

from dev.host.bindings import HostedFunction, QueueTrigger

# What .NET sends for a timer that has not run yet.
_NEVER = "0001-01-01T00:00:00"
_UNADDRESSED = StoredMessage(id="", pop_receipt="")


def http_argument(scope: Mapping[str, Any], body: bytes, route_values: Mapping[str, str]) -> HttpRequest:
    """The request of an ASGI scope: repeated headers and parameters are joined, empty parameters left out."""
    headers = joined_headers(scope["headers"])
    query = scope["query_string"].decode("latin-1")
    address = f"{scope['scheme']}://{headers.get('host', 'localhost')}{scope['raw_path'].decode('latin-1')}"
    return HttpRequest(
        scope["method"],
        f"{address}?{query}" if query else address,
        headers=headers,
        params=_parameters(query) if query else {},
        route_params=route_values,
        body_type="bytes",
        body=body,
    )


def joined_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Header fields by lower-case name; the host joins repeated ones with a comma, cookies with a semicolon."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name in headers:
            value = f"{headers[name]}{'; ' if name == 'cookie' else ','}{value}"
        headers[name] = value
    return headers


def _parameters(query: str) -> dict[str, str]:
    # The host drops empty parameters before it calls a Python worker; they remain in the URL.
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query):
        parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
    return parameters


def queue_argument(
    function: HostedFunction, body: bytes, message: StoredMessage = _UNADDRESSED
) -> QueueMessage | str | bytes:
    """A queue message as the function's annotation asks for it; it is text unless bytes were asked for."""
    text = body.decode(errors="replace")
    if function.argument_type is str:
        return text
    if function.argument_type is bytes:
        return body
    binary = isinstance(function.trigger, QueueTrigger) and function.trigger.binary
    return QueueMessage(
        id=message.id,
        body=body if binary else text,
        dequeue_count=message.dequeue_count,
        expiration_time=message.expires_on,
        insertion_time=message.inserted_on,
        time_next_visible=message.next_visible_on,
        pop_receipt=message.pop_receipt,
    )


def timer_argument(*, past_due: bool, last: datetime | None, following: datetime, now: datetime) -> TimerRequest:
    """A timer request with the status fields the host sends."""
    status = {
        "Last": last.isoformat() if last else _NEVER,
        "Next": following.isoformat(),
        "LastUpdated": now.isoformat(),
    }
    return TimerRequest(past_due=past_due, schedule_status=status, schedule={"AdjustForDST": True})
