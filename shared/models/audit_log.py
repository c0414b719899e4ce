"""The sealed trail: entries of one tenant and month, each bound to the one before it."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from shared.models.audit import AuditAction, AuditEntry, Facts
from shared.models.base import Document, Instant, Value

SEQUENCE_DIGITS = 10


class AuditOutcome(StrEnum):
    """What is known of a change when its entry is sealed."""

    DONE = "done"
    """The change is written; or, for what is sealed before it is answered, the answer was on its way."""
    NOT_CARRIED_OUT = "not_carried_out"
    """It was announced, and minutes later it was not written: refused, or its worker stopped."""
    NOT_THERE = "not_there"
    """Where it would have been written lies nothing: never made, or deleted since."""
    GONE = "gone"
    """What was to be deleted is not there any more."""
    UNANNOUNCED = "unannounced"
    """It stood in a document, and no announcement of ours bears it out."""


class MonthEnd(Value):
    """How a month's chain ended as far as it was known when a later one began."""

    month: str
    count: int = Field(ge=1)
    hash: str


class AuditLog(Document):
    """One sealed entry. `hash` covers everything but itself and the id, and the id says the sequence once more."""

    type: Literal["audit_log"] = "audit_log"
    month: str
    sequence: int = Field(ge=1)
    previous_hash: str | None
    """That of the entry before; None for the first of a month."""
    earlier: MonthEnd | None = None
    """Only in the first entry of a month: the latest month before it that has a chain."""
    entry_id: str
    timestamp: Instant
    user_id: str | None
    user_name: str
    event_type: str
    action: AuditAction
    resource_type: str
    resource_id: str
    before: Facts
    after: Facts
    ip_address: str | None
    user_agent: str | None
    request_id: str
    outcome: AuditOutcome
    sealed_at: Instant
    ttl: int = Field(ge=1)
    hash: str = ""


def place_of(sequence: int) -> str:
    """The id of the entry with this number: zero-padded, so that the order of ids is the order of numbers."""
    return f"{sequence:0{SEQUENCE_DIGITS}}"


def number_of(place: str) -> int | None:
    """The number that an id says; None for an id that is none of ours."""
    is_place = len(place) == SEQUENCE_DIGITS and place.isascii() and place.isdecimal()
    return (int(place) or None) if is_place else None


def of_entry(entry: AuditEntry) -> dict[str, object]:
    """What a sealed entry takes over from the entry."""
    said = entry.model_dump()
    return {"timestamp": said.pop("at"), **said}


def start_of(month: str) -> datetime:
    """The first moment of `2026-11`; raises ValueError for what is no month."""
    return datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)


def month_after(month: str) -> str:
    """The next one."""
    return f"{start_of(month) + timedelta(days=32):%Y-%m}"


def month_before(month: str) -> str:
    """The one before."""
    return f"{start_of(month) - timedelta(days=1):%Y-%m}"


def months_back(month: str, count: int) -> list[str]:
    """So many months before this one, the nearest first."""
    found: list[str] = []
    for _ in range(count):
        month = month_before(month)
        found.append(month)
    return found
