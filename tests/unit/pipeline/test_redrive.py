"""Re-driving: what failed is recorded once in the end, whoever asks how often, and wherever a worker stops."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.adapters.memory import MemoryIncidents, MemoryQueues, services_in_memory
from shared.errors import StoreRejected
from shared.messages import MAX_MESSAGE_BYTES, Envelope, Ingest, QueueName
from shared.models.base import ReceiptId, TenantId
from shared.models.receipts import DeadLetter, LetterState, Outcome, ReceiptPart, standing_account
from shared.models.signals import Rejected, Source
from shared.pipeline.dead_letters import letter_for_rejected, letter_for_unknown_shape
from shared.pipeline.redrive import Decided, Decision, Letters, discard, redrive, redrive_reason
from shared.pipeline.stages import Ending, Stage, attend
from shared.pipeline.table import attend_queue
from shared.ports.services import Services
from shared.ports.stores import IncidentChange
from tests.builders import ACME, GLOBEX, NOON, a_principal
from tests.crashing import Crash, Steps, stepping

RECEIPT = ReceiptId("rcp-1")
LATER = NOON + timedelta(hours=1)
BY_DANA = Letters(a_principal(), QueueName.SIGNALS, "redrive_dead_letter")
ONE_ALERT = json.dumps(
    {
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "HighErrorRatio", "service": "payment"},
                "startsAt": "2026-11-23T11:59:00Z",
                "fingerprint": "a",
            }
        ]
    }
).encode()


class RejectingIncidents(MemoryIncidents):
    """Refuses every write for good, as a store does that meets a defect of ours."""

    async def commit(self, tenant_id: TenantId, change: IncidentChange) -> None:
        raise StoreRejected("too large")


def a_message(body: bytes = ONE_ALERT, **changes: Any) -> Ingest:
    fields: dict[str, Any] = {
        "tenant_id": ACME,
        "receipt_id": RECEIPT,
        "correlation_id": RECEIPT,
        "integration_id": "int-1",
        "source": Source.ALERTMANAGER,
        "received_at": NOON,
    }
    return Ingest(**{**fields, **changes}).with_body(body)


async def work(services: Services, body: bytes, queue: QueueName = QueueName.SIGNALS) -> Ending:
    return await attend_queue(queue, body, services, dequeue_count=1, now=LATER)


async def a_failed_delivery(services: Services) -> DeadLetter:
    """A delivery that failed for good while the store refused it."""
    failing = replace(services, incidents=RejectingIncidents())
    assert await work(failing, a_message().encode()) is Ending.DEAD_LETTERED
    return await the_letter(services)


async def the_letter(services: Services) -> DeadLetter:
    (held,) = (await services.dead_letters.page(ACME, "signals", limit=10)).items
    return held.value


def queues_of(services: Services) -> MemoryQueues:
    assert isinstance(services.queues, MemoryQueues)
    return services.queues


async def drain(services: Services) -> None:
    """Work off every queue, each message twice: the host may deliver any of them again."""
    for queue in QueueName:
        while body := queues_of(services).take(queue):
            assert [await work(services, body, queue) for _ in range(2)] == [Ending.DONE, Ending.DONE]


async def account(services: Services) -> ReceiptPart:
    found = standing_account(await services.receipts.parts(ACME, RECEIPT))
    assert found is not None
    return found


async def assert_recorded_once(services: Services) -> None:
    (summary,) = (await services.incident_list.page(ACME, limit=10)).items
    assert (summary.signal_count, summary.firing_count) == (1, 1)
    assert len(await services.incidents.signals(ACME, summary.id)) == 1
    assert (await account(services)).outcomes == {Outcome.CREATED: 1}
    letter = await the_letter(services)
    assert (letter.state, letter.redrives, letter.decided_by) == (LetterState.REDRIVEN, 1, "dana")


async def test_a_delivery_that_failed_is_recorded_once_when_it_is_re_driven() -> None:
    services = services_in_memory()
    letter = await a_failed_delivery(services)
    assert (await account(services)).outcomes == {Outcome.DEAD_LETTERED: 1}
    decision = await redrive(BY_DANA, letter.id, services, now=LATER)
    assert (decision.decided, decision.letter) == (Decided.SENT, await the_letter(services))
    await drain(services)
    await assert_recorded_once(services)


@pytest.mark.parametrize("takes_effect", [False, True])
async def test_a_crash_at_any_step_of_a_re_drive_leaves_the_alert_once_and_the_letter_redriven(
    takes_effect: bool,
) -> None:
    steps = Steps()
    services = services_in_memory()
    await redrive(BY_DANA, (await a_failed_delivery(services)).id, stepping(services, steps), now=LATER)
    assert steps.taken == 8, "read, announce (key, intent, check), carry the entry, send, read and mark"
    for crash_at in range(1, steps.taken + 1):
        services = services_in_memory()
        letter = await a_failed_delivery(services)
        with pytest.raises(Crash):
            await redrive(BY_DANA, letter.id, stepping(services, Steps(crash_at, takes_effect)), now=LATER)
        await redrive(BY_DANA, letter.id, services, now=LATER)
        await drain(services)
        await assert_recorded_once(services)


@pytest.mark.parametrize("takes_effect", [False, True])
async def test_a_worker_that_stops_at_any_step_of_what_was_re_driven_leaves_the_alert_once(
    takes_effect: bool,
) -> None:
    crashed = True
    crash_at = 0
    while crashed:
        crash_at += 1
        services = services_in_memory()
        await redrive(BY_DANA, (await a_failed_delivery(services)).id, services, now=LATER)
        (waiting,) = queues_of(services).waiting["signals"]
        try:
            await work(stepping(services, Steps(crash_at, takes_effect)), waiting.body)
            crashed = False
        except Crash:
            await drain(services)
            await assert_recorded_once(services)
    assert crash_at > 8, "the walk covers the whole story"


async def test_a_letter_whose_message_fails_again_is_open_again_with_its_attempts_added() -> None:
    services = services_in_memory()
    letter = await a_failed_delivery(services)
    await redrive(BY_DANA, letter.id, services, now=LATER)
    body = queues_of(services).take("signals")
    assert body is not None
    for _ in range(2):
        await work(replace(services, incidents=RejectingIncidents()), body)
    again = await the_letter(services)
    assert (again.id, again.state, again.attempt, again.redrives) == (letter.id, LetterState.OPEN, 2, 1)
    assert (again.recorded_at, again.failed_again_at) == (letter.recorded_at, LATER)
    assert (await redrive(BY_DANA, letter.id, services, now=LATER)).decided is Decided.SENT
    await drain(services)
    assert (await the_letter(services)).redrives == 2
    assert (await account(services)).outcomes == {Outcome.CREATED: 1}


async def test_a_late_copy_of_the_first_run_does_not_open_a_re_driven_letter() -> None:
    services = services_in_memory()
    letter = await a_failed_delivery(services)
    await redrive(BY_DANA, letter.id, services, now=LATER)
    await work(replace(services, incidents=RejectingIncidents()), a_message(attempt=3).encode())
    assert (await the_letter(services)).state is LetterState.REDRIVEN


class BusyQueues(MemoryQueues):
    """Something happens as a message is sent, before its sender comes to do anything more."""

    def __init__(self, meanwhile: Callable[[Envelope], Awaitable[object]]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    async def send(self, queue: QueueName, message: Envelope, *, delay_seconds: float = 0) -> None:
        await super().send(queue, message, delay_seconds=delay_seconds)
        if queue is QueueName.SIGNALS:
            await self._meanwhile(message)


async def test_a_run_that_fails_before_the_letter_is_marked_leaves_it_open() -> None:
    services = services_in_memory()
    letter = await a_failed_delivery(services)

    async def fail(message: Envelope) -> None:
        await work(replace(services, incidents=RejectingIncidents()), message.encode())

    decision = await redrive(BY_DANA, letter.id, replace(services, queues=BusyQueues(fail)), now=LATER)
    assert decision.letter is not None
    assert (decision.decided, decision.letter.state) == (Decided.SENT, LetterState.OPEN)
    assert (await the_letter(services)).attempt == 2


async def test_a_letter_that_somebody_discards_as_it_is_sent_is_redriven() -> None:
    services = services_in_memory()
    letter = await a_failed_delivery(services)

    async def give_up(message: Envelope) -> None:
        decision = await discard(
            replace(BY_DANA, principal=a_principal(object_id="eve"), operation="discard_dead_letter"),
            letter.id,
            services,
            now=LATER,
        )
        assert decision.decided is Decided.DISCARDED

    busy = replace(services, queues=BusyQueues(give_up))
    await redrive(BY_DANA, letter.id, busy, now=LATER)
    (sent,) = queues_of(busy).waiting["signals"]
    await services.queues.send_raw("signals", sent.body)
    await drain(services)
    await assert_recorded_once(services)


async def test_admins_who_re_drive_at_the_same_time_send_the_same_run() -> None:
    services = services_in_memory()
    letter = await a_failed_delivery(services)
    await asyncio.gather(*(redrive(BY_DANA, letter.id, stepping(services, Steps()), now=LATER) for _ in range(4)))
    sent = [Ingest.decode(one.body) for one in queues_of(services).waiting["signals"]]
    assert {one.redrives for one in sent} == {1}
    await drain(services)
    await assert_recorded_once(services)


async def test_the_largest_message_can_be_re_driven() -> None:
    services = services_in_memory()
    body = b"x" * (MAX_MESSAGE_BYTES - len(a_message(b"").encode()))
    assert await work(services, a_message(body).encode()) is Ending.DEAD_LETTERED
    letter = await the_letter(services)
    for _ in range(12):
        assert (await redrive(BY_DANA, letter.id, services, now=LATER)).decided is Decided.SENT
        sent = queues_of(services).take("signals")
        assert sent is not None
        assert await work(services, sent) is Ending.DEAD_LETTERED
    assert ((await the_letter(services)).redrives, (await the_letter(services)).reason) == (12, "not_json")


async def test_another_tenant_re_drives_nothing() -> None:
    services = services_in_memory()
    letter = await a_failed_delivery(services)
    foreign = replace(BY_DANA, principal=a_principal(tenant_id=GLOBEX))
    assert (await redrive(foreign, letter.id, services, now=LATER)).decided is Decided.NOT_THERE
    assert (await discard(foreign, letter.id, services, now=LATER)).decided is Decided.NOT_THERE
    assert await redrive_reason(foreign, letter.reason, services, limit=10, cursor=None, now=LATER) == ([], None)
    assert not queues_of(services).waiting["signals"]


@dataclass
class Parser:
    """Stands for ingestion: a body is a list of names, and names with a question mark cannot be understood yet."""

    knows: frozenset[str] = frozenset()

    async def handle(self, message: Ingest, services: Services, *, now: datetime) -> None:
        body = message.inline_body()
        if body is None:
            assert message.pointer is not None
            body = await services.raw.get(message.tenant_id, message.pointer)
        pointer = await services.raw.put(message.tenant_id, message.receipt_id, body)
        names = json.loads(body)
        rejected = [
            Rejected(position=at, reason=f"odd_{name}", detail="odd")
            for at, name in enumerate(names)
            if "?" in name and name not in self.knows
        ]
        if rejected:
            letter = letter_for_rejected(message, rejected, pointer, now=now)
            await services.dead_letters.add(message.tenant_id, letter)
        outcomes = {Outcome.CREATED: len(names) - len(rejected), Outcome.DEAD_LETTERED: len(rejected)}
        await services.receipts.add_part(message.tenant_id, an_account(message, len(names), outcomes))

    async def take(self, services: Services, body: bytes) -> None:
        """Work on a message, twice."""
        for _ in range(2):
            stage = Stage(QueueName.SIGNALS, Ingest, self.handle)
            assert await attend(stage, body, services, dequeue_count=1, now=LATER) is Ending.DONE


def an_account(message: Ingest, accepted: int, outcomes: dict[Outcome, int]) -> ReceiptPart:
    return ReceiptPart(
        id=ReceiptPart.id_for(message.receipt_id, message.redrives),
        tenant_id=message.tenant_id,
        receipt_id=message.receipt_id,
        integration_id=message.integration_id,
        received_at=message.received_at,
        run=message.redrives,
        accepted=accepted,
        outcomes=outcomes,
        recorded_at=NOON,
    )


def a_list(*names: str) -> bytes:
    return a_message(json.dumps(names).encode(), attempt=4).encode()


async def re_driven(services: Services, parser: Parser, letter: DeadLetter) -> Decision:
    decision = await redrive(BY_DANA, letter.id, services, now=LATER)
    body = queues_of(services).take("signals")
    assert body is not None
    await parser.take(services, body)
    return decision


async def test_the_rejected_alerts_of_a_delivery_are_one_letter_that_re_ingests_all_of_it() -> None:
    services = services_in_memory()
    await Parser().take(services, a_list("a", "b?", "c?", "d?"))
    letter = await the_letter(services)
    assert (letter.stage, letter.alerts, letter.reasons) == ("parse", 3, ("odd_b?", "odd_c?", "odd_d?"))
    assert [one.position for one in letter.rejected] == [1, 2, 3]
    assert letter.message is not None
    again = Ingest.decode(letter.message.encode())
    original = Ingest.decode(a_list("a", "b?", "c?", "d?"))
    unsent = {"body_text": None, "pointer": letter.payload_pointer, "attempt": 1}
    assert again == original.model_copy(update=unsent)


async def test_the_receipt_follows_what_is_re_driven_and_counts_nothing_twice() -> None:
    services = services_in_memory()
    await Parser().take(services, a_list("a", "b?", "c?"))
    told = [dict((await account(services)).outcomes)]
    for knows in ({"b?"}, {"b?", "c?"}):
        await re_driven(services, Parser(frozenset(knows)), await the_letter(services))
        told.append(dict((await account(services)).outcomes))
    assert told == [
        {Outcome.CREATED: 1, Outcome.DEAD_LETTERED: 2},
        {Outcome.CREATED: 2, Outcome.DEAD_LETTERED: 1},
        {Outcome.CREATED: 3, Outcome.DEAD_LETTERED: 0},
    ]
    letter = await the_letter(services)
    assert (letter.state, letter.redrives, letter.alerts) == (LetterState.REDRIVEN, 2, 1)


async def test_a_body_whose_blob_is_gone_fails_again_as_a_letter_of_its_own() -> None:
    services = services_in_memory()
    message = a_message(b"[]")
    letter = letter_for_unknown_shape(message, "custom_payload", f"{ACME}/{RECEIPT}", now=NOON)
    await services.dead_letters.add(ACME, letter)
    await redrive(BY_DANA, letter.id, services, now=LATER)
    body = queues_of(services).take("signals")
    assert body is not None
    assert await work(services, body) is Ending.DEAD_LETTERED
    letters = (await services.dead_letters.page(ACME, "signals", limit=10)).items
    told = {one.value.stage: (one.value.reason, one.value.state) for one in letters}
    assert told == {
        "parse": ("custom_payload", LetterState.REDRIVEN),
        "signals": ("payload_gone", LetterState.OPEN),
    }


@pytest.mark.parametrize("count", [1, 50, 10_000])
def test_a_flood_of_rejected_alerts_is_one_small_letter_that_counts_them_all(count: int) -> None:
    rejected = [Rejected(position=at, reason="bad_alert", detail="x" * 100) for at in range(count)]
    letter = letter_for_rejected(a_message(), rejected, f"{ACME}/{RECEIPT}", now=NOON)
    assert (letter.alerts, letter.reasons) == (count, ("bad_alert",))
    assert len(letter.model_dump_json()) < 20_000
