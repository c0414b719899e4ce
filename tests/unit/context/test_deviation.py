"""How movements and onsets are told from noise."""

import math
import random
from datetime import UTC, datetime

import pytest

from shared.context.deviation import ENOUGH_SAMPLES, MAX_SCORE, ceased, movement_of
from shared.models.measures import Direction, Metric, Movement

EPOCH = 1_800_000_000
STEP = 15


def at(index: float) -> datetime:
    return datetime.fromtimestamp(EPOCH + index * STEP, UTC)


def moved(values: list[float], *, fired: float, metric: Metric = Metric.ERROR_RATIO, smear: int = 1) -> Movement:
    points = [(EPOCH + index * STEP, value) for index, value in enumerate(values)]
    return movement_of(points, metric=metric, reference=at(fired), smear_samples=smear)


def noisy(seed: int, count: int, *, level: float = 0.1, noise: float = 0.02, smear: int = 1) -> list[float]:
    """Noise around a level; with `smear`, each sample is the mean over so many draws, as a rate's would be."""
    source = random.Random(seed)
    drawn = [source.gauss(level, noise * math.sqrt(smear)) for _ in range(count + smear)]
    return [sum(drawn[index : index + smear]) / smear for index in range(count)]


def onset_index(movement: Movement) -> float:
    assert movement.onset_at is not None
    return (movement.onset_at.timestamp() - EPOCH) / STEP


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.05, 0.1])
@pytest.mark.parametrize(
    ("count", "changed", "fired"), [(200, 120, 140), (300, 40, 60), (65, 40, 55), (200, 195, 196)]
)
def test_a_step_is_found_within_two_samples(noise: float, count: int, changed: int, fired: int) -> None:
    for seed in range(20):
        values = [v + (index >= changed) for index, v in enumerate(noisy(seed, count, noise=noise))]
        movement = moved(values, fired=fired)
        assert abs(onset_index(movement) - changed) <= 2, seed
        assert movement.direction is Direction.UP
        assert movement.baseline_median == pytest.approx(0.1, abs=0.1)
        assert movement.current == pytest.approx(1.1, abs=0.25)


@pytest.mark.parametrize(("count", "smear"), [(200, 1), (200, 4), (65, 4)])
def test_flat_noise_stays_steady(count: int, smear: int) -> None:
    found = [moved(noisy(seed, count, smear=smear), fired=count * 0.75, smear=smear) for seed in range(200)]
    assert sum(one.onset_at is not None for one in found) <= 4
    assert all(one.score == 0 for one in found if one.direction is Direction.STEADY)


def test_a_fall_is_a_movement_down() -> None:
    movement = moved([100.0] * 60 + [5.0] * 20, fired=65, metric=Metric.REQUEST_RATE)
    assert (movement.direction, movement.current, onset_index(movement)) == (Direction.DOWN, 5.0, 60)


def test_a_slow_alert_does_not_take_the_trouble_for_normal() -> None:
    movement = moved([0.0] * 40 + [0.5] * 60, fired=95)
    assert onset_index(movement) == 40
    assert movement.baseline_median == 0


def test_a_trouble_that_is_over_is_still_found_at_its_start() -> None:
    movement = moved([0.0] * 60 + [0.5] * 30 + [0.0] * 60, fired=70)
    assert onset_index(movement) == 60
    assert movement.direction is Direction.UP


def test_an_older_spike_that_went_away_is_not_the_onset() -> None:
    movement = moved([0.0] * 50 + [0.4] * 6 + [0.0] * 80 + [0.4] * 20, fired=142)
    assert onset_index(movement) == 136


def test_one_bad_sample_is_no_onset() -> None:
    assert moved([0.1] * 60 + [9.0] + [0.1] * 30, fired=70).direction is Direction.STEADY


def test_one_burst_seen_by_overlapping_rate_windows_is_no_onset() -> None:
    assert moved([0.0] * 60 + [0.25] * 4 + [0.0] * 30, fired=70, smear=4).onset_at is None


def test_a_change_below_the_floor_of_its_metric_is_none() -> None:
    assert moved([0.0] * 60 + [0.01] * 30, fired=65).onset_at is None


def test_nan_and_infinity_are_not_samples() -> None:
    values = [0.0] * 40 + [0.5] * 20
    holes = [math.nan if index % 7 == 3 else value for index, value in enumerate(values)]
    holes[10] = math.inf
    movement = moved(holes, fired=50)
    assert movement.current == 0.5
    assert abs(onset_index(movement) - 40) <= 1


def test_a_series_of_nan_only_has_no_baseline_and_is_steady() -> None:
    movement = moved([math.nan] * 50, fired=40)
    assert movement == Movement(baseline_median=None, baseline_spread=None, baseline_samples=0, current=None)


def test_a_series_that_begins_after_the_alert_has_no_baseline() -> None:
    movement = moved([0.5] * 20, fired=-5)
    assert (movement.baseline_median, movement.current, movement.direction) == (None, 0.5, Direction.STEADY)


def test_few_samples_widen_the_spread() -> None:
    few = moved([0.1, 0.2, 0.1, 0.2, 0.1], fired=5)
    many = moved([0.1, 0.2] * 20, fired=40)
    assert few.baseline_samples < ENOUGH_SAMPLES < many.baseline_samples
    assert few.baseline_spread is not None
    assert many.baseline_spread is not None
    assert few.baseline_spread > 1.5 * many.baseline_spread


def test_the_score_grows_with_the_movement_and_is_capped() -> None:
    small, large, absurd = (moved([0.0] * 60 + [to] * 20, fired=65).score for to in (0.05, 0.5, 1e9))
    assert 0 < small < large < absurd == MAX_SCORE


def test_a_rate_that_stopped_being_reported_is_down_without_a_made_up_value() -> None:
    steady = moved([20.0] * 60, fired=55, metric=Metric.REQUEST_RATE)
    stopped = ceased(steady, at(60))
    assert (stopped.direction, stopped.current, stopped.onset_at) == (Direction.DOWN, None, at(60))
    assert stopped.score > 3
