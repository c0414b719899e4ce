"""What stands between hostile telemetry and an answer: before a model is asked, and after it has answered. Pure."""

from collections.abc import Iterator
from dataclasses import replace

from shared.hypotheses.fences import echoes
from shared.hypotheses.proposal import ModelHypotheses
from shared.hypotheses.saying import said_plainly
from shared.hypotheses.verify import Verified
from shared.models.hypotheses import HypothesisSet
from shared.ports.model import Prompt

EVIDENCE_FLAGGED = "evidence_flagged"
"""The reason of an answer that no model was asked for, as the snapshot holds text that speaks to one."""
ANSWER_FLAGGED = "answer_flagged"
"""The reason of an answer that was not taken, as it gives away what the model was told."""


def flags_of_answer(answer: ModelHypotheses, prompt: Prompt) -> tuple[str, ...]:
    """Why an answer is not taken at all; empty where nothing speaks against it."""
    return echoes(list(_texts(answer)), prompt)


def guarded(verified: Verified, ranked: HypothesisSet) -> Verified:
    """What was verified, in wording that may be shown."""
    hypotheses, untold = said_plainly(verified.hypotheses, ranked)
    return replace(verified, hypotheses=hypotheses, dropped_hypotheses=verified.dropped_hypotheses + untold)


def _texts(answer: ModelHypotheses) -> Iterator[str]:
    """Every text of an answer, and all of one hypothesis in one piece: a canary may come in parts."""
    for one in answer.hypotheses:
        texts = [
            one.claim,
            one.suspected_service,
            one.suspected_change or "",
            one.mechanism,
            *(*one.supporting, *one.contradicting, *one.similar_incidents, *one.next_steps),
            *(text for each in one.assertions for text in (each.evidence_id, each.path, each.value)),
            *(text for each in one.checks for text in (each.query, each.because)),
        ]
        yield from texts
        yield " ".join(texts)
