"""A model that answers what it was told to, and one incident's snapshot to answer for."""

from shared.errors import ModelUnavailable
from shared.hypotheses.proposal import ModelHypotheses, ModelHypothesis
from shared.models.evidence import SeriesEvidence
from shared.ports.model import AnswerT, ModelAnswer, Prompt
from tests.unit.hypotheses.scenes import World, a_snapshot_of

SNAPSHOT = a_snapshot_of(World("checkout", {"checkout": {"payment": 5.0}}).errors("payment", 0.4).body())
"""Payment fails, and its caller's alert fires."""


class Answering:
    """Implements Model; remembers the last prompt."""

    def __init__(self, answer: ModelHypotheses | ModelUnavailable) -> None:
        self.answer = answer
        self.prompt: Prompt | None = None

    async def ask(self, prompt: Prompt, shape: type[AnswerT], *, timeout_seconds: float) -> ModelAnswer[AnswerT]:
        """See Model."""
        self.prompt = prompt
        if isinstance(self.answer, ModelUnavailable):
            raise self.answer
        return ModelAnswer(shape.model_validate(self.answer.model_dump()), "a-model", 100, 50, 20)


def claims(*services: str) -> ModelHypotheses:
    """That these services are it, in this order, each with a series of its own as evidence."""
    return ModelHypotheses(hypotheses=[_claim(service) for service in services])


def _claim(service: str) -> ModelHypothesis:
    cited = next(
        one.id for one in SNAPSHOT.body.evidence() if isinstance(one, SeriesEvidence) and one.service == service
    )
    return ModelHypothesis(
        claim=f"{service} fails",
        suspected_service=service,
        suspected_change=None,
        mechanism="it broke",
        supporting=[cited],
        contradicting=[],
        similar_incidents=[],
        assertions=[],
        checks=[],
        next_steps=["look"],
    )
