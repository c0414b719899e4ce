"""The gate: on incidents that nothing was fitted to, confidence can be believed."""

from itertools import islice

import pytest

from evals.confidence.cases import judged, ranker_version
from evals.confidence.command import JUDGED_ON, predicted, recorded, report_of
from evals.confidence.report import Report
from shared.hypotheses.calibration import shipped
from shared.hypotheses.quality import quality_of

FIT_AGAIN = "the ranker or the weights changed: python -m evals calibrate"
LIVE = 3


def test_confidence_meets_its_goals_on_a_seed_that_nothing_was_fitted_to() -> None:
    cases, found = recorded()
    report = report_of(JUDGED_ON, cases, found, shipped())
    assert report.quality.n > 2 * cases, "an evaluation of next to nothing proves nothing"
    assert report.meets_goals, report.as_text()


def test_what_is_recorded_is_what_the_ranker_says_today() -> None:
    _, found = recorded()
    today = predicted(judged(JUDGED_ON, LIVE))
    held = list(islice(found, len(today)))
    assert [(case, right) for case, _, right in today] == [(case, right) for case, _, right in held], FIT_AGAIN
    assert [raw for _, raw, _ in today] == pytest.approx([raw for _, raw, _ in held], abs=0.01), FIT_AGAIN
    assert shipped().ranker_version == ranker_version(), FIT_AGAIN


def test_an_evaluation_of_nothing_fails() -> None:
    assert not Report(1, 0, "", quality_of([])).meets_goals


def test_whoever_always_says_the_same_does_not_meet_the_goals() -> None:
    assert not Report(1, 4, "", quality_of([(0.5, True), (0.5, False)])).meets_goals


def test_the_report_shows_the_table_and_the_verdict() -> None:
    text = Report(7, 2, "global-1", quality_of([(0.95, True), (0.05, False)])).as_text()
    assert "0.9 to 1.0      1   0.950   1.000" in text
    assert text.endswith("the goals are met")
