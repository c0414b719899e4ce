"""Two answers side by side, and prompts by their version."""

from typing import Any

import pytest

from shared.hypotheses.difference import Change, compared
from shared.hypotheses.prompt_versions import WithPrompt, instructions_of, prompt_versions
from shared.hypotheses.proposal import ModelHypotheses
from shared.hypotheses.propose import PROMPT_VERSION
from shared.models.hypotheses import Hypothesis, HypothesisSet
from shared.ports.model import Prompt
from tests.builders import a_hypothesis_set
from tests.unit.hypotheses.answering import Answering


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


def test_the_prompt_in_use_is_among_the_versions() -> None:
    assert PROMPT_VERSION in prompt_versions()
    assert instructions_of(PROMPT_VERSION)


@pytest.mark.parametrize(("asked_with", "is_replaced"), [("hypotheses-v0", True), (PROMPT_VERSION, False)])
async def test_a_model_is_asked_with_the_instructions_of_the_version_and_the_same_evidence(
    asked_with: str, *, is_replaced: bool
) -> None:
    model = Answering(ModelHypotheses(hypotheses=[]))
    prompt = Prompt(
        version=asked_with, instructions="of then", material="evidence", cache_key=f"ten-acme:{asked_with}"
    )
    await WithPrompt(model, PROMPT_VERSION).ask(prompt, ModelHypotheses, timeout_seconds=1)
    expected: dict[str, Any] = {
        "version": PROMPT_VERSION,
        "instructions": instructions_of(PROMPT_VERSION) if is_replaced else "of then",
        "cache_key": f"ten-acme:{PROMPT_VERSION}",
    }
    assert model.prompt == Prompt(material="evidence", **expected)
