"""The ranker on made-up cases of a seed that nothing was tuned on: `python -m evals rank --synthetic` runs more.

Seeds below 1000 are for tuning and fitting. The floors lie below what was measured (docs/evaluation.md), by what
sixty cases may differ by chance.
"""

from functools import cache

import pytest

from evals.ranking.outcomes import outcomes_of
from evals.ranking.report import Report, report_of
from evals.ranking.synthetic import synthetic_cases
from shared.hypotheses.rank import rank

# A sweep: what it runs is covered by the ranker's own tests, and measuring would make it slower.
pytestmark = pytest.mark.no_cover

SEED, CASES, WINDOWS = 4001, 60, 30
LEAST_TOP1, LEAST_TOP3 = 0.6, 0.75
LEAST_SILENT, MOST_DECOYS_BLAMED = 0.9, 0.1


@cache
def report() -> Report:
    outcomes = outcomes_of(synthetic_cases(SEED, CASES, WINDOWS), rank)
    return report_of("synthetic", outcomes[:CASES], outcomes[CASES:], "of systems without a fault")


def test_everything_was_evaluated() -> None:
    assert report().groups[0].places.n == CASES
    assert report().silence is not None
    assert report().silence.n == WINDOWS
    assert report().decoys_blamed is not None
    assert report().decoys_blamed.n >= CASES // 3


def test_the_right_service_stands_first_or_among_three() -> None:
    places = report().groups[0].places
    assert places.top1.value >= LEAST_TOP1, report().misses
    assert places.top3.value >= LEAST_TOP3, report().misses


def test_normal_windows_stay_silent() -> None:
    assert report().silence is not None
    assert report().silence.value >= LEAST_SILENT, report().loud


def test_an_innocent_deploy_is_hardly_ever_blamed() -> None:
    assert report().decoys_blamed is not None
    assert report().decoys_blamed.value <= MOST_DECOYS_BLAMED
