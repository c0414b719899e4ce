"""A write of the API stops at any of its steps: what took effect is in the trail as done, once, and nothing else."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from shared.adapters.memory import MemoryQueues, services_in_memory
from shared.messages import Envelope, Ingest, QueueName
from shared.models.audit import AuditHome, AuditWhere, month_of
from shared.models.audit_log import AuditOutcome
from shared.models.base import ReceiptId, document_id
from shared.models.receipts import DeadLetter, LetterState
from shared.models.signals import Source
from shared.pipeline.audit_reading import verify
from shared.pipeline.correcting import Correcting, merge_incidents
from shared.pipeline.redrive import Letters, discard, redrive
from shared.pipeline.table import attend_queue
from shared.ports.services import Services
from tests.builders import ACME, NOON, a_principal
from tests.crashing import Crash, Steps, stepping
from tests.unit.pipeline.test_moving import ONE, TWO, two_incidents

LETTER = document_id("dead", "payment")
AT_LETTER = AuditWhere(home=AuditHome.DEAD_LETTERS, id=LETTER, part="signals")
MESSAGE = Ingest(
    tenant_id=ACME,
    receipt_id=ReceiptId("rcp-1"),
    correlation_id="rcp-1",
    integration_id="int-1",
    source=Source.ALERTMANAGER,
    received_at=NOON,
).with_body(b"{}")


@dataclass(frozen=True)
class Story:
    """A write, on what it is made, how its effect is seen, and which document carries its entry."""

    prepared: Callable[[], Awaitable[Services]]
    write: Callable[[Services], Awaitable[object]]
    took_effect: Callable[[Services], Awaitable[bool]]
    where: AuditWhere


async def with_a_letter() -> Services:
    services = services_in_memory()
    letter = DeadLetter(
        id=LETTER,
        tenant_id=ACME,
        queue="signals",
        stage="signals",
        reason="store_rejected",
        detail="",
        attempt=1,
        receipt_id="rcp-1",
        payload_pointer=None,
        message=MESSAGE.encode().decode(),
        recorded_at=NOON,
    )
    await services.dead_letters.add(ACME, letter)
    return services


def letters(operation: str) -> Letters:
    return Letters(a_principal(), QueueName.SIGNALS, operation)


async def give_up(services: Services) -> object:
    return await discard(letters("discard_dead_letter"), LETTER, services, now=NOON)


async def send_again(services: Services) -> object:
    return await redrive(letters("redrive_dead_letter"), LETTER, services, now=NOON)


async def merge(services: Services) -> object:
    message = Envelope(tenant_id=ACME, receipt_id=ReceiptId("api-1"), correlation_id="api-1")
    who = Correcting(message, a_principal(), "merge_incident")
    return await merge_incidents(who, TWO, ONE, services, now=NOON)


async def is_given_up(services: Services) -> bool:
    held = await services.dead_letters.read(ACME, "signals", LETTER)
    return held is not None and held.value.state is LetterState.DISCARDED


async def is_sent(services: Services) -> bool:
    return bool(queues_of(services).waiting["signals"])


async def is_kept(services: Services) -> bool:
    return await services.surroundings.corrections(ACME) is not None


STORIES = {
    "discard": Story(with_a_letter, give_up, is_given_up, AT_LETTER),
    "redrive": Story(with_a_letter, send_again, is_sent, AT_LETTER),
    "merge": Story(two_incidents, merge, is_kept, AuditWhere(home=AuditHome.CLAIMS, id="corrections")),
}


def queues_of(services: Services) -> MemoryQueues:
    assert isinstance(services.queues, MemoryQueues)
    return services.queues


async def seal_all(services: Services) -> None:
    """Attend to every check twice, when a change that is not written by now never will be."""
    later = NOON + timedelta(hours=1)
    await verify(ACME, month_of(NOON), services, now=later)
    waiting = [one.body for one in queues_of(services).waiting["checks"]]
    for body in (*waiting, *waiting):
        await attend_queue(QueueName.CHECKS, body, services, dequeue_count=1, now=later)


async def outcomes_of(services: Services) -> list[str]:
    stored = await services.audit.chain(ACME, month_of(NOON), after="", limit=100)
    return [str(one["outcome"]) for one in stored]


@pytest.mark.parametrize("takes_effect", [False, True])
@pytest.mark.parametrize("name", STORIES)
async def test_what_took_effect_before_a_crash_is_in_the_trail_as_done(name: str, takes_effect: bool) -> None:
    story = STORIES[name]
    crash_at, crashed = 0, True
    while crashed:
        crash_at += 1
        services = await story.prepared()
        try:
            await story.write(stepping(services, Steps(crash_at, takes_effect)))
            crashed = False
        except Crash:
            pass
        is_effective = await story.took_effect(services)
        await seal_all(services)
        outcomes = await outcomes_of(services)
        assert len(outcomes) <= 1
        if is_effective:
            assert outcomes == [AuditOutcome.DONE], crash_at
        assert not await services.audit.pending(ACME, story.where)
        report = await verify(ACME, month_of(NOON), services, now=NOON + timedelta(hours=1))
        assert (report.findings, report.unsealed) == ([], [])
    assert crash_at > 5, "the walk covers the whole story"


@pytest.mark.parametrize("name", ["discard", "merge"])
async def test_what_was_not_written_is_never_said_to_be_done(name: str) -> None:
    story = STORIES[name]
    for crash_at in range(1, 20):
        services = await story.prepared()
        try:
            await story.write(stepping(services, Steps(crash_at)))
        except Crash:
            is_effective = await story.took_effect(services)
            await seal_all(services)
            assert (AuditOutcome.DONE in await outcomes_of(services)) == is_effective
