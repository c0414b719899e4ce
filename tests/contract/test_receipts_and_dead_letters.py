"""What every ReceiptStore and DeadLetterStore promises."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from shared.adapters.blob_receipts import blob_receipts
from shared.adapters.cosmos.stores import CosmosDeadLetters
from shared.adapters.memory import MemoryDeadLetters, MemoryReceipts
from shared.errors import BlobUnavailable, Conflict, Malformed, StoreRejected
from shared.models.base import ReceiptId, TenantId
from shared.models.receipts import DeadLetter, LetterState, Outcome, ReceiptPart
from shared.models.signals import Rejected
from shared.ports.stores import DeadLetterStore, ReceiptStore
from tests.builders import NOON, ONE_SECOND
from tests.contract.conftest import BACKENDS, free_port

HOSTILE_IDS = ["", ".", "..", "a/b", "../ten-other/rcp-1", "rcp-1/", "rcp\x00", "rcp?x", "x" * 256]


@pytest.fixture(params=BACKENDS)
async def receipts(request: pytest.FixtureRequest) -> AsyncIterator[ReceiptStore]:
    if request.param == "memory":
        yield MemoryReceipts()
        return
    real = blob_receipts(request.getfixturevalue("storage"), None, None)
    yield real
    await real.aclose()


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
        "accepted": 2,
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
        "error": "Malformed",
        "detail": "the body is not JSON",
        "attempt": 1,
        "receipt_id": "rcp-1",
        "payload_pointer": None,
        "message": "{}",
        "recorded_at": NOON,
    }
    return DeadLetter(**{**fields, **changes})


async def held(store: DeadLetterStore, tenant: TenantId, queue: str = "signals", **named: Any) -> list[DeadLetter]:
    page = await store.page(tenant, queue, limit=100, **named)
    return [one.value for one in page.items]


async def test_a_part_counts_once_however_often_it_is_added(receipts: ReceiptStore, tenant: TenantId) -> None:
    await receipts.add_part(tenant, a_part(tenant))
    await receipts.add_part(tenant, a_part(tenant, outcomes={Outcome.DUPLICATE: 2}))
    assert await receipts.parts(tenant, "rcp-1") == [a_part(tenant)]


async def test_of_writers_that_meet_on_a_part_one_stands(receipts: ReceiptStore, tenant: TenantId) -> None:
    told = [a_part(tenant, accepted=number, outcomes={Outcome.CREATED: number}) for number in range(1, 9)]
    await asyncio.gather(*(receipts.add_part(tenant, part) for part in told))
    (stands,) = await receipts.parts(tenant, "rcp-1")
    assert stands in told


async def test_the_parts_of_a_receipt_are_all_there(receipts: ReceiptStore, tenant: TenantId) -> None:
    ids = [ReceiptPart.id_for(ReceiptId("rcp-1"), run) for run in range(3)]
    for run, part_id in enumerate(ids):
        await receipts.add_part(tenant, a_part(tenant, id=part_id, run=run))
    assert sorted(one.run for one in await receipts.parts(tenant, "rcp-1")) == [0, 1, 2]


async def test_parts_are_found_by_receipt_in_the_own_tenant_only(receipts: ReceiptStore, tenant: TenantId) -> None:
    await receipts.add_part(tenant, a_part(tenant))
    await receipts.add_part(tenant, a_part(tenant, id="part-x", receipt_id=ReceiptId("rcp-2")))
    assert [one.id for one in await receipts.parts(tenant, "rcp-2")] == ["part-x"]
    assert await receipts.parts(TenantId(f"{tenant}-other"), "rcp-1") == []
    with pytest.raises(StoreRejected):
        await receipts.add_part(TenantId(f"{tenant}-other"), a_part(tenant))


async def test_an_id_that_begins_like_another_finds_nothing_of_it(receipts: ReceiptStore, tenant: TenantId) -> None:
    await receipts.add_part(tenant, a_part(tenant))
    assert await receipts.parts(tenant, "rcp-") == []
    assert await receipts.parts(TenantId(tenant[:-1]), "rcp-1") == []


@pytest.mark.parametrize("hostile", HOSTILE_IDS)
async def test_no_receipt_id_leads_out_of_the_tenant(receipts: ReceiptStore, tenant: TenantId, hostile: str) -> None:
    other = TenantId(f"{tenant}-other")
    await receipts.add_part(other, a_part(other))
    assert await receipts.parts(tenant, hostile) == []
    assert await receipts.parts(tenant, f"../{other}/rcp-1") == []
    with pytest.raises(StoreRejected):
        await receipts.add_part(tenant, a_part(tenant, receipt_id=ReceiptId(hostile)))


@pytest.mark.parametrize("hostile", ["..", "a/b", "../../ten-other/rcp-1/part-0"])
async def test_no_part_id_leads_out_of_its_receipt(receipts: ReceiptStore, tenant: TenantId, hostile: str) -> None:
    with pytest.raises(StoreRejected):
        await receipts.add_part(tenant, a_part(tenant, id=hostile))


async def test_the_same_receipt_under_two_tenants_is_two_receipts(receipts: ReceiptStore, tenant: TenantId) -> None:
    other = TenantId(f"{tenant}-other")
    theirs = a_part(other, outcomes={Outcome.DUPLICATE: 9}, accepted=9)
    await receipts.add_part(tenant, a_part(tenant))
    await receipts.add_part(other, theirs)
    assert await receipts.parts(tenant, "rcp-1") == [a_part(tenant)]
    assert await receipts.parts(other, "rcp-1") == [theirs]


@pytest.mark.integration
async def test_a_part_is_a_blob_named_after_its_tenant_and_receipt(storage: str, tenant: TenantId) -> None:
    receipts = blob_receipts(storage, None, None)
    await receipts.add_part(tenant, a_part(tenant))
    await receipts.aclose()
    with BlobServiceClient.from_connection_string(storage) as service:
        container = service.get_container_client("receipts")
        assert list(container.list_blob_names(name_starts_with=tenant)) == [f"{tenant}/rcp-1/part-0.json"]


@pytest.mark.integration
async def test_blobs_that_are_down_are_our_own_fault(tenant: TenantId) -> None:
    url = f"http://127.0.0.1:{free_port()}/devstoreaccount1"
    connection = f"DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;BlobEndpoint={url};"
    receipts = blob_receipts(connection, None, None)
    with pytest.raises(BlobUnavailable):
        await receipts.add_part(tenant, a_part(tenant))
    with pytest.raises(BlobUnavailable):
        await receipts.parts(tenant, "rcp-1")
    await receipts.aclose()


async def test_a_dead_letter_is_kept_once_and_the_newest_comes_first(
    dead_letters: DeadLetterStore, tenant: TenantId
) -> None:
    late = a_letter(tenant, id="dead-2", recorded_at=NOON + timedelta(hours=1))
    for letter in (late, a_letter(tenant), a_letter(tenant, reason="second", recorded_at=NOON + ONE_SECOND)):
        await dead_letters.add(tenant, letter)
    assert await held(dead_letters, tenant) == [late, a_letter(tenant)]


async def test_a_letter_is_read_with_all_it_holds(dead_letters: DeadLetterStore, tenant: TenantId) -> None:
    full = a_letter(
        tenant,
        reasons=("bad_alert", "no_labels"),
        rejected=(Rejected(position=2, reason="bad_alert", detail="labels"),),
        alerts=2,
        message='{"body_text":"\\u0000 \ud7ff \U0001f4a5"}',
    )
    await dead_letters.add(tenant, full)
    found = await dead_letters.read(tenant, "signals", "dead-1")
    assert found is not None
    assert found.value == full
    assert await dead_letters.read(tenant, "signals", "dead-2") is None
    assert await dead_letters.read(tenant, "context", "dead-1") is None


async def test_the_list_goes_on_from_its_cursor_also_among_letters_of_one_moment(
    dead_letters: DeadLetterStore, tenant: TenantId
) -> None:
    for number in range(7):
        at = NOON + (number // 3) * ONE_SECOND
        await dead_letters.add(tenant, a_letter(tenant, id=f"dead-{number}", recorded_at=at))
    seen: list[str] = []
    cursor = None
    for _ in range(4):
        page = await dead_letters.page(tenant, "signals", limit=2, cursor=cursor)
        seen += [one.value.id for one in page.items]
        cursor = page.cursor
    assert seen == [f"dead-{number}" for number in (6, 5, 4, 3, 2, 1, 0)]
    assert cursor is None


async def test_the_list_can_be_narrowed_to_a_state_and_to_any_of_its_reasons(
    dead_letters: DeadLetterStore, tenant: TenantId
) -> None:
    await dead_letters.add(tenant, a_letter(tenant, id="dead-1", reason="a"))
    await dead_letters.add(tenant, a_letter(tenant, id="dead-2", reason="b", reasons=("b", "a")))
    await dead_letters.add(tenant, a_letter(tenant, id="dead-3", reason="a", state=LetterState.DISCARDED))
    assert [one.id for one in await held(dead_letters, tenant, reason="a")] == ["dead-3", "dead-2", "dead-1"]
    assert [one.id for one in await held(dead_letters, tenant, reason="b")] == ["dead-2"]
    assert [one.id for one in await held(dead_letters, tenant, state=LetterState.DISCARDED)] == ["dead-3"]
    assert [one.id for one in await held(dead_letters, tenant, state=LetterState.OPEN, reason="a")] == [
        "dead-2",
        "dead-1",
    ]
    assert await held(dead_letters, tenant, reason="a' OR 'a' = 'a") == []


@pytest.mark.parametrize("cursor", ["junk", "W10", "x" * 401])
async def test_a_cursor_that_is_not_ours_is_refused(
    dead_letters: DeadLetterStore, tenant: TenantId, cursor: str
) -> None:
    with pytest.raises(Malformed):
        await dead_letters.page(tenant, "signals", limit=2, cursor=cursor)


async def test_a_decision_is_kept_under_the_etag_it_was_made_on(
    dead_letters: DeadLetterStore, tenant: TenantId
) -> None:
    await dead_letters.add(tenant, a_letter(tenant))
    found = await dead_letters.read(tenant, "signals", "dead-1")
    assert found is not None
    discarded = found.value.model_copy(update={"state": LetterState.DISCARDED})
    await dead_letters.replace(tenant, discarded, found.etag)
    with pytest.raises(Conflict):
        await dead_letters.replace(tenant, found.value, found.etag)
    with pytest.raises(Conflict):
        await dead_letters.replace(tenant, a_letter(tenant, id="dead-none"), found.etag)
    assert await held(dead_letters, tenant) == [discarded]


async def test_a_page_has_the_etags_to_decide_with(dead_letters: DeadLetterStore, tenant: TenantId) -> None:
    await dead_letters.add(tenant, a_letter(tenant))
    (one,) = (await dead_letters.page(tenant, "signals", limit=1)).items
    await dead_letters.replace(tenant, one.value.model_copy(update={"state": LetterState.REDRIVEN}), one.etag)
    assert [one.state for one in await held(dead_letters, tenant)] == [LetterState.REDRIVEN]


async def test_a_letter_that_fails_again_after_its_redrive_is_the_same_letter_and_open(
    dead_letters: DeadLetterStore, tenant: TenantId
) -> None:
    redriven = a_letter(tenant, attempt=5, state=LetterState.REDRIVEN, redrives=1, decided_by="oid", decided_at=NOON)
    await dead_letters.add(tenant, redriven)
    again = a_letter(tenant, redrives=1, attempt=2, reason="other", recorded_at=NOON + timedelta(hours=1))
    await dead_letters.add(tenant, again)
    (letter,) = await held(dead_letters, tenant)
    assert (letter.state, letter.attempt, letter.reason, letter.redrives) == (LetterState.OPEN, 7, "other", 1)
    assert (letter.recorded_at, letter.failed_again_at) == (NOON, NOON + timedelta(hours=1))
    assert letter.decided_by == "oid"


@pytest.mark.parametrize("state", [LetterState.REDRIVEN, LetterState.DISCARDED])
async def test_a_late_copy_of_the_run_that_failed_before_does_not_undo_a_decision(
    dead_letters: DeadLetterStore, tenant: TenantId, state: LetterState
) -> None:
    run = 1 if state is LetterState.REDRIVEN else 0
    decided = a_letter(tenant, state=state, redrives=run)
    await dead_letters.add(tenant, decided)
    await dead_letters.add(tenant, a_letter(tenant, redrives=0))
    assert await held(dead_letters, tenant) == [decided]


async def test_workers_that_tell_of_one_failure_at_once_make_one_letter(
    dead_letters: DeadLetterStore, tenant: TenantId
) -> None:
    await asyncio.gather(*(dead_letters.add(tenant, a_letter(tenant)) for _ in range(4)))
    await asyncio.gather(*(dead_letters.add(tenant, a_letter(tenant, redrives=1)) for _ in range(4)))
    (letter,) = await held(dead_letters, tenant)
    assert letter.attempt == 2


async def test_dead_letters_are_found_by_queue_in_the_own_tenant_only(
    dead_letters: DeadLetterStore, tenant: TenantId
) -> None:
    await dead_letters.add(tenant, a_letter(tenant))
    assert await held(dead_letters, tenant, "context") == []
    assert await held(dead_letters, TenantId(f"{tenant}-other")) == []
    assert await dead_letters.read(TenantId(f"{tenant}-other"), "signals", "dead-1") is None
    for write in (
        dead_letters.add(TenantId(f"{tenant}-other"), a_letter(tenant)),
        dead_letters.replace(TenantId(f"{tenant}-other"), a_letter(tenant), '"1"'),
    ):
        with pytest.raises(StoreRejected):
            await write


async def test_the_same_dead_letter_under_two_tenants_is_two(dead_letters: DeadLetterStore, tenant: TenantId) -> None:
    other = TenantId(f"{tenant}-other")
    await dead_letters.add(tenant, a_letter(tenant))
    await dead_letters.add(other, a_letter(other, reason="theirs"))
    assert await held(dead_letters, tenant) == [a_letter(tenant)]
    assert [one.reason for one in await held(dead_letters, other)] == ["theirs"]
