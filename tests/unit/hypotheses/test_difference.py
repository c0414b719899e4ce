"""Two answers side by side, and an answer by another version of the prompt."""

import pytest

from shared.errors import Malformed
from shared.hypotheses.answer import ranked_set
from shared.hypotheses.difference import Change, compared
from shared.hypotheses.propose import PROMPT_VERSION, PROMPT_VERSIONS, instructions_of
from shared.hypotheses.refine import refine
from shared.models.hypotheses import Hypothesis, HypothesisSet
from tests.builders import NOON, a_hypothesis_set
from tests.unit.hypotheses.answering import SNAPSHOT, Answering, claims


def an_answer(*suspects: tuple[str, str | None, float | None]) -> HypothesisSet:
    found = [
        Hypothesis(
            rank=rank,
            claim=f"{service} is broken",
            suspected_service=service,
            suspected_change=change,
            mechanism="It fails.",
            supporting=("E1",),
            score=0.5,
            confidence=confidence,
        )
        for rank, (service, change, confidence) in enumerate(suspects, start=1)
    ]
    return a_hypothesis_set(hypotheses=tuple(found))


def test_every_suspect_of_either_answer_is_shown_once() -> None:
    before = an_answer(("payment", "E3", 0.7), ("catalog", None, 0.2), ("search", None, None))
    after = an_answer(("catalog", None, 0.5), ("cart", None, 0.3), ("search", None, 0.1))
    found = compared(before, after)
    shown = [(one.change, (one.after or one.before).suspected_service) for one in found if one.after or one.before]
    assert shown == [
        (Change.MOVED, "catalog"),
        (Change.NEW, "cart"),
        (Change.SAME, "search"),
        (Change.GONE, "payment"),
    ]
    assert [one.confidence_moved_by for one in found] == [0.3, None, None, None]


def test_the_same_service_suspected_for_another_change_is_another_suspect() -> None:
    found = compared(an_answer(("payment", "E3", None)), an_answer(("payment", None, None)))
    assert [one.change for one in found] == [Change.NEW, Change.GONE]


def test_a_suspect_that_stands_twice_is_compared_once_each() -> None:
    twice = an_answer(("payment", None, None), ("payment", None, None))
    assert [one.change for one in compared(twice, twice)] == [Change.SAME, Change.SAME]
    assert [one.change for one in compared(an_answer(), twice)] == [Change.NEW, Change.NEW]


@pytest.mark.parametrize("version", PROMPT_VERSIONS)
async def test_a_model_is_asked_with_the_version_that_was_named_and_the_answer_says_so(version: str) -> None:
    model = Answering(claims("payment"))
    ranked = ranked_set(SNAPSHOT, now=NOON)
    answer = await refine(SNAPSHOT, ranked, model, now=NOON, timeout_seconds=5, version=version)
    assert model.prompt is not None
    assert (model.prompt.version, answer.prompt_version) == (version, version)
    assert instructions_of(version).strip() in model.prompt.instructions


def test_a_version_that_there_is_not_is_refused() -> None:
    assert PROMPT_VERSION in PROMPT_VERSIONS
    with pytest.raises(Malformed) as refused:
        instructions_of("../secrets")
    assert refused.value.reason == "unknown_prompt_version"
