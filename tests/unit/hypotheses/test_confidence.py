"""Confidence: what speaks for a hypothesis never lowers it, it keeps the order, and it says when it does not know."""

from typing import Any

import pytest

from shared.hypotheses.answer import ranked_set
from shared.hypotheses.confidence import LIKELY_FROM, WEIGHTS, confident
from shared.models.hypotheses import (
    RAW,
    Assertion,
    Check,
    CheckVerdict,
    Conclusion,
    Held,
    Hypothesis,
    HypothesisSet,
    Operator,
)
from shared.models.measures import Baseline
from shared.models.snapshots import Coverage, SnapshotBody
from tests.builders import NOON, a_calibration
from tests.unit.hypotheses.scenes import World, a_snapshot_of

WORLD = World("checkout", {"checkout": {"payment": 10, "catalog": 10}}).errors("payment", 0.4).errors("checkout", 0.4)
BODY = WORLD.body()


def a_hypothesis(service: str = "payment", score: float = 0.6, **changes: Any) -> Hypothesis:
    fields: dict[str, Any] = {
        "rank": 1,
        "claim": f"{service} is broken",
        "suspected_service": service,
        "mechanism": "it fails",
        "supporting": ("E1",),
        "score": score,
    }
    return Hypothesis(**{**fields, **changes})


def judged(*hypotheses: Hypothesis, body: SnapshotBody = BODY, **changes: Any) -> HypothesisSet:
    answer = ranked_set(a_snapshot_of(body), now=NOON)
    placed = tuple(one.model_copy(update={"rank": at}) for at, one in enumerate(hypotheses, start=1))
    return confident(answer.model_copy(update={"hypotheses": placed, **changes}), body)


def confidence(*hypotheses: Hypothesis, body: SnapshotBody = BODY) -> float:
    """Of the first of them."""
    found = judged(*hypotheses, body=body).hypotheses[0].confidence
    assert found is not None
    return found


def raw(*hypotheses: Hypothesis) -> float:
    """Before the curve, which ends below certainty, so that the surest cannot be told apart there."""
    return judged(*hypotheses).hypotheses[0].confidence_factors["raw"]


def checks(*verdicts: CheckVerdict) -> tuple[Check, ...]:
    return tuple(Check(query="up", operator=Operator.MORE, value=0, verdict=one) for one in verdicts)


def assertions(*held: Held) -> tuple[Assertion, ...]:
    return tuple(
        Assertion(evidence_id="E1", path="last", operator=Operator.MORE, value="0", held=one) for one in held
    )


PLAIN = a_hypothesis()
BETTER: list[tuple[str, Hypothesis, Hypothesis]] = [
    ("a higher score", PLAIN, a_hypothesis(score=0.7)),
    ("a supported check", PLAIN, a_hypothesis(checks=checks(CheckVerdict.SUPPORTED))),
    ("a check that did not run instead of a refuted one", a_hypothesis(checks=checks(CheckVerdict.REFUTED)), PLAIN),
    ("an assertion that holds", PLAIN, a_hypothesis(assertions=assertions(Held.TRUE))),
    (
        "an assertion that holds instead of one that does not",
        a_hypothesis(assertions=assertions(Held.TRUE, Held.FALSE)),
        a_hypothesis(assertions=assertions(Held.TRUE, Held.TRUE)),
    ),
    (
        "one that can be checked",
        a_hypothesis(assertions=assertions(Held.UNCHECKABLE)),
        a_hypothesis(assertions=assertions(Held.TRUE)),
    ),
    ("nothing that contradicts", a_hypothesis(contradicting=("E2",)), PLAIN),
    ("no cap", a_hypothesis(caps=("no_dependency_path",)), PLAIN),
]


@pytest.mark.parametrize(("less", "more"), [pytest.param(less, more, id=name) for name, less, more in BETTER])
@pytest.mark.parametrize("rivals", [(), (a_hypothesis("catalog", 0.3),)], ids=["alone", "beside another"])
def test_what_speaks_for_a_hypothesis_raises_its_confidence(
    less: Hypothesis, more: Hypothesis, rivals: tuple[Hypothesis, ...]
) -> None:
    assert raw(less, *rivals) < raw(more, *rivals)
    assert confidence(less, *rivals) <= confidence(more, *rivals)


def test_a_check_that_did_not_run_changes_nothing() -> None:
    assert confidence(a_hypothesis(checks=checks(CheckVerdict.NOT_RUN))) == confidence(PLAIN)


def test_a_closer_rival_lowers_it_and_a_second_hypothesis_about_the_same_service_does_not() -> None:
    assert confidence(PLAIN, a_hypothesis("catalog", 0.5)) < confidence(PLAIN, a_hypothesis("catalog", 0.1))
    assert confidence(PLAIN, a_hypothesis(score=0.5)) == confidence(PLAIN)


def test_more_coverage_never_lowers_it() -> None:
    found = [confidence(PLAIN, body=BODY.model_copy(update={"coverage": Coverage(share=at / 4)})) for at in range(5)]
    assert found == sorted(found)


def with_baseline(**changes: Any) -> SnapshotBody:
    sections = tuple(
        section.model_copy(
            update={
                "evidence": tuple(
                    piece.model_copy(update={"movement": piece.movement.model_copy(update=changes)})
                    if piece.kind == "series"
                    else piece
                    for piece in section.evidence
                )
            }
        )
        for section in BODY.sections
    )
    return BODY.model_copy(update={"sections": sections})


def test_a_longer_history_never_lowers_it() -> None:
    cited = a_hypothesis(supporting=tuple(piece.id for piece in BODY.evidence() if piece.kind == "series"))
    found = [confidence(cited, body=with_baseline(baseline_samples=samples)) for samples in (0, 3, 10, 60, 500)]
    earlier_days = confidence(cited, body=with_baseline(baseline_samples=500, baseline=Baseline.SAME_HOUR))
    assert [*found, earlier_days] == sorted([*found, earlier_days])


def test_every_factor_is_shown_in_log_odds_and_they_add_up() -> None:
    one = judged(a_hypothesis(checks=checks(CheckVerdict.SUPPORTED), caps=("later_than_symptom",))).hypotheses[0]
    raw = one.raw_confidence
    assert raw is not None
    parts = {name: value for name, value in one.confidence_factors.items() if name != RAW}
    assert {"start", "score", "supported", "caps"} <= set(parts) <= {"start", *WEIGHTS}
    assert 2.718281828 ** sum(parts.values()) == pytest.approx(raw / (1 - raw), rel=0.01)


@pytest.mark.parametrize("score", [0.0, 1.0])
@pytest.mark.parametrize("verdict", list(CheckVerdict))
def test_nothing_is_certain(score: float, verdict: CheckVerdict) -> None:
    extreme = a_hypothesis(score=score, checks=checks(*[verdict] * 3), caps=("a",) * 20, contradicting=("E1",) * 30)
    assert 0.0 < confidence(extreme) < 1.0


def test_the_order_and_all_else_stays_as_it_was() -> None:
    given = (a_hypothesis("catalog", 0.2), a_hypothesis("payment", 0.6, checks=checks(CheckVerdict.REFUTED)))
    found = judged(*given).hypotheses
    assert [one.suspected_service for one in found] == ["catalog", "payment"]
    assert [one.score for one in found] == [0.2, 0.6]


def test_confidence_of_an_answer_is_the_same_however_often_it_is_computed() -> None:
    once = judged(PLAIN, a_hypothesis("catalog", 0.6))
    assert confident(once, BODY) == once


def test_the_tenants_own_curve_is_used_and_named() -> None:
    answer, doubting = judged(PLAIN), a_calibration(intercept=-9.0, slope=1.0, version="own").curve
    doubted = confident(answer, BODY, doubting)
    assert doubted.calibration == "own"
    assert doubted.hypotheses[0].raw_confidence == answer.hypotheses[0].raw_confidence
    assert (doubted.hypotheses[0].confidence or 1) < (answer.hypotheses[0].confidence or 0)
    assert doubted.conclusion is Conclusion.INCONCLUSIVE


def test_a_clear_bad_deploy_is_ranked() -> None:
    world = World("checkout", {"checkout": {"payment": 10, "catalog": 10}})
    world.errors("checkout", 0.4, 5).errors("payment", 0.4).deploy("payment", -20).deploy("catalog", -60)
    found = ranked_set(a_snapshot_of(world.body()), now=NOON)
    assert (found.conclusion, found.next_query) == (Conclusion.RANKED, None)
    assert (found.hypotheses[0].confidence or 0) > LIKELY_FROM


def test_two_that_are_as_likely_as_each_other_are_inconclusive() -> None:
    found = judged(a_hypothesis("payment", 0.5), a_hypothesis("catalog", 0.5))
    assert found.conclusion is Conclusion.INCONCLUSIVE
    assert found.next_query is not None
    assert found.next_steps[0].startswith(found.next_query.look_at)


def test_two_hypotheses_about_one_service_do_not_make_it_inconclusive() -> None:
    clear = a_hypothesis(score=0.9)
    assert judged(clear, clear).conclusion is Conclusion.RANKED


def test_a_suspect_that_is_hardly_one_is_inconclusive() -> None:
    assert judged(a_hypothesis(score=0.05, caps=("no_dependency_path",))).conclusion is Conclusion.INCONCLUSIVE


def test_what_checks_settle_is_not_inconclusive_any_more() -> None:
    before = judged(a_hypothesis("payment", 0.5), a_hypothesis("catalog", 0.5))
    payment, catalog = before.hypotheses
    settled = (
        payment.model_copy(update={"checks": checks(*[CheckVerdict.SUPPORTED] * 3)}),
        catalog.model_copy(update={"checks": checks(CheckVerdict.REFUTED)}),
    )
    after = confident(before.model_copy(update={"hypotheses": settled}), BODY)
    assert (after.conclusion, after.next_query, after.next_steps) == (Conclusion.RANKED, None, ())


@pytest.mark.parametrize("conclusion", [Conclusion.NO_EVIDENCE, Conclusion.NOT_MEASURED])
def test_an_answer_without_suspects_stays_what_it_is(conclusion: Conclusion) -> None:
    assert judged(conclusion=conclusion).conclusion is conclusion
