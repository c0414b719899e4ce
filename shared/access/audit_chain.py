"""How the audit trail is sealed: what an entry's hash covers, what follows what, and what is known of a change."""

import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from shared.models.audit import AuditAction, AuditEntry, AuditIntent, AuditWhere
from shared.models.audit_log import AuditLog, AuditOutcome, MonthEnd, month_after, of_entry, place_of, start_of
from shared.models.base import TenantId
from shared.ports.audit import SealingTerms

WRITTEN_WITHIN = timedelta(minutes=5)
"""An announced change is written by then or never: the host ends a request after 230 seconds."""
INTENT_TTL = timedelta(days=30)

# What the store adds, the two fields that hold the hash itself, and the id, which repeats the sequence: a genuine
# entry at another's place is then told from a forged one.
_NOT_COVERED = frozenset({"id", "hash", "mac", "write_id"})


class Waiting(StrEnum):
    """Why an entry cannot be sealed yet."""

    MAY_STILL_BE_WRITTEN = "audited_change_awaited"
    NOT_ANNOUNCED_YET = "audit_intent_awaited"


def seal_of(stored: Mapping[str, Any], key: bytes) -> str:
    """The HMAC-SHA256 over a stored document's canonical JSON."""
    covered = {
        name: _plain(value) for name, value in stored.items() if name not in _NOT_COVERED and not name.startswith("_")
    }
    text = json.dumps(covered, sort_keys=True, separators=(",", ":"))
    return hmac.new(key, text.encode(), sha256).hexdigest()


def is_sealed_by(key: bytes, stored: Mapping[str, Any], seal: object) -> bool:
    """Whether this seal is the one of this document."""
    return isinstance(seal, str) and hmac.compare_digest(seal_of(stored, key).encode(), seal.encode())


def _plain(value: Any) -> Any:
    """A value with one spelling for each number: the store keeps doubles, and gives 1.0 back as 1."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return str(value)
    return value


def announcement(tenant_id: TenantId, entry: AuditEntry, where: AuditWhere, key: bytes) -> AuditIntent:
    """What is about to be done, with the proof that it was us who said so."""
    intent = AuditIntent.of(tenant_id, entry, where, ttl=int(INTENT_TTL.total_seconds()))
    return intent.model_copy(update={"mac": seal_of(intent.to_stored(), key)})


def is_ours(intent: AuditIntent, key: bytes) -> bool:
    """Whether it was us who announced this."""
    return is_sealed_by(key, intent.to_stored(), intent.mac)


def carried(
    entry: AuditEntry, intent: AuditIntent | None, key: bytes, *, now: datetime
) -> tuple[AuditEntry, AuditOutcome]:
    """What to seal of an entry that a document carries: as it was announced, or marked as never announced."""
    if intent and intent.entry.entry_id == entry.entry_id and is_ours(intent, key):
        return intent.entry, AuditOutcome.DONE
    return found_now(entry, now=now), AuditOutcome.UNANNOUNCED


def found_now(entry: AuditEntry, *, now: datetime) -> AuditEntry:
    """An entry that nobody vouches for: its time is when we met it, so that it cannot choose its month."""
    return entry.model_copy(update={"at": now})


def not_carried(intent: AuditIntent, key: bytes, *, is_there: bool, now: datetime) -> AuditOutcome | Waiting:
    """What is known of a change whose entry is neither in its document nor in the chain."""
    if not is_ours(intent, key):
        return AuditOutcome.UNANNOUNCED
    if not is_there and intent.entry.action is AuditAction.DELETE:
        return AuditOutcome.GONE
    if now < intent.entry.at + WRITTEN_WITHIN:
        return Waiting.MAY_STILL_BE_WRITTEN
    return AuditOutcome.NOT_CARRIED_OUT if is_there else AuditOutcome.NOT_THERE


def says_so_already(stored: Mapping[str, Any], outcome: AuditOutcome, key: bytes) -> bool:
    """Whether an entry of the chain makes another with this outcome needless.

    One that we did not seal says nothing, and a change that turns up after it was given up is still told.
    """
    is_told = stored.get("outcome") == AuditOutcome.DONE or outcome is not AuditOutcome.DONE
    return is_told and is_sealed_by(key, stored, stored.get("hash"))


def next_in_chain(
    tenant_id: TenantId,
    entry: AuditEntry,
    outcome: AuditOutcome,
    terms: SealingTerms,
    *,
    tail: AuditLog | None,
    earlier: MonthEnd | None,
    now: datetime,
) -> AuditLog:
    """The entry as it follows the tail; the first of a month names how the latest one before it ended."""
    sequence = tail.sequence + 1 if tail else 1
    log = AuditLog(
        id=place_of(sequence),
        tenant_id=tenant_id,
        month=entry.month,
        sequence=sequence,
        previous_hash=tail.hash if tail else None,
        earlier=None if tail else earlier,
        outcome=outcome,
        sealed_at=now,
        ttl=seconds_kept(entry.month, terms.retention, now=now),
        **of_entry(entry),
    )
    return log.model_copy(update={"hash": seal_of(log.to_stored(), terms.key)})


def end_of(tail: AuditLog) -> MonthEnd:
    """What the next month says of this one."""
    return MonthEnd(month=tail.month, count=tail.sequence, hash=tail.hash)


def seconds_kept(month: str, retention: timedelta, *, now: datetime) -> int:
    """How long an entry that is sealed now is kept: all of a month expire at one moment, or a gap would look cut."""
    left = start_of(month_after(month)) + retention - now
    return max(1, int(left.total_seconds()))
