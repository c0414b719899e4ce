"""The host's own endpoints under /admin."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dev.host.bindings import HostedFunction, HttpTrigger
from dev.host.keys import HostKeys

_JSON = (b"content-type", b"application/json; charset=utf-8")
RunNow = Callable[[HostedFunction, str], None]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, complete."""

    status: int
    body: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


class Admin:
    """Ping for anyone; status and starting a function by hand for the holder of the master key."""

    def __init__(self, functions: Mapping[str, HostedFunction], *, keys: HostKeys, run_now: RunNow) -> None:
        self._functions = {function.name.lower(): function for function in functions.values()}
        self._keys = keys
        self._run_now = run_now
        self._started = time.monotonic()

    def answer(self, method: str, path: str, *, key: str | None, body: bytes) -> Answer:
        """Answer one request under /admin."""
        parts = path.lower().strip("/").split("/")[1:]
        if method in ("GET", "POST") and parts == ["host", "ping"]:
            return Answer(200)
        if not self._keys.is_master(key):
            return Answer(401)
        match method, parts:
            case "GET", ["host", "status"]:
                return _json(200, self._status())
            case "POST", ["functions", name] if name in self._functions:
                return self._start(self._functions[name], body)
        return Answer(404)

    def _start(self, function: HostedFunction, body: bytes) -> Answer:
        if isinstance(function.trigger, HttpTrigger):
            return _json(400, {"error": f"call {function.name} by its route, it is an HTTP function"})
        try:
            document = json.loads(body) if body else {}
            given = document.get("input", "")
        except (ValueError, AttributeError):
            return _json(400, {"error": 'send a JSON object such as {"input": "text"}'})
        self._run_now(function, given if isinstance(given, str) else json.dumps(given))
        return Answer(202)

    def _status(self) -> dict[str, Any]:
        return {
            "id": "sre-copilot-local",
            "state": "Running",
            "version": "local",
            "processUptime": int((time.monotonic() - self._started) * 1000),
        }


def _json(status: int, document: Mapping[str, Any]) -> Answer:
    return Answer(status, json.dumps(document).encode(), [_JSON])
