"""What every SpendingStore promises, and that no budget is overdrawn by those who meet on it."""

import asyncio
import uuid
from typing import Any

import pytest

from shared.adapters.cosmos.spending import CosmosSpending
from shared.adapters.memory.spending import MemorySpending
from shared.errors import Conflict, StoreRejected
from shared.models.base import TenantId
from shared.models.hypotheses import Receipt, Rung
from shared.models.spending import LEASE, ModelQuestion, QuestionState, SpendingDay
from shared.ports.spending import SpendingChange, SpendingStore
from tests.builders import NOON, ONE_SECOND
from tests.contract.conftest import BACKENDS

TODAY = NOON.date()


@pytest.fixture(params=BACKENDS)
def spending(request: pytest.FixtureRequest) -> SpendingStore:
    if request.param == "memory":
        return MemorySpending()
    return CosmosSpending(request.getfixturevalue("database"))


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(f"ten-{uuid.uuid4().hex[:12]}")


def a_question(tenant: TenantId, subject: str = "a", **changes: Any) -> ModelQuestion:
    fields: dict[str, Any] = {
        "id": ModelQuestion.id_for(subject, "v1", "gpt", 1),
        "tenant_id": tenant,
        "subject": subject,
        "prompt_version": "v1",
        "deployment": "gpt",
        "number": 1,
        "state": QuestionState.ASKED,
        "rung": Rung.SINGLE,
        "day": TODAY,
        "amount": 1.0,
        "lease_until": NOON + LEASE,
        "created_at": NOON,
    }
    return ModelQuestion(**{**fields, **changes})


def untouched(tenant: TenantId) -> SpendingDay:
    return SpendingDay.untouched(tenant, TODAY, "USD")


async def reserve(spending: SpendingStore, question: ModelQuestion) -> None:
    held = await spending.day(question.tenant_id, TODAY)
    day = (held.value if held else untouched(question.tenant_id)).reserving(question, NOON)
    await spending.commit(question.tenant_id, SpendingChange(question, None, day, held.etag if held else None))


async def test_a_question_and_its_day_are_read_back_as_they_were_written(
    spending: SpendingStore, tenant: TenantId
) -> None:
    question = a_question(tenant, answer={"hypotheses": [{"claim": "é"}]}, receipt=Receipt(calls=1, cost=0.25))
    assert await spending.question(tenant, question.id) is None
    assert await spending.day(tenant, TODAY) is None
    await reserve(spending, question)
    held, day = await spending.question(tenant, question.id), await spending.day(tenant, TODAY)
    assert held is not None
    assert day is not None
    assert held.value == question
    assert day.value.reserved(NOON) == 1.0
    assert await spending.days(tenant, [TODAY.replace(day=1), TODAY]) == [day.value]


async def test_a_question_is_created_once_and_the_day_does_not_move_for_the_second(
    spending: SpendingStore, tenant: TenantId
) -> None:
    await reserve(spending, a_question(tenant))
    with pytest.raises(Conflict):
        await reserve(spending, a_question(tenant, amount=5.0))
    day = await spending.day(tenant, TODAY)
    assert day is not None
    assert day.value.reserved(NOON) == 1.0


async def test_neither_moves_when_one_of_them_moved_since(spending: SpendingStore, tenant: TenantId) -> None:
    question = a_question(tenant)
    await reserve(spending, question)
    held, day = await spending.question(tenant, question.id), await spending.day(tenant, TODAY)
    assert held is not None
    assert day is not None
    await reserve(spending, a_question(tenant, "b"))
    answered = question.model_copy(update={"state": QuestionState.ANSWERED})
    with pytest.raises(Conflict):
        await spending.commit(tenant, SpendingChange(answered, held.etag, day.value, day.etag))
    assert await spending.question(tenant, question.id) == held


async def test_of_many_who_reserve_at_once_no_more_succeed_than_the_budget_holds(
    spending: SpendingStore, tenant: TenantId
) -> None:
    budget = 3.0

    async def worker(number: int) -> bool:
        while True:
            held = await spending.day(tenant, TODAY)
            day = held.value if held else untouched(tenant)
            if day.left(budget, NOON) < 1.0:
                return False
            question = a_question(tenant, str(number))
            change = SpendingChange(question, None, day.reserving(question, NOON), held.etag if held else None)
            try:
                await spending.commit(tenant, change)
            except Conflict:
                continue
            return True

    done = await asyncio.gather(*(worker(number) for number in range(8)))
    assert done.count(True) == 3
    day = await spending.day(tenant, TODAY)
    assert day is not None
    assert day.value.reserved(NOON) == budget


async def test_another_tenants_question_is_neither_seen_nor_written(
    spending: SpendingStore, tenant: TenantId
) -> None:
    question = a_question(tenant)
    await reserve(spending, question)
    other = TenantId(f"{tenant}-other")
    assert await spending.question(other, question.id) is None
    assert await spending.day(other, TODAY) is None
    with pytest.raises(StoreRejected):
        await spending.commit(other, SpendingChange(question, None, untouched(tenant), None))


def test_a_reservation_counts_until_its_time_is_over_and_settling_takes_its_place() -> None:
    tenant = TenantId("ten-a")
    question = a_question(tenant)
    day = untouched(tenant).reserving(question, NOON)
    assert day.left(2.0, NOON) == 1.0
    assert day.left(2.0, NOON + LEASE + ONE_SECOND) == 2.0
    again = day.reserving(question, NOON)
    assert again.reserved(NOON) == 1.0, "the same question reserves once"
    settled = again.settled(question.model_copy(update={"receipt": Receipt(calls=1, cost=0.25)}), NOON)
    assert (settled.left(2.0, NOON), settled.reservations, settled.spent.calls) == (1.75, (), 1)


def test_a_day_that_is_overdrawn_has_nothing_left_and_no_less() -> None:
    day = untouched(TenantId("ten-a")).model_copy(update={"spent": Receipt(calls=1, cost=3.0)})
    assert day.left(2.0, NOON) == 0.0
