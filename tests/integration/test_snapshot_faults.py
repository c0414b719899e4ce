"""Every collector against every fault of a Prometheus: its section says so in time, and no other is harmed."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared.adapters.breaker import Breaker
from shared.adapters.guarded_http import GuardedHttp
from shared.adapters.memory.services import services_in_memory
from shared.adapters.prometheus import Connection, Limits, PrometheusSource
from shared.context.snapshot import collect
from shared.models.base import SnapshotId
from shared.models.evidence import ChangeEvidence, EdgeEvidence
from shared.models.snapshots import SectionName, Snapshot
from tests.builders import NOON, a_signal, an_alert, an_incident
from tests.fakes.prometheus_server import (
    Behaviour,
    FakePrometheus,
    Rule,
    bad_gateway,
    behind,
    cut_off,
    dropped,
    empty,
    hang,
    login_page,
    partial,
    refusing_url,
    series,
    server_error,
    slow,
    too_many_points,
    too_many_samples,
    truncated,
    unauthorised,
    unlabelled,
)
from tests.fakes.shop_metrics import CALLS, SERVICES, edges, pace, shop

pytestmark = pytest.mark.integration

NOW = NOON + timedelta(minutes=2)
SHOP = shop(NOON)
ALERT = a_signal(an_alert(expression="payment:errors:ratio > 0.05"))
LIMITS = Limits(pause_seconds=0)
DEADLINE_SECONDS, LONG_DEADLINE_SECONDS = 0.1, 5.0
AMPLE_SECONDS = 10.0
# Never used, as nothing here speaks TLS; to make one for each client would take longer than the tests.
_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

ASKED_BY = {
    SectionName.EXPRESSION: "payment:errors:ratio",
    SectionName.TRAFFIC: 'http_requests_total{service="payment"',
    SectionName.TOPOLOGY: "total{client=",
    SectionName.DEPENDENCIES: 'service=~"db|frontend"',
    SectionName.CHANGES: "build_info",
    SectionName.SLO: "slo:",
    SectionName.LIMITS: "max by (subject)",
}
"""What the queries of a section have in common, and those of no other."""
EMPTY = {
    SectionName.TRAFFIC: "empty no_known_metrics",
    SectionName.TOPOLOGY: "empty no_service_graph",
    SectionName.DEPENDENCIES: "empty no_known_metrics",
    SectionName.CHANGES: "empty no_changes",
    SectionName.SLO: "empty no_objectives",
    SectionName.LIMITS: "empty no_known_limits",
}
FAILING: dict[str, tuple[Behaviour, str]] = {
    "reset": (dropped(), "connect"),
    "500": (server_error(), "http_5xx"),
    "401": (unauthorised(), "unauthorised"),
    "502 page": (bad_gateway(), "http_5xx"),
    "login page": (login_page(), "not_json"),
    "truncated JSON": (truncated(edges(*CALLS)), "not_json"),
    "cut off": (cut_off(edges(*CALLS)), "protocol"),
    "11,000 points": (too_many_points(), "too_many_points"),
    "50 M samples": (too_many_samples(), "too_many_samples"),
}
EMPTYING: dict[str, Behaviour] = {"empty": empty(), "labels vanished": unlabelled()}


@pytest.fixture
async def http() -> AsyncIterator[GuardedHttp]:
    client = GuardedHttp(allow_private=True, tls=_TLS)
    yield client
    await client.aclose()


async def looked(
    http: GuardedHttp, url: str, *, deadline_seconds: float = AMPLE_SECONDS, breaker: Breaker | None = None
) -> Snapshot:
    return await collect(
        an_incident(),
        [ALERT],
        services_in_memory(),
        PrometheusSource(http, Connection(url), limits=LIMITS, breaker=breaker),
        snapshot_id=SnapshotId("snap-1"),
        now=NOW,
        deadline_seconds=deadline_seconds,
    )


async def taken(http: GuardedHttp, *rules: Rule, deadline_seconds: float = AMPLE_SECONDS) -> Snapshot:
    """A look at the shop, where these rules come first; the pace is known, as everything waits for it."""
    async with FakePrometheus([("count_over_time(", pace()), *rules, *SHOP]) as server:
        return await looked(http, server.url, deadline_seconds=deadline_seconds)


def told(snapshot: Snapshot) -> dict[SectionName, str]:
    """Of the alerts, and of the questions that only the Prometheus answers."""
    asked = [one for one in snapshot.body.sections if one.name in {SectionName.ALERTS, *ASKED_BY}]
    return {one.name: f"{one.status.value} {one.reason or ''}".strip() for one in asked}


def warnings_of(snapshot: Snapshot, name: SectionName) -> tuple[str, ...]:
    return next(one.warnings for one in snapshot.body.sections if one.name is name)


def without(found: dict[SectionName, str], name: SectionName) -> set[str]:
    """What the others say: dependencies cannot be asked about without a topology, and say so."""
    depending = {SectionName.DEPENDENCIES} if name is SectionName.TOPOLOGY else set()
    return {status for one, status in found.items() if one not in {name, *depending}}


async def test_a_healthy_prometheus_gives_every_section(http: GuardedHttp) -> None:
    snapshot = await taken(http)
    assert set(told(snapshot).values()) == {"ok"}
    assert [one.version for one in snapshot.body.evidence() if isinstance(one, ChangeEvidence)] == ["1.5.0"]


@pytest.mark.parametrize("section", ASKED_BY)
@pytest.mark.parametrize("fault", FAILING)
async def test_a_fault_fails_the_section_that_met_it_with_its_reason(
    http: GuardedHttp, section: SectionName, fault: str
) -> None:
    behaviour, reason = FAILING[fault]
    found = told(await taken(http, (ASKED_BY[section], behaviour)))
    assert found[section] == f"failed {reason}"
    assert without(found, section) == {"ok"}


async def test_a_source_that_hangs_costs_the_section_that_asked_it_and_only_until_the_deadline(
    http: GuardedHttp,
) -> None:
    # All at once, as each takes the whole of its deadline; long enough for what does not hang, on a busy machine too.
    looks = (taken(http, (text, hang()), deadline_seconds=LONG_DEADLINE_SECONDS) for text in ASKED_BY.values())
    for section, snapshot in zip(ASKED_BY, await asyncio.gather(*looks), strict=True):
        # The others go on with the alerting service alone once the topology has had its time.
        late = {section, *([SectionName.DEPENDENCIES] if section is SectionName.TOPOLOGY else [])}
        found = told(snapshot)
        assert {found[one] for one in late} == {"failed deadline"}
        assert {status for one, status in found.items() if one not in late} == {"ok"}


@pytest.mark.parametrize("section", EMPTY)
@pytest.mark.parametrize("fault", EMPTYING)
async def test_what_has_nothing_to_say_is_empty_and_not_failed(
    http: GuardedHttp, section: SectionName, fault: str
) -> None:
    found = told(await taken(http, (ASKED_BY[section], EMPTYING[fault])))
    assert found[section] == EMPTY[section]
    assert without(found, section) == {"ok"}


@pytest.mark.parametrize("fault", FAILING)
async def test_a_prometheus_that_is_broken_altogether_fails_every_section(http: GuardedHttp, fault: str) -> None:
    behaviour, reason = FAILING[fault]
    async with FakePrometheus([("", behaviour)]) as server:
        found = told(await looked(http, server.url))
    assert found.pop(SectionName.ALERTS) == "ok"
    assert set(found.values()) == {f"failed {reason}"}


async def test_a_prometheus_that_is_not_there_or_never_answers_fails_every_section(http: GuardedHttp) -> None:
    refused = told(await looked(http, refusing_url()))
    async with FakePrometheus([("", hang())]) as server:
        silent = told(await looked(http, server.url, deadline_seconds=DEADLINE_SECONDS))
    for found, reason in ((refused, "connect"), (silent, "deadline")):
        assert found.pop(SectionName.ALERTS) == "ok"
        assert set(found.values()) == {f"failed {reason}"}


async def test_a_source_that_is_left_alone_costs_the_next_look_nothing(http: GuardedHttp) -> None:
    breaker = Breaker(failures=1)
    async with FakePrometheus([("", server_error())]) as server:
        await looked(http, server.url, breaker=breaker)
        asked = len(server.asked)
        found = told(await looked(http, server.url, breaker=breaker))
        assert len(server.asked) == asked
    assert found.pop(SectionName.ALERTS) == "ok"
    assert set(found.values()) == {"failed circuit_open"}


@pytest.mark.parametrize("fault", EMPTYING)
async def test_an_empty_prometheus_is_empty_and_not_healthy(http: GuardedHttp, fault: str) -> None:
    async with FakePrometheus([("", EMPTYING[fault])]) as server:
        found = told(await looked(http, server.url))
    # Of an expression it is a series that it has no labels.
    assert found.pop(SectionName.EXPRESSION) == ("empty no_series" if fault == "empty" else "ok")
    assert found == {
        SectionName.ALERTS: "ok", **EMPTY, SectionName.DEPENDENCIES: "empty no_neighbours",
    }  # fmt: skip


@pytest.mark.parametrize("section", ASKED_BY)
async def test_a_partial_answer_is_evidence_with_a_warning(http: GuardedHttp, section: SectionName) -> None:
    partly = [(text, partial("a store is down", behaviour)) for text, behaviour in SHOP]
    snapshot = await taken(http, *partly)
    found = told(snapshot)
    # What adds up series cannot tell how much there is.
    short = {found.pop(SectionName.TRAFFIC), found.pop(SectionName.DEPENDENCIES)}
    assert (short, set(found.values())) == ({"failed partial_answer"}, {"ok"})
    assert all(one.evidence for one in snapshot.body.sections if one.reason == "partial_answer")
    assert "a store is down" in warnings_of(snapshot, section)


async def test_a_clock_two_minutes_behind_leaves_every_section_its_evidence(http: GuardedHttp) -> None:
    late = [(text, behind(120, behaviour)) for text, behaviour in shop(NOON - timedelta(minutes=5))]
    assert set(told(await taken(http, *late)).values()) == {"ok"}


async def test_a_slow_answer_is_waited_for(http: GuardedHttp) -> None:
    slowly = [(text, slow(0.005, behaviour)) for text, behaviour in SHOP]
    assert set(told(await taken(http, *slowly)).values()) == {"ok"}


async def test_cycles_and_calls_to_oneself_end_the_search_and_are_no_edge_twice(http: GuardedHttp) -> None:
    round_about = [*CALLS, ("db", "payment"), ("db", "frontend"), *((name, name) for name in SERVICES)]
    snapshot = await taken(http, ("topk(", edges(*round_about)))
    found = [(one.caller, one.callee) for one in snapshot.body.evidence() if isinstance(one, EdgeEvidence)]
    assert set(told(snapshot).values()) == {"ok"}
    assert sorted(found) == sorted([*CALLS, ("db", "payment"), ("db", "frontend")])


async def test_a_graph_of_five_thousand_services_is_cut_and_says_so(http: GuardedHttp) -> None:
    wide = [*CALLS, *(("payment", f"service-{n}") for n in range(5000))]
    snapshot = await taken(http, ("topk(", edges(*wide)))
    assert set(told(snapshot).values()) == {"ok"}
    warnings = warnings_of(snapshot, SectionName.TOPOLOGY)
    assert "only 500 of 5002 series are kept" in warnings
    assert any(one.endswith("more services around payment are left out") for one in warnings)


async def test_five_thousand_services_under_one_convention_are_cut_and_say_so(http: GuardedHttp) -> None:
    names = [*SERVICES, *(f"service-{n}" for n in range(5000))]
    known = series(*(({"binding": "prometheus_client/service", "service": name}, 1.0) for name in names))
    snapshot = await taken(http, ("label_replace(count by (service) (http", known))
    assert set(told(snapshot).values()) == {"ok"}
    assert "only 500 of 5003 series are kept" in warnings_of(snapshot, SectionName.DEPENDENCIES)
