"""What people say of an answer: the labels that confidence is calibrated with, and the cases that gate a change."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from shared.models.base import Document, IncidentId, Instant, SnapshotId, document_id

LABEL_TTL_SECONDS = 365 * 24 * 3600


class FeedbackVerdict(StrEnum):
    """What a person says of a hypothesis."""

    CONFIRMED = "confirmed"
    WRONG = "wrong"


class Feedback(Document):
    """One person's verdict on one hypothesis (container `incidents`); the same person's later one replaces it."""

    type: Literal["feedback"] = "feedback"
    incident_id: IncidentId
    hypotheses_id: str
    rank: int = Field(ge=1)
    """Which hypothesis of that answer."""
    suspected_service: str
    verdict: FeedbackVerdict
    raw_confidence: float | None = Field(default=None, ge=0, le=1)
    """What the answer's confidence was before calibration: what the label calibrates."""
    note: str = Field(default="", max_length=1000)
    given_by: str
    given_at: Instant


class Resolution(Document):
    """What really was the cause of an incident (container `incidents`), by a person; one an incident."""

    type: Literal["resolution"] = "resolution"
    incident_id: IncidentId
    snapshot_id: SnapshotId | None = None
    """The snapshot that a regression case replays."""
    root_service: str
    root_change: str | None = None
    """The evidence id of the change that was it."""
    cause: str = Field(default="", max_length=1000)
    fixed_by: str = Field(default="", max_length=1000)
    given_by: str
    given_at: Instant


class Label(Document):
    """One labelled prediction (container `caches`, a year): written beside feedback, read for calibration."""

    type: Literal["label"] = "label"
    incident_id: IncidentId
    raw_confidence: float = Field(ge=0, le=1)
    confidence: float | None = Field(default=None, ge=0, le=1)
    """What was shown: the calibrated one, by whichever calibration was in force then."""
    was_right: bool
    ranker_version: str | None = None
    labelled_at: Instant
    ttl: int = LABEL_TTL_SECONDS

    @staticmethod
    def id_for(hypotheses_id: str, rank: int) -> str:
        """A hypothesis has one label, whoever says it: the later verdict replaces the earlier."""
        return document_id("label", hypotheses_id, str(rank))


class RegressionCase(Document):
    """A resolved incident with a known cause that later rankers, prompts and models must still get right."""

    type: Literal["regression_case"] = "regression_case"
    incident_id: IncidentId
    snapshot_id: SnapshotId
    root_service: str
    root_change: str | None = None
    created_at: Instant
