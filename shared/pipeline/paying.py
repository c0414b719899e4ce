"""A model whose every question is paid for once: found again, or reserved, asked, kept and settled.

A question and the day it is paid from change together, in one conditional write before the call and one after it. A
worker that stops between the two leaves a question of which nobody knows whether it was paid: it counts as paid, and
is not asked again.
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from shared.errors import Conflict, ModelUnavailable
from shared.hypotheses.budget import rung_for, tokens_of
from shared.models.base import TenantId
from shared.models.hypotheses import Receipt, Rung
from shared.models.signals import Severity
from shared.models.spending import LEASE, ModelQuestion, ModelTerms, QuestionState, SpendingDay, Tokens
from shared.pipeline.turns import turn
from shared.ports.model import MAX_COMPLETION_TOKENS, AnswerT, Model, ModelAnswer, Prompt
from shared.ports.services import Services
from shared.ports.spending import SpendingChange
from shared.ports.stores import Versioned
from shared.telemetry import logger

log = logger(__name__)

MAX_TRIES = 10
INTERRUPTED = "model_interrupted"
PAID_FOR = frozenset(
    (
        *("model_timeout", "model_filtered_prompt", "model_filtered_answer", "model_refused"),
        *("model_truncated", "model_empty", "model_malformed", INTERRUPTED),
    )
)
"""What Azure bills although there is no answer: all that it processed, so a prompt that its filter stopped, too.

https://learn.microsoft.com/azure/ai-services/openai/how-to/manage-costs: but neither a 401 nor a 429.
"""


@dataclass
class PaidModel:
    """Implements Model for one subject of one tenant; what was asked of it is summed up in `receipt`.

    Beside what Model says, `ask` raises ModelUnavailable with `model_budget_spent` or `model_budget_kept` when there
    is no money for the question, and Conflict while another worker asks the same.
    """

    tenant_id: TenantId
    subject: str
    severity: Severity
    model: Model
    services: Services
    now: datetime
    budget: float
    payer: str
    """Whose receipt shows the cost: whoever finds the answer again for another payer pays nothing."""
    rung: Rung = Rung.DETERMINISTIC
    receipt: Receipt = field(default_factory=Receipt)
    retry_after_seconds: float | None = None
    """What a throttled model asked for."""
    model_seconds: float = 0.0
    """Spent waiting for the model itself."""
    _number: int = 0

    @property
    def terms(self) -> ModelTerms:
        """Prices and budget."""
        return self.services.model_terms

    async def ask(self, prompt: Prompt, shape: type[AnswerT], *, timeout_seconds: float) -> ModelAnswer[AnswerT]:
        """See Model."""
        began = time.monotonic()
        self._number += 1
        question = await self._taken(prompt)
        if question.state is QuestionState.ANSWERED:
            self._told("model_reused", question)
            return _found_again(question, shape)
        asked = time.monotonic()
        try:
            answer = await self.model.ask(prompt, shape, timeout_seconds=timeout_seconds - (asked - began))
        except ModelUnavailable as exc:
            self.model_seconds += time.monotonic() - asked
            self.retry_after_seconds = exc.retry_after_seconds
            await self._settle(self._unanswered(question, exc))
            raise
        self.model_seconds += time.monotonic() - asked
        await self._settle(self._answered(question, answer))
        return answer

    async def _taken(self, prompt: Prompt) -> ModelQuestion:
        """The question, paid for already or with its money reserved by us."""
        question_id = ModelQuestion.id_for(self.subject, prompt.version, self.terms.deployment, self._number)
        for _ in range(MAX_TRIES):
            async with turn(self.tenant_id, "model-spending"):
                held = await self.services.spending.question(self.tenant_id, question_id)
                if held and held.value.state is QuestionState.ANSWERED:
                    self.rung = held.value.rung if self._number == 1 else self.rung
                    return held.value
                if held and held.value.state is QuestionState.ASKED:
                    await self._given_up(held)
                    continue
                try:
                    return await self._reserved(question_id, prompt, held)
                except Conflict:
                    continue
        raise Conflict(f"what a tenant spends moved {MAX_TRIES} times", reason="spending_moved")

    async def _reserved(
        self, question_id: str, prompt: Prompt, held: Versioned[ModelQuestion] | None
    ) -> ModelQuestion:
        day, day_etag = await self._day(self.now)
        most = Tokens(prompt=tokens_of(prompt), completion=MAX_COMPLETION_TOKENS)
        amount = self.terms.cost(most)
        rung, reason = rung_for(
            self.severity, left=day.left(self.budget, self.now), budget=self.budget, amount=amount
        )
        if self._number == 1:
            self.rung = rung
        # The first question decides the rung; a second one is asked only where that was the full one.
        if rung is Rung.DETERMINISTIC or (self._number > 1 and self.rung is not Rung.FULL):
            raise ModelUnavailable("the budget leaves nothing for this question", reason=reason)
        question = ModelQuestion(
            id=question_id,
            tenant_id=self.tenant_id,
            subject=self.subject,
            prompt_version=prompt.version,
            deployment=self.terms.deployment,
            number=self._number,
            state=QuestionState.ASKED,
            rung=self.rung,
            day=day.day,
            amount=amount,
            lease_until=self.now + LEASE,
            payer=self.payer,
            created_at=self.now,
        )
        etag = held.etag if held else None
        await self.services.spending.commit(
            self.tenant_id, SpendingChange(question, etag, day.reserving(question, self.now), day_etag)
        )
        return question

    async def _given_up(self, held: Versioned[ModelQuestion]) -> None:
        """Settle a question whose worker is gone as if it had been answered; raises Conflict while one is at it."""
        question = held.value
        if question.lease_until > self.now:
            raise Conflict("another worker asks the model the same", reason="model_asked_elsewhere")
        receipt = Receipt(calls=1, cost=question.amount, currency=self.terms.currency)
        ended = {"state": QuestionState.ANSWERED, "reason": INTERRUPTED, "receipt": receipt}
        await self._write(question.model_copy(update=ended), held.etag)

    def _answered(self, question: ModelQuestion, answer: ModelAnswer[Any]) -> ModelQuestion:
        tokens = Tokens(prompt=answer.prompt_tokens, cached=answer.cached_tokens, completion=answer.completion_tokens)
        said = {"answer": answer.answer.model_dump(mode="json"), "model": answer.model}
        receipt = self.terms.receipt(tokens)
        return question.model_copy(update={"state": QuestionState.ANSWERED, "receipt": receipt, **said})

    def _unanswered(self, question: ModelQuestion, exc: ModelUnavailable) -> ModelQuestion:
        prompt, cached, completion = exc.spent
        if prompt or completion:
            receipt = self.terms.receipt(Tokens(prompt=prompt, cached=cached, completion=completion))
        elif exc.reason in PAID_FOR:
            # Nobody tells what it cost: the whole reservation is the honest side to err on.
            receipt = Receipt(calls=1, cost=question.amount, currency=self.terms.currency)
        else:
            return question.model_copy(update={"state": QuestionState.FREE, "reason": exc.reason})
        return question.model_copy(update={"state": QuestionState.ANSWERED, "reason": exc.reason, "receipt": receipt})

    async def _settle(self, question: ModelQuestion) -> None:
        """Keep what came of a question and what it cost, before anything is made of it."""
        for _ in range(MAX_TRIES):
            async with turn(self.tenant_id, "model-spending"):
                held = await self.services.spending.question(self.tenant_id, question.id)
                if held is None or held.value.state is not QuestionState.ASKED:
                    # Another worker found our lease over, and settled it.
                    break
                try:
                    await self._write(question, held.etag)
                except Conflict:
                    continue
                break
        else:
            raise Conflict(f"what a tenant spends moved {MAX_TRIES} times", reason="spending_moved")
        self._told("model_asked", question)

    async def _write(self, question: ModelQuestion, etag: str) -> None:
        held = await self.services.spending.day(self.tenant_id, question.day)
        day = held.value if held else SpendingDay.untouched(self.tenant_id, question.day, self.terms.currency)
        change = SpendingChange(question, etag, day.settled(question, self.now), held.etag if held else None)
        await self.services.spending.commit(self.tenant_id, change)

    async def _day(self, now: datetime) -> tuple[SpendingDay, str | None]:
        today = now.astimezone(UTC).date()
        held = await self.services.spending.day(self.tenant_id, today)
        if held is None:
            return SpendingDay.untouched(self.tenant_id, today, self.terms.currency), None
        return held.value, held.etag

    def _told(self, event: str, question: ModelQuestion) -> None:
        cost = question.receipt
        if question.payer == self.payer:
            self.receipt = self.receipt.plus(cost)
        log.info(
            event,
            extra={
                "reason": question.reason or "answered",
                "rung": self.rung.value,
                "number": question.number,
                "prompt_version": question.prompt_version,
                "prompt_tokens": cost.prompt_tokens,
                "cached_tokens": cost.cached_tokens,
                "completion_tokens": cost.completion_tokens,
                "cost": round(cost.cost, 6),
                "currency": cost.currency,
                "model_seconds": round(self.model_seconds, 3),
            },
        )


def _found_again(question: ModelQuestion, shape: type[AnswerT]) -> ModelAnswer[AnswerT]:
    """What was paid for earlier; raises ModelUnavailable when that was no answer, or one of another release."""
    if question.answer is None:
        raise ModelUnavailable("the model gave no answer to this before", reason=question.reason)
    try:
        answer = shape.model_validate(question.answer)
    except ValidationError as exc:
        raise ModelUnavailable("the kept answer has another shape", reason="model_malformed") from exc
    cost = question.receipt
    return ModelAnswer(answer, question.model, cost.prompt_tokens, cost.cached_tokens, cost.completion_tokens)


async def paid_model(
    tenant_id: TenantId, subject: str, severity: Severity, services: Services, *, payer: str, now: datetime
) -> PaidModel | None:
    """The model for questions about one subject, paid for by a tenant; None where none is configured.

    `payer` names what the answer is for (a snapshot's id): its receipt shows the cost, also after a crash.
    """
    if services.model is None:
        return None
    tenant = await services.directory.tenant(tenant_id)
    own = tenant.model_daily_budget if tenant else None
    terms = services.model_terms
    budget = terms.daily_budget if own is None else own
    return PaidModel(
        tenant_id=tenant_id,
        subject=subject,
        severity=severity,
        model=services.model,
        services=services,
        now=now,
        budget=budget,
        payer=payer,
        receipt=Receipt(currency=terms.currency),
    )
