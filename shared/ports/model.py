"""What we ask of a language model."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

AnswerT = TypeVar("AnswerT", bound=BaseModel)

MAX_COMPLETION_TOKENS = 8_000
"""What an answer may take at most: ten hypotheses with a dozen statements each, and room for reasoning before them.

Time runs out long before that; it bounds what one answer can cost, and so what is reserved for it.
"""


@dataclass(frozen=True)
class Prompt:
    """A rendered prompt. `instructions` are ours; `stable` and `material` are fenced data from outside.

    What changes least comes first, so that a provider's prefix cache can serve it: `stable` is the same for every
    question about the same system (runbooks, topology), `material` is this incident's.
    """

    version: str
    instructions: str
    material: str
    cache_key: str
    stable: str = ""


@dataclass(frozen=True)
class ModelAnswer(Generic[AnswerT]):
    """What the model said, parsed into the shape that was asked for, and what it cost."""

    answer: AnswerT
    model: str
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int


class Model(Protocol):
    """A language model with structured output."""

    async def ask(self, prompt: Prompt, shape: type[AnswerT], *, timeout_seconds: float) -> ModelAnswer[AnswerT]:
        """Ask once; raises ModelUnavailable with the reason (throttled, timeout, refused, malformed, …)."""
        ...
