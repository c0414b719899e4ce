"""Receipts: what became of every delivery that was answered with 202, and dead letters for what could not be."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Literal

from pydantic import Field

from shared.models.audit import AuditedDocument
from shared.models.base import Document, Instant, ReceiptId, document_id
from shared.models.signals import Rejected

DEAD_LETTER_TTL_SECONDS = 90 * 24 * 3600
MAX_REJECTED_SHOWN = 50


class Outcome(StrEnum):
    """What became of one alert of a delivery. `updated` is a status that changed a signal we had."""

    CREATED = "created"
    UPDATED = "updated"
    DUPLICATE = "duplicate"
    SUPPRESSED = "suppressed"
    DEAD_LETTERED = "dead_lettered"


class ReceiptPart(Document):
    """Create-once: one run's account of a whole delivery. A redelivery writes the same part: nothing counts twice."""

    type: Literal["receipt_part"] = "receipt_part"
    receipt_id: ReceiptId
    integration_id: str
    received_at: Instant
    run: int = 0
    """0 for the delivery as it came, n for its n-th re-drive."""
    is_dead_letter: bool = False
    """The run ended as a dead letter: what the delivery held is not known, so it counts as one."""
    delayed_seconds: float = 0.0
    """How long the tenant's quota held it back."""
    accepted: int | None = None
    """How many alerts the delivery held, copies and rejected ones included."""
    outcomes: Mapping[Outcome, int]
    changes: int = 0
    """How many reported changes it held; they are no alerts."""
    ignored: str | None = None
    """Why a known body needed no work."""
    incident_ids: tuple[str, ...] = ()
    recorded_at: Instant

    @staticmethod
    def id_for(receipt_id: ReceiptId, run: int) -> str:
        """The one part of a run that went through."""
        return document_id("part", receipt_id, str(run))

    @staticmethod
    def id_for_dead_letter(receipt_id: ReceiptId) -> str:
        """The one part that says that the whole delivery is a dead letter."""
        return document_id("part", receipt_id, "dead")


def standing_account(parts: Sequence[ReceiptPart]) -> ReceiptPart | None:
    """The part that says how the delivery ended: of the latest run that went through, or of the dead letter.

    Every run accounts for the whole delivery, so parts are never added up.
    """
    return max(parts, key=lambda part: (not part.is_dead_letter, part.run), default=None)


class LetterState(StrEnum):
    """Whether somebody has to look at a dead letter."""

    OPEN = "open"
    REDRIVEN = "redriven"
    DISCARDED = "discarded"


class DeadLetter(AuditedDocument):
    """What could not be processed, why, where, after how many attempts, and where its payload lies."""

    type: Literal["dead_letter"] = "dead_letter"
    queue: str
    stage: str
    reason: str
    reasons: tuple[str, ...] = ()
    """Every reason, where several alerts of one delivery were rejected."""
    error: str = ""
    """The exception's class; its text is in `detail` only when it is one of ours."""
    detail: str = Field(max_length=1000)
    attempt: int
    """How often it was tried in all."""
    alerts: int = 1
    """How many alerts it stands for; a delivery that cannot be read counts as one."""
    rejected: tuple[Rejected, ...] = Field(default=(), max_length=MAX_REJECTED_SHOWN)
    receipt_id: str | None
    payload_pointer: str | None
    message: str | None
    """The queue message that re-driving sends again."""
    redrives: int = 0
    """The run of the message that failed, or was sent last."""
    state: LetterState = LetterState.OPEN
    decided_by: str | None = None
    """Who re-drove or discarded it last (their Entra object id)."""
    decided_at: Instant | None = None
    recorded_at: Instant
    """When it failed first; lists are ordered by it."""
    failed_again_at: Instant | None = None
    ttl: int = DEAD_LETTER_TTL_SECONDS

    def after(self, told: "DeadLetter") -> "DeadLetter":
        """This letter once its message failed as `told`: open again, or unchanged when it tells of that run already.

        Only the run can say whether a failure is news: a late copy of the first run fails after a re-drive, too.
        """
        is_awaited = told.redrives == self.redrives and self.state is LetterState.REDRIVEN
        if told.redrives <= self.redrives and not is_awaited:
            return self
        kept = {
            "recorded_at": self.recorded_at,
            "decided_by": self.decided_by,
            "decided_at": self.decided_at,
            "audit_pending": self.audit_pending,
        }
        return told.model_copy(
            update={**kept, "attempt": self.attempt + told.attempt, "failed_again_at": told.recorded_at}
        )
