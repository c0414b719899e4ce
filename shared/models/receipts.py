"""Receipts: what became of every delivery that was answered with 202, and dead letters for what could not be."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from pydantic import Field

from shared.models.base import Document, Instant, ReceiptId

RECEIPT_TTL_SECONDS = 30 * 24 * 3600
DEAD_LETTER_TTL_SECONDS = 90 * 24 * 3600


class Outcome(StrEnum):
    """What became of one alert of a delivery."""

    CREATED = "created"
    UPDATED = "updated"
    DUPLICATE = "duplicate"
    SUPPRESSED = "suppressed"
    DEAD_LETTERED = "dead_lettered"


class ReceiptPart(Document):
    """Create-once: how the alerts of one message ended. A redelivery writes the same part: nothing counts twice."""

    type: Literal["receipt_part"] = "receipt_part"
    receipt_id: ReceiptId
    integration_id: str
    received_at: Instant
    outcomes: Mapping[Outcome, int]
    incident_ids: tuple[str, ...] = ()
    recorded_at: Instant
    ttl: int = RECEIPT_TTL_SECONDS


class DeadLetter(Document):
    """What could not be processed, why, where, after how many attempts, and where its payload lies."""

    type: Literal["dead_letter"] = "dead_letter"
    queue: str
    stage: str
    reason: str
    detail: str = Field(max_length=1000)
    attempt: int
    receipt_id: str | None
    payload_pointer: str | None
    message: str | None
    """The queue message itself, when it is small, so that re-driving needs nothing rebuilt."""
    recorded_at: Instant
    ttl: int = DEAD_LETTER_TTL_SECONDS
