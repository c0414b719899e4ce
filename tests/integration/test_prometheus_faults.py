"""The Prometheus client against everything that a server, or whoever stands before it, can do to a question."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from shared.adapters.breaker import Breaker
from shared.adapters.connection_checks import GuardedConnectionChecks
from shared.adapters.guarded_http import GuardedHttp
from shared.adapters.prometheus import Connection, Limits, PrometheusSource
from shared.errors import SourceUnavailable
from shared.models.connections import ConnectionConfig
from shared.models.tenants import IntegrationType
from shared.ports.connections import Reason
from shared.ports.metrics import Answer
from tests.builders import ACME, NOON
from tests.fakes.prometheus_server import (
    Behaviour,
    FakePrometheus,
    bad_gateway,
    cut_off,
    dropped,
    empty,
    failing,
    hang,
    in_turn,
    login_page,
    partial,
    query_timeout,
    refusing_url,
    series,
    server_error,
    slow,
    throttled,
    too_many_points,
    too_many_samples,
    truncated,
    unauthorised,
    unlabelled,
)

pytestmark = pytest.mark.integration

UP = series(({"service": "pay"}, 7.0))
PATIENT = Limits(pause_seconds=0)
IMPATIENT = Limits(query_seconds=0.1, grace_seconds=0.1, pause_seconds=0)
# Never used, as nothing here speaks TLS; to make one for each client would take longer than the tests.
_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
async def http() -> AsyncIterator[GuardedHttp]:
    client = GuardedHttp(allow_private=True, tls=_TLS)
    yield client
    await client.aclose()


async def asked(
    http: GuardedHttp, behaviour: Behaviour, limits: Limits = PATIENT
) -> tuple[Answer | str, FakePrometheus]:
    """The answer, or the reason why there is none."""
    async with FakePrometheus([("", behaviour)]) as server:
        try:
            return await PrometheusSource(http, Connection(server.url), limits=limits).query("up", at=NOON), server
        except SourceUnavailable as exc:
            return exc.reason, server


@pytest.mark.parametrize(
    ("behaviour", "reason", "times"),
    [
        (server_error(), "http_5xx", 1),
        (unauthorised(), "unauthorised", 1),
        (bad_gateway(), "http_5xx", 2),
        (bad_gateway(504), "http_5xx", 2),
        (login_page(), "not_json", 1),
        (truncated(UP), "not_json", 1),
        (cut_off(UP), "protocol", 2),
        (dropped(), "connect", 2),
        (query_timeout(), "timeout", 1),
        (too_many_points(), "too_many_points", 1),
        (too_many_samples(), "too_many_samples", 1),
        (failing(400, "bad_data", "parse error"), "bad_query", 1),
        (throttled(), "throttled", 1),
        (throttled("60"), "throttled", 1),
    ],
    ids=[
        "500", "401", "502 page", "504 page", "login page", "truncated JSON", "cut off", "reset", "timed out",
        "11,000 points", "50 M samples", "parse error", "429", "429 for a minute",
    ],
)  # fmt: skip
async def test_each_fault_has_its_reason_and_only_some_are_tried_again(
    http: GuardedHttp, behaviour: Behaviour, reason: str, times: int
) -> None:
    found, server = await asked(http, behaviour)
    assert (found, len(server.asked)) == (reason, times)


async def test_a_prometheus_that_never_answers_is_given_up_and_not_asked_again(http: GuardedHttp) -> None:
    found, server = await asked(http, hang(), IMPATIENT)
    assert found == "timeout"
    assert len(server.asked) <= 1  # on a busy machine the time may be over before the question has arrived


@pytest.mark.parametrize("first", [bad_gateway(), bad_gateway(503), cut_off(UP), dropped(), throttled("0")])
async def test_what_passes_is_not_noticed(http: GuardedHttp, first: Behaviour) -> None:
    found, _ = await asked(http, in_turn(first, UP))
    assert isinstance(found, Answer)
    assert [(one.labels, one.at, one.value) for one in found.samples] == [({"service": "pay"}, NOON.timestamp(), 7.0)]


async def test_a_prometheus_that_is_not_there_is_a_failed_connection(http: GuardedHttp) -> None:
    with pytest.raises(SourceUnavailable) as failed:
        await PrometheusSource(http, Connection(refusing_url()), limits=PATIENT).query("up", at=NOON)
    assert failed.value.reason == "connect"


async def test_what_is_odd_but_true_is_an_answer(http: GuardedHttp) -> None:
    assert (await asked(http, empty()))[0] == Answer()
    found, _ = await asked(http, partial("a store is down", slow(0.02, unlabelled(3))))
    assert isinstance(found, Answer)
    assert ([(one.labels, one.value) for one in found.samples], found.warnings) == ([({}, 3)], ("a store is down",))


async def test_five_thousand_services_are_read_where_they_are_asked_for(http: GuardedHttp) -> None:
    async with FakePrometheus([("", series(*(({"service": f"s{n}"}, 1.0) for n in range(5000))))]) as server:
        source = PrometheusSource(http, Connection(server.url))
        some, all_of_them = await source.query("up", at=NOON), await source.query("up", at=NOON, max_series=5000)
    assert (len(some.samples), some.warnings) == (500, ("only 500 of 5000 series are kept",))
    assert (len(all_of_them.samples), all_of_them.warnings) == (5000, ())


async def test_connections_are_kept_and_no_more_of_them_made_than_questions_may_be_asked_at_a_time(
    http: GuardedHttp,
) -> None:
    async with FakePrometheus([("", UP)]) as server:
        source = PrometheusSource(http, Connection(server.url), limits=Limits(concurrent=3))
        for _ in range(5):
            await source.query("up", at=NOON)
        assert server.connections == 1
        await asyncio.gather(*(source.query("up", at=NOON) for _ in range(30)))
        assert server.connections == 3


async def test_a_source_that_is_down_is_left_alone_and_found_again(http: GuardedHttp) -> None:
    clock = [0.0]
    breaker = Breaker(failures=2, cool_down_seconds=30, clock=lambda: clock[0])
    async with FakePrometheus([("", server_error())]) as server:
        source = PrometheusSource(http, Connection(server.url), limits=PATIENT, breaker=breaker)
        reasons = []
        for _ in range(4):
            with pytest.raises(SourceUnavailable) as failed:
                await source.query("up", at=NOON)
            reasons.append(failed.value.reason)
        assert (reasons, len(server.asked)) == (["http_5xx"] * 2 + ["circuit_open"] * 2, 2)
        server.rules = [("", UP)]
        clock[0] += 30
        found = await asyncio.gather(*(source.query("up", at=NOON) for _ in range(3)), return_exceptions=True)
        assert [type(one).__name__ for one in found] == ["Answer", "SourceUnavailable", "SourceUnavailable"]
        assert (await source.query("up", at=NOON)).samples
        assert len(server.asked) == 4


async def test_times_are_those_that_were_asked_for_whatever_the_servers_clock_says(http: GuardedHttp) -> None:
    async with FakePrometheus([("", UP)], date_off_seconds=-120) as server:
        source = PrometheusSource(http, Connection(server.url), limits=PATIENT)
        end = datetime.fromtimestamp(NOON.timestamp() + 60, UTC)
        answer = await source.query_range("up", start=NOON, end=end, step_seconds=30)
    assert [at - NOON.timestamp() for at, _ in answer.series[0].points] == [0, 30, 60]


async def test_a_connection_is_tried_with_the_same_eyes(http: GuardedHttp) -> None:
    checks = GuardedConnectionChecks(http, allow_private=True)
    found = []
    for behaviour in (UP, empty(), login_page(), unauthorised(), bad_gateway()):
        async with FakePrometheus([("", behaviour)]) as server:
            found.append(
                (await checks.check(ACME, IntegrationType.PROMETHEUS, ConnectionConfig(url=server.url))).reason
            )
    assert found == [Reason.REACHED, Reason.NO_SERIES, Reason.HTML, Reason.UNAUTHORISED, Reason.SERVER_ERROR]
