"""Questions over the table, judged by promtool on series whose answer is known."""

import json

import pytest

from shared.context.conventions import (
    BINDINGS,
    Binding,
    bindings_of,
    build_versions,
    detection,
    expression,
    latency,
    paces,
    saturation,
)
from shared.context.neighbourhood import Neighbour, select
from shared.context.promql import duration, one_of, quoted
from shared.context.window import NEWEST, scrape_query
from shared.models.measures import RED, Metric, Relation
from shared.ports.metrics import Sample
from tests.unit.context.promtool import Case, judged

BY_NAME = {binding.name: binding for binding in BINDINGS}
BY_SERVICE, BY_SERVER = BY_NAME["prometheus_client/service"], BY_NAME["service_graph/server"]
EVIL = 'a"b\\c.*|d\ne$f'

SERIES = {
    'http_requests_total{service="pay.ment",code="200"}': "0+45x20",
    'http_requests_total{service="pay.ment",code="503"}': "0+15x20",
    'http_requests_total{service="payXment",code="200"}': "0+600x20",
    'http_requests_total{service="calm",status="200"}': "0+60x20",
    'http_requests_total{service="old",status="500"}': "0+30x20",
    'http_requests_total{service="old",status="200"}': "0+30x20",
    'http_requests_total{service="idle",code="200"}': "7x20",
    'http_requests_total{job="by-job",status_code="200"}': "0+60x20",
    f"http_requests_total{{service={quoted(EVIL)}}}": "0+60x20",
    'http_requests_total{service="gone",code="200"}': "0+60x5 stale",
    'http_request_duration_seconds_bucket{service="calm",le="0.1"}': "0+0x20",
    'http_request_duration_seconds_bucket{service="calm",le="0.2"}': "0+60x20",
    'http_request_duration_seconds_bucket{service="calm",le="+Inf"}': "0+60x20",
    'traces_service_graph_request_total{client="web",server="calm"}': "0+60x20",
    'traces_service_graph_request_total{client="calm",server="db"}': "0+120x20",
    'traces_service_graph_request_total{client="x",server="y"}': "0+60x20",
    'traces_service_graph_request_total{client="calm",server="gone"}': "0+60x5 stale",
    'traces_service_graph_request_failed_total{client="calm",server="db"}': "0+30x20",
    'traces_service_graph_request_server_seconds_bucket{client="calm",server="db",le="1"}': "0+60x20",
    'traces_service_graph_request_server_seconds_bucket{client="calm",server="db",le="+Inf"}': "0+60x20",
    'process_open_fds{service="calm",instance="a"}': "40x20",
    'process_max_fds{service="calm",instance="a"}': "50x20",
    'process_open_fds{service="calm",instance="b"}': "10x20",
    'process_max_fds{service="calm",instance="b"}': "50x20",
    'process_open_fds{service="old"}': "10x20",
    'process_max_fds{service="old"}': "0x20",
    'calm_build_info{service="calm",version="2"}': "1x20",
    'calm_lib_build_info{service="calm",version="2"}': "1x20",
    'go_build_info{service="calm",version="go1.22"}': "1x20",
    'prometheus_build_info{job="calm",version="2.42"}': "1x20",
    'calm_info{service="calm",version="9"}': "1x20",
    'up{job="calm"}': "1x20",
    'up{job="fast"}': "1x20",
}

MINUTES, RATE = 20, 240.0
SERVICES = ["pay.ment", "calm", "old", "idle", "gone"]


def measured(metric: Metric, services: list[str], binding: Binding = BY_SERVICE) -> str:
    return expression(binding, metric, services, window_seconds=RATE)


def found(binding: str, **labels: str) -> tuple[dict[str, str], float]:
    return {"binding": binding, **labels}, 1


def sampled(pace: str, **counts: float) -> list[tuple[dict[str, str], float]]:
    return [({"pace": pace, "over": over.removeprefix("over_")}, count) for over, count in counts.items()]


CASES: dict[str, tuple[str, list[tuple[dict[str, str], float]]]] = {
    "request rate of several services at once, and of no other": (
        measured(Metric.REQUEST_RATE, SERVICES),
        [({"service": "pay.ment"}, 1), ({"service": "calm"}, 1), ({"service": "old"}, 1), ({"service": "idle"}, 0)],
    ),
    "error ratio: 0 without errors, nothing without traffic, any status label": (
        measured(Metric.ERROR_RATIO, SERVICES),
        [({"service": "pay.ment"}, 0.25), ({"service": "calm"}, 0), ({"service": "old"}, 0.5)],
    ),
    "a name with a special character matches itself only": (
        measured(Metric.REQUEST_RATE, ["pay.ment"]),
        [({"service": "pay.ment"}, 1)],
    ),
    "a hostile name is a name": (measured(Metric.REQUEST_RATE, [EVIL]), [({"service": EVIL}, 1)]),
    "a hostile name among others is a name": (
        measured(Metric.REQUEST_RATE, [EVIL, "none"]),
        [({"service": EVIL}, 1)],
    ),
    "of no service, nothing": (measured(Metric.REQUEST_RATE, []), []),
    "p95 latency": (measured(Metric.LATENCY_P95, SERVICES), [({"service": "calm"}, 0.195)]),
    "median latency": (
        latency(BY_SERVICE, 0.5, SERVICES, window_seconds=RATE),
        [({"service": "calm"}, 0.1 + 0.1 * 0.5)],
    ),
    "p99 latency": (latency(BY_SERVICE, 0.99, SERVICES, window_seconds=RATE), [({"service": "calm"}, 0.199)]),
    "saturation: the fullest instance counts, and no limit is no answer": (
        saturation(BY_SERVICE, SERVICES, window_seconds=RATE) or "",
        [({"service": "calm"}, 0.8)],
    ),
    "service graph: rate": (measured(Metric.REQUEST_RATE, ["db"], BY_SERVER), [({"server": "db"}, 2)]),
    "service graph: error ratio": (
        measured(Metric.ERROR_RATIO, ["db", "calm"], BY_SERVER),
        [({"server": "db"}, 0.25), ({"server": "calm"}, 0)],
    ),
    "service graph: p95": (measured(Metric.LATENCY_P95, ["db"], BY_SERVER), [({"server": "db"}, 0.95)]),
    "detection tells label and convention, also of what is gone": (
        detection(["calm", "by-job", "db", "gone"], seconds_ago=900),
        [
            found("prometheus_client/service", service="calm"),
            found("prometheus_client/service", service="gone"),
            found("prometheus_client/job", job="by-job"),
            found("service_graph/server", server="calm"),
            found("service_graph/server", server="db"),
            found("service_graph/server", server="gone"),
        ],
    ),
    "versions: not of libraries, not of other metrics": (
        build_versions(["calm", "other"]),
        [
            ({"__name__": name, "binding": "service", "service": "calm", "version": "2"}, 1)
            for name in ("calm_build_info", "calm_lib_build_info")
        ],
    ),
    "how often a service is sampled, by its requests, its target, and anything": (
        scrape_query(paces("calm")),
        [
            *sampled("0", over_15=1, over_120=3, over_600=11),
            *sampled("4", over_15=1, over_120=3, over_600=11),
            *sampled("5", over_15=1, over_120=3, over_600=11),
            *sampled("6", over_15=1, over_120=3, over_600=11),
        ],
    ),
    "how often anything is sampled when the service is known by no such name": (
        scrape_query(paces("nobody")),
        sampled("6", over_15=1, over_120=3, over_600=11),
    ),
    "when anything was sampled last": (NEWEST, [({"pace": "newest"}, MINUTES * 60)]),
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    cases = [Case(name, promql, expected, MINUTES) for name, (promql, expected) in CASES.items()]
    return judged(tmp_path_factory.mktemp("promtool"), SERIES, cases)


@pytest.mark.parametrize("name", CASES)
def test_an_expression_answers_what_its_series_say(name: str, verdicts: dict[str, str]) -> None:
    assert name not in verdicts, verdicts[name]


def test_every_row_of_the_table_has_an_expression_for_every_metric() -> None:
    for binding in BINDINGS:
        for metric in RED:
            promql = measured(metric, ["a"], binding)
            assert "$" not in promql
            assert f'{binding.label}="a"' in promql


def test_a_service_goes_to_the_first_row_and_label_that_carry_it() -> None:
    samples = [
        Sample({"binding": "service_graph/server", "server": "calm"}, 0, 1),
        Sample({"binding": "prometheus_client/job", "job": "calm"}, 0, 1),
        Sample({"binding": "service_graph/server", "server": "db"}, 0, 1),
    ]
    chosen = bindings_of(samples, ["calm", "db", "nobody"])
    assert {binding.name: names for binding, names in chosen.items()} == {
        "prometheus_client/job": ["calm"],
        "service_graph/server": ["db"],
    }


def test_equal_sets_of_services_give_equal_queries() -> None:
    assert one_of("service", ["b", "a", "b"]) == one_of("service", ["a", "b"]) == 'service=~"a|b"'


def test_a_quoted_value_reads_back_as_itself() -> None:
    assert json.loads(quoted(EVIL)) == EVIL


def test_durations_are_whole_seconds_and_never_zero() -> None:
    assert [duration(seconds) for seconds in (0, 0.2, 4, 4.1)] == ["1s", "1s", "4s", "5s"]


def test_callees_and_callers_are_followed_two_hops_in_their_own_direction() -> None:
    calls = {("web", "shop"): 9.0, ("user", "web"): 9.0, ("bot", "user"): 1.0, ("shop", "pay"): 4.0,
             ("pay", "bank"): 2.0, ("bank", "vault"): 1.0, ("web", "search"): 5.0}  # fmt: skip
    neighbours, left_out = select("shop", calls)
    assert neighbours == {
        "web": Neighbour(Relation.CALLER, 1), "user": Neighbour(Relation.CALLER, 2),
        "pay": Neighbour(Relation.CALLEE, 1), "bank": Neighbour(Relation.CALLEE, 2),
    }  # fmt: skip
    assert left_out == 0


def test_in_a_cycle_a_service_counts_as_callee() -> None:
    assert select("a", {("a", "b"): 1.0, ("b", "a"): 1.0})[0] == {"b": Neighbour(Relation.CALLEE, 1)}


def test_of_many_neighbours_the_near_and_busy_are_kept() -> None:
    calls = {("hub", f"leaf-{n}"): float(n) for n in range(40)} | {("leaf-39", "far"): 1000.0}
    relations, left_out = select("hub", calls)
    assert len(relations) == 29
    assert left_out == 12
    assert "leaf-39" in relations
    assert {"leaf-0", "far"}.isdisjoint(relations)
