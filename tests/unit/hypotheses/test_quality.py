"""Quality: the arithmetic of reliability, Brier score and calibration error, and what is said of nothing."""

from shared.hypotheses.quality import BINS, quality_of, shown_of
from tests.builders import a_calibration, a_label


def test_of_no_labels_nothing_is_known() -> None:
    found = quality_of([])
    assert (found.n, found.brier, found.constant_brier, found.ece) == (0, None, None, None)
    assert [(one.n, one.mean_confidence, one.share_right) for one in found.reliability] == [(0, None, None)] * BINS


def test_the_figures_of_a_few_labels_are_those_of_pen_and_paper() -> None:
    found = quality_of([(0.92, True), (0.98, False), (0.11, False), (0.15, False)])
    assert found.brier == round((0.08**2 + 0.98**2 + 0.11**2 + 0.15**2) / 4, 4)
    assert found.constant_brier == 0.1875
    assert found.ece == round((abs(0.95 - 0.5) * 2 + abs(0.13 - 0.0) * 2) / 4, 4)
    first, last = found.reliability[1], found.reliability[-1]
    assert (first.low, first.high, first.n, first.mean_confidence, first.share_right) == (0.1, 0.2, 2, 0.13, 0.0)
    assert (last.n, last.mean_confidence, last.share_right) == (2, 0.95, 0.5)


def test_both_ends_of_the_scale_belong_to_a_bin() -> None:
    found = quality_of([(0.0, False), (1.0, True)])
    assert (found.reliability[0].n, found.reliability[-1].n, found.brier, found.ece) == (1, 1, 0.0, 0.0)


def test_what_was_shown_counts_and_not_what_would_be_shown_now() -> None:
    curve = a_calibration(intercept=-1.0).curve
    assert shown_of(a_label(raw_confidence=0.7, confidence=0.8), curve) == 0.8
    assert shown_of(a_label(raw_confidence=0.5, confidence=None), curve) < 0.5
