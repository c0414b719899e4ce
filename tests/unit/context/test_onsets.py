"""Onsets in series whose onset is known: how often they are found within two samples, and how often there is none."""

import pytest

from shared.context.deviation import movement_of
from shared.models.measures import Metric, Movement
from tests.unit.context.generated import Case, Flaw, Shape, cases

FOUND_WITHIN_SAMPLES = 2


def moved(case: Case) -> Movement:
    return movement_of(case.points, metric=Metric.REQUEST_RATE, reference=case.fired, smear_samples=case.smear)


@pytest.mark.parametrize("shape", Shape)
def test_an_onset_is_found_within_two_samples_in_at_least_19_of_20_series(shape: Shape) -> None:
    found = [(case, case.samples_off(moved(case).onset_at)) for case in cases(range(12), shape)]
    missed = [(case.seed, case.flaw, off) for case, off in found if off > FOUND_WITHIN_SAMPLES]
    assert len(missed) <= len(found) / 20, missed


@pytest.mark.parametrize("flaw", Flaw)
def test_noise_alone_departs_in_at_most_1_of_20_series(flaw: Flaw) -> None:
    quiet = list(cases(range(30), None, [flaw]))
    departed = [case.seed for case in quiet if moved(case).onset_at is not None]
    assert len(departed) <= len(quiet) / 20, departed


@pytest.mark.parametrize("shape", [Shape.STEP, Shape.RAMP])
def test_a_senders_clock_two_minutes_off_does_not_move_the_onset(shape: Shape) -> None:
    skewed = cases(range(20), shape, [Flaw.SKEW])
    missed = [case.seed for case in skewed if case.samples_off(moved(case).onset_at) > FOUND_WITHIN_SAMPLES]
    assert len(missed) <= 1, missed
