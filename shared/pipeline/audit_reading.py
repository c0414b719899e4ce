"""Reads the trail: pages across months, newest first, and the recomputed chain of one month."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from shared.access.audit_chain import is_sealed_by
from shared.access.audit_verify import Found, Seen, announced, findings, seen, unsealed
from shared.errors import CopilotError, Malformed
from shared.messages import QueueName
from shared.models.audit import AuditIntent, month_of
from shared.models.audit_log import AuditLog, MonthEnd, month_after, month_before
from shared.models.base import TenantId
from shared.pipeline.auditing import sealing_of
from shared.ports.audit import Place, SealingTerms, Wanted
from shared.ports.services import Services
from shared.telemetry import logger

log = logger(__name__)

PER_READ = 1000
MAX_SENT = 100


@dataclass(frozen=True)
class Listed:
    """An entry of the trail, and whether its seal holds; whether it is where it belongs is what `verify` tells."""

    log: AuditLog
    is_sealed: bool


@dataclass(frozen=True)
class LogPage:
    """Some of the trail; `end` is where to go on, None when there is no more."""

    items: Sequence[Listed]
    end: Place | None


@dataclass(frozen=True)
class Report:
    """What recomputing a month's chain found."""

    month: str
    entries: int
    findings: Sequence[Found]
    known_end: MonthEnd | None
    unsealed: Sequence[tuple[AuditIntent, bool]]


async def read_trail(
    tenant_id: TenantId, wanted: Wanted, services: Services, *, limit: int, behind: Place | None, now: datetime
) -> LogPage:
    """A page of what is wanted, from as many months as it takes; what no longer reads as an entry is left out."""
    terms = await services.sealing.terms()
    kept = _within_retention(wanted, terms, now=now)
    found: list[Mapping[str, Any]] = []
    month = min(behind.timestamp[:7], month_of(kept.end)) if behind else month_of(kept.end)
    while month >= month_of(kept.start) and len(found) <= limit:
        rest = limit + 1 - len(found)
        found += await services.audit.page(tenant_id, month, kept, limit=rest, behind=behind)
        month = month_before(month)
    shown = found[:limit]
    end = Place(str(shown[-1]["timestamp"]), str(shown[-1]["id"])) if len(found) > limit else None
    return LogPage([listed for one in shown if (listed := _listed(one, terms.key))], end)


async def verify(tenant_id: TenantId, month: str, services: Services, *, now: datetime) -> Report:
    """Recompute a month's chain, and have sealed what is overdue; raises Malformed for a month that is not kept."""
    terms = await services.sealing.terms()
    if not month_of(_oldest(terms, now=now)) <= month <= month_of(now):
        raise Malformed("no chain of this month is kept", reason="month_not_kept")
    # Read before the chain, so that what is sealed meanwhile counts as sealed.
    told = [announced(one, terms.key) async for one in _intents(tenant_id, month, services)]
    chain = [seen(one, terms.key, tenant_id, month) async for one in _chain(tenant_id, month, services)]
    known_end = await _known_end(tenant_id, month, terms.key, services, now=now)
    sealed_ids = frozenset(one.entry_id for one in chain if one.is_genuine)
    waiting = unsealed((one for one in told if isinstance(one, AuditIntent)), sealed_ids, now=now)
    await _ask_again(tenant_id, [intent for intent, is_overdue in waiting if is_overdue][:MAX_SENT], services)
    return Report(
        month=month,
        entries=sum(1 for one in chain if one.is_in_place),
        findings=[*findings(chain, known_end), *(one for one in told if isinstance(one, Found))],
        known_end=known_end,
        unsealed=waiting,
    )


async def _ask_again(tenant_id: TenantId, overdue: Sequence[AuditIntent], services: Services) -> None:
    """An announcement stays alone when its check could not be sent: nothing was changed, and that gets sealed now."""
    for intent in overdue:
        try:
            await services.queues.send(QueueName.CHECKS, sealing_of(tenant_id, intent))
        except CopilotError as exc:
            log.warning("sealing_not_asked_for", extra={"reason": exc.reason})
            return


def _within_retention(wanted: Wanted, terms: SealingTerms, *, now: datetime) -> Wanted:
    oldest, latest = _oldest(terms, now=now), now + timedelta(days=1)
    start = min(max(wanted.start, oldest), latest).astimezone(UTC)
    return replace(wanted, start=start, end=max(min(wanted.end, latest), start).astimezone(UTC))


def _oldest(terms: SealingTerms, *, now: datetime) -> datetime:
    """A month is kept for the retention after its end."""
    return now - terms.retention - timedelta(days=31)


async def _known_end(
    tenant_id: TenantId, month: str, key: bytes, services: Services, *, now: datetime
) -> MonthEnd | None:
    """What the next month that has a chain says of this one; None when nothing of ours tells."""
    later, current = month_after(month), month_of(now)
    while later <= current:
        first = await services.audit.at(tenant_id, later, 1)
        if first:
            return _told_by(first, key, tenant_id, later, month)
        later = month_after(later)
    return None


def _told_by(first: Mapping[str, Any], key: bytes, tenant_id: TenantId, later: str, month: str) -> MonthEnd | None:
    one: Seen = seen(first, key, tenant_id, later)
    log = _readable(first) if one.is_in_place else None
    return log.earlier if log and log.earlier and log.earlier.month == month else None


async def _intents(tenant_id: TenantId, month: str, services: Services) -> AsyncIterator[Mapping[str, Any]]:
    after = ""
    while some := await services.audit.intents(tenant_id, month, after=after, limit=PER_READ):
        for one in some:
            yield one
        after = str(some[-1]["id"])


async def _chain(tenant_id: TenantId, month: str, services: Services) -> AsyncIterator[Mapping[str, Any]]:
    after = ""
    while some := await services.audit.chain(tenant_id, month, after=after, limit=PER_READ):
        for one in some:
            yield one
        after = str(some[-1]["id"])


def _listed(stored: Mapping[str, Any], key: bytes) -> Listed | None:
    log = _readable(stored)
    return Listed(log, is_sealed_by(key, stored, stored.get("hash"))) if log else None


def _readable(stored: Mapping[str, Any]) -> AuditLog | None:
    try:
        return AuditLog.from_stored(stored)
    except ValidationError:
        return None
