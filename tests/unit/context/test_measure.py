"""Few questions for many services, metrics and days, and what is made of their answers."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.adapters.memory.services import services_in_memory
from shared.context.conventions import BINDINGS, Binding
from shared.context.first_look import first_look, questions_about
from shared.context.look import Collected, Look
from shared.context.measure import OF_THE_ALERTING, measure
from shared.context.neighbourhood import Neighbour
from shared.context.questions import Part, found_in, joined
from shared.context.same_hour import DAY_SECONDS
from shared.context.second_look import Measured, looked_again
from shared.context.whereabouts import Whereabouts, whereabouts
from shared.context.window import Window
from shared.errors import SourceUnavailable
from shared.models.evidence import SeriesEvidence
from shared.models.measures import MOVING, RED, Baseline, Direction, Metric, Movement, Relation, TrafficShift
from shared.ports.metrics import Answer, Series
from tests.builders import ACME, NOON
from tests.unit.context.fake_source import FakeSource, Rule, samples

BY_NAME: Mapping[str, Binding] = {binding.name: binding for binding in BINDINGS}
HTTP, GRAPH = BY_NAME["prometheus_client/service"], BY_NAME["service_graph/server"]
STEP = 15.0
WINDOW = Window(NOON - timedelta(minutes=30), NOON + timedelta(minutes=2), NOON, STEP, STEP, 4 * STEP)
TIMES = [WINDOW.start.timestamp() + STEP * at for at in range(129)]
ONSET = 110
DOWN = SourceUnavailable("down", reason="connect")
SELF = {"payment": Neighbour(Relation.SELF, 0)}
DETECTED: Rule = (
    "count by (service) (http_requests_total",
    samples(
        ({"binding": HTTP.name, "service": "payment"}, 1),
        ({"binding": GRAPH.name, "server": "db"}, 1),
    ),
)

Level = Callable[[int], float]


def flat(level: float) -> Level:
    return lambda _: level


def from_onset(before: float, after: float) -> Level:
    return lambda at: after if at >= ONSET else before


def a_series(level: Level, times: Sequence[float] = TIMES, /, **labels: str) -> Series:
    return Series({"service": "payment", **labels}, [(when, level(at)) for at, when in enumerate(times)])


def of_days(today: Level, other: Level, days: Sequence[int] = (1, 7, 14), **labels: str) -> list[Series]:
    return [
        a_series(today, back="0", **labels),
        *(a_series(other, back=str(day * DAY_SECONDS), **labels) for day in days),
    ]


def rates(*found: Series) -> Rule:
    return "label_replace(sum by (service) (rate(http_requests_total{service", Answer(series=found)


ERRORS: Rule = ('code=~"5..', Answer(series=[a_series(from_onset(0.0, 0.4))]))


async def measured(
    *rules: Rule, services: Mapping[str, Neighbour] = SELF, metrics: Sequence[Metric] = OF_THE_ALERTING
) -> tuple[Collected, FakeSource]:
    source = FakeSource([DETECTED, *rules])
    return await measure(Look(source, "payment", WINDOW), await placed(source, services), services, metrics), source


async def placed(source: FakeSource, services: Mapping[str, Neighbour]) -> Whereabouts:
    names, in_memory = sorted(services), services_in_memory()
    return await whereabouts(ACME, names, source, in_memory, reference=WINDOW.reference, now=WINDOW.end)


def piece(collected: Collected, metric: Metric) -> SeriesEvidence:
    (found,) = (one for one in collected.evidence if isinstance(one, SeriesEvidence) and one.metric is metric)
    return found


def test_one_question_asks_every_convention_and_day_about_traffic() -> None:
    traffic, errors, latency = questions_about({HTTP: {"payment": "payment"}, GRAPH: {"db": "db"}}, OF_THE_ALERTING)
    assert [(part.metric, part.binding.label, len(part.backs)) for part in traffic] == [
        (Metric.REQUEST_RATE, "service", 4), (Metric.REQUEST_RATE, "server", 4), (Metric.SATURATION, "service", 0),
    ]  # fmt: skip
    assert [part.metric for part in errors] == [Metric.ERROR_RATIO] * 2
    assert [part.metric for part in latency] == [Metric.LATENCY_P95] * 2 + [Metric.LATENCY_P50] * 2 + [
        Metric.LATENCY_P99
    ] * 2


def test_neighbours_are_asked_for_one_quantile() -> None:
    asked = [part.metric for question in questions_about({HTTP: {"db": "db"}}, MOVING) for part in question]
    assert set(asked) == {*RED, Metric.SATURATION}


def test_a_question_of_one_part_is_asked_as_it_is() -> None:
    part = Part(HTTP, Metric.ERROR_RATIO, ("payment",))
    assert joined([part], window_seconds=60) == part.promql(60)


def test_a_series_belongs_to_the_part_and_the_day_that_its_labels_say() -> None:
    parts = [Part(HTTP, Metric.REQUEST_RATE, ("payment",)), Part(GRAPH, Metric.REQUEST_RATE, ("db",))]
    nan = float("nan")
    answer = Answer(
        series=[
            Series({"part": "1", "server": "db", "back": "86400"}, [(1.0, 2.0), (2.0, nan)]),
            Series({"service": "payment"}, [(1.0, 3.0)]),
            Series({"part": "7", "service": "payment"}, [(1.0, 3.0)]),
            Series({"part": "0", "service": "payment", "back": "yesterday"}, [(1.0, 3.0)]),
            Series({"part": "0", "service": "silent"}, [(1.0, nan)]),
            Series({"part": "0"}, [(1.0, 4.0)]),
        ]
    )
    found = [(one.part, one.name, one.back, one.points) for one in found_in(answer, parts)]
    assert found == [
        (parts[1], "db", 86400, ((1.0, 2.0),)),
        (parts[0], "payment", 0, ((1.0, 3.0),)),
        (parts[0], "", 0, ((1.0, 4.0),)),
    ]


async def test_two_conventions_in_two_sections_take_at_most_12_queries() -> None:
    moved = [a_series(from_onset(0.1, 2.0), part=part) for part in ("0", "1")]
    latency: Rule = ("histogram_quantile", Answer(series=moved))
    traffic: Rule = (
        "back",
        Answer(series=[one for part in ("0", "1") for one in of_days(flat(20), flat(20), part=part)]),
    )
    everything = (latency, ERRORS, traffic)
    _, of_traffic = await measured(*everything)
    around = {"payment": Neighbour(Relation.CALLEE, 1), "db": Neighbour(Relation.CALLEE, 2)}
    _, of_neighbours = await measured(*everything, services=around, metrics=MOVING)
    assert (len(of_traffic.asked), len(of_neighbours.asked)) == (6, 6)


async def test_healthy_services_take_four_queries() -> None:
    _, source = await measured(rates(*of_days(flat(20), flat(20))))
    assert len(source.asked) == 4


async def test_traffic_is_compared_with_the_same_hour_where_earlier_days_are_kept() -> None:
    found, _ = await measured(rates(*of_days(from_onset(20, 60), flat(20))))
    rate = piece(found, Metric.REQUEST_RATE)
    assert (rate.movement.baseline, rate.movement.baseline_days) == (Baseline.SAME_HOUR, 3)
    assert rate.movement.shift is TrafficShift.SURGE
    assert rate.movement.onset_at is not None
    assert rate.movement.onset_at.timestamp() == TIMES[ONSET]
    assert "offset 604800s" in (rate.query or "")
    assert len(rate.points) == len(TIMES)


async def test_what_every_day_does_at_this_hour_is_no_surge() -> None:
    found, _ = await measured(rates(*of_days(from_onset(20, 60), from_onset(18, 55))))
    assert piece(found, Metric.REQUEST_RATE).movement.direction is Direction.STEADY


@pytest.mark.parametrize("days", [(), (1,)])
async def test_without_earlier_days_traffic_is_compared_with_the_time_before(days: Sequence[int]) -> None:
    found, _ = await measured(rates(*of_days(from_onset(20, 60), flat(20), days)))
    rate = piece(found, Metric.REQUEST_RATE)
    assert (rate.movement.baseline, rate.movement.baseline_days) == (Baseline.HOUR_BEFORE, 0)
    assert rate.movement.shift is TrafficShift.SURGE
    assert "offset" not in (rate.query or "")


async def test_a_silent_service_is_an_absence_unless_it_is_off_at_this_hour_every_day() -> None:
    cut = TIMES[:ONSET]
    gone, off = a_series(flat(20), cut, back="0"), a_series(flat(20), cut, back="86400")
    ever = [a_series(flat(20), back=str(day * DAY_SECONDS)) for day in (1, 7, 14)]
    absent = piece((await measured(rates(gone, *ever)))[0], Metric.REQUEST_RATE).movement
    assert (absent.shift, absent.current, absent.direction) == (TrafficShift.ABSENCE, None, Direction.DOWN)
    closing = [off, a_series(flat(20), cut, back="604800")]
    closed, _ = await measured(rates(gone, *closing))
    assert piece(closed, Metric.REQUEST_RATE).movement.direction is Direction.STEADY
    assert closed.warnings == ()


async def test_a_source_that_lags_by_two_minutes_has_not_lost_its_services() -> None:
    late = a_series(flat(20), TIMES[:-10], back="0")
    source = FakeSource([DETECTED, rates(late)])
    where = await placed(source, SELF)
    silent = await measure(Look(source, "payment", WINDOW), where, SELF, OF_THE_ALERTING)
    lagging = await measure(Look(source, "payment", replace(WINDOW, lag_seconds=150)), where, SELF, OF_THE_ALERTING)
    assert piece(silent, Metric.REQUEST_RATE).movement.shift is TrafficShift.ABSENCE
    assert piece(lagging, Metric.REQUEST_RATE).movement.direction is Direction.STEADY
    assert lagging.warnings == ()


async def test_errors_of_every_night_are_no_deviation() -> None:
    nightly = Answer(series=[a_series(flat(0.35), TIMES[ONSET:], back=str(d * DAY_SECONDS)) for d in (1, 7)])
    of_other_days: Rule = ('5..|5xx"}[60s] offset 86400s', nightly)
    found, _ = await measured(of_other_days, ERRORS, rates(*of_days(flat(20), flat(20))))
    moved = piece(found, Metric.ERROR_RATIO).movement
    assert (moved.direction, moved.baseline, moved.baseline_days) == (Direction.STEADY, Baseline.SAME_HOUR, 2)


async def test_nothing_is_asked_of_days_that_are_not_kept() -> None:
    found, source = await measured(ERRORS, rates(a_series(flat(20), back="0")))
    assert piece(found, Metric.ERROR_RATIO).movement.direction is Direction.UP
    assert len(source.asked) == 4


@pytest.mark.parametrize(("highest", "expected"), [(10.0, True), (30.0, False)])
async def test_a_quantile_at_the_last_bound_says_at_least(highest: float, *, expected: bool) -> None:
    latency: Rule = ("histogram_quantile(0.95", Answer(series=[a_series(from_onset(0.2, 10.0), part="0")]))
    bound: Rule = ("group by (le", samples(({"binding": HTTP.name, "service": "payment"}, highest)))
    found, source = await measured(bound, latency)
    assert piece(found, Metric.LATENCY_P95).at_least is expected
    assert sum("group by (le" in asked for asked in source.asked) == 1


async def test_a_quantile_that_is_never_twice_at_its_top_asks_for_no_bounds() -> None:
    latency: Rule = ("histogram_quantile(0.95", Answer(series=[a_series(lambda at: 0.1 + at / 1e4, part="0")]))
    _, source = await measured(latency)
    assert not any("group by (le" in asked for asked in source.asked)


async def test_traffic_that_fails_takes_saturation_along_and_leaves_the_rest() -> None:
    found, _ = await measured(ERRORS, ("part", DOWN))
    assert found.failure == "connect"
    assert {text.partition(" ")[0] for text in found.warnings} >= {"request_rate", "saturation"}
    assert piece(found, Metric.ERROR_RATIO)


@pytest.mark.parametrize(
    ("reply", "reason"), [(SourceUnavailable("50 million", reason="too_many_samples"), "too_many_samples"),
                          (asyncio.Event(), "timeout")],
)  # fmt: skip
async def test_todays_traffic_does_not_wait_for_earlier_days(
    reply: SourceUnavailable | asyncio.Event, reason: str
) -> None:
    today: Rule = ("rate(http_requests_total", Answer(series=[a_series(from_onset(20, 60))]))
    source = FakeSource([("offset", reply), today])
    found = await first_look(
        Look(source, "payment", WINDOW), {HTTP: {"payment": "payment"}}, [Metric.REQUEST_RATE], days_seconds=0.01
    )
    (rate,) = found.measured
    assert (rate.movement.baseline, rate.movement.direction) == (Baseline.HOUR_BEFORE, Direction.UP)
    assert found.warnings == (f"traffic of earlier days could not be asked: {reason}",)
    assert len(source.asked) == 2


async def test_an_outage_is_not_asked_twice() -> None:
    source = FakeSource([("", DOWN)])
    placed = {HTTP: {"payment": "payment"}}
    found = await first_look(Look(source, "payment", WINDOW), placed, [Metric.REQUEST_RATE])
    assert (len(source.asked), found.failed_wholly) == (1, True)


async def test_a_service_is_found_by_its_name_there() -> None:
    answer: Rule = ("rate(http_requests_total", Answer(series=[a_series(flat(20), service="shop/payment")]))
    placed = {HTTP: {"shop/payment": "payment"}}
    found = await first_look(Look(FakeSource([answer]), "payment", WINDOW), placed, [Metric.REQUEST_RATE])
    assert [(one.name, one.service) for one in found.measured] == [("shop/payment", "payment")]


async def test_a_source_that_answers_nothing_at_all_fails() -> None:
    with pytest.raises(SourceUnavailable):
        await measured(("rate(", DOWN))


def a_moved_series() -> Measured:
    moved = Movement(
        baseline_median=0.0, baseline_spread=0.01, baseline_samples=90, current=0.4, score=3.0,
        direction=Direction.UP, onset_at=NOON,
    )  # fmt: skip
    points = ((NOON.timestamp(), 0.4), (NOON.timestamp() + STEP, 0.4))
    return Measured(Part(HTTP, Metric.LATENCY_P95, ("payment",)), "payment", "payment", points, moved, earlier_days=3)


@pytest.mark.parametrize(("reply", "reason"), [(DOWN, "connect"), (asyncio.Event(), "timeout")])
async def test_a_second_look_that_fails_or_hangs_leaves_the_first_as_it_is(
    reply: SourceUnavailable | asyncio.Event, reason: str
) -> None:
    one = a_moved_series()
    found, warnings = await looked_again(Look(FakeSource([("", reply)]), "payment", WINDOW), [one], seconds=0.01)
    assert found == [one]
    assert [text.rpartition(" ")[2] for text in warnings] == [reason, reason]


async def test_a_service_that_was_not_asked_about_is_nobodys_evidence() -> None:
    found, _ = await measured(("5..|5xx", Answer(series=[a_series(flat(1.0), service="stranger")])))
    assert found.evidence == ()
