"""What an answer of the Prometheus API is read as: values, native histograms, and how much of them."""

import json
import math
from typing import Any

import pytest

from shared.adapters.prometheus_answer import MAX_POINTS, is_of_another, parse_answer
from shared.errors import SourceUnavailable
from shared.ports.metrics import MAX_SERIES, MOST_SERIES, Answer, Bucket, Histogram

SAID = {
    "count": "7",
    "sum": "1.5",
    "buckets": [[0, "0.5", "0.7", "3"], [1, "0.7", "1", "2"], [2, "1", "2", "1"], [3, "-0.001", "0.001", "1"]],
}
READ = Histogram(
    count=7,
    sum=1.5,
    buckets=(
        Bucket(0.5, 0.7, 3, includes_lower=False, includes_upper=True),
        Bucket(0.7, 1, 2, includes_lower=True, includes_upper=False),
        Bucket(1, 2, 1, includes_lower=False, includes_upper=False),
        Bucket(-0.001, 0.001, 1, includes_lower=True, includes_upper=True),
    ),
)
APART = "1 series are native histograms and stand apart from the values"


def parsed(kind: str, result: Any, *, max_series: int = MAX_SERIES) -> Answer:
    envelope = {"status": "success", "data": {"resultType": kind, "result": result}}
    return parse_answer(json.dumps(envelope).encode(), max_series=max_series)


def histograms_of(answer: Answer) -> list[tuple[Any, Any]]:
    return [(one.labels, one.points) for one in answer.histograms]


def reason_for(envelope: Any) -> str:
    with pytest.raises(SourceUnavailable) as failed:
        parse_answer(json.dumps(envelope).encode())
    return failed.value.reason


def test_native_histograms_stand_beside_the_values_with_their_buckets_and_are_told() -> None:
    answer = parsed("vector", [{"metric": {"a": "1"}, "histogram": [1, SAID]}, {"metric": {}, "value": [1, "2"]}])
    assert histograms_of(answer) == [({"a": "1"}, ((1, READ),))]
    assert [one.value for one in answer.samples] == [2]
    assert answer.warnings == (APART,)


def test_a_series_that_became_native_within_the_range_is_both() -> None:
    answer = parsed("matrix", [{"metric": {"a": "1"}, "values": [[1, "1"]], "histograms": [[2, SAID], [3, SAID]]}])
    assert [(one.labels, one.points) for one in answer.series] == [({"a": "1"}, ((1, 1),))]
    assert histograms_of(answer) == [({"a": "1"}, ((2, READ), (3, READ)))]


def test_a_histogram_without_observations_has_no_buckets_and_one_of_a_rate_may_have_fractions_and_nan() -> None:
    result = [{"metric": {}, "histograms": [[1, {"count": "0", "sum": "0"}], [2, {"count": "0.25", "sum": "NaN"}]]}]
    (series,) = parsed("matrix", result).histograms
    (_, first), (_, second) = series.points
    assert first == Histogram(0, 0)
    assert second.count == 0.25
    assert math.isnan(second.sum)


@pytest.mark.parametrize(
    "said",
    [
        [], "7", {}, {"count": "1"}, {"count": "x", "sum": "1"}, {"count": "1", "sum": "1", "buckets": [[0, "1"]]},
        {"count": "1", "sum": "1", "buckets": [[4, "0", "1", "1"]]}, {"count": "1", "sum": "1", "buckets": 7},
        {"count": "1", "sum": "1", "buckets": [[[], "0", "1", "1"]]},
    ],
    ids=range(9),
)  # fmt: skip
def test_what_is_no_histogram_makes_an_answer_of_no_prometheus(said: Any) -> None:
    data = {"resultType": "vector", "result": [{"metric": {}, "histogram": [1, said]}]}
    assert reason_for({"status": "success", "data": data}) == "unexpected_shape"


def test_of_too_many_series_the_first_are_kept_and_it_is_told() -> None:
    many = [{"metric": {"n": str(n)}, "value": [1, "1"]} for n in range(MAX_SERIES + 1)]
    answer = parsed("vector", many)
    assert len(answer.samples) == MAX_SERIES
    assert answer.warnings == (f"only {MAX_SERIES} of {MAX_SERIES + 1} series are kept",)


def test_a_question_may_ask_for_more_series_or_fewer_but_not_for_any_number() -> None:
    five_thousand = [{"metric": {"service": f"s{n}"}, "value": [1, "1"]} for n in range(5000)]
    assert len(parsed("vector", five_thousand, max_series=5000).samples) == 5000
    assert parsed("vector", five_thousand, max_series=2).warnings == ("only 2 of 5000 series are kept",)
    endless = [{"metric": {}, "value": [1, "1"]}] * (MOST_SERIES + 1)
    assert len(parsed("vector", endless, max_series=10**9).samples) == MOST_SERIES


def test_of_too_many_points_whole_series_are_kept_and_it_is_told() -> None:
    points = [[n, "1"] for n in range(MAX_POINTS // 4)]
    result = [{"metric": {"n": str(n)}, "values": points} for n in range(5)]
    answer = parsed("matrix", [*result, {"metric": {"n": "5"}, "values": points[:1]}])
    assert [one.labels["n"] for one in answer.series] == ["0", "1", "2", "3"]
    assert answer.warnings == (f"the answer is cut off after {MAX_POINTS} points",)


def test_the_buckets_of_histograms_count_as_points() -> None:
    wide = {"count": "1", "sum": "1", "buckets": [[0, "0", "1", "1"]] * MAX_POINTS}
    results = [{"metric": {"n": str(n)}, "histograms": [[1, said]]} for n, said in enumerate((SAID, wide))]
    answer = parsed("matrix", results)
    assert [one.labels for one in answer.histograms] == [{"n": "0"}]
    assert answer.warnings == (f"the answer is cut off after {MAX_POINTS} points", APART)


@pytest.mark.parametrize(
    ("error_type", "error", "reason"),
    [
        (
            "bad_data",
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution",
            "too_many_points",
        ),
        (
            "execution",
            "query processing would load too many samples into memory in query execution",
            "too_many_samples",
        ),
        ("422", "too many points for the given step=1, start=0 and end=9: 10; cannot exceed 5", "too_many_points"),
        ("422", "cannot find the metric", "execution"),
        ("bad_data", 'invalid parameter "query": 1:5: parse error', "bad_query"),
        ("execution", "found duplicate series for the match group", "execution"),
        ("too_many_requests", "slow down", "throttled"),
        ("new", "something", "refused"),
    ],
)
def test_a_refusal_names_the_limit_that_was_met(error_type: str, error: str, reason: str) -> None:
    assert reason_for({"status": "error", "errorType": error_type, "error": error}) == reason


@pytest.mark.parametrize(
    ("said", "partial"),
    [
        ({}, False),
        ({"infos": ["PromQL info: metric might not be a counter"]}, False),
        ({"warnings": ["PromQL warning: quantile value should be between 0 and 1"]}, False),
        ({"warnings": ["store gateway 3: connection refused"]}, True),
        ({"isPartial": True}, True),
        ({"status": "error", "errorType": "timeout", "error": "one shard timed out"}, True),
    ],
)
def test_a_source_that_could_not_read_everything_says_so(said: dict[str, Any], *, partial: bool) -> None:
    envelope = {"status": "success", "data": {"resultType": "vector", "result": []}, **said}
    assert parse_answer(json.dumps(envelope).encode()).is_partial is partial


@pytest.mark.parametrize("odd", [7, "x", {"a": 1}, [7, None, {}]])
def test_warnings_that_are_no_texts_are_none(odd: Any) -> None:
    envelope = {"status": "success", "data": {"resultType": "vector", "result": []}, "warnings": odd, "infos": odd}
    assert parse_answer(json.dumps(envelope).encode()) == Answer()


def test_a_time_beyond_all_numbers_is_no_time() -> None:
    data = {"resultType": "vector", "result": [{"metric": {}, "value": [10**400, "1"]}]}
    assert reason_for({"status": "success", "data": data}) == "unexpected_shape"


@pytest.mark.parametrize(
    ("status", "body", "of_proxy"),
    [
        (503, b'{"status":"error","errorType":"timeout"}', False),
        (500, b'{"status":"error","errorType":"internal"}', False),
        (503, b'{"status":"success"}', False),
        (503, b'{"status":"down"}', True),
        (500, b'{"error":"x"}', True),
        (502, b"<html>502</html>", True),
        (504, b"", True),
        (200, b"<html>Sign in</html>", False),
        (404, b"", False),
    ],
)
def test_a_server_error_of_prometheus_is_told_from_one_of_a_proxy(status: int, body: bytes, of_proxy: bool) -> None:
    assert is_of_another(status, body) is of_proxy
