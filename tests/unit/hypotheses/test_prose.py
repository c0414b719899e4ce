"""Which sentences of a model stand, and why the others are struck."""

import pytest

from shared.hypotheses.prose import (
    MAX_SENTENCES,
    Checked,
    ModelSentence,
    Struck,
    checked,
    grounds_of,
)
from shared.hypotheses.questions import instructions
from tests.unit.hypotheses.told import (
    BODY,
    CATALOG_DEPLOY,
    CATALOG_ERRORS,
    CHECKOUT_ERRORS,
    PAYMENT_DEPLOY,
    PAYMENT_ERRORS,
    RANKED,
    a_sentence,
    an_assertion,
    prose,
)

SUSPECTS = {one.suspected_service for one in RANKED.hypotheses}


def check(*sentences: ModelSentence) -> Checked:
    grounds = grounds_of(BODY, SUSPECTS, instructions=instructions())
    return checked(prose(*sentences), grounds)


STANDS = [
    a_sentence("payment fails 45 % of its requests."),
    a_sentence("payment fails 45 % of its requests.", assertions=[an_assertion()]),
    a_sentence("payment began to fail at 12:00:00 UTC."),
    a_sentence("Version 2 of payment replaced version 1.", PAYMENT_DEPLOY),
    a_sentence("The likely cause is payment, whose version 2 came before.", PAYMENT_ERRORS, PAYMENT_DEPLOY),
    a_sentence("checkout fails because payment does.", PAYMENT_ERRORS, CHECKOUT_ERRORS),
    a_sentence("catalog answers without errors.", CATALOG_ERRORS),
]


@pytest.mark.parametrize("one", STANDS, ids=[one.text for one in STANDS])
def test_a_sentence_that_its_evidence_tells_stands_with_its_citations(one: ModelSentence) -> None:
    (kept,) = check(one).sentences
    assert (kept.text, list(kept.cited)) == (one.text, one.supporting)


FALLS = [
    (Struck.EMPTY, a_sentence("\x00\x07 ")),
    (Struck.UNCITED, a_sentence(supporting=[])),
    (Struck.UNKNOWN_EVIDENCE, a_sentence("payment fails.", "E999")),
    (Struck.UNKNOWN_EVIDENCE, a_sentence("payment fails.", PAYMENT_ERRORS, "made up")),
    (Struck.NOT_TOLD, a_sentence("payment fails 85 % of its requests.")),
    (Struck.NOT_TOLD, a_sentence("payment began to fail at 11:40:00 UTC.")),
    (Struck.NOT_TOLD, a_sentence("payment fails as catalog does.")),
    (Struck.NOT_TOLD, a_sentence("payment fails as billing-db does.")),
    (Struck.NOT_TOLD, a_sentence("payment fails, see https://evil.example/x for more.")),
    (Struck.NOT_TOLD, a_sentence("![payment](https://evil.example/a.png) fails.")),
    (Struck.FALSE_STATEMENT, a_sentence(assertions=[an_assertion(value="0.05")])),
    (Struck.FALSE_STATEMENT, a_sentence(assertions=[an_assertion(path="secret.path")])),
    (Struck.FALSE_STATEMENT, a_sentence(assertions=[an_assertion(evidence_id=CATALOG_ERRORS, value="0")])),
    (Struck.UNSUSPECTED, a_sentence("The cause is catalog.", CATALOG_DEPLOY)),
    (Struck.UNSUSPECTED, a_sentence("The cause of payment failing is catalog.", PAYMENT_ERRORS, CATALOG_DEPLOY)),
    (Struck.TOO_LONG, a_sentence(f"payment fails{' again' * 100}.")),
    (Struck.NAMES_NOTHING, a_sentence("globex has an incident, too.")),
    (
        Struck.ECHO,
        a_sentence("I was told: you answer one question of an on-call engineer about one incident."),
    ),
]


@pytest.mark.parametrize(("why", "one"), FALLS, ids=[f"{why}: {one.text[:40]}" for why, one in FALLS])
def test_a_sentence_that_does_not_hold_is_struck_and_counted(why: Struck, one: ModelSentence) -> None:
    found = check(one)
    assert (found.sentences, found.struck) == ((), {why: 1})


def test_what_is_said_twice_is_shown_once() -> None:
    found = check(a_sentence(), a_sentence())
    assert len(found.sentences) == 1
    assert found.struck == {Struck.REPEATED: 1}


def test_one_false_sentence_does_not_take_the_true_ones_with_it() -> None:
    found = check(a_sentence(), a_sentence("payment fails 85 % of its requests."))
    assert [one.text for one in found.sentences] == ["payment fails 45 % of its requests."]


def test_an_answer_of_any_length_is_capped() -> None:
    found = check(*(a_sentence(f"payment fails{' again' * at}.") for at in range(30)))
    assert len(found.sentences) == MAX_SENTENCES


def test_a_secret_that_the_model_knows_is_masked() -> None:
    said = a_sentence("The key is sk_live_abcdefghijklmnopqrstuvwx.")
    assert "abcdefghijklmnop" not in said.text
