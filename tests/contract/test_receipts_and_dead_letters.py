"""What every ReceiptStore and DeadLetterStore promises."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.cosmos.stores import CosmosDeadLetters, CosmosReceipts
from shared.adapters.memory import MemoryDeadLetters, MemoryReceipts
from shared.errors import StoreRejected
from shared.models.base import ReceiptId, TenantId
from shared.models.receipts import DeadLetter, Outcome, ReceiptPart
from shared.ports.stores import DeadLetterStore, ReceiptStore
from tests.builders import NOON
from tests.contract.conftest import BACKENDS


@pytest.fixture(params=BACKENDS)
def receipts(request: pytest.FixtureRequest) -> ReceiptStore:
    if request.param == "memory":
        return MemoryReceipts()
    return CosmosReceipts(request.getfixturevalue("database"))


@pytest.fixture(params=BACKENDS)
def dead_letters(request: pytest.FixtureRequest) -> DeadLetterStore:
    if request.param == "memory":
        return MemoryDeadLetters()
    return CosmosDeadLetters(request.getfixturevalue("database"))


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(f"ten-{uuid.uuid4().hex[:12]}")


def a_part(tenant: TenantId, **changes: Any) -> ReceiptPart:
    fields: dict[str, Any] = {
        "id": "part-0",
        "tenant_id": tenant,
        "receipt_id": ReceiptId("rcp-1"),
        "integration_id": "int-1",
        "received_at": NOON,
        "outcomes": {Outcome.CREATED: 2},
        "recorded_at": NOON,
    }
    return ReceiptPart(**{**fields, **changes})


def a_letter(tenant: TenantId, **changes: Any) -> DeadLetter:
    fields: dict[str, Any] = {
        "id": "dead-1",
        "tenant_id": tenant,
        "queue": "signals",
        "stage": "parse",
        "reason": "not_json",
        "detail": "the body is not JSON",
        "attempt": 1,
        "receipt_id": "rcp-1",
        "payload_pointer": None,
        "message": "{}",
        "recorded_at": NOON,
    }
    return DeadLetter(**{**fields, **changes})


async def test_a_part_counts_once_however_often_it_is_added(receipts: ReceiptStore, tenant: TenantId) -> None:
    await receipts.add_part(tenant, a_part(tenant))
    await receipts.add_part(tenant, a_part(tenant, outcomes={Outcome.DUPLICATE: 2}))
    assert await receipts.parts(tenant, "rcp-1") == [a_part(tenant)]


async def test_parts_are_found_by_receipt_in_the_own_tenant_only(receipts: ReceiptStore, tenant: TenantId) -> None:
    await receipts.add_part(tenant, a_part(tenant))
    await receipts.add_part(tenant, a_part(tenant, id="part-x", receipt_id=ReceiptId("rcp-2")))
    assert [one.id for one in await receipts.parts(tenant, "rcp-2")] == ["part-x"]
    assert await receipts.parts(TenantId(f"{tenant}-other"), "rcp-1") == []
    with pytest.raises(StoreRejected):
        await receipts.add_part(TenantId(f"{tenant}-other"), a_part(tenant))


async def test_a_dead_letter_is_kept_once_and_listed_oldest_first(
    dead_letters: DeadLetterStore, tenant: TenantId
) -> None:
    late = a_letter(tenant, id="dead-2", recorded_at=NOON + timedelta(hours=1))
    for letter in (late, a_letter(tenant), a_letter(tenant, reason="second")):
        await dead_letters.add(tenant, letter)
    assert await dead_letters.letters(tenant, "signals") == [a_letter(tenant), late]


async def test_dead_letters_are_found_by_queue_in_the_own_tenant_only(
    dead_letters: DeadLetterStore, tenant: TenantId
) -> None:
    await dead_letters.add(tenant, a_letter(tenant))
    assert await dead_letters.letters(tenant, "context") == []
    assert await dead_letters.letters(TenantId(f"{tenant}-other"), "signals") == []
    with pytest.raises(StoreRejected):
        await dead_letters.add(TenantId(f"{tenant}-other"), a_letter(tenant))


async def test_the_same_receipt_under_two_tenants_is_two_receipts(receipts: ReceiptStore, tenant: TenantId) -> None:
    other = TenantId(f"{tenant}-other")
    theirs = a_part(other, outcomes={Outcome.DUPLICATE: 9})
    await receipts.add_part(tenant, a_part(tenant))
    await receipts.add_part(other, theirs)
    assert await receipts.parts(tenant, "rcp-1") == [a_part(tenant)]
    assert await receipts.parts(other, "rcp-1") == [theirs]


async def test_the_same_dead_letter_under_two_tenants_is_two(dead_letters: DeadLetterStore, tenant: TenantId) -> None:
    other = TenantId(f"{tenant}-other")
    await dead_letters.add(tenant, a_letter(tenant))
    await dead_letters.add(other, a_letter(other, reason="theirs"))
    assert await dead_letters.letters(tenant, "signals") == [a_letter(tenant)]
    assert [one.reason for one in await dead_letters.letters(other, "signals")] == ["theirs"]
