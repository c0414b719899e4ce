"""The services around: measured where that is possible, and otherwise as they are known or declared."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.memory.services import services_in_memory
from shared.context.collectors.topology import collect_topology, find_neighbourhood
from shared.context.look import Collected, View
from shared.context.neighbourhood import Neighbour, Neighbourhood
from shared.errors import SourceUnavailable, StoreUnavailable
from shared.models.base import TenantId
from shared.models.conventions import ServiceAliases, ServiceNames
from shared.models.evidence import EdgeEvidence, EdgeSource, NodeKind, Origin
from shared.models.measures import Relation
from shared.models.topology import TOPOLOGY_FRESH, Call, DeclaredCall, DeclaredTopology, KnownTopology
from shared.ports.metrics import Answer, MetricsSource
from shared.ports.services import Services
from shared.ports.stores import Versioned
from tests.builders import ACME, NOON, an_incident
from tests.unit.context.fake_source import FakeSource, Rule, samples
from tests.unit.context.views import a_view

NOW = NOON + timedelta(minutes=2)
DAY = timedelta(days=1)
DOWN = SourceUnavailable("down", reason="connect")
FAILED = "graph_request_failed_total"
Edge = tuple[str, str]


def calls(*told: tuple[str, str, float], when: str = "now", **fields: Any) -> Answer:
    found = (({"told": f"service_graph {when}", "client": one, "server": other}, rate) for one, other, rate in told)
    return samples(*found, **fields)


def a_source(*rules: Rule, graph: Answer | None = None) -> FakeSource:
    """A Prometheus without failures, where payment calls db; rules that are given come first."""
    found = calls(("payment", "db", 5)) if graph is None else graph
    return FakeSource([*rules, (FAILED, Answer()), ("topk(", found)])


def a_call(caller: str, callee: str, *, rate: float = 3, **fields: Any) -> Call:
    return Call(**{"caller": caller, "callee": callee, "seen_at": NOW - DAY, "calls_per_second": rate, **fields})


async def knowing(
    *known: Call, declared: Sequence[Edge] = (), kinds: dict[str, NodeKind] | None = None, looked: timedelta = DAY
) -> Services:
    """Stores that know these calls; the surroundings of payment were measured so long ago."""
    services = services_in_memory()
    if known:
        at = {"payment": NOW - looked}
        topology = KnownTopology(
            id=KnownTopology.id_for(), tenant_id=ACME, calls=known, looked_at=at, updated_at=NOW - looked
        )
        await services.surroundings.keep(ACME, topology, None)
    if declared or kinds:
        said = tuple(DeclaredCall(caller=caller, callee=callee) for caller, callee in declared)
        record = DeclaredTopology.none_yet(ACME, now=NOON).model_copy(update={"calls": said, "kinds": kinds or {}})
        await services.records.create(ACME, record)
    return services


def seen_by(source: MetricsSource | None, services: Services | None = None, **fields: Any) -> View:
    return a_view(source, services=services, now=NOW, **fields)


async def found(source: MetricsSource | None, services: Services | None = None, **fields: Any) -> Neighbourhood:
    return await find_neighbourhood(seen_by(source, services, **fields))


def edges(neighbourhood: Neighbourhood) -> dict[Edge, EdgeEvidence]:
    return {(one.caller, one.callee): one for one in neighbourhood.edges}


async def test_what_is_not_known_is_measured_with_three_questions() -> None:
    source = a_source(graph=calls(("payment", "db", 5), ("web", "payment", 2), ("db", "disk", 1)))
    seen = await found(source)
    assert seen.neighbours == {
        "db": Neighbour(Relation.CALLEE, 1),
        "web": Neighbour(Relation.CALLER, 1),
        "disk": Neighbour(Relation.CALLEE, 2),
    }
    near, *rest = source.asked
    assert '([^/]+/)?(payment)"' in near
    assert len(rest) == 2
    assert all('([^/]+/)?(db|payment|web)"' in one for one in rest)
    edge = edges(seen)["payment", "db"]
    assert edge.query is not None
    assert (edge.window_start, edge.window_end) == (NOW - timedelta(seconds=300), NOW)
    assert (edge.origin, edge.seen_at, edge.fetched_at) == (Origin.PROMETHEUS, NOW, None)
    assert (seen.as_of, seen.is_stale, seen.failure) == (None, False, None)


async def test_a_fresh_graph_is_asked_for_its_rates_alone() -> None:
    services = await knowing(a_call("payment", "db"), looked=TOPOLOGY_FRESH - timedelta(seconds=1))
    source = a_source(graph=calls(("payment", "db", 5), ("payment", "new", 1)))
    seen = await found(source, services)
    assert len(source.asked) == 2
    assert '([^/]+/)?(db|payment)"' in source.asked[0]
    assert edges(seen)["payment", "db"].calls_per_second == 5
    assert {one.fetched_at for one in seen.edges} == {NOW}
    assert (set(seen.neighbours), seen.is_stale) == ({"db", "new"}, False)
    assert seen.as_of == NOW - TOPOLOGY_FRESH + timedelta(seconds=1)


async def test_a_graph_of_a_quarter_of_an_hour_ago_is_measured_anew() -> None:
    services = await knowing(a_call("payment", "db"), looked=TOPOLOGY_FRESH)
    source = a_source()
    seen = await found(source, services)
    assert (len(source.asked), seen.as_of) == (3, None)


async def test_a_service_without_calls_does_not_vanish_from_the_graph_that_needs_it() -> None:
    services = await knowing(a_call("payment", "ledger", told_by=(EdgeSource.ISTIO,)), a_call("ledger", "disk"))
    seen = await found(a_source(), services)
    gone = edges(seen)["payment", "ledger"]
    assert (gone.calls_per_second, gone.seen_at, gone.is_silent, gone.is_past) == (0, NOW - DAY, True, False)
    assert gone.told_by == (EdgeSource.ISTIO,)
    assert seen.neighbours["ledger"] == Neighbour(Relation.CALLEE, 1)
    assert edges(seen)["ledger", "disk"].is_silent
    assert not edges(seen)["payment", "db"].is_silent


async def test_of_what_was_not_asked_for_nothing_is_said() -> None:
    services = await knowing(a_call("payment", "db"), a_call("db", "disk"), a_call("disk", "rack"))
    seen = await found(a_source(), services)
    assert ("disk", "rack") not in edges(seen)


@pytest.mark.parametrize(
    "graph",
    [
        calls(("payment", "db", 5), warnings=["a store is down"]),
        calls(("payment", "db", 5), ("payment", "", 5)),
        calls(("payment", "db", 5), when="then"),
    ],
)
async def test_an_answer_from_which_something_may_be_missing_ends_no_calls(graph: Answer) -> None:
    seen = await found(a_source(graph=graph), await knowing(a_call("payment", "ledger")))
    kept = edges(seen)["payment", "ledger"]
    assert (kept.calls_per_second, kept.seen_at, kept.is_past) == (3, NOW - DAY, True)


async def test_calls_that_ended_since_the_alert_began_keep_their_rate_and_say_when_it_was_so() -> None:
    graph = samples(
        ({"told": "service_graph now", "client": "web", "server": "payment"}, 5),
        ({"told": "service_graph then", "client": "payment", "server": "db"}, 7),
    )
    source = a_source(graph=graph)
    edge = edges(await found(source))["payment", "db"]
    assert (edge.calls_per_second, edge.seen_at, edge.is_past) == (7, NOW - timedelta(seconds=150), True)
    assert " offset 150s" in source.asked[0]


async def test_names_that_come_and_go_do_not_crowd_out_what_is_there() -> None:
    jobs = (a_call(f"job-{n:03}", "payment", seen_at=NOW - timedelta(hours=n + 1)) for n in range(100))
    seen = await found(a_source(graph=calls(("payment", "db", 5), ("db", "disk", 1))), await knowing(*jobs))
    silent = sorted(one.caller for one in seen.edges if one.is_silent)
    assert silent == [f"job-{n:03}" for n in range(20)]
    assert {"db", "disk"} <= set(seen.neighbours)


async def test_calls_of_its_own_that_ended_go_before_later_ones_of_others() -> None:
    others = (a_call("db", f"disk-{n:03}", seen_at=NOW - timedelta(hours=1)) for n in range(100))
    seen = await found(a_source(), await knowing(*others, a_call("payment", "ledger", seen_at=NOW - 6 * DAY)))
    assert edges(seen)["payment", "ledger"].is_silent
    assert sum(one.is_silent for one in seen.edges) == 20


@pytest.mark.parametrize("trouble", [DOWN, SourceUnavailable("slow", reason="timeout")])
async def test_while_nobody_can_be_asked_the_graph_is_as_it_was_last_known(trouble: SourceUnavailable) -> None:
    services = await knowing(
        a_call("payment", "db"), a_call("web", "payment", rate=0), declared=[("payment", "bank")]
    )
    seen = await found(FakeSource([("", trouble)]), services)
    assert (seen.is_stale, seen.failure, seen.as_of) == (True, trouble.reason, NOW - DAY)
    assert set(seen.neighbours) == {"db", "web", "bank"}
    kept = edges(seen)["payment", "db"]
    assert (kept.calls_per_second, kept.is_past, kept.fetched_at) == (3, True, NOW - DAY)
    assert edges(seen)["web", "payment"].is_silent
    assert (edges(seen)["payment", "bank"].fetched_at, edges(seen)["payment", "bank"].origin) == (NOW, Origin.RECORDS)


async def test_a_source_that_hangs_is_not_waited_for_where_the_graph_is_known() -> None:
    hanging = FakeSource([("", asyncio.Event())])
    seen = await find_neighbourhood(seen_by(hanging, await knowing(a_call("payment", "db"))), patience_seconds=0.01)
    assert (seen.is_stale, seen.failure, set(seen.neighbours)) == (True, "timeout", {"db"})


async def test_what_is_declared_is_enough_where_nothing_is_connected() -> None:
    services = await knowing(declared=[("payment", "db"), ("web", "payment")], kinds={"db": NodeKind.DATABASE})
    seen = await found(None, services)
    assert (seen.failure, seen.is_stale, set(seen.neighbours)) == (None, False, {"db", "web"})
    edge = edges(seen)["payment", "db"]
    assert (edge.callee_kind, edge.told_by, edge.seen_at) == (NodeKind.DATABASE, (EdgeSource.DECLARED,), None)
    assert (edge.calls_per_second, edge.is_silent) == (0, False)


async def test_a_graph_of_a_source_that_is_connected_no_more_is_stale() -> None:
    seen = await found(None, await knowing(a_call("payment", "db")))
    assert (seen.is_stale, seen.failure) == (True, "no_prometheus")


async def test_what_is_declared_alone_does_not_hide_that_the_source_failed() -> None:
    seen = await found(FakeSource([("", DOWN)]), await knowing(declared=[("payment", "db")]))
    assert (seen.is_stale, seen.failure, set(seen.neighbours)) == (False, "connect", {"db"})


@pytest.mark.parametrize("answer", [Answer(), calls(("payment", "", 5))])
async def test_a_prometheus_that_lost_its_metrics_leaves_the_kept_graph_stale(answer: Answer) -> None:
    seen = await found(a_source(graph=answer), await knowing(a_call("payment", "db")))
    assert (seen.is_stale, seen.failure) == (True, "no_calls_measured")
    assert edges(seen)["payment", "db"].calls_per_second == 3


async def test_a_service_that_nobody_tells_of_has_no_neighbours_though_others_have() -> None:
    seen = await found(
        a_source(graph=Answer()), await knowing(a_call("web", "search"), declared=[("search", "index")])
    )
    assert (seen.neighbours, seen.edges, seen.failure, seen.is_stale) == ({}, (), None, False)


@pytest.mark.parametrize("source", [None, FakeSource([("", DOWN)])])
async def test_what_is_known_of_others_is_nothing_known_of_this_one(source: MetricsSource | None) -> None:
    services = await knowing(a_call("web", "search"), declared=[("search", "index")])
    with pytest.raises(Exception, match=r"no Prometheus is connected|down"):
        await found(source, services)


async def test_measured_and_declared_calls_are_one_and_declared_kinds_count() -> None:
    services = await knowing(declared=[("payment", "db"), ("db", "disk")], kinds={"db": NodeKind.DATABASE})
    seen = await found(a_source(), services)
    both = edges(seen)["payment", "db"]
    assert (both.calls_per_second, both.told_by) == (5, (EdgeSource.SERVICE_GRAPH, EdgeSource.DECLARED))
    assert {one.caller_kind for one in seen.edges if one.caller == "db"} == {NodeKind.DATABASE}
    assert edges(seen)["db", "disk"].told_by == (EdgeSource.DECLARED,)


async def test_second_hops_that_cannot_be_asked_for_cost_only_themselves() -> None:
    source = FakeSource([("(db|payment)", DOWN), ("topk(", calls(("payment", "db", 5)))])
    seen = await found(source)
    assert (seen.failure, seen.is_stale, set(seen.neighbours)) == ("connect", False, {"db"})


async def test_a_rate_that_cannot_be_asked_for_makes_a_fresh_graph_stale() -> None:
    services = await knowing(a_call("payment", "db"), looked=timedelta(minutes=5))
    seen = await found(a_source(("topk(", DOWN)), services)
    assert (seen.is_stale, seen.failure, seen.as_of) == (True, "connect", NOW - DAY)


async def test_a_bug_is_not_taken_for_a_failing_source() -> None:
    with pytest.raises(ZeroDivisionError):
        await found(FakeSource([(FAILED, ZeroDivisionError()), ("topk(", calls(("payment", "db", 5)))]))


class Failing:
    """A store that is down."""

    async def topology(self, tenant_id: TenantId) -> Versioned[KnownTopology] | None:
        raise StoreUnavailable(f"topology of {tenant_id}", reason="store_down")


async def test_a_store_that_fails_costs_what_it_knows_and_no_more() -> None:
    failing: Any = Failing()
    seen = await found(a_source(), replace(services_in_memory(), surroundings=failing))
    assert set(seen.neighbours) == {"db"}
    assert seen.warnings == ("the kept topology could not be read: store_down",)


async def test_a_cycle_ends_and_calls_to_oneself_are_no_calls() -> None:
    round_about = calls(("payment", "db", 5), ("db", "payment", 1), ("payment", "payment", 9), ("db", "db", 9))
    services = await knowing(a_call("payment", "payment"), declared=[("db", "web"), ("web", "payment")])
    seen = await found(a_source(graph=round_about), services)
    assert set(edges(seen)) == {("payment", "db"), ("db", "payment"), ("db", "web"), ("web", "payment")}


async def test_five_thousand_services_are_cut_to_those_that_are_looked_at() -> None:
    # A source answers with 500 at most; the kept graph and the declared one are full.
    wide = calls(*(("payment", f"s{n}", float(n)) for n in range(500)))
    kept = (a_call(f"c{n}", "payment") for n in range(4000))
    source = a_source(graph=wide)
    seen = await found(source, await knowing(*kept, declared=[("payment", f"d{n}") for n in range(500)]))
    assert (len(seen.neighbours), len(seen.edges)) == (29, 29)
    assert "s499" in seen.neighbours
    assert max(map(len, source.asked)) < 60_000
    assert any(text.endswith("more services around payment are left out") for text in seen.warnings)


async def test_an_alert_that_names_the_namespace_finds_its_service_however_it_is_told() -> None:
    incident = an_incident(service_name="shop/payment")
    services = await knowing(a_call("payment", "ledger"), declared=[("payment", "bank")])
    graph = samples(
        ({"told": "otel_http_client now", "job": "shop/payment", "server_address": "db.shop:80"}, 5),
        ({"told": "service_graph now", "client": "web", "server": "payment"}, 2),
    )
    seen = await found(a_source(graph=graph), services, incident=incident)
    assert set(edges(seen)) == {
        ("shop/payment", "db"), ("web", "shop/payment"), ("shop/payment", "ledger"), ("shop/payment", "bank"),
    }  # fmt: skip


async def test_other_names_of_a_service_are_that_service() -> None:
    services = await knowing(a_call("old-pay", "ledger"), declared=[("old-pay", "bank")])
    mapped = (
        ServiceAliases(service="payment", aliases=("pay-svc", "old-pay")),
        ServiceAliases(service="orders", aliases=("db.acme.example", "shop/orders-db")),
    )
    names = ServiceNames.none_yet(ACME, now=NOON).model_copy(update={"services": mapped})
    await services.records.create(ACME, names)
    http = {"told": "otel_http_client now", "job": "pay-svc"}
    graph = samples(
        ({**http, "server_address": "db.acme.example:5432"}, 5),
        ({**http, "server_address": "orders-db.shop.svc"}, 1),
        ({"told": "service_graph now", "client": "pay-svc", "server": "payment"}, 2),
    )
    source = a_source(graph=graph)
    seen = await found(source, services)
    assert set(edges(seen)) == {("payment", "orders"), ("payment", "ledger"), ("payment", "bank")}
    assert edges(seen)["payment", "orders"].calls_per_second == 6
    assert "(old-pay|pay-svc|payment)" in source.asked[0]
    by_alias = await found(a_source(graph=graph), services, incident=an_incident(service_name="pay-svc"))
    assert ("pay-svc", "orders") in edges(by_alias)


async def test_the_section_says_what_was_found_and_how_old_it_is() -> None:
    view = seen_by(FakeSource([("", DOWN)]), await knowing(a_call("payment", "db")))
    view.finding = asyncio.ensure_future(find_neighbourhood(view))
    collected = await collect_topology(view)
    assert collected == Collected(
        evidence=collected.evidence,
        failure="connect",
        why_empty="no_service_graph",
        as_of=NOW - DAY,
        is_stale=True,
    )
    assert len(collected.evidence) == 1
