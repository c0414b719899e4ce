"""Which of a model's queries may run, and what their answers mean."""

import math
from typing import Any

import pytest

from shared.hypotheses.caps import Cap
from shared.hypotheses.checks import (
    MAX_A_SET,
    MAX_SERIES,
    MAX_SHOWN,
    NotRun,
    first_suspect_stands,
    judged,
    proposed,
    to_ask,
    with_verdicts,
)
from shared.hypotheses.proposal import ModelCheck
from shared.models.hypotheses import Check, CheckVerdict, GeneratedBy, Hypothesis, HypothesisSet, Operator
from shared.ports.metrics import Answer, Sample
from tests.builders import a_hypothesis_set


def a_model_check(
    query: str = 'up{job="payment"}', operator: str = "<", value: float = 1, **changes: Any
) -> ModelCheck:
    return ModelCheck(query=query, operator=Operator(operator), value=value, because="it is down", **changes)


def a_check(**changes: Any) -> Check:
    (found,) = proposed([a_model_check(**changes)])
    return found


def values(*found: float, **changes: Any) -> Answer:
    return Answer(samples=tuple(Sample({"n": str(at)}, 0.0, value) for at, value in enumerate(found)), **changes)


def a_set(*checks: tuple[Check, ...], scores: tuple[float, ...] = ()) -> HypothesisSet:
    hypotheses = tuple(
        Hypothesis(
            rank=at + 1, claim="it fails", suspected_service=f"service-{at}", mechanism="", supporting=("E1",),
            score=(scores or (0.9, 0.8, 0.7, 0.6, 0.5))[at], checks=found,
        )
        for at, found in enumerate(checks)
    )  # fmt: skip
    return a_hypothesis_set(hypotheses=hypotheses)


@pytest.mark.parametrize(
    "query",
    [
        "up",
        'sum(rate(http_requests_total{service="payment",code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))',
        "histogram_quantile(0.95, sum by (le) (rate(d_bucket[5m] offset 1d)))",
        'count({__name__="up"})',
        "max_over_time(rate(errors_total[1m])[1h:1m])",
    ],
)
def test_a_read_of_bounded_size_waits_to_be_asked_as_it_was_written(query: str) -> None:
    found = a_check(query=query)
    assert (found.query, found.verdict, found.reason) == (query, CheckVerdict.NOT_RUN, NotRun.WAITING)


def test_comments_and_line_breaks_are_not_asked() -> None:
    assert a_check(query="up # } or\n == 1").query == "up    == 1"


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("", NotRun.UNPARSABLE),
        ("rm -rf /", NotRun.UNPARSABLE),
        ("sum(rate(x[5m])", NotRun.UNPARSABLE),
        ('up{job="x}', NotRun.UNPARSABLE),
        ("1 + 1", NotRun.UNPARSABLE),
        ("time()", NotRun.UNPARSABLE),
        ('"text"', NotRun.UNPARSABLE),
        ("up[5m]", NotRun.UNPARSABLE),
        ("rate(up[1e30])", NotRun.UNPARSABLE),
        ('{__name__=~".+"}', NotRun.TOO_BROAD),
        ('count({__name__=~"a.*|b.*"})', NotRun.TOO_BROAD),
        ('{job="payment"}', NotRun.TOO_BROAD),
        ('up + on() count({job=~".+"})', NotRun.TOO_BROAD),
        ('{__name__="up" or job=~".+"}', NotRun.TOO_BROAD),
        ("(" * 21 + "up" + ")" * 21, NotRun.TOO_LARGE),
        ("(" * 5000 + "up" + ")" * 5000, NotRun.TOO_LARGE),
        ("+".join(["up"] * 60), NotRun.TOO_LARGE),
        (" or ".join(f"up{n}" for n in range(12)), NotRun.TOO_LARGE),
        ("u" * 1001, NotRun.TOO_LARGE),
        ("rate(up[2d])", NotRun.TOO_LARGE),
        ("up offset 9d", NotRun.TOO_LARGE),
        ("up offset -9d", NotRun.TOO_LARGE),
        ("up @ 0", NotRun.TOO_LARGE),
        ("up @ end()", NotRun.TOO_LARGE),
        ("max_over_time(rate(up[5m])[1d:1s])", NotRun.TOO_LARGE),
        ("max_over_time(max_over_time(rate(up[5m])[1h:1m])[1h:1m])", NotRun.TOO_LARGE),
    ],
)
def test_what_is_no_bounded_read_says_why_it_does_not_run(query: str, why: NotRun) -> None:
    found = proposed([a_model_check(query=query)])
    assert [(one.verdict, one.reason) for one in found] == [(CheckVerdict.NOT_RUN, why)]
    assert len(found[0].query) <= 1000
    assert to_ask(a_set(found)) == ()


def test_a_hypothesis_has_three_checks_at_most_each_once_and_none_without_a_number() -> None:
    checks = [a_model_check(value=math.inf), a_model_check(value=math.nan), a_model_check(), a_model_check()]
    assert len(proposed(checks)) == 1
    assert len(proposed([a_model_check(query=f"up{n}") for n in range(5)])) == 3


def test_of_an_answer_each_query_is_asked_once_the_likeliest_first_and_ten_at_most() -> None:
    of_each = [tuple(proposed([a_model_check(query=f"up_{h}_{n}") for n in range(3)])) for h in range(4)]
    asked = to_ask(a_set(of_each[0], of_each[0], *of_each[1:]))
    assert len(asked) == MAX_A_SET
    assert asked[:4] == ("up_0_0", "up_0_1", "up_0_2", "up_1_0")


def test_what_is_over_the_budget_says_so() -> None:
    of_each = [tuple(proposed([a_model_check(query=f"up_{h}_{n}") for n in range(3)])) for h in range(4)]
    answer = a_set(*of_each)
    found = with_verdicts(answer, dict.fromkeys(to_ask(answer), NotRun.TIMED_OUT))
    reasons = [check.reason for one in found.hypotheses for check in one.checks]
    assert reasons == [NotRun.TIMED_OUT] * 10 + [NotRun.BUDGET] * 2


@pytest.mark.parametrize(
    ("operator", "value", "answer", "verdict", "found"),
    [
        ("<", 1, values(0), "supported", 0),
        ("<", 1, values(1), "refuted", 1),
        ("<", 1, values(5, 0.5, 7), "supported", 0.5),
        (">", 3, values(1, 2), "refuted", 2),
        (">=", 2, values(1, 2), "supported", 2),
        ("<=", 2, values(3, 4), "refuted", 3),
        ("==", 2, values(9, 2.01), "supported", 2.01),
        ("==", 2, values(9, 2.1), "refuted", 2.1),
        ("!=", 2, values(2, 8), "supported", 8),
        ("!=", 2, values(2), "refuted", 2),
        (">", 3, values(math.nan, 4), "supported", 4),
    ],
)
def test_the_series_that_speaks_most_for_it_decides(
    operator: str, value: float, answer: Answer, verdict: str, found: float
) -> None:
    told = judged(a_check(operator=operator, value=value), answer)
    assert (told.verdict, told.found, told.reason) == (CheckVerdict(verdict), found, "")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (values(), NotRun.EMPTY),
        (values(math.nan, math.inf), NotRun.NOT_A_NUMBER),
        (values(is_partial=True), NotRun.PARTIAL),
        (values(5, is_partial=True), NotRun.PARTIAL),
        (values(*[5.0] * MAX_SERIES), NotRun.PARTIAL),
    ],
)
def test_nothing_found_or_not_all_of_it_is_no_verdict(answer: Answer, why: NotRun) -> None:
    told = judged(a_check(), answer)
    assert (told.verdict, told.reason) == (CheckVerdict.NOT_RUN, why)


def test_who_is_refuted_sinks_and_says_why_and_who_is_supported_does_not_rise() -> None:
    first, second = (a_check(query="up_a"),), (a_check(query="up_b"),)
    found = with_verdicts(a_set(first, second), {"up_a": values(1), "up_b": values(0)})
    assert [(one.suspected_service, one.rank, one.score, one.caps) for one in found.hypotheses] == [
        ("service-1", 1, 0.8, ()),
        ("service-0", 2, 0.2, (Cap.CHECK_REFUTED,)),
    ]


def test_a_refuted_check_lifts_nobody_who_is_below_the_cap() -> None:
    found = with_verdicts(a_set((a_check(),), scores=(0.05,)), {a_check().query: values(1)})
    assert found.hypotheses[0].score == 0.05


def test_an_answer_without_checks_is_left_as_it_is() -> None:
    answer = a_set((), ())
    assert with_verdicts(answer, {}) is answer


def by_a_model(*checks: tuple[Check, ...]) -> HypothesisSet:
    return a_set(*checks).model_copy(update={"generated_by": GeneratedBy.MODEL})


def test_a_refuted_check_does_not_clear_the_rankers_first_suspect() -> None:
    ranked, said = a_set((), ()), by_a_model((a_check(query="up_a"),), ())
    found = first_suspect_stands(with_verdicts(said, {"up_a": values(1)}), ranked)
    assert [(one.suspected_service, one.rank, one.score, one.caps) for one in found.hypotheses] == [
        ("service-0", 1, 0.9, ()),
        ("service-1", 2, 0.8, ()),
        ("service-0", 3, 0.2, (Cap.CHECK_REFUTED,)),
    ]


def test_beside_another_suspect_that_is_refuted_nothing_is_put() -> None:
    ranked, said = a_set((), ()), by_a_model((), (a_check(query="up_a"),))
    checked = with_verdicts(said, {"up_a": values(1)})
    assert first_suspect_stands(checked, ranked) is checked


def test_where_something_else_that_is_said_of_the_first_suspect_stands_nothing_is_put_beside_it() -> None:
    ranked, said = a_set((), ()), by_a_model((a_check(query="up_a"),), ())
    same = tuple(one.model_copy(update={"suspected_service": "service-0"}) for one in said.hypotheses)
    checked = with_verdicts(said.model_copy(update={"hypotheses": same}), {"up_a": values(1)})
    assert first_suspect_stands(checked, ranked) is checked


def test_with_the_rankers_own_beside_them_no_more_are_shown() -> None:
    said = by_a_model((a_check(query="up_a"),), (), (), (), ())
    found = first_suspect_stands(with_verdicts(said, {"up_a": values(1)}), a_set(()))
    assert [one.rank for one in found.hypotheses] == list(range(1, MAX_SHOWN + 1))
    assert found.hypotheses[0].suspected_service == "service-0"
