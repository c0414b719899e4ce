"""Prometheus's parameters, held to our limits before anything is sent."""

import pytest

from shared.context.asking import MAX_QUERY_CHARS, epoch_seconds, instant, length_seconds, over_range
from shared.errors import Malformed
from shared.ports.queries import Question
from tests.builders import NOON


def a_range(**changes: str) -> Question:
    asked = {"query": "up", "start": "0", "end": "11000", "step": "1", **changes}
    return over_range(asked.pop("query"), timeout=asked.pop("timeout", None), **asked)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1795435200", 1795435200.0),
        ("1795435200.5", 1795435200.5),
        ("1.7954352e9", 1795435200.0),
        ("2026-11-23T12:00:00Z", NOON.timestamp()),
        ("2026-11-23T14:00:00.25+02:00", NOON.timestamp() + 0.25),
        ("2026-11-23t12:00:00z", NOON.timestamp()),
    ],
)
def test_a_time_is_rfc_3339_or_unix_seconds(text: str, seconds: float) -> None:
    assert epoch_seconds("time", text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "NaN", "inf", "-1", "1e99", "1_000", " 1", "2026-11-23", "2026-11-23T12:00:00", "20261123T120000Z",
        "2026-13-01T00:00:00Z", "2026-11-23T14:00:00 02:00", "٣",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_the_parameters_name(text: str) -> None:
    with pytest.raises(Malformed, match=r"^start: "):
        epoch_seconds("start", text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("15", 15), ("0.5", 0.5), ("15s", 15), ("5ms", 0.005), ("1h30m", 5400), ("1w1d", 691200), ("1y", 31536000)],
)
def test_a_length_is_seconds_or_as_prometheus_writes_it(text: str, seconds: float) -> None:
    assert length_seconds("step", text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "0", "0s", "-5", "5 m", "m5", "1m1h", "1.5h", "NaN", "1h-"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match=r"^step: "):
        length_seconds("step", text)


def test_an_instant_question_is_about_now_unless_it_says_otherwise() -> None:
    asked = instant("up", time=None, timeout=None, now=NOON)
    assert asked == Question("query", {"query": "up", "time": f"{NOON.timestamp():.3f}"}, 10.0)
    assert instant("up", time="7", timeout="2s", now=NOON) == Question("query", {"query": "up", "time": "7.000"}, 2.0)


def test_as_many_points_as_prometheus_gives_are_asked_for_and_no_more() -> None:
    assert a_range().parameters == {"query": "up", "start": "0.000", "end": "11000.000", "step": "1.000"}
    with pytest.raises(Malformed, match="11000 points"):
        a_range(end="11001")


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({"end": f"{33 * 86400}", "step": "1h"}, "at most 32 days"),
        ({"start": "10", "end": "9"}, "not before start"),
        ({"step": "0.0001", "end": "0"}, "one millisecond"),
        ({"timeout": "31"}, "at most 30 seconds"),
        ({"query": "x" * (MAX_QUERY_CHARS + 1)}, "at most 8000 characters"),
        ({"query": " \n"}, "not empty"),
    ],
)
def test_what_goes_beyond_a_limit_is_told_the_limit(changes: dict[str, str], limit: str) -> None:
    with pytest.raises(Malformed, match=limit):
        a_range(**changes)
