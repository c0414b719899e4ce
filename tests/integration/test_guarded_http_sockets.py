"""The guarded client against real sockets: TLS by name to a pinned address, and servers that misbehave."""

import asyncio
import gzip
import logging
import ssl
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

import httpcore
import pytest
import trustme

from shared.adapters.guarded_http import GuardedHttp, GuardedResponse
from shared.errors import AddressRefused, CopilotError, SourceUnavailable

pytestmark = pytest.mark.integration

PUBLIC = "93.184.215.14"
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Answers every request of every connection with the same bytes, and keeps what it was sent."""

    def __init__(self, answer: Answer) -> None:
        self.requests: list[bytes] = []
        self.names: list[str | None] = []
        self.port = 0
        self._answer = answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            body = await reader.readexactly(int(lengths[0].split(b":")[1])) if lengths else b""
            self.requests.append(head + body)
            await self._answer(writer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


def answering(raw: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(raw)

    return answer


def a_response(body: bytes = b"", *, status: str = "200 OK", headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


@asynccontextmanager
async def running(answer: Answer, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(answer)
    if tls is not None:
        tls.sni_callback = lambda _socket, name, _context: server.names.append(name)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield server


@asynccontextmanager
async def a_client(**settings: object) -> AsyncIterator[GuardedHttp]:
    client = GuardedHttp(**{"allow_private": True, **settings})
    try:
        yield client
    finally:
        await client.aclose()


async def get(answer: Answer, **settings: object) -> GuardedResponse:
    async with running(answer) as server, a_client(**settings) as client:
        return await client.request("GET", f"http://127.0.0.1:{server.port}/api?token=query-secret")


async def reason_for(raw: bytes | Answer, **settings: object) -> tuple[type[CopilotError], str]:
    with pytest.raises(CopilotError) as caught:
        await get(raw if callable(raw) else answering(raw), **settings)
    assert "secret" not in str(caught.value)
    return type(caught.value), caught.value.reason


class Detour(httpcore.AsyncNetworkBackend):
    """The internet in one room: whatever address is dialled, the local server is reached."""

    def __init__(self, port: int) -> None:
        self.dialled: list[str] = []
        self._port = port

    async def connect_tcp(self, host: str, _port: int, *rest: object) -> httpcore.AsyncNetworkStream:
        self.dialled.append(host)
        return await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self._port, *rest)


async def publicly(_host: str, _port: int) -> list[str]:
    return [PUBLIC]


def a_certificate_for(name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(serving)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    return serving, trusting


async def test_tls_and_the_host_header_keep_the_name_while_the_checked_address_is_dialled() -> None:
    serving, trusting = a_certificate_for("prom.example.com")
    async with running(answering(a_response(b"fine")), tls=serving) as server:
        detour = Detour(server.port)
        async with a_client(allow_private=False, resolve=publicly, network=detour, tls=trusting) as client:
            answer = await client.request("GET", "https://prom.example.com/api")

    assert answer.body == b"fine"
    assert detour.dialled == [PUBLIC]
    assert server.names == ["prom.example.com"]
    assert b"\r\nHost: prom.example.com\r\n" in server.requests[0]


async def test_a_certificate_for_another_name_is_a_tls_failure() -> None:
    serving, trusting = a_certificate_for("other.example.com")
    async with running(answering(a_response()), tls=serving) as server:
        network = Detour(server.port)
        async with a_client(allow_private=False, resolve=publicly, network=network, tls=trusting) as client:
            with pytest.raises(SourceUnavailable) as caught:
                await client.request("GET", "https://prom.example.com/")

    assert caught.value.reason == "tls"
    assert server.requests == []


async def test_a_certificate_that_nobody_vouches_for_is_a_tls_failure() -> None:
    serving, _ = a_certificate_for("localhost")
    async with running(answering(a_response()), tls=serving) as server, a_client() as client:
        with pytest.raises(SourceUnavailable) as caught:
            await client.request("GET", f"https://localhost:{server.port}/")

    assert caught.value.reason == "tls"


async def test_a_name_of_this_machine_is_refused_after_resolving_it_for_real() -> None:
    async with a_client(allow_private=False) as client:
        with pytest.raises(AddressRefused) as caught:
            await client.request("GET", "https://localhost:9090/")
    assert caught.value.reason == "loopback_address"


async def test_a_form_and_parameters_arrive_as_they_were_given() -> None:
    async with running(answering(a_response(b"{}"))) as server, a_client() as client:
        await client.request(
            "POST",
            f"http://127.0.0.1:{server.port}/query?tenant=a",
            params={"limit": 5, "match[]": ["up", "down"]},
            form={"query": "sum(rate(x[5m])) > 1"},
            headers={"Authorization": "Bearer t"},
        )

    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    target = head.split(b" ")[1].decode()
    assert parse_qs(target.partition("?")[2]) == {"tenant": ["a"], "limit": ["5"], "match[]": ["up", "down"]}
    assert parse_qs(body.decode()) == {"query": ["sum(rate(x[5m])) > 1"]}
    assert b"\r\nAuthorization: Bearer t\r\n" in head
    assert b"\r\naccept-encoding: gzip\r\n" in head.lower()


async def test_a_compressed_answer_is_read_in_clear() -> None:
    raw = a_response(gzip.compress(b"metrics" * 100), headers="Content-Encoding: gzip\r\n")
    assert (await get(answering(raw))).body == b"metrics" * 100


async def test_a_client_error_is_the_callers_to_judge() -> None:
    answer = await get(answering(a_response(b"parse error", status="400 Bad Request")))
    assert (answer.status, answer.body) == (400, b"parse error")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_refused_and_not_followed(status: str) -> None:
    raw = a_response(status=status, headers="Location: http://169.254.169.254/\r\n")
    assert await reason_for(raw) == (AddressRefused, "redirect")


async def test_a_server_error_is_unavailability() -> None:
    assert await reason_for(a_response(status="503 Busy")) == (SourceUnavailable, "http_5xx")


async def test_cookies_are_not_kept_between_requests() -> None:
    answer = answering(a_response(headers="Set-Cookie: session=one-tenant\r\n"))
    async with running(answer) as server, a_client() as client:
        for _ in range(2):
            await client.request("GET", f"http://127.0.0.1:{server.port}/")

    assert len(server.requests) == 2
    assert not any(b"cookie" in request.lower() for request in server.requests)


async def test_a_proxy_from_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await get(answering(a_response(b"direct")))).body == b"direct"


def a_zip_bomb(expanded_bytes: int) -> bytes:
    return a_response(gzip.compress(bytes(expanded_bytes)), headers="Content-Encoding: gzip\r\n")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(a_response(b"x" * 1001), "too_large", id="a body of one byte too many"),
        pytest.param(a_zip_bomb(500_000), "too_large", id="a small body that expands beyond the limit"),
        pytest.param(
            a_response(gzip.compress(b"x") + b"y" * 1000, headers="Content-Encoding: gzip\r\n"),
            "too_large",
            id="rubbish without end after the compressed body",
        ),
        pytest.param(
            a_response(gzip.compress(b"x" * 99)[:-9], headers="Content-Encoding: gzip\r\n"),
            "encoding",
            id="a compressed body that is cut off",
        ),
        pytest.param(a_response(b"zzzz", headers="Content-Encoding: gzip\r\n"), "encoding", id="no gzip at all"),
        pytest.param(
            a_response(zlib.compress(b"x"), headers="Content-Encoding: br\r\n"),
            "encoding",
            id="a coding not asked for",
        ),
        pytest.param(
            a_response(gzip.compress(gzip.compress(b"x")), headers="Content-Encoding: gzip, gzip\r\n"),
            "encoding",
            id="two codings in one another",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", "protocol", id="fewer bytes than promised"),
        pytest.param(b"", "protocol", id="a connection that is closed without an answer"),
    ],
)
async def test_a_hostile_body_is_cut_off_with_its_reason(raw: bytes, reason: str) -> None:
    assert await reason_for(raw, max_bytes=1000) == (SourceUnavailable, reason)


async def test_a_bomb_is_never_expanded_in_memory() -> None:
    bomb = a_zip_bomb(50_000_000)
    tracemalloc.start()
    try:
        assert await reason_for(bomb, max_bytes=100_000) == (SourceUnavailable, "too_large")
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 10_000_000


async def test_an_answer_that_is_refused_unread_gives_its_connection_back() -> None:
    answer = answering(a_response(b"x" * 1000, status="503 Busy"))
    async with running(answer) as server, a_client(max_connections=1, timeout_seconds=2) as client:
        for _ in range(2):
            with pytest.raises(SourceUnavailable) as caught:
                await client.request("GET", f"http://127.0.0.1:{server.port}/")
            assert caught.value.reason == "http_5xx"


async def test_a_body_of_exactly_the_limit_is_read() -> None:
    raw = a_response(gzip.compress(b"x" * 1000), headers="Content-Encoding: gzip\r\n")
    assert len((await get(answering(raw), max_bytes=1000)).body) == 1000


async def test_a_body_that_trickles_for_ever_is_ended_by_the_deadline() -> None:
    async def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    assert await reason_for(trickle, timeout_seconds=0.2) == (SourceUnavailable, "timeout")


async def test_a_request_that_ran_out_of_time_gives_its_connection_back() -> None:
    mute = asyncio.Event()

    async def silent_once(writer: asyncio.StreamWriter) -> None:
        if not mute.is_set():
            mute.set()
            await asyncio.sleep(0.5)
        writer.write(a_response(b"fine"))

    async with running(silent_once) as server, a_client(max_connections=1) as client:
        url = f"http://127.0.0.1:{server.port}/"
        with pytest.raises(SourceUnavailable):
            await client.request("GET", url, timeout_seconds=0.05)
        assert (await client.request("GET", url)).body == b"fine"


async def test_a_name_that_does_not_resolve_in_time_is_a_timeout() -> None:
    async def never(_host: str, _port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    async with a_client(resolve=never, timeout_seconds=0.05) as client:
        with pytest.raises(SourceUnavailable) as caught:
            await client.request("GET", "http://slow-dns.example.com/")
    assert caught.value.reason == "timeout"


async def test_a_port_where_nobody_listens_is_a_failed_connection() -> None:
    async with running(answering(b"")) as server:
        free = server.port
    async with a_client() as client:
        with pytest.raises(SourceUnavailable) as caught:
            await client.request("GET", f"http://127.0.0.1:{free}/")
    assert caught.value.reason == "connect"


async def test_no_log_line_holds_the_query_or_a_header_even_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await get(answering(a_response(headers="Set-Cookie: header-secret\r\n")))
    assert "secret" not in caplog.text
