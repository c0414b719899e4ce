"""Every queue is told of, an empty one as empty; one that cannot be asked is not told as empty."""

import logging
from collections import deque
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.adapters.memory import MemoryQueues, services_in_memory
from shared.adapters.memory.transport import Waiting
from shared.errors import QueueUnavailable
from shared.messages import Check, QueueName
from shared.models.schedule import DueWork, WorkKind
from shared.pipeline.due import send_due
from shared.pipeline.queue_ages import MEASURED, measure_queues
from shared.ports.transport import Line
from tests.builders import ACME, NOON
from tests.listening import listening


class OneIsDown(MemoryQueues):
    """`context` cannot be asked."""

    async def line(self, queue: str) -> Line:
        if queue == "context":
            raise QueueUnavailable("down", reason="timeout")
        return await super().line(queue)


async def test_length_and_age_of_every_queue_are_told() -> None:
    services = services_in_memory()
    assert isinstance(services.queues, MemoryQueues)
    old, new = NOON - timedelta(seconds=90), NOON - timedelta(seconds=5)
    services.queues.waiting["signals"] = deque([Waiting(b"a", 0, old), Waiting(b"b", 0, new), Waiting(b"c", 60, old)])
    with listening() as heard:
        await measure_queues(services, now=NOON)
        lengths, ages = heard.measured("queue_length"), heard.measured("queue_oldest_age_seconds")
    assert set(lengths) == set(ages) == {f"queue={name}" for name in MEASURED}
    assert len(MEASURED) == 2 * len(QueueName)
    assert (lengths["queue=signals"], ages["queue=signals"]) == (3, 90.0)
    assert (lengths["queue=signals-poison"], ages["queue=signals-poison"]) == (0, 0)


async def test_a_queue_that_cannot_be_asked_is_told_as_that_and_hides_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    with listening() as heard:
        await measure_queues(replace(services_in_memory(), queues=OneIsDown()), now=NOON)
        told = heard.measured("queue_oldest_age_seconds")
    assert set(told) == {f"queue={name}" for name in MEASURED} - {"queue=context"}
    assert "queue_age_unknown queue=context reason=timeout" in caplog.text
    assert "queue_age queue=checks length=0 oldest_age_seconds=0.0" in caplog.text


async def test_a_clock_that_is_behind_the_services_makes_no_age_below_nothing() -> None:
    services = services_in_memory()
    assert isinstance(services.queues, MemoryQueues)
    services.queues.waiting["checks"] = deque([Waiting(b"a", 0, NOON + timedelta(seconds=3))])
    with listening() as heard:
        await measure_queues(services, now=NOON)
        assert heard.measured("queue_oldest_age_seconds")["queue=checks"] == 0


async def test_the_checks_of_a_minute_are_linked_to_the_timer_that_sent_them() -> None:
    services = services_in_memory()
    assert isinstance(services.queues, MemoryQueues)
    for number in range(3):
        work = DueWork.of(ACME, WorkKind.AUTO_RESOLVE, f"inc-{number}", due_at=NOON, now=NOON)
        await services.schedule.put(ACME, work)
    with listening() as heard:
        assert await send_due(services, now=NOON) == 3
        timer = heard.named("due_work")
    assert timer.context is not None
    sent = [Check.decode(one.body) for one in services.queues.waiting["checks"]]
    assert len(sent) == 3
    # Without the flags at its end.
    assert {str(one.linked)[:-3] for one in sent} == {
        f"00-{timer.context.trace_id:032x}-{timer.context.span_id:016x}"
    }
    assert {one.traceparent for one in sent} == {None}
