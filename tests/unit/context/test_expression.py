"""The alert's own expression, asked again: only what it says, and no more of it than is worth drawing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from shared.adapters.memory.services import services_in_memory
from shared.context.collectors.expression import MAX_SERIES, collect_expression
from shared.context.look import Collected, Look, NotConfigured, View
from shared.context.sentences import sentence_of
from shared.context.window import Window
from shared.errors import SourceUnavailable
from shared.models.evidence import ExpressionEvidence
from shared.models.signals import Severity, Signal
from shared.ports.metrics import Answer, Series
from tests.builders import NOON, a_signal, an_alert, an_incident, resolved
from tests.unit.context.fake_source import FakeSource, Rule

STEP = 15.0
WINDOW = Window(NOON - timedelta(minutes=10), NOON + timedelta(minutes=2), NOON, STEP, STEP, 60.0)
TIMES = [WINDOW.start.timestamp() + STEP * at for at in range(49)]
DOWN = SourceUnavailable("down", reason="connect")


def alerting(expression: str | None, **changes: object) -> Signal:
    return a_signal(an_alert(expression=expression, **changes))


def a_series(value: float, until: int = len(TIMES), /, **labels: str) -> Series:
    return Series(labels, [(at, value) for at in TIMES[:until]])


@dataclass
class Bounded(FakeSource):
    """Notes how many series were wanted, and over which time."""

    wanted: list[tuple[datetime, datetime, float, int]] = field(default_factory=list)

    async def query_range(
        self, promql: str, *, start: datetime, end: datetime, step_seconds: float, max_series: int = 500
    ) -> Answer:
        self.wanted.append((start, end, step_seconds, max_series))
        return await self._reply(promql)


async def collected(signals: Sequence[Signal], *rules: Rule, source: FakeSource | None = None) -> Collected:
    view = View(an_incident(), signals, services_in_memory(), NOON, WINDOW.end)

    async def looking() -> Look:
        if source is None and not rules:
            raise NotConfigured("no Prometheus is connected", reason="no_prometheus")
        return Look(source or FakeSource(rules), "payment", WINDOW)

    view.looking = asyncio.create_task(looking())
    try:
        return await collect_expression(view)
    finally:
        view.looking.cancel()


async def the_piece(signals: Sequence[Signal], *rules: Rule) -> ExpressionEvidence:
    (found,) = (await collected(signals, *rules)).evidence
    assert isinstance(found, ExpressionEvidence)
    return found


async def test_the_left_side_is_asked_over_the_window() -> None:
    source = Bounded([("rate(x[5m])", Answer(series=[a_series(0.4, service="payment")]))])
    found = await collected([alerting("rate(x[5m]) > 0.05")], source=source)
    (piece,) = found.evidence
    assert isinstance(piece, ExpressionEvidence)
    assert (piece.query, piece.operator, piece.threshold) == ("rate(x[5m])", ">", 0.05)
    assert source.asked == ["rate(x[5m])"]
    assert source.wanted == [(WINDOW.start, WINDOW.end, STEP, 200)]
    assert (piece.is_true_now, len(piece.series[0].points)) == (True, len(TIMES))
    assert sentence_of(piece) == "The expression of HighErrorRatio (> 0.05) is true now, at 0.4."


@pytest.mark.parametrize(
    ("expression", "value", "expected"),
    [
        ("x > 1", 2.0, True), ("x > 1", 1.0, False), ("x >= 1", 1.0, True), ("x < 1", 0.5, True),
        ("1 < x", 2.0, True), ("x <= 1", 1.0, True), ("x == 1", 1.0, True), ("x != 1", 1.0, False),
        ("x > 1", float("inf"), True), ("x > 1", float("nan"), False),
    ],
)  # fmt: skip
async def test_it_is_told_whether_it_would_fire_now(expression: str, value: float, *, expected: bool) -> None:
    assert (await the_piece([alerting(expression)], ("x", Answer(series=[a_series(value)])))).is_true_now is expected


async def test_a_value_of_two_minutes_ago_still_says_how_it_is() -> None:
    late = a_series(2.0, len(TIMES) - 8)
    assert (await the_piece([alerting("x > 1")], ("x", Answer(series=[late])))).is_true_now is True


async def test_without_a_value_of_now_nobody_can_tell() -> None:
    old = a_series(2.0, 5)
    assert (await the_piece([alerting("x > 1")], ("x", Answer(series=[old])))).is_true_now is None


async def test_a_threshold_without_any_series_is_empty_and_a_condition_without_one_does_not_hold() -> None:
    nothing: Rule = ("x", Answer())
    found = await collected([alerting("x > 1")], nothing)
    assert (found.evidence, found.why_empty) == ((), "no_series")
    assert (await the_piece([alerting("x > 1 and y > 2")], nothing)).is_true_now is False


@pytest.mark.parametrize(("until", "expected"), [(len(TIMES), True), (5, False)])
async def test_conditions_put_together_hold_while_they_are_there(until: int, *, expected: bool) -> None:
    piece = await the_piece([alerting("x > 1 and y > 2")], ("x", Answer(series=[a_series(2.0, until)])))
    assert (piece.query, piece.operator, piece.is_true_now) == ("x > 1 and y > 2", None, expected)


async def test_an_incident_without_expressions_says_so() -> None:
    found = await collected([alerting(None)])
    assert (found.evidence, found.why_empty, found.warnings) == ((), "no_expression", ())


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ('{job=~".+"} > 0', "too_broad"),
        ("sum(", "unparsable"),
        ("vector(1)", "not_a_vector"),
        ('x{token="[redacted:secret]"} > 1', "masked"),
    ],
)
async def test_what_is_refused_is_not_asked_and_told(expression: str, why: str) -> None:
    source = FakeSource()
    found = await collected([alerting(expression)], source=source)
    assert (source.asked, found.failure) == ([], "expression_refused")
    assert found.warnings == (f"the expression of HighErrorRatio is not asked again: {why}",)


async def test_at_most_two_different_expressions_are_asked_those_that_fire_first() -> None:
    signals = [
        a_signal(resolved(an_alert(fingerprint="o", expression="old > 1"))),
        alerting("mild > 1", fingerprint="m", severity=Severity.INFO),
        alerting("bad > 1", fingerprint="b"),
        alerting("bad > 1", fingerprint="b2"),
    ]
    source = FakeSource()
    found = await collected(signals, source=source)
    assert source.asked == ["bad", "mild"]
    assert found.warnings == ("1 more expressions are left out",)


async def test_of_many_series_the_alerts_own_and_those_that_hold_are_kept() -> None:
    quiet = [a_series(0.0, service=f"s{n}") for n in range(30)]
    series = [*quiet, a_series(9.0, service="loud"), a_series(0.0, service="payment")]
    signals = [alerting("x > 1", labels={"service": "payment", "severity": "critical"})]
    found = await collected(signals, ("x", Answer(series=series)))
    (piece,) = found.evidence
    assert isinstance(piece, ExpressionEvidence)
    assert [one.labels["service"] for one in piece.series][:3] == ["payment", "loud", "s0"]
    assert len(piece.series) == MAX_SERIES
    assert found.warnings == ("22 more series of HighErrorRatio are left out",)


async def test_labels_from_outside_are_bounded_and_masked() -> None:
    labels = {f"l{n}": "x" * 500 for n in range(40)} | {"a": "token=abcdefgh12345678"}
    piece = await the_piece([alerting("x > 1")], ("x", Answer(series=[a_series(2.0, **labels)])))
    assert len(piece.series[0].labels) == 20
    assert max(map(len, piece.series[0].labels.values())) == 120
    assert "abcdefgh12345678" not in piece.series[0].labels["a"]


async def test_a_source_that_fails_fails_the_section() -> None:
    with pytest.raises(SourceUnavailable):
        await collected([alerting("x > 1")], ("", DOWN))


async def test_one_expression_that_fails_leaves_the_other() -> None:
    signals = [alerting("x > 1", fingerprint="a"), alerting("y > 1", fingerprint="b")]
    found = await collected(signals, ("y", DOWN), ("x", Answer(series=[a_series(2.0)])))
    assert found.failure == "connect"
    assert len(found.evidence) == 1
    assert found.warnings == ("the expression of HighErrorRatio could not be asked: connect",)


async def test_without_a_prometheus_it_is_not_configured() -> None:
    with pytest.raises(NotConfigured):
        await collected([alerting("x > 1")])
