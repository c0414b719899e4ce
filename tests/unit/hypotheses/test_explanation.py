"""A hypothesis in a few sentences, true to it and to its evidence."""

from typing import Any

import pytest

from shared.hypotheses.explanation import explanation
from shared.models.evidence import AlertEvidence
from shared.models.hypotheses import Assertion, Check, CheckVerdict, Held, Hypothesis, Operator
from shared.models.snapshots import SnapshotBody
from tests.unit.hypotheses.told import BODY, CATALOG_ERRORS, PAYMENT_DEPLOY, PAYMENT_ERRORS, RANKED

FIRST = RANKED.hypotheses[0]


def explained(hypothesis: Hypothesis = FIRST, body: SnapshotBody = BODY, **changes: Any) -> list[str]:
    return [one.text for one in explanation(hypothesis.model_copy(update=changes), RANKED, body)]


def test_it_says_what_since_when_why_how_sure_and_what_to_do_first() -> None:
    what, since, why, sure, first = explained()
    assert what == FIRST.claim
    assert since == "It began at 12:00:00 UTC, 30 s before the first alert."
    assert why.startswith("The evidence: ")
    assert "payment" in why
    assert sure.startswith("It is the only hypothesis, and is ")
    assert first == "First: Roll payment back to 1 and see whether it recovers."


def test_what_it_says_of_systems_cites_evidence_of_the_snapshot() -> None:
    known = {piece.id for piece in BODY.evidence()}
    what, since, why, _, first = explanation(FIRST, RANKED, BODY)
    assert all(set(one.cited) <= known for one in (what, since, why, first))
    assert PAYMENT_ERRORS in since.cited
    assert PAYMENT_DEPLOY in why.cited
    assert first.cited == (PAYMENT_DEPLOY,)


def test_a_probability_is_told_where_there_is_one_with_what_held() -> None:
    statement = Assertion(
        evidence_id=PAYMENT_ERRORS, path="last", operator=Operator.EQUAL, value="0.45", held=Held.TRUE
    )
    false = statement.model_copy(update={"held": Held.FALSE})
    said = explained(confidence=0.82, assertions=(statement, statement, false))[3]
    assert "82 % likely to be right" in said
    assert "2 of 3 statements hold" in said


def test_what_speaks_against_it_is_not_kept_quiet() -> None:
    check = Check(query="up", operator=Operator.EQUAL, value=1, verdict=CheckVerdict.REFUTED)
    said = explained(contradicting=(CATALOG_ERRORS,), checks=(check,))[3]
    assert "1 check against Prometheus refuted it" in said
    assert "against it: The error ratio of catalog is steady" in said


def test_without_an_onset_or_a_step_there_is_no_sentence_about_it() -> None:
    said = explained(supporting=(PAYMENT_DEPLOY,), next_steps=())
    assert not any(one.startswith(("It began", "First:")) for one in said)


@pytest.mark.parametrize("seconds", [0, 3])
def test_an_onset_at_the_alert_itself_is_told_so(seconds: int) -> None:
    alert = next(one for one in BODY.evidence() if isinstance(one, AlertEvidence))
    began = alert.starts_at.replace(second=seconds)
    sections = tuple(
        section.model_copy(
            update={
                "evidence": tuple(
                    one.model_copy(update={"starts_at": began}) if one.id == alert.id else one
                    for one in section.evidence
                )
            }
        )
        for section in BODY.sections
    )
    said = explained(body=BODY.model_copy(update={"sections": sections}))
    assert said[1] == "It began at 12:00:00 UTC, as the first alert began."


def test_a_hostile_hypothesis_stays_short_and_in_one_line_each() -> None:
    said = explained(claim="x\n" * 200, next_steps=("y\u0007\n" * 3000,))
    assert len(said) <= 5
    assert all(len(one) <= 400 and "\n" not in one for one in said)
