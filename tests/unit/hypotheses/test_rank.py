"""Each rule of the ranker on arrays, with an observation as small as it can be."""

from dataclasses import replace

import numpy as np
import pytest

from shared.hypotheses.naming import typed
from shared.hypotheses.observation import Observation, ObservedCall, ObservedSeries, SeriesKind
from shared.hypotheses.rank import rank
from shared.models.evidence import NodeKind
from tests.unit.hypotheses.observed import AFTER, BEFORE, BEGAN, STEP, Scenery

CHAIN = {"web": ["shop"], "shop": ["db"]}


def suspected(scenery: Scenery) -> list[str]:
    return [one.service for one in rank(scenery.seen()).suspects]


def score_of(scenery: Scenery, service: str) -> float:
    return next((one.score for one in rank(scenery.seen()).suspects if one.service == service), 0.0)


def a_slow_database(*, calls: dict[str, list[str]] | None = None) -> Scenery:
    found = Scenery("web", CHAIN if calls is None else calls)
    return found.moves("db", 0.5).moves("shop", 0.5).moves("web", 0.4)


def test_a_slow_callee_is_first_and_its_callers_are_explained_by_it() -> None:
    first, *others = rank(a_slow_database().seen()).suspects
    assert (first.service, first.kind, first.goes_up) == ("db", SeriesKind.LATENCY, True)
    assert {one.service: one.factors["explained_by_callees"] for one in others} == {"shop": 1, "web": 1}


def test_a_tiny_wobble_of_a_callee_does_not_exonerate_its_caller() -> None:
    assert suspected(Scenery("web", CHAIN).moves("db", 0.02).moves("shop", 0.5).moves("web", 0.4))[0] == "shop"


def test_a_callee_that_moved_long_after_its_caller_does_not_explain_it() -> None:
    assert suspected(Scenery("web", CHAIN).moves("db", 0.5, at=5).moves("shop", 0.5).moves("web", 0.4))[0] == "shop"


def test_only_the_same_statistic_explains() -> None:
    scenery = Scenery("web", CHAIN).moves("db", 0.5, statistic="p99").moves("shop", 0.5, statistic="p50")
    found = {one.service: one for one in rank(scenery.seen()).suspects}
    assert found["shop"].factors["explained_by_callees"] == 0


def test_a_mean_is_explained_by_as_much_as_there_are_calls() -> None:
    scenery = a_slow_database().moves("shop", 0.0, kind=SeriesKind.TRAFFIC, usual=50.0)
    often = replace(scenery, edges={("shop", "db"): ObservedCall(50.0)})
    rarely = replace(scenery, edges={("shop", "db"): ObservedCall(0.5)})
    shares = [
        next(one for one in rank(each.seen()).suspects if one.service == "shop").factors["explained_by_callees"]
        for each in (often, rarely)
    ]
    assert shares[0] == 1
    assert shares[1] < 0.1


def test_what_a_service_runs_on_is_explained_by_no_callee() -> None:
    scenery = a_slow_database().moves("shop", 3.0, kind=SeriesKind.CPU).steady("db", "web", kind=SeriesKind.CPU)
    found = {one.service: one for one in rank(scenery.seen()).suspects}
    assert found["shop"].kind is SeriesKind.CPU
    assert found["shop"].factors["explained_by_callees"] == 0


def test_availability_that_falls_is_bad_and_that_rises_is_not() -> None:
    falls = Scenery("web", CHAIN, SeriesKind.AVAILABILITY).moves("shop", -30, kind=SeriesKind.AVAILABILITY)
    rises = Scenery("web", CHAIN, SeriesKind.AVAILABILITY).moves("shop", 1, kind=SeriesKind.AVAILABILITY, usual=60)
    assert suspected(falls) == ["shop"]
    assert rank(falls.seen()).suspects[0].goes_up is False
    assert suspected(rises) == []


def test_latency_that_falls_is_no_trouble() -> None:
    assert suspected(Scenery("web", CHAIN).moves("shop", -0.09)) == []


def test_the_kind_of_symptom_that_alerted_is_preferred() -> None:
    calls = {"web": ["one", "other"]}
    scenery = Scenery("web", calls, SeriesKind.ERRORS).moves("web", 0.3, kind=SeriesKind.ERRORS)
    scenery.moves("one", 0.3, kind=SeriesKind.ERRORS).moves("other", 3.0)
    assert suspected(scenery)[0] == "one"


def test_units_do_not_matter() -> None:
    in_seconds, in_ms = a_slow_database(), a_slow_database()
    in_ms.series = [replace(one, values=one.values * 1000) for one in in_ms.series]
    assert [(one.service, one.score) for one in rank(in_ms.seen()).suspects] == [
        (one.service, one.score) for one in rank(in_seconds.seen()).suspects
    ]


def test_what_normal_reaches_often_is_no_evidence() -> None:
    bursts = [2.0 if at % 6 == 0 else 0.1 for at in range(BEFORE)]
    scenery = Scenery("web", CHAIN).steady("web").shows("shop", [*bursts, *[1.5] * AFTER])
    assert suspected(scenery) == []


def test_a_short_history_says_less_than_a_long_one() -> None:
    long, short = Scenery("web", CHAIN), Scenery("web", CHAIN, before=4)
    assert score_of(long.moves("web", 0.05), "web") > score_of(short.moves("web", 0.05), "web")


def test_what_lies_outside_the_targets_calls_is_doubted_and_not_excluded() -> None:
    scenery = Scenery("web", {**CHAIN, "batch": ["lake"]}).moves("lake", 2.0).moves("web", 0.3)
    found = {one.service: one for one in rank(scenery.seen()).suspects}
    assert found["lake"].factors["within_reach"] < found["web"].factors["within_reach"]


def test_who_moved_first_is_before_who_moved_later() -> None:
    calls = {"web": ["one", "other"]}
    scenery = Scenery("web", calls).moves("one", 1.0, at=7).moves("other", 1.0)
    assert score_of(scenery, "other") > score_of(scenery, "one")


def test_a_change_counts_before_the_onset_and_not_after_it() -> None:
    calls = {"web": ["one", "other"]}
    before = Scenery("web", calls).moves("one", 1.0).moves("other", 1.0).changed("one", -30)
    after = Scenery("web", calls).moves("one", 1.0).moves("other", 1.0).changed("one", 300)
    assert rank(before.seen()).suspects[0].change_evidence_id == "change of one"
    assert all(not one.change_evidence_id for one in rank(after.seen()).suspects)


def test_a_change_of_a_service_that_did_not_move_counts_nothing() -> None:
    plain, decoy = a_slow_database().steady("idle"), a_slow_database().steady("idle").changed("idle", -30)
    assert rank(plain.seen()) == rank(decoy.seen())


@pytest.mark.parametrize("kinds", [{}, {"view": NodeKind.CLIENT_VIEW}])
def test_a_view_of_a_callee_is_no_suspect_beside_what_it_shows(kinds: dict[str, NodeKind]) -> None:
    scenery = Scenery("web", {"web": ["view", "shop"], "shop": ["db"]}, kinds=kinds)
    scenery.moves("view", 0.8).moves("shop", 0.5).moves("web", 0.4).steady("db")
    assert suspected(scenery)[0] == "shop"


def test_a_database_that_a_sibling_reaches_too_is_no_view_of_it() -> None:
    scenery = Scenery("web", {"web": ["db", "shop"], "shop": ["db"]})
    assert suspected(scenery.moves("db", 0.8).moves("shop", 0.5).moves("web", 0.4))[0] == "db"


def an_edge_that_loses_time(scenery: Scenery, caller: str, callee: str, lost: float) -> Scenery:
    scenery.moves(callee, lost, kind=SeriesKind.CALLER_LATENCY, peer=caller, usual=0.1)
    return scenery.moves(callee, 0.0, kind=SeriesKind.CALLEE_LATENCY, peer=caller, usual=0.09)


def test_time_lost_on_the_way_to_a_service_speaks_against_it() -> None:
    scenery = Scenery("web", {"web": ["shop", "ads"]}).moves("web", 0.4).steady("shop", "ads")
    an_edge_that_loses_time(scenery, "web", "shop", 0.5)
    an_edge_that_loses_time(scenery, "web", "ads", 0.0)
    first = rank(scenery.seen()).suspects[0]
    assert (first.service, first.kind) == ("shop", SeriesKind.ON_THE_WAY)


def test_time_lost_on_all_ways_out_of_a_service_speaks_against_it() -> None:
    calls = {"web": ["one", "other"], "batch": ["one", "other"]}
    scenery = Scenery("web", calls).moves("web", 0.1)
    for callee in ("one", "other"):
        an_edge_that_loses_time(scenery, "web", callee, 0.5)
        an_edge_that_loses_time(scenery, "batch", callee, 0.0)
    assert suspected(scenery)[0] == "web"


def test_who_stops_calling_its_callees_is_suspected_and_not_they() -> None:
    scenery = Scenery("web", {"web": ["shop"], "shop": ["pay", "mail"]}).steady(
        "web", "shop", kind=SeriesKind.TRAFFIC
    )
    scenery.moves("pay", -45, kind=SeriesKind.TRAFFIC).moves("mail", -45, kind=SeriesKind.TRAFFIC)
    first = rank(scenery.seen()).suspects[0]
    assert (first.service, first.kind) == ("shop", SeriesKind.CALLS_MADE)


def test_a_surge_at_the_entry_is_before_the_latency_that_it_causes() -> None:
    scenery = (
        Scenery("shop", CHAIN).moves("web", 400, kind=SeriesKind.TRAFFIC).moves("shop", 400, kind=SeriesKind.TRAFFIC)
    )
    first = rank(scenery.moves("shop", 0.3).seen()).suspects[0]
    assert (first.service, first.is_surge) == ("web", True)


@pytest.mark.parametrize(("alerted", "expected"), [(SeriesKind.TRAFFIC, ["shop"]), (SeriesKind.ERRORS, [])])
def test_traffic_that_fell_is_evidence_only_where_it_is_what_alerted(
    alerted: SeriesKind, expected: list[str]
) -> None:
    assert suspected(Scenery("shop", CHAIN, alerted).moves("shop", -48, kind=SeriesKind.TRAFFIC)) == expected


def test_errors_in_logs_count() -> None:
    assert suspected(Scenery("web", CHAIN).moves("shop", 200, kind=SeriesKind.LOG_ERRORS)) == ["shop"]


def test_logged_errors_are_explained_by_a_failing_callee() -> None:
    scenery = Scenery("web", CHAIN, SeriesKind.ERRORS).moves("web", 0.3, kind=SeriesKind.ERRORS)
    scenery.moves("shop", 200, kind=SeriesKind.LOG_ERRORS).moves("db", 0.4, kind=SeriesKind.ERRORS)
    found = {one.service: one for one in rank(scenery.seen()).suspects}
    assert found["shop"].factors["explained_by_callees"] == 1
    assert max(found.values(), key=lambda one: one.score).service == "db"


def test_errors_of_callers_are_explained_by_a_callee_that_hangs() -> None:
    scenery = Scenery("web", CHAIN, SeriesKind.ERRORS).moves("shop", 0.9, kind=SeriesKind.ERRORS)
    assert suspected(scenery.moves("web", 0.9, kind=SeriesKind.ERRORS).moves("db", 30.0))[0] == "db"


def test_a_service_of_which_nothing_is_measured_any_more_is_suspected() -> None:
    vanished = [*[0.1] * BEFORE, *[float("nan")] * AFTER]
    scenery = Scenery("web", CHAIN, SeriesKind.ERRORS).moves("shop", 0.5, kind=SeriesKind.ERRORS)
    scenery.moves("web", 0.3, kind=SeriesKind.ERRORS).shows("db", vanished)
    first = rank(scenery.seen()).suspects[0]
    assert (first.service, first.kind, first.onset) == ("db", SeriesKind.UNANSWERED, BEGAN)


def test_a_service_that_is_seldom_measured_is_not_missed() -> None:
    seldom = [0.1 if at % 3 == 0 else float("nan") for at in range(BEFORE + AFTER)]
    vanished = [*seldom[:-AFTER], *[float("nan")] * 3]
    scenery = Scenery("web", CHAIN).steady("web").shows("db", vanished)
    assert rank(scenery.seen()).reason == "no evidence"


def test_the_first_failure_ever_is_not_as_clear_as_it_gets() -> None:
    never = [*[0.0] * BEFORE, *[1.0] * AFTER]
    scenery = Scenery("web", CHAIN, SeriesKind.ERRORS).shows("web", never, kind=SeriesKind.ERRORS)
    assert rank(scenery.seen()).suspects[0].factors["strength"] < 0.6


def test_a_callee_that_does_not_answer_is_named_though_it_says_nothing() -> None:
    scenery = Scenery("web", CHAIN, SeriesKind.ERRORS, edges={("shop", "db"): ObservedCall(10, 0.9)})
    scenery.moves("shop", 0.9, kind=SeriesKind.ERRORS, statistic="").moves(
        "web", 0.5, kind=SeriesKind.ERRORS, statistic=""
    )
    first = rank(scenery.seen()).suspects[0]
    assert (first.service, first.kind) == ("db", SeriesKind.UNANSWERED)


def test_services_that_call_each_other_in_a_circle_do_not_silence_each_other() -> None:
    scenery = a_slow_database(calls={"web": ["shop"], "shop": ["db"], "db": ["web", "db"]})
    first, *others = rank(scenery.seen()).suspects
    assert {first.service, *(one.service for one in others)} == {"web", "shop", "db"}
    assert first.factors["explained_by_callees"] == 0


def test_nothing_beyond_normal_is_said_to_be_nothing() -> None:
    assert rank(Scenery("web", CHAIN).steady("web", "shop", "db").seen()).reason == "no evidence"


def test_without_series_nothing_was_measured() -> None:
    assert rank(Scenery("web", CHAIN).seen()).reason == "nothing measured"


@pytest.mark.parametrize(
    "values",
    [
        [],
        [1.0],
        [float("nan")] * 40,
        [float("inf")] * 40,
        [7.0] * 40,
        [0.0] * 40,
        [1e308, -1e308] * 20,
        [*[float("nan")] * 39, 5.0],
    ],
)
@pytest.mark.parametrize("kind", [SeriesKind.LATENCY, SeriesKind.TRAFFIC, SeriesKind.AVAILABILITY, SeriesKind.OTHER])
def test_odd_series_do_not_disturb(values: list[float], kind: SeriesKind) -> None:
    scenery = a_slow_database().shows("odd", values, kind=kind).shows("odd", values[:1], kind=kind)
    assert suspected(scenery)[0] == "db"


def test_one_sample_before_and_one_after_are_too_few() -> None:
    assert suspected(Scenery("web", CHAIN, before=1).shows("web", [0.1, 0.9])) == []


def disguised(seen: Observation, names: dict[str, str], later: float) -> Observation:
    series = [
        replace(one, service=names[one.service], peer=names.get(one.peer or ""), times=one.times + later)
        for one in reversed(seen.series)
    ]
    calls = {
        names[caller]: [names[one] for one in reversed(found)] for caller, found in reversed(list(seen.calls.items()))
    }
    return replace(
        seen, target=names[seen.target], series=series, calls=calls,
        began_at=seen.began_at + later, ends_at=seen.ends_at + later,
    )  # fmt: skip


def test_names_the_order_of_columns_and_the_time_decide_nothing() -> None:
    scenery = a_slow_database().moves("shop", 0.3, kind=SeriesKind.CPU).steady("twin", "other twin")
    names = {"web": "zz", "shop": "aa", "db": "mm", "twin": "b", "other twin": "a"}
    plain, other = rank(scenery.seen()), rank(disguised(scenery.seen(), names, 86_400.0))
    assert [(names[one.service], one.score) for one in plain.suspects] == [
        (one.service, one.score) for one in other.suspects
    ]


def test_thousands_of_series_of_very_different_length_are_ranked() -> None:
    rng = np.random.default_rng(1)
    names = [f"s{number}" for number in range(1000)]
    everybody = [*names, "lone"]
    calls = {"s0": everybody, "s1": everybody, "s2": everybody}
    scenery = Scenery("s0", calls)
    for number in range(5000):
        scenery.shows(names[number % 1000], rng.normal(1, 0.1, BEFORE + AFTER), earlier=[1.0] * (number % 50))
    scenery.shows("s7", np.ones(BEFORE + AFTER), earlier=[1.0] * 20_000)
    scenery.moves("lone", 50.0)
    assert suspected(scenery)[0] == "lone"


@pytest.mark.parametrize(
    ("metric", "kind", "statistic"),
    [
        ("latency_Average", SeriesKind.LATENCY, "mean"),
        ("server_lat_p95", SeriesKind.LATENCY, "p95"),
        ("client_lat_p99", SeriesKind.CLIENT_LATENCY, "p99"),
        ("latency-50", SeriesKind.LATENCY, "p50"),
        ("lat_90", SeriesKind.LATENCY, "p90"),
        ("http_request_duration_seconds_p95", SeriesKind.LATENCY, "p95"),
        ("requestLatencyP99", SeriesKind.LATENCY, "p99"),
        ("availability_Average", SeriesKind.AVAILABILITY, "mean"),
        ("success_rate", SeriesKind.AVAILABILITY, ""),
        ("error", SeriesKind.ERRORS, ""),
        ("http_5xx_rate", SeriesKind.ERRORS, ""),
        ("log_error_count", SeriesKind.LOG_ERRORS, "count"),
        ("requests_Sum", SeriesKind.TRAFFIC, "sum"),
        ("workload", SeriesKind.TRAFFIC, ""),
        ("cpu_m", SeriesKind.CPU, ""),
        ("mem", SeriesKind.MEMORY, ""),
        ("container_memory_working_set_bytes", SeriesKind.MEMORY, ""),
        ("memory_requests", SeriesKind.MEMORY, ""),
        ("syswrite", SeriesKind.DISK, ""),
        ("diskio", SeriesKind.DISK, ""),
        ("net_rx", SeriesKind.NETWORK, ""),
        ("socket", SeriesKind.NETWORK, ""),
        ("restarts", SeriesKind.RESTARTS, ""),
        ("node_cpu", SeriesKind.NODE, ""),
        ("queue_depth", SeriesKind.SATURATION, ""),
        ("update_catalog", SeriesKind.OTHER, ""),
        ("", SeriesKind.OTHER, ""),
    ],
)
def test_a_measure_is_typed_by_what_it_is_called(metric: str, kind: SeriesKind, statistic: str) -> None:
    assert (typed(metric).kind, typed(metric).statistic) == (kind, statistic)


def test_a_measure_of_an_edge_names_its_caller() -> None:
    source, destination = typed("edge_source_p50:web:8080"), typed("edge_destination_p50:web")
    assert (source.kind, source.statistic, source.peer) == (SeriesKind.CALLER_LATENCY, "p50", "web:8080")
    assert (destination.kind, destination.peer) == (SeriesKind.CALLEE_LATENCY, "web")


def test_the_onset_is_the_first_sample_that_is_clearly_off() -> None:
    (first,) = rank(Scenery("web", CHAIN).moves("web", 0.5, at=3).seen()).suspects
    assert first.onset == BEGAN + 3 * STEP


def test_edges_series_of_different_length_are_left_out() -> None:
    scenery = Scenery("web", CHAIN).moves("web", 0.5)
    an_edge_that_loses_time(scenery, "web", "shop", 0.5)
    last = scenery.series.pop()
    scenery.series.append(
        ObservedSeries(last.service, last.kind, "", last.times[:3], last.values[:3], last.earlier, last.peer, "mean")
    )
    assert suspected(scenery) == ["web"]
