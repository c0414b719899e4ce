"""A Prometheus on loopback that does as it is told, and keeps what it was asked.

    async with FakePrometheus([("build_info", server_error()), ("", series(({"service": "pay"}, 20.0)))]) as server:
        source = PrometheusSource(http, Connection(server.url))

A rule is a text and a behaviour; the first whose text is in the query counts, and an empty result is the rest. What
is asked without a query (`labels`, `status/buildinfo`) goes by the name of its endpoint. Behaviours wrap one another:
`slow(0.1, truncated(empty()))`. Whatever hangs ends with the server.
"""

import asyncio
import json
import math
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

Value = float | Callable[[float], float]
"""Of a series: the same at all times, or by the time."""


@dataclass(frozen=True)
class Asked:
    """One question, as it arrived."""

    endpoint: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def query(self) -> str:
        """The PromQL, or the endpoint's name where there is none."""
        return self.parameters.get("query", self.endpoint)

    @property
    def times(self) -> list[float]:
        """The moments that it is about: one, or a range's."""
        if self.endpoint != "query_range":
            return [float(self.parameters.get("time", "0"))]
        start, end, step = (float(self.parameters[name]) for name in ("start", "end", "step"))
        return [start + step * index for index in range(int((end - start) / step) + 1)]


@dataclass(frozen=True)
class Reply:
    """What is sent; `missing` bytes of the body never are, though they are announced."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    missing: int = 0


class Dropped(Exception):
    """Ends the connection without an answer."""


Behaviour = Callable[[Asked], Awaitable[Reply]]
Rule = tuple[str, Behaviour]


def envelope(envelope: Mapping[str, Any], status: int = 200) -> Behaviour:
    """This very envelope."""
    return raw(json.dumps(envelope).encode(), status)


def raw(body: bytes, status: int = 200, *, content_type: str = "application/json", **headers: str) -> Behaviour:
    """These bytes, whatever is asked. Headers are named with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def behave(asked: Asked) -> Reply:
        return Reply(body, status, content_type, named)

    return behave


def series(*found: tuple[Mapping[str, str], Value], warnings: Sequence[str] = ()) -> Behaviour:
    """These series at the times that are asked for: a vector or a matrix. NaN leaves a point out.

    Whoever asks for no values (`series`, `labels`) gets a list of the label sets.
    """

    async def behave(asked: Asked) -> Reply:
        if not asked.endpoint.startswith("query"):
            return Reply(json.dumps({"status": "success", "data": [dict(labels) for labels, _ in found]}).encode())
        told = [one for one in (_told(asked, labels, value) for labels, value in found) if one]
        kind = "matrix" if asked.endpoint == "query_range" else "vector"
        said = {"status": "success", "data": {"resultType": kind, "result": told}}
        return Reply(json.dumps({**said, **({"warnings": list(warnings)} if warnings else {})}).encode())

    return behave


def mentioned(label: str, names: Sequence[str], value: Value) -> Behaviour:
    """A series of each of these names that the query mentions, under the label."""

    async def behave(asked: Asked) -> Reply:
        return await series(*(({label: name}, value) for name in names if name in asked.query))(asked)

    return behave


def _told(asked: Asked, labels: Mapping[str, str], value: Value) -> dict[str, Any] | None:
    values = [(at, value(at) if callable(value) else value) for at in asked.times]
    points = [[at, f"{one:g}"] for at, one in values if not math.isnan(one)]
    if not points:
        return None
    if asked.endpoint == "query_range":
        return {"metric": dict(labels), "values": points}
    return {"metric": dict(labels), "value": points[-1]}


def empty() -> Behaviour:
    """Nothing: no such metric, or none now."""
    return series()


def unlabelled(value: Value = 1.0) -> Behaviour:
    """A series whose labels have vanished."""
    return series(({}, value))


def partial(warning: str, behaviour: Behaviour) -> Behaviour:
    """The same with a warning that a part is missing, as Thanos says it."""

    async def behave(asked: Asked) -> Reply:
        reply = await behaviour(asked)
        return replace(reply, body=json.dumps({**json.loads(reply.body), "warnings": [warning]}).encode())

    return behave


def behind(seconds: float, behaviour: Behaviour) -> Behaviour:
    """The same from a server whose clock is so far behind: it has nothing yet of the last seconds of a range."""

    async def behave(asked: Asked) -> Reply:
        if asked.endpoint != "query_range":
            return await behaviour(asked)
        end = float(asked.parameters["end"]) - seconds
        start = min(float(asked.parameters["start"]), end)
        return await behaviour(replace(asked, parameters={**asked.parameters, "start": str(start), "end": str(end)}))

    return behave


def failing(status: int, error_type: str, error: str) -> Behaviour:
    """An error in Prometheus's own words."""
    return envelope({"status": "error", "errorType": error_type, "error": error}, status)


def too_many_points() -> Behaviour:
    """More than 11,000 points a series were asked for."""
    return failing(
        400,
        "bad_data",
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
    )


def too_many_samples() -> Behaviour:
    """The query would have loaded more than `--query.max-samples`."""
    return failing(422, "execution", "query processing would load too many samples into memory in query execution")


def query_timeout() -> Behaviour:
    """The query took longer than it may, says Prometheus."""
    return failing(503, "timeout", "query timed out in expression evaluation")


def server_error() -> Behaviour:
    """500 and some text."""
    return raw(b"internal server error\n", 500, content_type="text/plain; charset=utf-8")


def unauthorised() -> Behaviour:
    """401 of a proxy."""
    return raw(b"Unauthorized\n", 401, content_type="text/plain; charset=utf-8")


def bad_gateway(status: int = 502) -> Behaviour:
    """The page of a proxy behind which nothing runs."""
    page = b"<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>"
    return raw(page, status, content_type="text/html")


def login_page() -> Behaviour:
    """The page of a proxy that wants somebody to sign in, with 200."""
    return raw(b"<!doctype html><title>Sign in</title><form action=/login>", content_type="text/html; charset=utf-8")


def throttled(retry_after: str | None = None) -> Behaviour:
    """429, with or without a word on when to come again."""
    return raw(b"slow down", 429, **({"Retry_After": retry_after} if retry_after else {}))


def truncated(behaviour: Behaviour) -> Behaviour:
    """The first half of the JSON, announced as the whole."""

    async def behave(asked: Asked) -> Reply:
        reply = await behaviour(asked)
        return replace(reply, body=reply.body[: len(reply.body) // 2])

    return behave


def cut_off(behaviour: Behaviour) -> Behaviour:
    """A connection that ends before the body does."""

    async def behave(asked: Asked) -> Reply:
        return replace(await behaviour(asked), missing=10)

    return behave


def slow(seconds: float, behaviour: Behaviour) -> Behaviour:
    """The same, after a while."""

    async def behave(asked: Asked) -> Reply:
        await asyncio.sleep(seconds)
        return await behaviour(asked)

    return behave


def hang() -> Behaviour:
    """No answer, ever."""

    async def behave(asked: Asked) -> Reply:
        await asyncio.Event().wait()
        raise AssertionError("an event that nobody sets")

    return behave


def dropped() -> Behaviour:
    """The connection is reset."""

    async def behave(asked: Asked) -> Reply:
        raise Dropped

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One after the other; the last stays."""
    left = list(behaviours)

    async def behave(asked: Asked) -> Reply:
        return await (left.pop(0) if len(left) > 1 else left[0])(asked)

    return behave


def refusing_url() -> str:
    """A URL at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


class FakePrometheus:
    """The server; use it as an asynchronous context manager. `date_off_seconds` is how far its `Date` is off."""

    def __init__(
        self, rules: Sequence[Rule] = (), *, date_off_seconds: float = 0, now: float = 1_800_000_000
    ) -> None:
        self.rules = list(rules)
        self.asked: list[Asked] = []
        self.connections = 0
        self.url = ""
        self._date = formatdate(now + date_off_seconds, usegmt=True)
        self._serving: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    @property
    def queries(self) -> list[str]:
        """What was asked, in the order in which it came."""
        return [one.query for one in self.asked]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        for writer in self._writers:
            # What is still to be written would keep a transport open beyond the test's loop.
            writer.transport.abort()
        await asyncio.sleep(0)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self._writers.append(writer)
        self.connections += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client, or the test, is done
        except Dropped:
            # Without lingering a socket is closed by a reset, not by an end.
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        finally:
            self._serving.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One question and its answer; whether the connection can go on."""
        asked = await _read(reader)
        self.asked.append(asked)
        reply = await self._behaviour_for(asked)(asked)
        head = {"Content-Type": reply.content_type, "Content-Length": len(reply.body), "Date": self._date}
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**head, **reply.headers}.items())
        sent = reply.body[: len(reply.body) - reply.missing]
        writer.write(f"HTTP/1.1 {reply.status} Said\r\n{lines}\r\n".encode() + sent)
        await writer.drain()
        return not reply.missing

    def _behaviour_for(self, asked: Asked) -> Behaviour:
        return next((behaviour for text, behaviour in self.rules if text in asked.query), empty())


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    line, *fields = head.rstrip().split("\r\n")
    headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in fields)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    target = urlsplit(line.split(" ")[1])
    parameters = dict([*parse_qsl(target.query), *parse_qsl(body.decode())])
    return Asked(target.path.partition("/api/v1/")[2], parameters, headers)
