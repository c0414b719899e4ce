"""What a request may weigh, how fast a caller may ask, and how each refusal reads."""

import json
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from shared.api.limits import RequestLimits
from shared.api.options import ApiOptions
from shared.api.pace import Buckets, Rate, neighbourhood
from shared.errors import Malformed
from tests.unit.access.issuer import NOW, Clock, a_token
from tests.unit.api.serving import Served, bearer
from tests.unit.api.signing_in import signing_in

LIMITS = RequestLimits()
ADMIN = {**bearer(a_token(roles=["admin"])), "Content-Type": "application/json"}
REDRIVE = "/dead-letters/redrive"


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def is_problem(answer: httpx.Response, status: int, kind: str) -> bool:
    told = answer.json()
    return (answer.status_code, told["status"], told["type"], told["request_id"]) == (
        status,
        status,
        f"urn:sre-copilot:problem:{kind}",
        answer.headers["X-Request-Id"],
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (nested(21), "too_deep"),
        (nested(100_000), "too_deep"),
        (b'{"a":' * 21 + b"1" + b"}" * 21, "too_deep"),
        (b'{"queue": "signals", "queue": "context"}', "duplicate_name"),
        (b'{"a": {"b": 1, "\\u0062": 2}}', "duplicate_name"),
        (b'{"limit": NaN}', "not_finite"),
        (b'{"limit": -Infinity}', "not_finite"),
        (b'{"limit": 1e999}', "not_finite"),
        (b'{"limit": ' + b"9" * 5000 + b"}", "not_json"),
        (b'{"reason": "\\ud800"}', "not_utf8"),
        (b'{"reason": "\xff"}', "not_utf8"),
        ('{"reason": "x"}'.encode("utf-16"), "not_utf8"),
        (b'\xef\xbb\xbf{"reason": "x"}', "not_json"),
        (b"{'queue': 1}", "not_json"),
        (b'{"queue": "signals"} {}', "not_json"),
    ],
)
def test_json_that_could_be_read_in_two_ways_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as refused:
        LIMITS.check_json(body)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "body",
    [
        nested(20),
        b'"' + b"[" * 50 + b'"',
        b'{"a": "\\"[[[[[[[[[[[[[[[[[[[[[[[[", "b": "\\\\"}',
        b'"\\ud83d\\ude00"',
        b"1e308",
    ],
)
def test_json_that_everybody_reads_alike_is_let_through(body: bytes) -> None:
    LIMITS.check_json(body)


async def chunks(count: int, size: int = 1024) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * size


async def test_a_body_that_says_it_is_too_large_is_not_read(served: Served) -> None:
    async with served.client(headers=ADMIN) as client:
        answer = await client.post(REDRIVE, content=b"x", headers={"Content-Length": "262145"})
    assert is_problem(answer, 413, "body-too-large")
    assert answer.json()["detail"] == "The body may have 262144 bytes."


async def test_a_body_that_does_not_say_its_size_is_read_no_further_than_the_limit(served: Served) -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        async for chunk in chunks(10_000):
            given += 1
            yield chunk

    async with served.client(headers=ADMIN) as client:
        assert is_problem(await client.post(REDRIVE, content=endless()), 413, "body-too-large")
    assert given < 300


async def test_a_body_of_just_the_limit_is_read(served: Served) -> None:
    body = json.dumps({"queue": "signals", "reason": "x"}).encode()
    async with served.client(headers=ADMIN) as client:
        answer = await client.post(REDRIVE, content=body + b" " * (256 * 1024 - len(body)))
    assert answer.status_code == 200


async def test_json_that_is_nested_too_deeply_is_400(served: Served) -> None:
    async with served.client(headers=ADMIN) as client:
        answer = await client.post(REDRIVE, content=nested(5000))
    assert is_problem(answer, 400, "bad-request")
    assert answer.json()["detail"] == "The JSON may be nested 20 deep."


async def test_a_url_that_is_too_long_is_414(served: Served) -> None:
    async with served.client() as client:
        assert is_problem(await client.get(f"/incidents?cursor={'x' * 9000}"), 414, "url-too-long")
        assert is_problem(await client.get(f"/incidents/{'x' * 9000}"), 414, "url-too-long")


@pytest.mark.parametrize(
    "headers", [{f"X-{number}": "1" for number in range(101)}, {"X-Long": "x" * 49 * 1024}], ids=["many", "long"]
)
async def test_headers_that_are_too_many_or_too_long_are_431(served: Served, headers: dict[str, str]) -> None:
    async with served.client() as client:
        assert is_problem(await client.get("/me", headers=headers), 431, "headers-too-large")


@pytest.mark.parametrize("query", ["limit=1&limit=100", "limit=1&limit=1", "cursor=a&cursor=b"])
async def test_a_parameter_that_comes_twice_is_400(served: Served, query: str) -> None:
    async with served.client() as client:
        answer = await client.get(f"/incidents?{query}")
    assert is_problem(answer, 400, "bad-request")
    assert answer.json()["detail"] == "A query parameter comes twice."


async def test_who_asks_too_fast_is_told_when_to_ask_again(served: Served) -> None:
    served.options = ApiOptions(requests=Rate(per_minute=60, burst=3))
    async with served.client() as client:
        answers = [await client.get("/me") for _ in range(4)]
        assert [one.status_code for one in answers] == [200, 200, 200, 429]
        assert is_problem(answers[-1], 429, "too-many-requests")
        assert answers[-1].headers["Retry-After"] == "1"
        served.clock.seconds += 1
        assert [(await client.get("/me")).status_code for _ in range(2)] == [200, 429]


async def test_a_caller_that_may_not_do_a_thing_is_paced_too(served: Served) -> None:
    served.options = ApiOptions(requests=Rate(per_minute=60, burst=1))
    async with served.client(headers=bearer(a_token(roles=["viewer"]))) as client:
        statuses = [(await client.get("/dead-letters?queue=signals")).status_code for _ in range(2)]
    assert statuses == [403, 429]


async def test_one_caller_does_not_slow_another(served: Served) -> None:
    served.options = ApiOptions(requests=Rate(per_minute=60, burst=1))
    colleague = bearer(a_token(oid="eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee"))
    async with served.client() as client:
        statuses = [(await client.get("/me", headers=headers)).status_code for headers in ({}, {}, colleague)]
    assert statuses == [200, 429, 200]


GUESSING = ApiOptions(client_address_header="x-forwarded-for", failures=Rate(per_minute=60, burst=2))


def from_address(address: str, token: str = "junk") -> dict[str, str]:
    return {**bearer(token), "X-Forwarded-For": address}


async def test_an_address_that_keeps_failing_waits_and_others_do_not(served: Served) -> None:
    served.options = GUESSING
    async with served.client() as client:

        async def asked(headers: dict[str, str]) -> int:
            return (await client.get("/me", headers=headers)).status_code

        assert [await asked(from_address("203.0.113.7")) for _ in range(3)] == [401, 401, 429]
        assert await asked(from_address("203.0.113.8", a_token())) == 200
        served.clock.seconds += 1
        assert await asked(from_address("203.0.113.7", a_token())) == 200


async def test_an_address_is_not_slowed_by_what_succeeds(served: Served) -> None:
    served.options = GUESSING
    async with served.client() as client:
        statuses = {
            (await client.get("/me", headers=from_address("203.0.113.7", a_token()))).status_code for _ in range(5)
        }
    assert statuses == {200}


async def test_an_address_is_not_slowed_by_who_comes_without_a_token_or_with_one_that_is_over(served: Served) -> None:
    served.options = GUESSING
    over = from_address("203.0.113.7", a_token(exp=NOW - 3600))
    async with served.client(headers={"X-Forwarded-For": "203.0.113.7"}) as client:
        statuses = [(await client.get("/me", headers=headers)).status_code for headers in ({}, over) * 3]
        assert statuses == [401] * 6
        assert (await client.get("/me", headers=from_address("203.0.113.7", a_token()))).status_code == 200


async def test_an_address_is_not_slowed_by_sessions_that_need_a_refresh() -> None:
    world = await signing_in()
    world.served.options = GUESSING
    async with world.browser(headers={"X-Forwarded-For": "203.0.113.7"}) as browser:
        await browser.sign_in()
        world.time.goes_by(minutes=39)
        assert (await browser.refresh()).status_code == 200
        world.time.goes_by(minutes=23)
        assert [(await browser.me()).status_code for _ in range(5)] == [401] * 5
        assert (await browser.refresh()).status_code == 200


async def test_refreshing_a_session_counts_as_asking_does() -> None:
    world = await signing_in()
    world.served.options = ApiOptions(requests=Rate(per_minute=60, burst=2))
    async with world.browser() as browser:
        await browser.sign_in()
        answers = [await browser.refresh() for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]


@pytest.mark.parametrize("path", ["/auth/login", "/auth/callback?state=x"])
async def test_signing_in_is_paced_by_the_address_it_comes_from(path: str) -> None:
    world = await signing_in()
    asked = Rate(per_minute=60, burst=2)
    world.served.options = ApiOptions(client_address_header="x-forwarded-for", requests=asked)
    async with world.browser() as browser:
        answers = [await browser.client.get(path, headers={"X-Forwarded-For": "203.0.113.7"}) for _ in range(3)]
        other = await browser.client.get(path, headers={"X-Forwarded-For": "203.0.113.8"})
    assert [one.status_code == 429 for one in (*answers, other)] == [False, False, True, False]


async def test_an_address_that_the_caller_could_have_written_slows_nobody(served: Served) -> None:
    served.options = ApiOptions(failures=Rate(per_minute=60, burst=1))
    async with served.client() as client:
        statuses = [(await client.get("/me", headers=from_address("203.0.113.7"))).status_code for _ in range(3)]
    assert statuses == [401, 401, 401]


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3::7", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::8", "2001:db8:1:2::/64"),
    ],
)
def test_an_ipv6_site_counts_as_one(address: str, counted: str) -> None:
    assert neighbourhood(address) == counted


def a_bucket(per_minute: float, burst: int, **named: int) -> tuple[Clock, Callable[[str], float]]:
    clock = Clock()
    return clock, Buckets(Rate(per_minute, burst), clock=clock, **named).take


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    clock, take = a_bucket(60, 2)
    assert [take("a"), take("a"), take("a")] == [0, 0, 1]
    clock.seconds += 0.5
    assert take("a") == 0.5
    clock.seconds += 0.5
    assert [take("a"), take("a")] == [0, 1]


def test_a_bucket_that_rested_holds_no_more_than_its_burst() -> None:
    clock, take = a_bucket(60, 2)
    clock.seconds += 3600
    assert [take("a"), take("a"), take("a") > 0] == [0, 0, True]


def test_only_so_many_buckets_are_kept_and_the_longest_unused_goes_first() -> None:
    _, take = a_bucket(60, 1, max_keys=2)
    assert [take("a"), take("b"), take("c"), take("c") > 0, take("b") > 0, take("a")] == [0, 0, 0, True, True, 0]
