"""Copies what was audited into the chain: each entry once, in the order of its number, whoever seals at the time."""

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime

from shared.access.audit_chain import (
    Waiting,
    carried,
    end_of,
    found_now,
    is_sealed_by,
    next_in_chain,
    not_carried,
    says_so_already,
)
from shared.errors import AlreadyExists, Conflict
from shared.messages import Check
from shared.models.audit import AuditEntry, AuditIntent, AuditWhere
from shared.models.audit_log import AuditLog, AuditOutcome, MonthEnd, months_back
from shared.models.base import TenantId
from shared.pipeline.turns import turn
from shared.ports.audit import SealingTerms
from shared.ports.services import Services
from shared.telemetry import logger

log = logger(__name__)

MAX_RACES = 20
MAX_MONTHS_BACK = 24
"""A tenant that did nothing for longer begins anew."""
LONGEST_PAUSE_SECONDS = 0.2
ATTEMPTS_FOR_INTENT = 6
"""About a minute: an announcement that is not there by then was never kept, and its change never made."""


async def seal(message: Check, services: Services, *, now: datetime) -> AuditWhere | None:
    """Seal what a document carries, drop it there, and say where it lies; None when nothing was ever announced.

    Raises Conflict while the change may still be written.
    """
    intent = await services.audit.intent(message.tenant_id, message.subject, message.work_id)
    if intent is None:
        if message.attempt < ATTEMPTS_FOR_INTENT:
            raise _awaited(Waiting.NOT_ANNOUNCED_YET)
        return None
    held = await services.audit.pending(message.tenant_id, intent.where)
    await _seal_carried(message.tenant_id, intent, held or (), services, now=now)
    if not any(one.entry_id == intent.entry.entry_id for one in held or ()):
        await _seal_uncarried(message.tenant_id, intent, services, is_there=held is not None, now=now)
    return intent.where


async def _seal_carried(
    tenant_id: TenantId, known: AuditIntent, held: Sequence[AuditEntry], services: Services, *, now: datetime
) -> None:
    terms = await services.sealing.terms()
    for entry in held:
        is_known = entry.entry_id == known.entry.entry_id
        intent = known if is_known else await _intent_of(tenant_id, entry, services)
        announced, outcome = carried(entry, intent, terms.key, now=now)
        await extend(tenant_id, announced, outcome, services, now=now)
    if held:
        # Last: whoever stopped before it seals again, and finds it done.
        await services.audit.settle(tenant_id, known.where, frozenset(one.entry_id for one in held))


async def _intent_of(tenant_id: TenantId, entry: AuditEntry, services: Services) -> AuditIntent | None:
    return await services.audit.intent(tenant_id, entry.month, AuditIntent.id_for(entry.entry_id))


async def _seal_uncarried(
    tenant_id: TenantId, intent: AuditIntent, services: Services, *, is_there: bool, now: datetime
) -> None:
    # Looked for after the document was read: another sealer may have taken it from there in between.
    terms = await services.sealing.terms()
    found = await services.audit.sealed(tenant_id, intent.month, intent.entry.entry_id)
    if any(is_sealed_by(terms.key, one, one.get("hash")) for one in found):
        return
    outcome = not_carried(intent, terms.key, is_there=is_there, now=now)
    if isinstance(outcome, Waiting):
        raise _awaited(outcome)
    is_vouched_for = outcome is not AuditOutcome.UNANNOUNCED
    entry = intent.entry if is_vouched_for else found_now(intent.entry, now=now)
    await extend(tenant_id, entry, outcome, services, now=now)


async def extend(
    tenant_id: TenantId, entry: AuditEntry, outcome: AuditOutcome, services: Services, *, now: datetime
) -> None:
    """Put an entry at the end of its month's chain unless it is there; raises Conflict if others are ever quicker."""
    async with turn(tenant_id, f"audit-{entry.month}"):
        await grow(tenant_id, entry, outcome, services, now=now)


async def grow(
    tenant_id: TenantId, entry: AuditEntry, outcome: AuditOutcome, services: Services, *, now: datetime
) -> None:
    """The same without waiting for a turn, as processes do that do not know of each other."""
    terms = await services.sealing.terms()
    for race in range(MAX_RACES):
        # The tail first: an entry that is sealed after it was read has the number that we are about to take.
        tail = await services.audit.tail(tenant_id, entry.month)
        found = await services.audit.sealed(tenant_id, entry.month, entry.entry_id)
        if any(says_so_already(one, outcome, terms.key) for one in found):
            return
        earlier = None if tail else await _latest_before(tenant_id, entry.month, terms, services)
        added = next_in_chain(tenant_id, entry, outcome, terms, tail=tail, earlier=earlier, now=now)
        try:
            await services.audit.add(tenant_id, added)
        except AlreadyExists:
            await asyncio.sleep(_pause_after(race))
            continue
        _witness(added)
        return
    raise Conflict(f"the chain of {entry.month} grew {MAX_RACES} times meanwhile", reason="audit_chain_busy")


def _pause_after(race: int) -> float:
    return random.random() * LONGEST_PAUSE_SECONDS * race / MAX_RACES  # noqa: S311 -- spreads load, guards nothing


async def _latest_before(tenant_id: TenantId, month: str, terms: SealingTerms, services: Services) -> MonthEnd | None:
    """How the latest month before this one ended that is still kept; asked for once a month."""
    months = months_back(month, min(terms.retention.days // 28 + 1, MAX_MONTHS_BACK))
    tails = await asyncio.gather(*(services.audit.tail(tenant_id, one) for one in months))
    return next((end_of(one) for one in tails if one), None)


def _witness(added: AuditLog) -> None:
    """The telemetry knows how far a chain had come: whoever cuts its end would have to rewrite that, too."""
    said = {"month": added.month, "sequence": added.sequence, "hash": added.hash, "outcome": added.outcome.value}
    log.info("audit_sealed", extra={"tenant_id": added.tenant_id, **said})


def _awaited(why: Waiting) -> Conflict:
    return Conflict("what is to be sealed may still be on its way", reason=why.value)
