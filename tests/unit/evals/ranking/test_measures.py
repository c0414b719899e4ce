"""Figures of a ranking, against values worked out by hand."""

import pytest

from evals.ranking.measures import estimate, places_of


def test_places_become_top_1_top_3_and_their_mean_to_five() -> None:
    found = places_of([1, 2, 5, 6, None])
    assert found.n == 5
    assert found.top1.value == pytest.approx(1 / 5)
    assert found.top3.value == pytest.approx(2 / 5)
    assert found.avg5.value == pytest.approx((5 / 5 + 4 / 5 + 1 / 5) / 5)


def test_the_same_outcomes_have_the_same_interval() -> None:
    assert estimate([1.0, 0.0, 1.0, 1.0]) == estimate([1.0, 0.0, 1.0, 1.0])


def test_the_interval_holds_the_mean_and_is_narrower_for_more_cases() -> None:
    few, many = estimate([1.0, 0.0] * 5), estimate([1.0, 0.0] * 200)
    assert few.low < few.value < few.high
    assert many.high - many.low < few.high - few.low


def test_when_every_case_is_right_there_is_no_doubt_to_draw_from() -> None:
    found = estimate([1.0] * 8)
    assert (found.low, found.high) == (1.0, 1.0)


def test_no_case_has_no_mean() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        estimate([])
