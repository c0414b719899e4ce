"""What people say of an answer: the labels that confidence is calibrated with, and the cases that gate a change."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from shared.models.base import Document, IncidentId, Instant, SnapshotId, Value, document_id
from shared.models.tenants import Record

MAX_SAID_CHARS = 1000
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
    snapshot_id: SnapshotId
    """What that answer was given for."""
    suspected_service: str
    suspected_change: str | None = None
    verdict: FeedbackVerdict
    raw_confidence: float | None = Field(default=None, ge=0, le=1)
    """What the answer's confidence was before calibration: what the label calibrates."""
    note: str = Field(default="", max_length=MAX_SAID_CHARS)
    given_by: str
    given_at: Instant

    @staticmethod
    def id_for(hypotheses_id: str, rank: int, given_by: str) -> str:
        """A person has one verdict on a hypothesis."""
        return document_id("fbk", hypotheses_id, str(rank), given_by)


class Resolution(Document):
    """What really was the cause of an incident (container `incidents`), by a person; one an incident."""

    type: Literal["resolution"] = "resolution"
    incident_id: IncidentId
    is_known: bool = True
    """False: nobody found out. It takes back what was named before, and leaves what people did about it."""
    snapshot_id: SnapshotId | None = None
    """The snapshot that a regression case replays."""
    hypotheses_id: str | None = None
    """The answer that stood last when the cause was named: the one that it says right or wrong of."""
    root_service: str | None = None
    """None where the cause is not known."""
    root_change: str | None = None
    """The evidence id of the change that was it."""
    cause: str = Field(default="", max_length=MAX_SAID_CHARS)
    fixed_by: str = Field(default="", max_length=MAX_SAID_CHARS)
    given_by: str
    given_at: Instant

    @staticmethod
    def id_for(incident_id: IncidentId) -> str:
        """An incident has one."""
        return document_id("res", incident_id)


class KnownCause(Value):
    """The cause that people settled on, as the incident itself carries it: what makes it a regression case."""

    root_service: str
    root_change: str | None = None
    snapshot_id: SnapshotId | None = None
    """The snapshot that shows it; None where the incident was never looked at."""
    named_at: Instant


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


class RegressionCase(Record):
    """A resolved incident with a known cause (container `directory`): later rankers, prompts and models must get it
    right. It points at the snapshot, which lies with its incident and never expires.
    """

    type: Literal["regression_case"] = "regression_case"
    incident_id: IncidentId
    snapshot_id: SnapshotId
    root_service: str
    root_change: str | None = None
    is_active: bool = True
    """False while the incident is open again, and for good once it was merged away or its cause taken back."""
    source_version: int
    """The version of the incident that it was made from."""

    @staticmethod
    def id_for(incident_id: IncidentId) -> str:
        """An incident is one case at most."""
        return document_id("case", incident_id)
