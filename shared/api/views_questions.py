"""What answers to questions look like from outside."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, Field

from shared.hypotheses.prose import Sentence
from shared.models.hypotheses import GeneratedBy, HypothesisSet, Receipt
from shared.pipeline.asking import Answered


class SentenceView(BaseModel):
    """A sentence, and what it rests on."""

    text: str
    cited: tuple[str, ...] = Field(description="Ids of evidence in the snapshot.")

    @classmethod
    def of(cls, sentence: Sentence) -> "SentenceView":
        """From a sentence that stands."""
        return cls(text=sentence.text, cited=sentence.cited)


class QuestionAnswerView(BaseModel):
    """An answer to a question."""

    question: str = Field(description="As it was understood: one line, secrets masked.")
    snapshot_id: str = Field(description="What it is answered from.")
    hypotheses_id: str = Field(description="The answer that stood when it was asked.")
    generated_by: GeneratedBy
    reason: str = Field(description="Why this is who answered.")
    ranked_first: SentenceView | None = Field(
        description="What the deterministic ranking suspects first; no question changes it."
    )
    sentences: list[SentenceView]
    notes: tuple[str, ...] = Field(description="What is to be known of an answer that no model gave.")
    struck: Mapping[str, int] = Field(description="How many sentences of the model's were struck, by the reason.")
    receipt: Receipt | None = Field(description="What it cost; null when nothing was paid for it.")
    model: str | None
    prompt_version: str | None

    @classmethod
    def of(cls, answered: Answered) -> "QuestionAnswerView":
        """From an answer."""
        return cls(
            question=answered.question,
            snapshot_id=answered.latest.snapshot_id,
            hypotheses_id=answered.latest.id,
            generated_by=answered.by,
            reason=answered.reason,
            ranked_first=SentenceView.of(answered.ranked_first) if answered.ranked_first else None,
            sentences=[SentenceView.of(one) for one in answered.sentences],
            notes=answered.notes,
            struck=answered.struck,
            receipt=answered.receipt,
            model=answered.model,
            prompt_version=answered.prompt_version,
        )


class ExplanationView(BaseModel):
    """One hypothesis in at most five sentences."""

    snapshot_id: str
    hypotheses_id: str
    rank: int
    generated_by: GeneratedBy = Field(description="Who gave the hypothesis; the sentences are always made by code.")
    sentences: list[SentenceView]

    @classmethod
    def of(cls, answer: HypothesisSet, rank: int, sentences: Sequence[Sentence]) -> "ExplanationView":
        """From an answer and what explains one hypothesis of it."""
        return cls(
            snapshot_id=answer.snapshot_id,
            hypotheses_id=answer.id,
            rank=rank,
            generated_by=answer.generated_by,
            sentences=[SentenceView.of(one) for one in sentences],
        )
