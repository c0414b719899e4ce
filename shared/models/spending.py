"""What models cost: prices, what a tenant may spend in a day and has spent, and each question that was paid for."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from shared.models.base import Document, Instant, TenantId, Value, document_id
from shared.models.hypotheses import Receipt, Rung

PER_TOKENS = 1_000_000
LEASE = timedelta(seconds=120)
"""Within this time whoever reserved money has asked and settled: a worker that has not is gone."""
QUESTION_TTL_SECONDS = 30 * 24 * 3600
DAY_TTL_SECONDS = 40 * 24 * 3600
"""Usage is shown for thirty days."""


class Tokens(Value):
    """What one call took: `cached` of `prompt` came from the provider's prefix cache."""

    prompt: int = Field(default=0, ge=0)
    cached: int = Field(default=0, ge=0)
    completion: int = Field(default=0, ge=0)


class ModelTerms(Value):
    """What the settings say of the model: which one it is, its prices per million tokens, and the daily budget.

    A tenant's own `model_daily_budget` takes the place of `daily_budget`.
    """

    deployment: str = ""
    price_input: float = Field(default=2.5, ge=0)
    price_cached: float = Field(default=1.25, ge=0)
    price_output: float = Field(default=10.0, ge=0)
    currency: str = "USD"
    daily_budget: float = Field(default=5.0, ge=0)

    def cost(self, tokens: Tokens) -> float:
        """The price of these tokens; those from the cache cost less than the rest of the prompt."""
        cached = min(tokens.cached, tokens.prompt)
        full = (tokens.prompt - cached) * self.price_input
        return (full + cached * self.price_cached + tokens.completion * self.price_output) / PER_TOKENS

    def receipt(self, tokens: Tokens) -> Receipt:
        """The receipt of one call."""
        return Receipt(
            calls=1,
            prompt_tokens=tokens.prompt,
            cached_tokens=tokens.cached,
            completion_tokens=tokens.completion,
            cost=self.cost(tokens),
            currency=self.currency,
        )


class QuestionState(StrEnum):
    """How far a question came."""

    ASKED = "asked"
    """Money is reserved, and the model may have been asked."""
    ANSWERED = "answered"
    """It was paid for; what came of it is here."""
    FREE = "free"
    """Nothing was paid; it may be asked again."""


class ModelQuestion(Document):
    """One question to one model about one subject: create-once, so that of two workers one asks, and pays.

    `subject` is what was asked about (a snapshot's hash), `number` counts the questions about it in their order.
    """

    type: Literal["model_question"] = "model_question"
    subject: str
    prompt_version: str
    deployment: str
    number: int = Field(ge=1)
    state: QuestionState
    rung: Rung
    day: date
    """The day whose budget it is paid from."""
    amount: float = Field(ge=0)
    """What was reserved for it."""
    lease_until: Instant
    answer: Mapping[str, Any] | None = None
    """What the model said, in the shape that was asked for; nothing of it is verified."""
    reason: str = ""
    """Why there is no answer although it was paid for."""
    model: str = ""
    """The model that answered, by its own word."""
    receipt: Receipt = Receipt()
    payer: str = ""
    """What it was asked for: the receipt of that shows its cost."""
    created_at: Instant
    ttl: int = QUESTION_TTL_SECONDS

    @staticmethod
    def id_for(subject: str, prompt_version: str, deployment: str, number: int) -> str:
        """The same question of the same model has one id, whoever asks."""
        return document_id("question", subject, prompt_version, deployment, str(number))


class Reservation(Value):
    """Money set aside for a question that is being asked."""

    question_id: str
    amount: float = Field(ge=0)
    until: Instant


class SpendingDay(Document):
    """What a tenant spent on models in one day (UTC), and what is reserved."""

    type: Literal["spending_day"] = "spending_day"
    day: date
    reservations: tuple[Reservation, ...] = ()
    spent: Receipt = Receipt()
    ttl: int = DAY_TTL_SECONDS

    @staticmethod
    def id_for(day: date) -> str:
        """A tenant has one a day."""
        return f"spending-{day.isoformat()}"

    @classmethod
    def untouched(cls, tenant_id: TenantId, day: date, currency: str) -> "SpendingDay":
        """Before the first question of a day."""
        return cls(id=cls.id_for(day), tenant_id=tenant_id, day=day, spent=Receipt(currency=currency))

    def reserved(self, now: datetime) -> float:
        """What is set aside; a reservation whose time is over is no longer."""
        return sum(one.amount for one in self.reservations if one.until > now)

    def left(self, budget: float, now: datetime) -> float:
        """What of a budget may still be reserved."""
        return max(0.0, budget - self.spent.cost - self.reserved(now))

    def reserving(self, question: ModelQuestion, now: datetime) -> "SpendingDay":
        """The day with this question's money set aside, and without reservations whose time is over."""
        mine = Reservation(question_id=question.id, amount=question.amount, until=question.lease_until)
        return self.model_copy(update={"reservations": (*self._others(question.id, now), mine)})

    def settled(self, question: ModelQuestion, now: datetime) -> "SpendingDay":
        """The day after this question cost what its receipt says."""
        kept = self._others(question.id, now)
        return self.model_copy(update={"reservations": kept, "spent": self.spent.plus(question.receipt)})

    def _others(self, question_id: str, now: datetime) -> tuple[Reservation, ...]:
        return tuple(one for one in self.reservations if one.question_id != question_id and one.until > now)
