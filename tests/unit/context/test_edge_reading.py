"""From answers to edges: every teller is kept, the most direct counts, nothing is counted twice or made up."""

import pytest

from shared.context.edges.asking import MAX_CALLS_A_TIME
from shared.context.edges.reading import Measured, Reading, read
from shared.models.evidence import EdgeSource, NodeKind
from shared.ports.metrics import Answer
from tests.unit.context.fake_source import samples

Told = tuple[dict[str, str], float]


def graph(client: str, server: str, rate: float, when: str = "now", **labels: str) -> Told:
    return {"told": f"service_graph {when}", "client": client, "server": server, **labels}, rate


def istio(workload: str, name: str, rate: float, when: str = "now", namespace: str = "shop") -> Told:
    labels = {"source_canonical_service": workload, "source_workload_namespace": "shop"}
    callee = {"destination_service_name": name, "destination_service_namespace": namespace}
    return {"told": f"istio {when}", **labels, **callee}, rate


def http(job: str, address: str, rate: float, when: str = "now") -> Told:
    return {"told": f"otel_http_client {when}", "job": job, "server_address": address}, rate


def envoy(job: str, cluster: str, rate: float) -> Told:
    return {"told": "envoy now", "job": job, "envoy_cluster_name": cluster}, rate


def db(job: str, rate: float, **labels: str) -> Told:
    return {"told": "otel_db_client now", "job": job, **labels}, rate


def reading(*told: Told, failed: tuple[Told, ...] = (), alerting: str = "checkout") -> Reading:
    return read([samples(*told)], samples(*failed), alerting, seconds=300)


def one(*told: Told, failed: tuple[Told, ...] = ()) -> Measured:
    (edge,) = reading(*told, failed=failed).edges.values()
    return edge


def test_a_call_that_several_tell_of_is_one_edge_at_the_rate_of_the_most_direct() -> None:
    edge = one(
        http("shop/checkout", "payment:8080", 11),
        envoy("checkout", "outbound|8080||payment.shop.svc.cluster.local", 12),
        istio("checkout", "payment", 13),
        graph("checkout", "payment", 10),
    )
    assert edge.calls_per_second == 10
    assert [told.value for told in edge.told_by] == ["service_graph", "istio", "envoy", "otel_client"]
    assert edge.query == 'sum(rate(traces_service_graph_request_total{client="checkout",server="payment"}[300s]))'


def test_series_of_one_edge_are_added_and_asked_for_together() -> None:
    virtual = graph("checkout", "payment", 2, connection_type="virtual_node")
    edge = one(graph("checkout", "payment", 4), virtual, graph("a", "a", 1))
    assert edge.calls_per_second == 6
    assert 'connection_type=~"|virtual_node"' in edge.query


def test_the_same_telling_in_two_answers_counts_once() -> None:
    near = samples(graph("checkout", "payment", 4))
    (edge,) = read([near, near], Answer(), "checkout", seconds=60).edges.values()
    assert edge.calls_per_second == 4


def test_conventions_that_count_the_same_calls_are_not_added() -> None:
    old = ({"told": "otel_http_client_old now", "job": "checkout", "net_peer_name": "search"}, 5.0)
    edge = one(
        http("checkout", "search:9200", 6), old, db("checkout", 6, server_address="search", db_system="elastic")
    )
    assert (edge.calls_per_second, edge.callee_kind) == (6, NodeKind.DATABASE)


def test_calls_of_now_count_before_those_of_then_whoever_tells_of_them() -> None:
    edge = one(graph("checkout", "payment", 10, "then"), http("checkout", "payment", 3))
    assert (edge.calls_per_second, edge.is_past, edge.told_by) == (3, False, (EdgeSource.OTEL_CLIENT,))
    ended = one(graph("checkout", "payment", 10, "then"))
    assert (ended.calls_per_second, ended.is_past) == (10, True)


def test_the_share_of_failed_calls_is_that_of_all_series_by_their_calls() -> None:
    calls = (http("checkout", "payment.shop.svc:80", 30), http("checkout", "payment.shop.svc:81", 10))
    failed = (http("checkout", "payment.shop.svc:80", 0.1), http("checkout", "payment.shop.svc:81", 0.5))
    assert one(*calls, failed=failed).failed_ratio == pytest.approx(0.2)
    assert one(*calls, failed=failed[:1]).failed_ratio == pytest.approx(0.1)
    assert one(*calls).failed_ratio is None
    assert one(*calls, failed=(http("checkout", "payment.shop.svc:80", float("nan")),)).failed_ratio is None


@pytest.mark.parametrize(
    ("told", "name", "kind"),
    [
        (graph("checkout", "payment", 1), "payment", NodeKind.SERVICE),
        (graph("checkout", "orders", 1, connection_type="database"), "orders", NodeKind.DATABASE),
        (graph("checkout", "mail", 1, connection_type="messaging_system"), "mail", NodeKind.QUEUE),
        (graph("checkout", "bank", 1, connection_type="virtual_node"), "bank", NodeKind.EXTERNAL),
        (graph("user", "checkout", 1, connection_type="virtual_node"), "checkout", NodeKind.SERVICE),
        (istio("checkout", "payment", 1), "payment", NodeKind.SERVICE),
        (istio("checkout", "api.stripe.com", 1), "api.stripe.com", NodeKind.EXTERNAL),
        (istio("checkout", "old", 1, namespace="unknown"), "old", NodeKind.CLIENT_VIEW),
        (http("checkout", "payment", 1), "payment", NodeKind.CLIENT_VIEW),
        (http("checkout", "api.stripe.com", 1), "api.stripe.com", NodeKind.EXTERNAL),
        (envoy("checkout", "payment", 1), "payment", NodeKind.CLIENT_VIEW),
        (db("checkout", 1, server_address="orders:5432", db_system_name="postgresql"), "orders", NodeKind.DATABASE),
        (db("checkout", 1, server_address="127.0.0.1", db_namespace="shop"), "shop", NodeKind.DATABASE),
        (db("checkout", 1, db_system="redis"), "redis", NodeKind.DATABASE),
    ],
)
def test_what_stands_at_the_callees_end_is_told(told: Told, name: str, kind: NodeKind) -> None:
    ((edge, measured),) = reading(told).edges.items()
    assert (edge[1], measured.callee_kind) == (name, kind)


def test_calls_to_oneself_are_no_edges_also_where_they_are_spelled_otherwise() -> None:
    assert reading(graph("checkout", "checkout", 1), http("shop/checkout", "checkout.shop:80", 1)).edges == {}


def test_what_nobody_calls_and_who_calls_nobody_is_left_out() -> None:
    told = (
        istio("unknown", "payment", 1),
        istio("checkout", "PassthroughCluster", 1),
        http("checkout", "localhost", 1),
    )
    found = reading(*told)
    assert (found.edges, found.warnings) == ({}, ())


def test_labels_that_have_vanished_are_told_and_leave_the_answer_incomplete() -> None:
    found = reading(graph("checkout", "", 3), graph("checkout", "payment", 1))
    assert found.warnings == ("1 calls that do not name both ends are left out",)
    assert not found.is_whole


def test_an_answer_is_whole_unless_something_may_be_missing() -> None:
    many = [graph("checkout", f"s{n}", 1) for n in range(MAX_CALLS_A_TIME)]
    partial = read([samples(many[0], warnings=["a store is down"])], Answer(), "checkout", seconds=60)
    assert reading(*many[:-1]).is_whole
    assert not reading(*many).is_whole
    assert not partial.is_whole
    # Nothing at all, or nothing now, may as well be a source that lags behind.
    assert not reading().is_whole
    assert not reading(graph("checkout", "payment", 1, "then")).is_whole


def test_warnings_of_the_failures_do_not_make_the_calls_incomplete() -> None:
    failed = samples(warnings=["slow"])
    found = read([samples(graph("checkout", "payment", 1))], failed, "checkout", seconds=60)
    assert (found.is_whole, found.warnings) == (True, ("slow",))


def test_services_of_one_name_in_two_namespaces_are_told_apart_and_the_alerting_one_is_told_of() -> None:
    found = reading(http("shop/checkout", "api.shop.svc", 1), http("bank/checkout", "api.bank.svc", 1))
    assert set(found.edges) == {("checkout", "shop/api"), ("checkout", "bank/api")}
    assert found.warnings == ("checkout is in the namespaces bank, shop: its calls there are taken together",)


def test_what_no_row_tells_and_what_is_no_number_is_ignored() -> None:
    strange = ({"told": "gossip now", "client": "a", "server": "b"}, 1.0)
    undated = ({"told": "service_graph", "client": "a", "server": "b"}, 1.0)
    unlabelled = ({"client": "a", "server": "b"}, 1.0)
    found = reading(strange, undated, unlabelled, graph("a", "b", float("nan")), graph("a", "b", float("inf")))
    assert (found.edges, found.warnings) == ({}, ())
