"""Symptoms: what an incident looked like, and which past ones looked the same."""

from datetime import timedelta

from shared.context.symptoms import MAX_SYMPTOMS, Pattern, likeness, symptoms_of
from shared.models.evidence import SeriesEvidence
from shared.models.measures import Direction, Metric, Movement, Relation
from tests.builders import NOON


def moved(service: str, metric: Metric, score: float, direction: Direction = Direction.UP) -> SeriesEvidence:
    movement = Movement(
        baseline_median=0, baseline_spread=1, baseline_samples=9, current=1, score=score, direction=direction,
        onset_at=NOON - timedelta(minutes=1),
    )  # fmt: skip
    return SeriesEvidence(service=service, relation=Relation.SELF, metric=metric, points=(), movement=movement)


def a_pattern(symptoms: set[str], services: set[str] | None = None, alerts: set[str] | None = None) -> Pattern:
    return Pattern("payment", frozenset(symptoms), frozenset(services or ()), frozenset(alerts or ()), frozenset())


def test_what_moved_clearly_is_a_symptom_and_what_is_steady_or_faint_is_none() -> None:
    found = symptoms_of(
        [
            moved("payment", Metric.ERROR_RATIO, 5),
            moved("web", Metric.REQUEST_RATE, 2, Direction.DOWN),
            moved("cart", Metric.LATENCY_P95, 0.2),
            moved("bank", Metric.LATENCY_P95, 5, Direction.STEADY),
        ]
    )
    assert found == ("payment|error_ratio|up", "web|request_rate|down")


def test_of_many_symptoms_the_clearest_are_kept() -> None:
    many = [moved(f"s{number:02}", Metric.ERROR_RATIO, 1 + number) for number in range(MAX_SYMPTOMS + 5)]
    found = symptoms_of(many)
    assert len(found) == MAX_SYMPTOMS
    assert "s00|error_ratio|up" not in found


def test_the_same_symptoms_make_alike_and_other_ones_do_not() -> None:
    ours = a_pattern({"payment|error_ratio|up", "web|error_ratio|up"}, {"payment"}, {"Errors"})
    same = likeness(ours, ours)
    other = likeness(ours, a_pattern({"payment|request_rate|down"}, {"payment"}, {"NoTraffic"}))
    assert (same.similarity, same.because) == (1.0, ("the same symptoms", "the same services", "the same alerts"))
    assert other.similarity < 0.3


def test_what_neither_measured_counts_neither_for_nor_against() -> None:
    ours, theirs = a_pattern(set(), {"payment"}, {"Errors"}), a_pattern({"x|error_ratio|up"}, {"payment"}, {"Errors"})
    assert likeness(ours, theirs).similarity == 1.0
    assert likeness(a_pattern(set()), a_pattern(set())).similarity == 0.0
