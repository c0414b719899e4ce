"""Traffic against the same clock hour of earlier days: what the clock explains is no deviation."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from shared.context.deviation import movement_of
from shared.context.same_hour import DAYS_BACK, ends_daily, moved_against, moves_daily, same_hour_of
from shared.context.shifts import shift_of
from shared.models.measures import Baseline, Direction, Metric, Movement, TrafficShift
from tests.unit.context.generated import DAY_SAMPLES, EPOCH, SMEAR, STEP, days_of

BEGAN, FIRED = 200, 212
SEEDS = range(12)


def at(sample: float) -> datetime:
    return datetime.fromtimestamp(EPOCH + STEP * sample, UTC)


def flat(_: float) -> float:
    return 40.0


def morning(place: float) -> float:
    return 40.0 * (1 + 2 * place)


def evening(place: float) -> float:
    return 40.0 * (2 - 1.7 * place)


def batch(place: float) -> float:
    return 160.0 if place >= 0.7 else 40.0


def closing(place: float) -> float:
    return 0.0 if place >= 0.7 else 40.0


CURVES = [flat, morning, evening, batch]


def as_ever(_: float) -> float:
    return 1.0


def from_onset(factor: float) -> Callable[[float], float]:
    return lambda place: factor if place >= BEGAN / DAY_SAMPLES else 1.0


def against(
    seed: int,
    curve: Callable[[float], float],
    today: Callable[[float], float] = as_ever,
    *,
    days: Sequence[int] = DAYS_BACK,
) -> Movement | None:
    made = days_of(seed, curve, days=days, today=today)
    hour = same_hour_of([when for when, _ in made.points], made.earlier, smear_samples=SMEAR)
    return None if hour is None else moved_against(made.points, hour, reference=at(FIRED), smear_samples=SMEAR)


def all_against(curve: Callable[[float], float], today: Callable[[float], float] = as_ever) -> list[Movement]:
    found = [against(seed, curve, today) for seed in SEEDS]
    return [one for one in found if one is not None]


@pytest.mark.parametrize("curve", [*CURVES, closing])
def test_what_the_clock_does_is_no_deviation(curve: Callable[[float], float]) -> None:
    found = all_against(curve)
    assert len(found) == len(SEEDS)
    assert {(one.direction, one.onset_at) for one in found} == {(Direction.STEADY, None)}
    assert {(one.baseline, one.baseline_days) for one in found} == {(Baseline.SAME_HOUR, 3)}


def test_the_time_before_alone_takes_a_nightly_batch_for_a_surge() -> None:
    made = days_of(1, batch, days=DAYS_BACK, today=as_ever)
    plain = movement_of(made.points, metric=Metric.REQUEST_RATE, reference=at(FIRED), smear_samples=SMEAR)
    assert plain.direction is Direction.UP


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize(
    ("factor", "shift"), [(2.5, TrafficShift.SURGE), (0.4, TrafficShift.DROP), (0.0, TrafficShift.ABSENCE)]
)
def test_a_shift_is_found_within_two_samples_whatever_the_hour(
    curve: Callable[[float], float], factor: float, shift: TrafficShift
) -> None:
    found = all_against(curve, from_onset(factor))
    near = [one for one in found if one.onset_at and abs(one.onset_at - at(BEGAN)) <= timedelta(seconds=2 * STEP)]
    assert len(near) >= len(SEEDS) - 1
    assert {shift_of(one) for one in near} == {shift}


def test_what_is_usual_is_told_in_requests_a_second_of_that_hour() -> None:
    found = against(3, batch, from_onset(2.0))
    assert found is not None
    assert found.baseline_median == pytest.approx(160, rel=0.2)
    assert found.current == pytest.approx(320, rel=0.2)


def test_what_was_away_before_the_window_has_a_direction_and_no_onset() -> None:
    found = all_against(flat, lambda _: 4.0)
    assert {(one.direction, one.onset_at) for one in found} == {(Direction.UP, None)}
    assert all(one.score > 1 for one in found)
    assert {shift_of(one) for one in found} == {TrafficShift.SURGE}


def test_a_return_to_what_is_usual_is_left_to_the_time_before() -> None:
    assert against(2, flat, lambda place: 1.0 if place >= BEGAN / DAY_SAMPLES else 0.2) is None


@pytest.mark.parametrize("days", [(), (1,), (7,)])
def test_fewer_than_two_days_are_no_baseline(days: tuple[int, ...]) -> None:
    assert against(1, flat, days=days) is None


def test_two_days_are_a_baseline() -> None:
    found = against(1, flat, days=(1, 7))
    assert found is not None
    assert found.baseline_days == 2


def test_one_bad_day_of_three_does_not_shift_what_is_usual() -> None:
    made = days_of(5, flat, days=(1, 7), today=from_onset(0.4))
    bad = {14 * 86_400: tuple((when, value * 0.1) for when, value in made.earlier[86_400])}
    hour = same_hour_of([when for when, _ in made.points], {**made.earlier, **bad}, smear_samples=SMEAR)
    assert hour is not None
    assert hour.usual([EPOCH + STEP * 100]) == pytest.approx(40, rel=0.3)


def test_a_day_with_too_few_values_does_not_count() -> None:
    made = days_of(5, flat, days=DAYS_BACK, today=as_ever)
    cut = {**made.earlier, 86_400: made.earlier[86_400][:100], 604_800: made.earlier[604_800][:100]}
    assert same_hour_of([when for when, _ in made.points], cut, smear_samples=SMEAR) is None


def test_an_hour_with_next_to_no_requests_is_no_baseline() -> None:
    assert against(1, lambda _: 0.01) is None


def test_times_that_no_day_knows_are_left_out() -> None:
    made = days_of(5, flat, days=DAYS_BACK, today=as_ever)
    holed = {back: points[:120] + points[130:] for back, points in made.earlier.items()}
    hour = same_hour_of([when for when, _ in made.points], holed, smear_samples=SMEAR)
    assert hour is not None
    assert len(hour.expected) == DAY_SAMPLES - 10
    assert moved_against(made.points, hour, reference=at(FIRED), smear_samples=SMEAR)


def errors_up(to: float = 0.3) -> Movement:
    points = [(EPOCH + STEP * n, 0.0 if n < 60 else to) for n in range(80)]
    return movement_of(points, metric=Metric.ERROR_RATIO, reference=at(65))


def on_days(*levels: float) -> Mapping[int, tuple[tuple[float, float], ...]]:
    return {n: tuple((EPOCH + STEP * at, level) for at in range(60, 80)) for n, level in enumerate(levels, start=1)}


@pytest.mark.parametrize("levels", [(0.3, 0.25), (0.4, 0.3, 0.0), (0.21, 0.9, 0.3)])
def test_errors_that_come_at_this_hour_on_most_days_are_no_deviation(levels: tuple[float, ...]) -> None:
    found = moves_daily(errors_up(), on_days(*levels))
    assert found is not None
    assert (found.direction, found.onset_at, found.score) == (Direction.STEADY, None, 0)
    assert (found.baseline, found.baseline_days) == (Baseline.SAME_HOUR, len(levels))


@pytest.mark.parametrize("levels", [(), (0.3,), (0.3, 0.0), (0.3, 0.3, 0.0, 0.0), (0.1, 0.1, 0.2), (0.0, 0.0, 0.0)])
def test_errors_that_do_not_are_one(levels: tuple[float, ...]) -> None:
    assert moves_daily(errors_up(), on_days(*levels)) is None


def test_a_steady_series_has_nothing_to_be_usual() -> None:
    assert moves_daily(errors_up(to=0.0), on_days(0.0, 0.0)) is None


def until(sample: int) -> tuple[tuple[float, float], ...]:
    return tuple((EPOCH + STEP * at, 1.0) for at in range(sample))


def test_a_service_that_is_off_at_this_hour_every_day_did_not_fall_silent() -> None:
    assert ends_daily(EPOCH + STEP * 60, {1: until(58), 7: until(60), 14: until(200)})
    assert not ends_daily(EPOCH + STEP * 60, {1: until(58), 7: until(200), 14: until(200)})
    assert not ends_daily(EPOCH + STEP * 60, {1: until(58)})


def a_rate(current: float | None, direction: Direction) -> Movement:
    return Movement(
        baseline_median=100.0, baseline_spread=1.0, baseline_samples=50, current=current, direction=direction
    )


@pytest.mark.parametrize(
    ("current", "direction", "shift"),
    [
        (150.0, Direction.UP, TrafficShift.SURGE), (149.0, Direction.UP, None),
        (70.0, Direction.DOWN, TrafficShift.DROP), (71.0, Direction.DOWN, None),
        (2.0, Direction.DOWN, TrafficShift.ABSENCE), (None, Direction.DOWN, TrafficShift.ABSENCE),
        (500.0, Direction.STEADY, None),
    ],
)  # fmt: skip
def test_a_shift_has_a_name_from_its_threshold_on(
    current: float | None, direction: Direction, shift: TrafficShift | None
) -> None:
    assert shift_of(a_rate(current, direction)) is shift


def test_nothing_known_has_no_name() -> None:
    unknown = Movement(baseline_median=None, baseline_spread=None, baseline_samples=0, current=1.0)
    assert shift_of(unknown) is None
