"""How a message ends: done, sent again, or a dead letter; never lost, and never twice because of a fault of ours."""

import json
import logging
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.memory import (
    MemoryBodies,
    MemoryClaims,
    MemoryDeadLetters,
    MemoryQueues,
    MemoryReceipts,
    services_in_memory,
)
from shared.errors import BlobUnavailable, QueueUnavailable, StoreUnavailable
from shared.messages import MAX_MESSAGE_BYTES, BuildContext, Ingest, QueueName
from shared.models.base import IncidentId, ReceiptId, TenantId
from shared.models.receipts import DeadLetter, LetterState, Outcome, ReceiptPart
from shared.models.signals import Source
from shared.pipeline.dead_letters import UNREADABLE_TENANT
from shared.pipeline.stages import (
    LONGEST_DELAY_SECONDS,
    MAX_DEQUEUES,
    Ending,
    StageFailed,
    attend_poison,
    delay_before,
)
from shared.pipeline.table import attend_queue
from shared.ports.services import Services
from tests.builders import ACME, NOON

ROOT = Path(__file__).resolve().parents[3]


class DownClaims(MemoryClaims):
    """The store is away."""

    async def episodes(self, tenant_id: Any, claim_ids: Any) -> Any:
        raise StoreUnavailable("down")


class BuggyClaims(MemoryClaims):
    """A defect of ours."""

    async def episodes(self, tenant_id: Any, claim_ids: Any) -> Any:
        raise ZeroDivisionError("secret-in-the-message")


class DownDeadLetters(MemoryDeadLetters):
    """Cannot be written."""

    async def add(self, tenant_id: TenantId, letter: DeadLetter) -> None:
        raise StoreUnavailable("down")


class BuggyDeadLetters(MemoryDeadLetters):
    """A defect of ours where the letter is kept."""

    async def add(self, tenant_id: TenantId, letter: DeadLetter) -> None:
        raise ZeroDivisionError("secret-in-the-message")


class DownRaw(MemoryBodies):
    """Takes the delivery, and then nothing more."""

    taken = 0

    async def put(self, tenant_id: TenantId, receipt_id: ReceiptId, body: bytes) -> str:
        self.taken += 1
        if self.taken > 1:
            raise BlobUnavailable("down")
        return await super().put(tenant_id, receipt_id, body)


class DownReceipts(MemoryReceipts):
    """Cannot be written."""

    async def add_part(self, tenant_id: TenantId, part: ReceiptPart) -> None:
        raise BlobUnavailable("down")


class DownQueues(MemoryQueues):
    """Cannot be written."""

    async def send_raw(self, queue: str, body: bytes, *, delay_seconds: float = 0) -> None:
        raise QueueUnavailable("down")


def a_delivery(body: bytes, **changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "tenant_id": ACME,
        "receipt_id": ReceiptId("rcp-1"),
        "correlation_id": "rcp-1",
        "integration_id": "int-1",
        "source": Source.ALERTMANAGER,
        "received_at": NOON,
    }
    return Ingest(**{**fields, **changes}).with_body(body).encode()


GOOD = json.dumps(
    {"alerts": [{"status": "firing", "labels": {"service": "payment"}, "startsAt": "2026-11-23T11:59:00Z"}]}
).encode()


async def attend(services: Services, body: bytes, *, dequeue_count: int = 1) -> Ending:
    return await attend_queue(QueueName.SIGNALS, body, services, dequeue_count=dequeue_count, now=NOON)


def waiting(services: Services, queue: str) -> list[Any]:
    assert isinstance(services.queues, MemoryQueues)
    return list(services.queues.waiting[queue])


async def test_a_store_outage_sends_the_same_message_again_later_without_burning_dequeues() -> None:
    services = replace(services_in_memory(), claims=DownClaims())
    assert await attend(services, a_delivery(GOOD)) is Ending.SENT_AGAIN
    (again,) = waiting(services, "signals")
    sent = Ingest.decode(again.body)
    assert sent.attempt == 2
    assert sent.next_attempt().model_copy(update={"attempt": 1}) == Ingest.decode(a_delivery(GOOD))
    assert again.delay_seconds > 0


async def test_when_not_even_the_queue_can_be_written_the_host_keeps_the_message() -> None:
    services = replace(services_in_memory(), claims=DownClaims(), queues=DownQueues())
    with pytest.raises(QueueUnavailable):
        await attend(services, a_delivery(GOOD))


async def test_a_message_of_the_largest_size_is_sent_again_also_when_its_attempt_needs_another_digit() -> None:
    services = replace(services_in_memory(), claims=DownClaims())
    room = MAX_MESSAGE_BYTES - len(a_delivery(GOOD, attempt=9))
    largest = GOOD + b" " * room
    assert len(a_delivery(largest, attempt=9)) == MAX_MESSAGE_BYTES
    assert await attend(services, a_delivery(largest, attempt=9)) is Ending.SENT_AGAIN
    (again,) = waiting(services, "signals")
    sent = Ingest.decode(again.body)
    assert sent.pointer is not None
    assert (sent.attempt, sent.inline_body()) == (10, None)
    assert await services.raw.get(ACME, sent.pointer) == largest


def test_delays_double_up_to_a_limit_and_are_spread() -> None:
    middle = [delay_before(attempt, jitter=0.5) for attempt in (1, 2, 3, 50)]
    assert middle == [2.0, 4.0, 8.0, LONGEST_DELAY_SECONDS]
    assert delay_before(3, jitter=0.0) < delay_before(3, jitter=1.0)


async def test_a_body_that_cannot_be_parsed_becomes_a_dead_letter_and_a_receipt() -> None:
    services = services_in_memory()
    assert await attend(services, a_delivery(b"not json")) is Ending.DEAD_LETTERED
    (letter,) = await services.dead_letters.letters(ACME, "signals")
    assert (letter.reason, letter.stage, letter.attempt, letter.receipt_id) == ("not_json", "signals", 1, "rcp-1")
    assert (letter.error, letter.state, letter.alerts) == ("Malformed", LetterState.OPEN, 1)
    assert letter.message is not None
    kept = Ingest.decode(letter.message.encode())
    assert (kept.inline_body(), kept.pointer) == (None, letter.payload_pointer)
    assert await services.raw.get(ACME, letter.payload_pointer or "") == b"not json"
    (part,) = await services.receipts.parts(ACME, "rcp-1")
    assert (part.accepted, part.outcomes) == (1, {Outcome.DEAD_LETTERED: 1})


async def test_a_receipt_that_cannot_be_kept_sends_the_message_again_and_the_letter_stays_one() -> None:
    services = services_in_memory()
    assert await attend(replace(services, receipts=DownReceipts()), a_delivery(b"not json")) is Ending.SENT_AGAIN
    (again,) = waiting(services, "signals")
    assert await attend(services, again.body) is Ending.DEAD_LETTERED
    (letter,) = await services.dead_letters.letters(ACME, "signals")
    assert letter.attempt == 1
    assert len(await services.receipts.parts(ACME, "rcp-1")) == 1


async def test_a_body_that_cannot_be_kept_apart_sends_the_message_again_and_no_letter_holds_it() -> None:
    services = services_in_memory()
    assert await attend(replace(services, raw=DownRaw()), a_delivery(b"not json")) is Ending.SENT_AGAIN
    assert not await services.dead_letters.letters(ACME, "signals")


async def test_a_dead_letter_that_cannot_be_stored_sends_its_message_again() -> None:
    services = replace(services_in_memory(), dead_letters=DownDeadLetters())
    await attend(services, a_delivery(b"not json"))
    assert len(waiting(services, "signals")) == 1


async def test_a_message_that_is_none_of_ours_is_kept_for_the_operator() -> None:
    services = services_in_memory()
    for junk in (b"\x00\xff", b"[]", b"{}", b'{"schema_version": 9}'):
        assert await attend(services, junk) is Ending.DEAD_LETTERED
    letters = await services.dead_letters.letters(UNREADABLE_TENANT, "signals")
    assert {letter.reason for letter in letters} == {"bad_envelope"}
    kept = {await services.raw.get(UNREADABLE_TENANT, letter.payload_pointer or "") for letter in letters}
    assert kept == {b"\x00\xff", b"[]", b"{}", b'{"schema_version": 9}'}
    assert {letter.message for letter in letters} == {None}, "it may hold a body, and raw blobs alone keep bodies"


async def test_a_defect_uses_the_hosts_dequeues_and_the_last_one_names_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    services = replace(services_in_memory(), claims=BuggyClaims())
    with pytest.raises(StageFailed, match=r"ZeroDivisionError in episodes:\d+ < ") as failed:
        await attend(services, a_delivery(GOOD), dequeue_count=MAX_DEQUEUES - 1)
    assert "secret-in-the-message" not in "".join(traceback.format_exception(failed.value))
    assert await attend(services, a_delivery(GOOD), dequeue_count=MAX_DEQUEUES) is Ending.DEAD_LETTERED
    (letter,) = await services.dead_letters.letters(ACME, "signals")
    assert (letter.reason, letter.error) == ("bug_ZeroDivisionError", "ZeroDivisionError")
    assert letter.attempt == MAX_DEQUEUES
    assert letter.detail == f"a defect, at episodes:{_line_of_the_defect()}"
    assert "bug=ZeroDivisionError" in caplog.text
    assert "secret-in-the-message" not in caplog.text


def _line_of_the_defect() -> int:
    lines = Path(__file__).read_text().splitlines()
    return next(number for number, line in enumerate(lines, start=1) if 'ZeroDivisionError("secret' in line)


def test_the_hosts_dequeue_limit_is_the_one_we_count_to() -> None:
    settings = json.loads((ROOT / "host.json").read_text())["extensions"]["queues"]
    assert settings["maxDequeueCount"] == MAX_DEQUEUES
    assert settings["messageEncoding"] == "base64"


async def test_messages_about_something_that_is_gone_become_dead_letters_of_their_own() -> None:
    services = services_in_memory()
    for incident in ("inc-1", "inc-2"):
        message = BuildContext(
            tenant_id=ACME,
            receipt_id=ReceiptId("rcp-1"),
            correlation_id="rcp-1",
            incident_id=IncidentId(incident),
            trigger="opened",
        )
        ending = await attend_queue(QueueName.CONTEXT, message.encode(), services, dequeue_count=1, now=NOON)
        assert ending is Ending.DEAD_LETTERED
    letters = await services.dead_letters.letters(ACME, "context")
    assert [letter.reason for letter in letters] == ["incident_gone", "incident_gone"]


async def test_a_message_is_one_letter_whatever_its_attempt() -> None:
    services = services_in_memory()
    message = BuildContext(
        tenant_id=ACME,
        receipt_id=ReceiptId("rcp-1"),
        correlation_id="rcp-1",
        incident_id=IncidentId("inc-1"),
        trigger="opened",
    )
    for changes in ({}, {"attempt": 2}, {"redrives": 1}, {"redrives": 1, "attempt": 2}):
        body = message.model_copy(update=changes).encode()
        await attend_queue(QueueName.CONTEXT, body, services, dequeue_count=1, now=NOON)
    (letter,) = await services.dead_letters.letters(ACME, "context")
    assert (letter.attempt, letter.redrives) == (2, 1)


async def test_a_poison_message_is_kept_once_however_often_it_comes() -> None:
    services = services_in_memory()
    for attempt in (1, 2):
        body = a_delivery(GOOD, attempt=attempt)
        assert await attend_poison(QueueName.SIGNALS, body, services, now=NOON) is Ending.DEAD_LETTERED
    (letter,) = await services.dead_letters.letters(ACME, "signals")
    assert (letter.reason, letter.receipt_id, letter.attempt) == ("too_many_dequeues", "rcp-1", MAX_DEQUEUES)


async def test_a_delivery_that_was_poisoned_has_a_receipt_that_says_so() -> None:
    services = services_in_memory()
    await attend_poison(QueueName.SIGNALS, a_delivery(GOOD), services, now=NOON)
    (part,) = await services.receipts.parts(ACME, "rcp-1")
    assert (part.is_dead_letter, part.outcomes) == (True, {Outcome.DEAD_LETTERED: 1})


@pytest.mark.parametrize(
    "broken", [{"receipts": DownReceipts()}, {"dead_letters": BuggyDeadLetters()}], ids=["receipts", "a defect"]
)
async def test_whatever_goes_wrong_a_poison_message_is_not_given_up(
    broken: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    services = replace(services_in_memory(), **broken)
    assert await attend_poison(QueueName.SIGNALS, a_delivery(GOOD), services, now=NOON) is Ending.SENT_AGAIN
    (again,) = waiting(services, "signals-poison")
    assert again.body == a_delivery(GOOD)
    assert "dead_letter_delayed" in caplog.text
    assert "secret-in-the-message" not in caplog.text


async def test_a_delivery_is_one_letter_whether_its_body_travels_inside_or_lies_in_a_blob() -> None:
    services = services_in_memory()
    await attend(services, a_delivery(b"not json"))
    pointer = await services.raw.put(ACME, ReceiptId("rcp-1"), b"not json")
    message = Ingest.decode(a_delivery(b"")).model_copy(update={"body_text": None, "pointer": pointer})
    await attend(services, message.encode())
    assert len(await services.dead_letters.letters(ACME, "signals")) == 1


async def test_a_poison_message_that_cannot_be_kept_goes_back_to_its_queue() -> None:
    services = replace(services_in_memory(), dead_letters=DownDeadLetters())
    assert await attend_poison(QueueName.SIGNALS, a_delivery(GOOD), services, now=NOON) is Ending.SENT_AGAIN
    (again,) = waiting(services, "signals-poison")
    assert again.body == a_delivery(GOOD)
    assert again.delay_seconds > 0


async def test_junk_on_a_poison_queue_is_kept_for_the_operator() -> None:
    services = services_in_memory()
    assert await attend_poison(QueueName.CONTEXT, b"\xff", services, now=NOON) is Ending.DEAD_LETTERED
    assert len(await services.dead_letters.letters(UNREADABLE_TENANT, "context")) == 1
