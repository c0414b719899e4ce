"""When a source that keeps failing is left alone, and when it is asked again."""

import asyncio
from dataclasses import dataclass

import pytest

from shared.adapters.breaker import TRANSPORT_REASONS, Breaker, Breakers
from shared.errors import AddressRefused, SourceUnavailable
from tests.builders import ACME, GLOBEX


@dataclass
class HandClock:
    """A clock that is moved by hand."""

    seconds: float = 100.0

    def __call__(self) -> float:
        return self.seconds


def a_breaker(clock: HandClock | None = None) -> Breaker:
    return Breaker(failures=3, cool_down_seconds=30, clock=clock or HandClock())


def called(breaker: Breaker, outcome: BaseException | None = None) -> str:
    """What came of one call: the reason it failed with, the name of another error, or `ok`."""
    try:
        with breaker.guarding():
            if outcome is not None:
                raise outcome
    except SourceUnavailable as exc:
        return exc.reason
    except (AddressRefused, ZeroDivisionError, asyncio.CancelledError) as exc:
        return type(exc).__name__
    return "ok"


def failed(reason: str = "connect") -> SourceUnavailable:
    return SourceUnavailable("no", reason=reason)


def opened(clock: HandClock) -> Breaker:
    breaker = a_breaker(clock)
    for _ in range(3):
        called(breaker, failed())
    return breaker


@pytest.mark.parametrize("reason", sorted(TRANSPORT_REASONS))
def test_it_opens_after_so_many_failures_in_a_row_and_refuses_without_calling(reason: str) -> None:
    breaker = a_breaker()
    assert [called(breaker, failed(reason)) for _ in range(3)] == [reason] * 3
    assert breaker.is_open
    assert called(breaker) == "circuit_open"


def test_an_answer_in_between_starts_the_count_again() -> None:
    breaker = a_breaker()
    for outcome in (failed(), failed(), None, failed(), failed()):
        called(breaker, outcome)
    assert not breaker.is_open


@pytest.mark.parametrize("reason", ["bad_query", "execution", "unauthorised", "not_json", "throttled", "too_large"])
def test_a_refusal_is_an_answer(reason: str) -> None:
    breaker = a_breaker()
    for _ in range(9):
        assert called(breaker, failed(reason)) == reason
    for outcome in (failed(), failed(), failed(reason), failed()):
        called(breaker, outcome)
    assert not breaker.is_open


NEITHER = [asyncio.CancelledError(), AddressRefused("no"), ZeroDivisionError(), SourceUnavailable("x", reason="busy")]


@pytest.mark.parametrize("outcome", NEITHER)
def test_what_says_nothing_of_the_source_counts_as_neither(outcome: BaseException) -> None:
    breaker = a_breaker()
    for one in (failed(), outcome, failed(), outcome):
        called(breaker, one)
    assert not breaker.is_open
    called(breaker, failed())
    assert breaker.is_open


def given_up(breaker: Breaker, clock: HandClock, after_seconds: float) -> None:
    guarding = breaker.guarding()
    guarding.__enter__()
    clock.seconds += after_seconds
    guarding.__exit__(asyncio.CancelledError, asyncio.CancelledError(), None)


def test_a_call_that_was_given_up_after_long_silence_is_a_failure() -> None:
    clock = HandClock()
    breaker = a_breaker(clock)
    for _ in range(9):
        given_up(breaker, clock, 4.9)
    assert not breaker.is_open
    for _ in range(3):
        given_up(breaker, clock, 5)
    assert breaker.is_open
    clock.seconds += 30
    given_up(breaker, clock, 5)
    assert called(breaker) == "circuit_open"


def test_after_the_cool_down_one_probe_goes_through_and_its_answer_closes() -> None:
    clock = HandClock()
    breaker = opened(clock)
    clock.seconds += 29.9
    assert called(breaker) == "circuit_open"
    clock.seconds += 0.1
    with breaker.guarding():
        assert called(breaker) == "circuit_open"
    assert not breaker.is_open
    assert called(breaker) == "ok"


def test_a_probe_that_fails_opens_for_as_long_again() -> None:
    clock = HandClock()
    breaker = opened(clock)
    clock.seconds += 30
    assert called(breaker, failed("timeout")) == "timeout"
    clock.seconds += 29.9
    assert called(breaker) == "circuit_open"
    clock.seconds += 0.1
    assert called(breaker) == "ok"


@pytest.mark.parametrize("outcome", NEITHER)
def test_a_probe_that_is_given_up_makes_room_for_another(outcome: BaseException) -> None:
    clock = HandClock()
    breaker = opened(clock)
    clock.seconds += 30
    called(breaker, outcome)
    assert breaker.is_open
    assert called(breaker) == "ok"
    assert not breaker.is_open


def test_an_answer_to_a_call_that_began_before_it_opened_does_not_close_it() -> None:
    breaker = a_breaker()
    with breaker.guarding():
        for _ in range(3):
            called(breaker, failed())
    assert breaker.is_open


def test_a_call_that_began_before_it_opened_and_fails_late_extends_nothing() -> None:
    clock = HandClock()
    breaker = a_breaker(clock)
    late = breaker.guarding()
    late.__enter__()
    for _ in range(3):
        called(breaker, failed())
    clock.seconds += 10
    late.__exit__(SourceUnavailable, failed(), None)
    clock.seconds += 20
    assert called(breaker) == "ok"


def test_each_source_of_each_tenant_has_its_own_and_keeps_it() -> None:
    breakers = Breakers(failures=1)
    called(breakers.of(ACME, "int-1"), failed())
    assert breakers.of(ACME, "int-1").is_open
    others = [breakers.of(ACME, "int-2"), breakers.of(GLOBEX, "int-1")]
    assert not any(one.is_open for one in others)


def test_no_more_are_kept_than_said_and_the_one_used_longest_ago_goes_first() -> None:
    breakers = Breakers(failures=1, max_kept=2)
    for source in ("int-1", "int-2"):
        called(breakers.of(ACME, source), failed())
    breakers.of(ACME, "int-1")
    breakers.of(ACME, "int-3")
    assert breakers.of(ACME, "int-1").is_open
    assert not breakers.of(ACME, "int-2").is_open
