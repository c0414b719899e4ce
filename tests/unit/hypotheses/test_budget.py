"""How much an answer may cost: the ladder, the waits of a throttled model, the size of a question."""

import json

import pytest

from shared.hypotheses.budget import estimated_tokens, rung_for, wait_before_asking_again
from shared.models.hypotheses import Rung
from shared.models.signals import Severity
from shared.models.spending import ModelTerms, Tokens

FULL, SINGLE, NONE = Rung.FULL, Rung.SINGLE, Rung.DETERMINISTIC


@pytest.mark.parametrize(
    ("left", "critical", "warning", "info"),
    [
        (10.0, FULL, FULL, FULL),
        (8.0, FULL, FULL, FULL),
        (7.9, FULL, FULL, SINGLE),
        (5.0, FULL, FULL, SINGLE),
        (4.9, FULL, SINGLE, NONE),
        (2.0, FULL, SINGLE, NONE),
        (1.9, FULL, NONE, NONE),
        (1.0, FULL, NONE, NONE),
        (0.9, SINGLE, NONE, NONE),
        (0.1, SINGLE, NONE, NONE),
        (0.09, NONE, NONE, NONE),
        (0.0, NONE, NONE, NONE),
    ],
)
def test_what_is_left_of_a_budget_of_ten_is_kept_for_what_is_worse(
    left: float, critical: Rung, warning: Rung, info: Rung
) -> None:
    found = [rung_for(severity, left=left, budget=10.0, amount=0.1)[0] for severity in Severity]
    assert found == [critical, warning, info]


@pytest.mark.parametrize(
    ("severity", "left", "amount", "reason"),
    [
        (Severity.CRITICAL, 10.0, 1.0, "budget_allows"),
        (Severity.CRITICAL, 1.5, 1.0, "budget_low"),
        (Severity.CRITICAL, 0.5, 1.0, "model_budget_spent"),
        (Severity.INFO, 4.0, 1.0, "model_budget_kept"),
        (Severity.INFO, 0.5, 1.0, "model_budget_spent"),
        (Severity.INFO, 6.0, 1.0, "budget_low"),
    ],
)
def test_every_rung_says_why(severity: Severity, left: float, amount: float, reason: str) -> None:
    assert rung_for(severity, left=left, budget=10.0, amount=amount)[1] == reason


def test_a_budget_of_nothing_asks_no_model() -> None:
    assert rung_for(Severity.CRITICAL, left=0.0, budget=0.0, amount=0.1) == (NONE, "model_budget_spent")


def test_a_model_that_costs_nothing_may_always_be_asked() -> None:
    assert rung_for(Severity.CRITICAL, left=0.0, budget=0.0, amount=0.0)[0] is FULL


@pytest.mark.parametrize(
    ("resends", "waited", "asked", "wait"),
    [
        (0, 0.0, 7.0, 7.0),
        (0, 0.0, None, 10.0),
        (2, 30.0, None, 40.0),
        (0, 0.0, 0.0, 1.0),
        (3, 30.0, 1.0, None),
        (0, 0.0, 301.0, None),
        (1, 200.0, 120.0, None),
        (1, 200.0, 100.0, 100.0),
    ],
)
def test_a_throttled_model_is_asked_again_when_it_says_a_few_times_for_a_few_minutes(
    resends: int, waited: float, asked: float | None, wait: float | None
) -> None:
    assert wait_before_asking_again(resends, waited, asked) == wait


def test_cached_tokens_cost_less_and_are_never_more_than_the_prompt() -> None:
    terms = ModelTerms(price_input=2.0, price_cached=1.0, price_output=10.0)
    assert terms.cost(Tokens(prompt=1_000_000, cached=500_000, completion=100_000)) == pytest.approx(2.5)
    assert terms.cost(Tokens(prompt=10, cached=1_000_000)) == pytest.approx(10 / 1_000_000)


def test_numbers_are_counted_as_the_many_tokens_that_they_are() -> None:
    series = json.dumps([[1764158400 + 15 * at, round(0.123456 * at, 6)] for at in range(20)])
    assert len(series) / 3 < estimated_tokens(series) < len(series)


def test_prose_is_about_four_letters_a_token() -> None:
    prose = "Rank the causes by what the evidence shows, and cite it. Say so when there is none. " * 20
    assert len(prose) / 6 < estimated_tokens(prose) < len(prose) / 3


def test_letters_outside_ascii_count_one_by_one() -> None:
    assert estimated_tokens("支付服务失败") >= len("支付服务失败")
