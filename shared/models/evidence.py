"""The context snapshot: what was looked at, frozen, with an id for each piece so that claims can cite it."""

import json
from collections.abc import Iterator
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import Field

from shared.models.base import Document, IncidentId, Instant, Value
from shared.models.signals import AlertStatus, Severity


class Metric(StrEnum):
    """What a series measures; its unit is fixed: requests/s, share of requests (0 to 1), seconds."""

    REQUEST_RATE = "request_rate"
    ERROR_RATIO = "error_ratio"
    LATENCY_P95 = "latency_p95"

    @property
    def unit(self) -> str:
        """The unit of its values."""
        return {"request_rate": "requests/s", "error_ratio": "ratio", "latency_p95": "s"}[self.value]

    @property
    def propagates(self) -> bool:
        """Whether a caller shows its callee's trouble in this metric."""
        return self is not Metric.REQUEST_RATE


class Direction(StrEnum):
    """How a series moved against its baseline."""

    UP = "up"
    DOWN = "down"
    STEADY = "steady"


class Relation(StrEnum):
    """What a service is to the one that alerted."""

    SELF = "self"
    CALLER = "caller"
    CALLEE = "callee"


class Movement(Value):
    """A series against its own baseline. Values are in the metric's unit, `score` counts robust deviations."""

    baseline_median: float | None
    baseline_spread: float | None
    baseline_samples: int
    current: float | None
    """The median since the onset, or of what followed the alert where nothing moved; None when it stopped."""
    score: float = 0.0
    direction: Direction = Direction.STEADY
    onset_at: Instant | None = None


class SeriesEvidence(Value):
    """One measured series of one service: the query, its points (epoch seconds, value), and how it moved."""

    kind: Literal["series"] = "series"
    id: str = ""
    service: str
    relation: Relation
    metric: Metric
    query: str
    points: tuple[tuple[float, float], ...]
    movement: Movement


class DeployEvidence(Value):
    """A version that appeared, told from a change in build information."""

    kind: Literal["deploy"] = "deploy"
    id: str = ""
    service: str
    version: str
    previous_version: str | None
    at: Instant
    seconds_before_onset: float | None


class EdgeEvidence(Value):
    """One service calls another, by service-graph metrics: calls per second and the share that failed."""

    kind: Literal["edge"] = "edge"
    id: str = ""
    caller: str
    callee: str
    calls_per_second: float
    failed_ratio: float | None


class AlertEvidence(Value):
    """An alert of the incident."""

    kind: Literal["alert"] = "alert"
    id: str = ""
    name: str
    service: str
    severity: Severity
    status: AlertStatus
    summary: str
    starts_at: Instant
    expression: str | None


Evidence = Annotated[SeriesEvidence | DeployEvidence | EdgeEvidence | AlertEvidence, Field(discriminator="kind")]


class SectionName(StrEnum):
    """A question the snapshot answers."""

    ALERTS = "alerts"
    TRAFFIC = "traffic"
    TOPOLOGY = "topology"
    DEPENDENCIES = "dependencies"
    CHANGES = "changes"


class SectionStatus(StrEnum):
    """`empty` was asked and there is nothing; `failed` could not be asked: never read it as health."""

    OK = "ok"
    EMPTY = "empty"
    FAILED = "failed"
    NOT_CONFIGURED = "not_configured"


class Section(Value):
    """The answer to one question, or why there is none."""

    name: SectionName
    status: SectionStatus
    reason: str | None = None
    warnings: tuple[str, ...] = ()
    elapsed_seconds: float = 0.0
    evidence: tuple[Evidence, ...] = ()


class SnapshotBody(Value):
    """All that was known when the snapshot was frozen; what the hash covers."""

    service: str
    window_start: Instant
    onset_at: Instant
    window_end: Instant
    step_seconds: float
    sections: tuple[Section, ...]

    def evidence(self) -> Iterator[Evidence]:
        """Every piece, in the order of the sections."""
        for section in self.sections:
            yield from section.evidence

    def canonical_json(self) -> str:
        """The one spelling that is hashed: sorted keys, no spaces, shortest floats."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class Snapshot(Document):
    """A frozen snapshot and the SHA-256 of its canonical JSON."""

    type: Literal["snapshot"] = "snapshot"
    incident_id: IncidentId
    taken_at: Instant
    elapsed_seconds: float
    body: SnapshotBody
    sha256: str

    @property
    def is_intact(self) -> bool:
        """Whether the body is still the one that was hashed."""
        return self.sha256 == digest(self.body)


class SnapshotLine(Value):
    """A snapshot in a list: what it is about, without what it holds."""

    id: str
    taken_at: Instant
    elapsed_seconds: float
    sha256: str
    service: str
    onset_at: Instant


def digest(body: SnapshotBody) -> str:
    """The SHA-256, in hex, of the canonical JSON."""
    return sha256(body.canonical_json().encode()).hexdigest()
