"""A model whose every question is paid for once: found again, or reserved, asked, kept and settled.

A question and the day it is paid from change together, in one conditional write before the call and one after it. A
worker that stops between the two leaves a question of which nobody knows whether it was paid: it counts as paid, and
is not asked again.
"""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import uuid4

from shared.errors import Conflict, ModelUnavailable
from shared.hypotheses.budget import rung_for, tokens_of
from shared.hypotheses.settling import answered, found_again, interrupted, unanswered
from shared.models.base import TenantId
from shared.models.hypotheses import Receipt, Rung
from shared.models.signals import Severity
from shared.models.spending import LEASE, ModelQuestion, ModelTerms, QuestionState, SpendingDay, Tokens
from shared.pipeline.measuring import count_cost
from shared.pipeline.turns import turn
from shared.ports.model import MAX_COMPLETION_TOKENS, AnswerT, Model, ModelAnswer, Prompt
from shared.ports.services import Services
from shared.ports.spending import SpendingChange
from shared.ports.stores import Versioned
from shared.telemetry import logger

log = logger(__name__)

MAX_TRIES = 10


@dataclass(frozen=True)
class _Day:
    """A day as it was read, or as it is before anything was spent."""

    day: SpendingDay
    etag: str | None


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
    paying_seconds: float = 0.0
    """Spent on finding, reserving and settling."""
    _run: str = field(default_factory=lambda: uuid4().hex)
    _number: int = 0
    _reserved_as: tuple[Versioned[ModelQuestion], _Day] | None = None
    """Our question and its day as the reservation left them."""

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
            return found_again(question, shape)
        taken = time.monotonic() - began
        self.paying_seconds += taken
        try:
            answer = await self._asked(prompt, shape, timeout_seconds=timeout_seconds - taken)
        except ModelUnavailable as exc:
            self.retry_after_seconds = exc.retry_after_seconds
            await self._settle(unanswered(question, exc, self.terms))
            raise
        await self._settle(answered(question, answer, self.terms))
        return answer

    async def _asked(self, prompt: Prompt, shape: type[AnswerT], *, timeout_seconds: float) -> ModelAnswer[AnswerT]:
        began = time.monotonic()
        try:
            return await self.model.ask(prompt, shape, timeout_seconds=timeout_seconds)
        finally:
            self.model_seconds += time.monotonic() - began

    async def _taken(self, prompt: Prompt) -> ModelQuestion:
        """The question, paid for already or with its money reserved by us."""
        question_id = ModelQuestion.id_for(self.subject, prompt.version, self.terms.deployment, self._number)
        for _ in range(MAX_TRIES):
            async with turn(self.tenant_id, "model-spending"):
                held, day = await asyncio.gather(
                    self.services.spending.question(self.tenant_id, question_id),
                    self._day(self.now.astimezone(UTC).date()),
                )
                if held and held.value.state is QuestionState.ANSWERED:
                    self.rung = held.value.rung if self._number == 1 else self.rung
                    return held.value
                if held and held.value.asked_by == self._run and held.value.state is QuestionState.ASKED:
                    self._reserved_as = held, day
                    return held.value
                if held and held.value.state is QuestionState.ASKED:
                    await self._given_up(held)
                    continue
                try:
                    return await self._reserved(question_id, prompt, held, day)
                except Conflict:
                    continue
        raise Conflict(f"what a tenant spends moved {MAX_TRIES} times", reason="spending_moved")

    async def _reserved(
        self, question_id: str, prompt: Prompt, held: Versioned[ModelQuestion] | None, at: _Day
    ) -> ModelQuestion:
        day = at.day
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
            asked_by=self._run,
            payer=self.payer,
            created_at=self.now,
        )
        reserving = day.reserving(question, self.now)
        change = SpendingChange(question, held.etag if held else None, reserving, at.etag)
        etags = await self.services.spending.commit(self.tenant_id, change)
        self._reserved_as = Versioned(question, etags.question), _Day(reserving, etags.day)
        return question

    async def _given_up(self, held: Versioned[ModelQuestion]) -> None:
        """Settle a question whose worker is gone as if it had been answered; raises Conflict while one is at it."""
        question = held.value
        if question.lease_until > self.now:
            raise Conflict("another worker asks the model the same", reason="model_asked_elsewhere")
        await self._write(interrupted(question, self.terms), held.etag, await self._day(question.day))

    async def _settle(self, question: ModelQuestion) -> None:
        """Keep what came of a question and what it cost, before anything is made of it."""
        began = time.monotonic()
        # As we left them: mostly nobody else has spent anything meanwhile, and nothing need be read again.
        held: Versioned[ModelQuestion] | None
        day: _Day | None
        held, day = self._reserved_as or (None, None)
        for _ in range(MAX_TRIES):
            async with turn(self.tenant_id, "model-spending"):
                if day is None:
                    held, day = await self._question_and_day(question.id, question.day)
                if held is None or held.value.state is not QuestionState.ASKED:
                    # Another worker found our lease over, and settled it.
                    break
                try:
                    await self._write(question, held.etag, day)
                except Conflict:
                    day = None
                    continue
                break
        else:
            raise Conflict(f"what a tenant spends moved {MAX_TRIES} times", reason="spending_moved")
        self.paying_seconds += time.monotonic() - began
        self._told("model_asked", question)
        count_cost(question.receipt)

    async def _write(self, question: ModelQuestion, etag: str, at: _Day) -> None:
        change = SpendingChange(question, etag, at.day.settled(question, self.now), at.etag)
        await self.services.spending.commit(self.tenant_id, change)

    async def _question_and_day(self, question_id: str, day: date) -> tuple[Versioned[ModelQuestion] | None, _Day]:
        return await asyncio.gather(self.services.spending.question(self.tenant_id, question_id), self._day(day))

    async def _day(self, day: date) -> _Day:
        held = await self.services.spending.day(self.tenant_id, day)
        if held is None:
            return _Day(SpendingDay.untouched(self.tenant_id, day, self.terms.currency), None)
        return _Day(held.value, held.etag)

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


async def paid_model(
    tenant_id: TenantId,
    subject: str,
    severity: Severity,
    services: Services,
    *,
    payer: str,
    now: datetime,
    budget: float | None = None,
) -> PaidModel | None:
    """The model for questions about one subject, paid for by a tenant; None where none is configured.

    `subject` is a snapshot's hash, with what else tells the question from others about the same evidence. `payer`
    names what the answer is for (a snapshot's id): its receipt shows the cost, also after a crash. The tenant's
    `budget` is read where it is not given.
    """
    if services.model is None:
        return None
    return PaidModel(
        tenant_id=tenant_id,
        subject=subject,
        severity=severity,
        model=services.model,
        services=services,
        now=now,
        budget=await budget_of(tenant_id, services) if budget is None else budget,
        payer=payer,
        receipt=Receipt(currency=services.model_terms.currency),
    )


async def budget_of(tenant_id: TenantId, services: Services) -> float:
    """What may be spent on models for a tenant in a day: its own budget, or the installation's."""
    tenant = await services.directory.tenant(tenant_id)
    own = tenant.model_daily_budget if tenant else None
    return services.model_terms.daily_budget if own is None else own
