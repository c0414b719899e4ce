"""The queries for who calls whom, judged by promtool on series of every convention."""

from pathlib import Path

from shared.context.edges.asking import calls_around, failures_around, query_of
from shared.context.edges.table import BY_NAME
from shared.context.promql import quoted
from tests.unit.context.promtool import Case, judged

MINUTES, SECONDS, AGO = 40, 300.0, 1200.0
EVIL = 'a"b\\c.*|d\ne$f'

Lines = dict[str, str]


def counts(a_minute: int, then: int | None = None) -> str:
    """So many calls a minute for 20 minutes, then so many; no more when it is None."""
    return f"0+{a_minute}x20" + (f" {20 * a_minute + then}+{then}x19" if then is not None else f" {20 * a_minute}x19")


def labelled(family: str, labels: dict[str, str]) -> str:
    return family + "{" + ",".join(f"{name}={quoted(value)}" for name, value in labels.items()) + "}"


GRAPH, GRAPH_FAILED = "traces_service_graph_request_total", "traces_service_graph_request_failed_total"
HTTP, DB = "http_client_request_duration_seconds_count", "db_client_operation_duration_seconds_count"
ISTIO = {
    "source_canonical_service": "pay",
    "source_workload": "pay-v1",
    "source_workload_namespace": "shop",
    "destination_service_name": "ledger",
    "destination_service_namespace": "bank",
}
OUTBOUND = "outbound|80||pay.shop.svc.cluster.local"

SERIES: Lines = {
    labelled(GRAPH, {"client": "web", "server": "pay"}): counts(60, 60),
    labelled(GRAPH, {"client": "pay", "server": "orders", "connection_type": "database"}): counts(60, 120),
    labelled(GRAPH, {"client": "pay", "server": "gone"}): counts(60),
    labelled(GRAPH, {"client": "pay", "server": "pay"}): counts(60, 60),
    labelled(GRAPH, {"client": "web", "server": EVIL}): counts(60, 60),
    labelled(GRAPH, {"client": "web", "server": "payX"}): counts(60, 60),
    labelled(GRAPH_FAILED, {"client": "web", "server": "pay"}): counts(0, 30),
    labelled("istio_requests_total", {**ISTIO, "reporter": "source", "response_code": "200"}): counts(60, 60),
    labelled("istio_requests_total", {**ISTIO, "reporter": "source", "response_code": "0"}): counts(0, 60),
    labelled("istio_requests_total", {**ISTIO, "reporter": "destination", "response_code": "200"}): counts(60, 60),
    labelled("envoy_cluster_upstream_rq_total", {"job": "edge", "envoy_cluster_name": OUTBOUND}): counts(60, 60),
    labelled(
        "envoy_cluster_upstream_rq_xx",
        {"job": "edge", "envoy_cluster_name": OUTBOUND, "envoy_response_code_class": "5"},
    ): counts(0, 15),
    labelled(HTTP, {"job": "shop/pay", "server_address": "api.bank.example"}): counts(60, 60),
    labelled(HTTP, {"job": "web", "server_address": "pay.shop:8080"}): counts(60, 30),
    labelled(HTTP, {"job": "web", "server_address": "pay.shop:8080", "error_type": "timeout"}): counts(0, 30),
    labelled(HTTP, {"job": "web", "server_address": "prepay:8080"}): counts(60, 60),
    labelled("http_client_duration_milliseconds_count", {"job": "cron", "net_peer_name": "pay"}): counts(60, 60),
    labelled(DB, {"service_name": "pay", "db_system_name": "redis"}): counts(60, 60),
    labelled(DB, {"job": "shop/pay", "db_system": "mysql", "server_address": "db-0.db.shop.svc"}): counts(60, 60),
}

NOW_CALLS = [
    ({"told": "service_graph now", "client": "web", "server": "pay"}, 1),
    ({"told": "service_graph now", "client": "pay", "server": "pay"}, 1),
    ({"told": "service_graph now", "client": "pay", "server": "orders", "connection_type": "database"}, 2),
    ({"told": "istio now", **ISTIO}, 2),
    ({"told": "envoy now", "job": "edge", "envoy_cluster_name": OUTBOUND}, 1),
    ({"told": "otel_http_client now", "job": "shop/pay", "server_address": "api.bank.example"}, 1),
    ({"told": "otel_http_client now", "job": "web", "server_address": "pay.shop:8080"}, 1),
    ({"told": "otel_http_client_old now", "job": "cron", "net_peer_name": "pay"}, 1),
    ({"told": "otel_db_client now", "service_name": "pay", "db_system_name": "redis"}, 1),
    (
        {"told": "otel_db_client now", "job": "shop/pay", "db_system": "mysql", "server_address": "db-0.db.shop.svc"},
        1,
    ),
]
THEN_CALLS = [
    *(({**labels, "told": labels["told"].replace("now", "then")}, 1.0) for labels, _ in NOW_CALLS),
    ({"told": "service_graph then", "client": "pay", "server": "gone"}, 1.0),
]
FAILING = {"web": 0.5, "edge": 0.25}
FAILED = [
    (labels, 0.5 if labels["told"] == "istio now" else FAILING.get(labels.get("client", labels.get("job", "")), 0.0))
    for labels, _ in NOW_CALLS
]


def rounded(promql: str) -> str:
    return f"round({promql}, 0.0001)"


def around(name: str) -> str:
    return rounded(calls_around([name], seconds=SECONDS, ago=AGO))


def test_every_convention_tells_of_calls_now_and_before_and_which_fail(tmp_path: Path) -> None:
    both = [({"told": f"service_graph {when}", "client": "web", "server": EVIL}, 1.0) for when in ("now", "then")]
    calls = [*NOW_CALLS, *THEN_CALLS]
    cases = [
        Case("calls", around("pay"), calls, MINUTES),
        Case("by a name with a namespace", around("shop/pay"), calls, MINUTES),
        Case("of a name that nobody gives", around(EVIL), both, MINUTES),
        Case("failures", rounded(failures_around(["pay"], seconds=SECONDS)), FAILED, MINUTES),
        Case("one edge again", rounded(query_of(BY_NAME["istio"], [ISTIO], seconds=SECONDS)), [({}, 2)], MINUTES),
    ]
    told = judged(tmp_path, SERIES, cases)
    assert not told, "\n\n".join(f"{name}\n{words}" for name, words in told.items())
