"""Server-side request forgery through the API: whatever URL a tenant names, nobody is reached who must not be."""

import asyncio
import gzip
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx
import pytest

from shared.adapters.connection_checks import GuardedConnectionChecks
from shared.adapters.guarded_http import GuardedHttp
from tests.unit.adapters.test_guarded_http import ATTACKS, PUBLIC, RecordingNetwork, ScriptedResolver
from tests.unit.api.connecting import Connected, asked, connected, made

KINDS = ["prometheus", "grafana", "github", "alertmanager"]
METADATA = ["169.254.169.254", "168.63.129.16", "100.100.100.200", "fd00:ec2::254", "::ffff:169.254.169.254"]
PRIVATE = ["127.0.0.1", "10.0.0.4", "192.168.1.1", "172.16.0.1", "::1", "fe80::1%eth0", "0.0.0.0", "100.64.0.1"]
Attacked = Callable[..., Connected]
TOKEN = "the-token-of-the-tenant"


@pytest.fixture(scope="module")
def tls() -> ssl.SSLContext:
    """Made once: reading the authorities takes longer than most tests here."""
    return ssl.create_default_context()


@pytest.fixture(scope="module")
def served() -> Connected:
    """One API for all attacks; each has its own guard and world."""
    return asyncio.run(connected())


@pytest.fixture
def attacked(served: Connected, tls: ssl.SSLContext) -> Attacked:
    """The API on the real guard, in a world in which every connection is noted."""

    def guard(resolver: ScriptedResolver, network: httpcore.AsyncNetworkBackend, **settings: Any) -> Connected:
        http = GuardedHttp(allow_private=False, resolve=resolver, network=network, tls=tls, **settings)
        seconds = settings.get("timeout_seconds", 5)
        checks = GuardedConnectionChecks(http, allow_private=False, within_seconds=seconds)
        guarded = served.without(connections=checks)
        assert isinstance(guarded, Connected)
        return guarded

    return guard


async def tried(served: Connected, url: str, kind: str = "prometheus") -> httpx.Response:
    # Not as `json=`: half a surrogate pair could not be sent, and escaped it can.
    body = json.dumps({"url": url, "bearer_token": TOKEN}).encode()
    headers = {"content-type": "application/json"}
    return await asked(served, "POST", f"/integrations/{kind}/test", headers=headers, content=body)


def refusal(answer: httpx.Response) -> str:
    """Why nothing was asked: a URL that cannot be one is refused at the door, every other by the guard."""
    if answer.status_code == 400:
        return "bad_request"
    found = answer.json()
    assert (answer.status_code, found["is_good"], found["version"]) == (200, False, None)
    assert TOKEN not in answer.text
    return str(found["reason"])


@pytest.mark.parametrize(("url", "reason"), ATTACKS.values(), ids=ATTACKS.keys())
async def test_an_attack_is_neither_tried_nor_saved_and_nobody_is_reached(
    attacked: Attacked, url: str, reason: str
) -> None:
    resolver, network = ScriptedResolver(), RecordingNetwork()
    served = attacked(resolver, network)
    expected = "address_refused" if reason.endswith("_address") else "bad_url"
    assert refusal(await tried(served, url)) in (expected, "bad_request")
    wanted = {"integration_type": "prometheus", "name": "n", "connection": {"url": url}}
    saved = await asked(
        served, "POST", "/integrations", headers={"content-type": "application/json"}, content=json.dumps(wanted)
    )
    assert saved.status_code == 400
    assert (resolver.asked, network.dialled) == ([], [])


@pytest.mark.parametrize(
    ("kind", "address"),
    [*(("prometheus", one) for one in METADATA + PRIVATE), *((kind, METADATA[0]) for kind in KINDS)],
)
async def test_a_name_that_leads_inside_is_refused_before_a_connection(
    attacked: Attacked, kind: str, address: str
) -> None:
    resolver, network = ScriptedResolver([PUBLIC, address]), RecordingNetwork()
    served = attacked(resolver, network)
    answer = await tried(served, "https://innocent.example.com/", kind)
    assert refusal(answer) == "address_refused"
    assert "innocent.example.com" in answer.json()["message"]
    assert network.dialled == []


async def test_a_name_that_is_rebound_between_two_questions_is_not_followed_inside(attacked: Attacked) -> None:
    closing = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
    status = b'{"versionInfo": {"version": "1"}}'
    network = RecordingNetwork(closing + b"Content-Length: %d\r\n\r\n" % len(status) + status)
    served = attacked(ScriptedResolver([PUBLIC], ["169.254.169.254"]), network)
    answer = await tried(served, "https://rebind.example.com/", "alertmanager")
    assert refusal(answer) == "address_refused"
    assert network.dialled == [(PUBLIC, 443)]


async def test_a_name_that_is_rebound_between_saving_and_asking_is_not_followed_inside(attacked: Attacked) -> None:
    resolver, network = ScriptedResolver(["169.254.169.254"]), RecordingNetwork()
    served = attacked(resolver, network)
    saved = await made(served, "prometheus", connection={"url": "https://rebind.example.com/", "bearer_token": TOKEN})
    assert resolver.asked == [], "saving resolves nothing"
    tested = await asked(served, "POST", f"/integrations/{saved['integration']['id']}/test")
    assert tested.json()["connection"]["reason"] == "address_refused"
    assert network.dialled == []


@pytest.mark.parametrize(
    ("kind", "status"), [*((kind, 302) for kind in KINDS), *(("prometheus", one) for one in (301, 303, 307, 308))]
)
async def test_a_redirect_is_not_followed_and_takes_no_token_along(
    attacked: Attacked, kind: str, status: int
) -> None:
    location = b"Location: http://169.254.169.254/metadata/identity\r\nConnection: close\r\n\r\n"
    network = RecordingNetwork(b"HTTP/1.1 %d Moved\r\nContent-Length: 0\r\n" % status + location)
    served = attacked(ScriptedResolver([PUBLIC]), network)
    assert refusal(await tried(served, "https://redirects.example.com/", kind)) == "redirect"
    assert network.dialled == [(PUBLIC, 443)]


class NeverEnding(httpcore.AsyncMockStream):
    """Sends its headers, and then a byte now and again."""

    def __init__(self) -> None:
        super().__init__([])
        self._left = self._pieces()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        await asyncio.sleep(0.01)
        return next(self._left)

    @staticmethod
    def _pieces() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
        while True:
            yield b" "


class Dripping(RecordingNetwork):
    async def connect_tcp(self, host: str, port: int, *_: object) -> httpcore.AsyncNetworkStream:
        self.dialled.append((host, port))
        return NeverEnding()


async def test_a_body_that_drips_for_ever_is_ended_in_time(attacked: Attacked) -> None:
    served = attacked(ScriptedResolver([PUBLIC]), Dripping(), timeout_seconds=0.1)
    with taking_at_most(seconds=2):
        assert refusal(await tried(served, "https://slow.example.com/")) == "timeout"


async def test_a_compressed_bomb_is_not_expanded(attacked: Attacked) -> None:
    bomb = gzip.compress(bytes(20_000_000))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    served = attacked(ScriptedResolver([PUBLIC]), RecordingNetwork(head + bomb), max_bytes=100_000)
    assert refusal(await tried(served, "https://bomb.example.com/")) == "too_large"


async def test_what_an_attacker_answers_is_not_repeated(attacked: Attacked) -> None:
    page = b"<html>internal-page-with-a-secret</html>"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(page)
    served = attacked(ScriptedResolver([PUBLIC]), RecordingNetwork(head + page))
    answer = await tried(served, "https://any.example.com/")
    assert refusal(answer) == "html"
    assert "secret" not in answer.text


@contextmanager
def taking_at_most(*, seconds: float) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    started = loop.time()
    yield
    assert loop.time() - started < seconds
