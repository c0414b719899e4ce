"""Sentences as people read them: numbers without exponents, and no more words than there is to say."""

from datetime import timedelta

import pytest

from shared.context.sentences import sentence_of
from shared.models.evidence import (
    ChangeEvidence,
    Evidence,
    ExpressionEvidence,
    ExpressionSeries,
    RelatedEvidence,
    SeriesEvidence,
    SloEvidence,
)
from shared.models.measures import Metric, Movement, Relation
from shared.models.quantities import latency, number, percent, several
from shared.models.signals import AlertStatus
from tests.builders import NOON


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.00001234, "0.0000123"), (999.9, "1000"), (999.4, "999"), (-15.3, "-15.3"), (1234567.8, "1234568")],
)
def test_a_number_never_has_an_exponent(value: float, text: str) -> None:
    assert number(value) == text


def test_shares_and_times_have_none_either() -> None:
    assert (percent(10), percent(9.996), latency(0.9999), latency(1e-7)) == (
        "1000 %",
        "1000 %",
        "1000 ms",
        "0.0001 ms",
    )


def test_one_of_something_is_told_in_the_singular() -> None:
    assert (several(1, "commit", "commits"), several(2, "commit", "commits")) == ("1 commit", "2 commits")


def steady(now: float) -> SeriesEvidence:
    moved = Movement(baseline_median=0.0, baseline_spread=0.0, baseline_samples=9, current=now)
    return SeriesEvidence(
        service="payment", relation=Relation.SELF, metric=Metric.ERROR_RATIO, points=(), movement=moved
    )


def asked(*ends: float, operator: str = ">") -> ExpressionEvidence:
    series = tuple(ExpressionSeries(labels={}, points=((0.0, value),)) for value in ends)
    return ExpressionEvidence(
        service="payment", alert_name="High", operator=operator, threshold=0.5, series=series, is_true_now=bool(ends)
    )


def burnt(left: float) -> SloEvidence:
    return SloEvidence(
        service="payment", name="requests", objective=0.999, period_days=30, budget_left=left, told_by="sloth"
    )


@pytest.mark.parametrize(
    ("piece", "said"),
    [
        (steady(0.0), "The error ratio of payment is steady at 0 %, as before."),
        (steady(0.001), "The error ratio of payment is steady at 0.1 %, where it was 0 % before."),
        (asked(0.7), "The expression of High (> 0.5) is true now, at 0.7."),
        (asked(0.7, 0.9), "The expression of High (> 0.5) is true now, at 0.9 in the farthest of 2 series."),
        (
            asked(0.1, 0.3, operator="<"),
            "The expression of High (< 0.5) is true now, at 0.1 in the farthest of 2 series.",
        ),
        (asked(), "The expression of High (> 0.5) is not true now, and has no series."),
        (burnt(0.25), "requests of payment (99.9 %): 25 % of the budget is left."),
        (burnt(-15.3), "requests of payment (99.9 %): nothing of the budget is left."),
        (
            ChangeEvidence(service="payment", at=NOON, version="1.5.0", seconds_before_onset=0.0),
            "payment: version 1.5.0 at 12:00:00 UTC, at the first symptom.",
        ),
        (
            RelatedEvidence(
                name="Slow", service="bank", status=AlertStatus.FIRING, score=0.7,
                starts_at=NOON - timedelta(minutes=1), factors={"time": 0.9, "topology": 0.9},
            ),
            "Slow of bank fires since 11:59:00 UTC (near in time, near in calls).",
        ),
    ],
)  # fmt: skip
def test_a_piece_says_what_there_is_to_say(piece: Evidence, said: str) -> None:
    assert sentence_of(piece) == said
