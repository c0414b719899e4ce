"""Receipts over HTTP: the account that stands, that it closes, and what is said while there is none."""

import pytest
from pydantic import ValidationError

from shared.adapters.memory import MemoryReceipts
from shared.api.receipts import Receipt
from shared.models.receipts import Outcome, ReceiptPart
from tests.builders import ACME
from tests.unit.access.issuer import GLOBEX_TID, a_token
from tests.unit.api.serving import INCIDENT, INTEGRATION, RECEIPT, Served, Untouched, a_part, answer_of, bearer

NEVER = "rcp-" + "9" * 32


def a_dead_part() -> ReceiptPart:
    part_id = ReceiptPart.id_for_dead_letter(RECEIPT)
    return a_part(0, dead_lettered=1).model_copy(update={"id": part_id, "is_dead_letter": True})


async def test_a_receipt_says_what_became_of_every_alert(served: Served) -> None:
    assert await answer_of(served, f"/receipts/{RECEIPT}") == {
        "receipt_id": RECEIPT,
        "integration_id": INTEGRATION,
        "received_at": "2026-11-23T12:00:00.000000Z",
        "recorded_at": "2026-11-23T12:00:00.000000Z",
        "delayed_seconds": 0.0,
        "accepted": 4,
        "outcomes": {"created": 2, "duplicate": 2},
        "changes": 0,
        "ignored": None,
        "redrives": 0,
        "incident_ids": [INCIDENT],
    }


async def test_a_redelivery_that_tells_its_part_again_counts_nothing_twice(served: Served) -> None:
    for _ in range(3):
        await served.services.receipts.add_part(ACME, a_part(0, created=2, duplicate=2))
    receipt = await answer_of(served, f"/receipts/{RECEIPT}")
    assert (receipt["accepted"], receipt["outcomes"]) == (4, {"created": 2, "duplicate": 2})


async def test_the_account_of_the_latest_re_drive_stands_alone(served: Served) -> None:
    await served.services.receipts.add_part(ACME, a_part(2, created=4))
    await served.services.receipts.add_part(ACME, a_part(1, created=3, dead_lettered=1))
    receipt = await answer_of(served, f"/receipts/{RECEIPT}")
    assert (receipt["accepted"], receipt["outcomes"], receipt["redrives"]) == (4, {"created": 4}, 2)


async def test_a_delivery_that_went_through_after_all_is_no_dead_letter_any_more(served: Served) -> None:
    await served.services.receipts.add_part(ACME, a_dead_part())
    receipt = await answer_of(served, f"/receipts/{RECEIPT}")
    assert receipt["outcomes"] == {"created": 2, "duplicate": 2}


async def test_a_delivery_that_is_a_dead_letter_counts_as_one(served: Served) -> None:
    empty = served.without(receipts=MemoryReceipts())
    await empty.services.receipts.add_part(ACME, a_dead_part())
    receipt = await answer_of(empty, f"/receipts/{RECEIPT}")
    assert (receipt["accepted"], receipt["outcomes"]) == (1, {"dead_lettered": 1})


@pytest.mark.parametrize("outcomes", [{}, {Outcome.CREATED: 3}, {Outcome.CREATED: 2, Outcome.UPDATED: 3}])
def test_an_account_that_does_not_close_is_no_answer(outcomes: dict[Outcome, int]) -> None:
    with pytest.raises(ValidationError, match="do not add up"):
        Receipt.of(a_part(0, created=4).model_copy(update={"outcomes": outcomes}))


async def test_an_account_that_does_not_close_is_a_bug_of_ours_over_http(served: Served) -> None:
    await served.services.receipts.add_part(ACME, a_part(1, created=4).model_copy(update={"accepted": 5}))
    async with served.client() as client:
        assert (await client.get(f"/receipts/{RECEIPT}")).status_code == 500


async def test_a_receipt_that_may_still_come_looks_like_one_that_never_was(served: Served) -> None:
    async with served.client() as client:
        problem = (await client.get(f"/receipts/{NEVER}")).json()
    assert problem["status"] == 404
    assert problem["type"] == "urn:sre-copilot:problem:unknown-or-not-processed-yet"
    assert problem["detail"] == "There is no such receipt, or its delivery still waits."


async def test_another_tenants_receipt_looks_the_same(served: Served) -> None:
    async with served.client(headers=bearer(a_token(tid=GLOBEX_TID, roles=["admin"]))) as client:
        foreign, never = (await client.get(f"/receipts/{RECEIPT}")), (await client.get(f"/receipts/{NEVER}"))
    assert {**foreign.json(), "request_id": ""} == {**never.json(), "request_id": ""}


@pytest.mark.parametrize(
    "hostile", ["rcp-1", "RCP-" + "0" * 32, "rcp-" + "0" * 33, "%00", "..%2F..%2Ften-globex", "x" * 5000]
)
async def test_a_receipt_id_that_we_never_made_does_not_reach_the_store(served: Served, hostile: str) -> None:
    async with served.without(receipts=Untouched()).client() as client:
        assert (await client.get(f"/receipts/{hostile}")).status_code == 404
