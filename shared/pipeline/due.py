"""Due work: the timer sends a check for each, and the check is told apart by its kind."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol, assert_never

from shared.errors import Conflict, CopilotError
from shared.messages import Check, QueueName
from shared.models.audit import AuditHome
from shared.models.base import IncidentId, ReceiptId
from shared.models.schedule import SHARDS, DueWork, WorkKind
from shared.pipeline.acting import follow_up
from shared.pipeline.calibrating import recalibrate
from shared.pipeline.health import check_health
from shared.pipeline.maintenance import check_maintenance
from shared.pipeline.moving import complete
from shared.pipeline.reconcile import reconcile
from shared.pipeline.sealing import seal
from shared.pipeline.sending import send_once_more
from shared.pipeline.settling import check_settled
from shared.pipeline.silence import check_silence
from shared.ports.services import Services
from shared.ports.stores import Versioned
from shared.telemetry import logger, span

log = logger(__name__)

PER_SHARD = 200
"""What one pass takes of a shard; the rest is taken by the next, before what fell due after it."""


async def send_due(services: Services, *, now: datetime) -> int:
    """Send a check for all work that is due, and return how many; what fails is left for the next pass."""
    with span("due_work"):
        return sum(await asyncio.gather(*(_send_shard(shard, services, now=now) for shard in SHARDS)))


async def _send_shard(shard: str, services: Services, *, now: datetime) -> int:
    sent = 0
    try:
        due = await services.schedule.due(shard, now, limit=PER_SHARD)
    except CopilotError as exc:
        log.warning("due_work_unread", extra={"shard": shard, "reason": exc.reason})
        return sent
    for held in due:
        try:
            await _send(held, services, now=now)
        except CopilotError as exc:
            log.warning("check_not_sent", extra={"work_id": held.value.id, "reason": exc.reason})
            continue
        sent += 1
    return sent


async def _send(held: Versioned[DueWork], services: Services, *, now: datetime) -> None:
    """Send first, move after: a crash between the two sends again, and a check may run twice."""
    work = held.value
    await send_once_more(QueueName.CHECKS, check_of(work), services)
    try:
        await services.schedule.replace(work.tenant_id, work.due_again(now=now), held.etag)
    except Conflict:
        # The check was quicker, and moved the work itself.
        return


def check_of(work: DueWork) -> Check:
    """The message that looks at work; the same work always gives the same message."""
    return Check(
        tenant_id=work.tenant_id,
        receipt_id=ReceiptId(work.id),
        correlation_id=work.id,
        work_id=work.id,
        kind=work.kind,
        subject=work.subject,
    )


async def check(message: Check, services: Services, *, now: datetime) -> None:
    """Look at what was asked for once, or at work that is due; work that is done meanwhile is left alone."""
    once = _ONCE.get(message.kind)
    if once is not None:
        await once(message, services, now=now)
        return
    held = await services.schedule.read(message.tenant_id, message.work_id)
    if held is not None:
        await _look(message, held, services, now=now)


async def _look(message: Check, held: Versioned[DueWork], services: Services, *, now: datetime) -> None:
    match held.value.kind:
        case WorkKind.AUTO_RESOLVE:
            await check_silence(message, held.value, services, now=now)
        case WorkKind.RECONCILE:
            await reconcile(message, held.value, services, now=now)
        case WorkKind.HEALTH:
            await check_health(message, held, services, now=now)
        case WorkKind.END_MAINTENANCE:
            await check_maintenance(message, held.value, services, now=now)
        case WorkKind.RECALIBRATE:
            await recalibrate(message, held, services, now=now)
        case WorkKind.COMPLETE_MOVE | WorkKind.SEAL_AUDIT | WorkKind.SETTLE_INTEGRATION:
            return
        case _:
            assert_never(held.value.kind)


async def _complete_move(message: Check, services: Services, *, now: datetime) -> None:
    await complete(message, IncidentId(message.subject), services, now=now)


async def _seal(message: Check, services: Services, *, now: datetime) -> None:
    """What was done to an incident is also passed on: its worker may have stopped right after the write."""
    where = await seal(message, services, now=now)
    if where and where.home is AuditHome.INCIDENTS:
        await follow_up(message, IncidentId(where.id), services, now=now)


class _Once(Protocol):
    """What is asked for by a message alone, and is no due work."""

    async def __call__(self, message: Check, services: Services, *, now: datetime) -> None:
        """Do it."""
        ...


_ONCE: Mapping[WorkKind, _Once] = {
    WorkKind.COMPLETE_MOVE: _complete_move,
    WorkKind.SEAL_AUDIT: _seal,
    WorkKind.SETTLE_INTEGRATION: check_settled,
}
