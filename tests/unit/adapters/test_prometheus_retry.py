"""What is asked once more, after how long, and what never is."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from shared.adapters.breaker import Breaker
from shared.adapters.prometheus import Connection, Limits, PrometheusSource
from shared.adapters.prometheus_retry import pause_after_answer, pause_after_failure
from shared.errors import AddressRefused, CopilotError, SourceUnavailable
from tests.builders import NOON

EMPTY = b'{"status":"success","data":{"resultType":"vector","result":[]}}'
TIMED_OUT = b'{"status":"error","errorType":"timeout","error":"query timed out"}'
PAGE = b"<html>Bad Gateway</html>"


@pytest.mark.parametrize("reason", ["connect", "protocol"])
def test_a_lost_connection_is_worth_another_try(reason: str) -> None:
    assert pause_after_failure(reason, jittered_seconds=0.2) == 0.2


@pytest.mark.parametrize(
    "reason", ["timeout", "tls", "unresolvable", "busy", "too_large", "encoding", "circuit_open"]
)
def test_no_other_failure_is(reason: str) -> None:
    assert pause_after_failure(reason, jittered_seconds=0.2) is None


@pytest.mark.parametrize(
    ("status", "headers", "body", "pause"),
    [
        (502, {}, PAGE, 0.2),
        (503, {}, PAGE, 0.2),
        (504, {}, b"", 0.2),
        (503, {}, TIMED_OUT, None),
        (500, {}, PAGE, None),
        (501, {}, PAGE, None),
        (429, {"retry-after": "1"}, b"", 1.2),
        (429, {"retry-after": " 0 "}, b"", 0.2),
        (429, {"retry-after": "3"}, b"", None),
        (429, {"retry-after": "1.5"}, b"", None),
        (429, {"retry-after": "-1"}, b"", None),
        (429, {"retry-after": "9" * 400}, b"", None),
        (429, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, b"", None),
        (429, {}, b"", None),
        (200, {"retry-after": "1"}, EMPTY, None),
        (400, {}, b"", None),
        (401, {}, b"", None),
        (403, {}, b"", None),
        (422, {}, b"", None),
    ],
)
def test_a_proxy_without_its_server_is_worth_another_try_and_a_short_wait_is_kept(
    status: int, headers: dict[str, str], body: bytes, pause: float | None
) -> None:
    assert pause_after_answer(status, headers, body, jittered_seconds=0.2) == pause


@dataclass
class Canned:
    """One answer, as the guarded client gives it, and how long it takes."""

    status: int = 200
    body: bytes = EMPTY
    headers: Mapping[str, str] = field(default_factory=dict)
    takes_seconds: float = 0.0


@dataclass
class Scripted:
    """Gives one outcome after the other, on a clock that moves with them."""

    outcomes: Sequence[Canned | CopilotError]
    seconds: float = 0.0
    asked: list[tuple[float, float]] = field(default_factory=list)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
        answers: Collection[int] = (),
    ) -> Canned:
        self.asked.append((float((form or {})["timeout"]), timeout_seconds or 0))
        outcome = self.outcomes[len(self.asked) - 1]
        if isinstance(outcome, CopilotError):
            raise outcome
        self.seconds += outcome.takes_seconds
        return outcome

    def clock(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


async def outcome_of(*outcomes: Canned | CopilotError, breaker: Breaker | None = None) -> tuple[str, Scripted]:
    http = Scripted(outcomes)
    source = PrometheusSource(
        http, Connection("https://p.example"), breaker=breaker, clock=http.clock, sleep=http.sleep
    )
    try:
        await source.query("up", at=NOON)
    except (SourceUnavailable, AddressRefused) as exc:
        return exc.reason, http
    return "ok", http


RESET = SourceUnavailable("reset", reason="connect")


@pytest.mark.parametrize(
    ("first", "second", "reason", "tries"),
    [
        (RESET, Canned(), "ok", 2),
        (Canned(502, PAGE), Canned(), "ok", 2),
        (Canned(503, PAGE), Canned(503, PAGE), "http_5xx", 2),
        (RESET, RESET, "connect", 2),
        (RESET, Canned(401), "unauthorised", 2),
        (Canned(429, headers={"retry-after": "1"}), Canned(), "ok", 2),
        (Canned(429, headers={"retry-after": "1"}), Canned(429, headers={"retry-after": "1"}), "throttled", 2),
        (Canned(429), Canned(), "throttled", 1),
        (Canned(500, PAGE), Canned(), "http_5xx", 1),
        (Canned(503, TIMED_OUT), Canned(), "timeout", 1),
        (Canned(401), Canned(), "unauthorised", 1),
        (Canned(403), Canned(), "unauthorised", 1),
        (SourceUnavailable("late", reason="timeout"), Canned(), "timeout", 1),
        (AddressRefused("no", reason="private_address"), Canned(), "private_address", 1),
        (Canned(502, PAGE, takes_seconds=8), Canned(), "http_5xx", 1),
    ],
)
async def test_a_question_is_asked_at_most_once_more(
    first: Canned | CopilotError, second: Canned | CopilotError, reason: str, tries: int
) -> None:
    found, http = await outcome_of(first, second)
    assert (found, len(http.asked)) == (reason, tries)


async def test_both_tries_share_one_deadline() -> None:
    _, http = await outcome_of(Canned(502, PAGE, takes_seconds=3), Canned())
    (first_there, first_here), (second_there, second_here) = http.asked
    assert (first_there, first_here) == (8, 9)
    assert second_here <= 6
    assert second_there == pytest.approx(second_here - 1, abs=0.001)


async def test_two_tries_that_fail_are_one_failure_of_the_source() -> None:
    breaker = Breaker(failures=2)
    await outcome_of(RESET, RESET, breaker=breaker)
    assert not breaker.is_open
    await outcome_of(Canned(502, PAGE), Canned(502, PAGE), breaker=breaker)
    assert breaker.is_open
    reason, http = await outcome_of(Canned(), breaker=breaker)
    assert (reason, http.asked) == ("circuit_open", [])


@pytest.mark.parametrize(
    "answer", [Canned(401), Canned(429), Canned(422, b"{}"), Canned(503, TIMED_OUT), Canned(404)]
)
async def test_a_refusal_or_a_slow_query_never_opens_the_breaker(answer: Canned) -> None:
    breaker = Breaker(failures=1)
    await outcome_of(answer, breaker=breaker)
    assert not breaker.is_open


async def test_a_range_of_more_points_than_prometheus_gives_is_not_asked() -> None:
    http = Scripted([Canned(body=EMPTY)])
    source = PrometheusSource(http, Connection("https://p.example"))
    with pytest.raises(SourceUnavailable) as refused:
        await source.query_range("up", start=NOON, end=NOON.replace(hour=18), step_seconds=1)
    assert (refused.value.reason, http.asked) == ("too_many_points", [])


async def test_who_waits_too_long_for_a_slot_is_told_that_the_source_is_busy() -> None:
    held = asyncio.Event()

    class Slow(Scripted):
        async def request(self, *args: object, **named: object) -> Canned:
            await held.wait()
            return Canned()

    source = PrometheusSource(
        Slow([]), Connection("https://p.example"), limits=Limits(query_seconds=0.01, grace_seconds=0, concurrent=1)
    )
    first = asyncio.create_task(source.query("up", at=NOON))
    await asyncio.sleep(0)
    with pytest.raises(SourceUnavailable) as refused:
        await source.query("up", at=NOON)
    held.set()
    await first
    assert refused.value.reason == "busy"
