"""The context snapshot: what was looked at, frozen, with an id for each piece so that claims can cite it."""

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from hashlib import sha256
from typing import Any, ClassVar, Literal

from pydantic import Field

from shared.models.base import Document, IncidentId, Instant, Value
from shared.models.evidence import Evidence

PARTIAL = "partial_answer"
"""The reason of a section whose source said that it could not read everything."""


class SectionName(StrEnum):
    """A question the snapshot answers."""

    ALERTS = "alerts"
    EXPRESSION = "expression"
    TRAFFIC = "traffic"
    TOPOLOGY = "topology"
    DEPENDENCIES = "dependencies"
    LIMITS = "limits"
    CHANGES = "changes"
    SLO = "slo"
    RELATED = "related"
    RUNBOOKS = "runbooks"
    SIMILAR = "similar"


class SectionStatus(StrEnum):
    """`empty` was asked and there is nothing; `failed` could not be asked: never read it as health."""

    OK = "ok"
    EMPTY = "empty"
    STALE = "stale"
    """What was known before, as the source could not be asked now; `as_of` says since when."""
    FAILED = "failed"
    NOT_CONFIGURED = "not_configured"

    @property
    def is_known(self) -> bool:
        """Whether the question was answered, if only by an older answer or by nothing found."""
        return self in (SectionStatus.OK, SectionStatus.EMPTY, SectionStatus.STALE)


class Section(Value):
    """The answer to one question, or why there is none."""

    name: SectionName
    status: SectionStatus
    reason: str | None = None
    as_of: Instant | None = None
    warnings: tuple[str, ...] = ()
    elapsed_seconds: float = 0.0
    evidence: tuple[Evidence, ...] = ()


class Blind(Value):
    """A question that could not be answered, or only in part."""

    section: SectionName
    reason: str


class Coverage(Value):
    """How much could be looked at: the share of the questions that were answered, and those that were not."""

    share: float = Field(ge=0, le=1)
    blind: tuple[Blind, ...] = ()


class SnapshotBody(Value):
    """All that was known when the snapshot was frozen; what the hash covers."""

    service: str
    window_start: Instant
    onset_at: Instant
    window_end: Instant
    step_seconds: float
    sections: tuple[Section, ...]
    coverage: Coverage | None = None
    first_movers: tuple[tuple[str, ...], ...] = ()
    """Who moved first: the ids of the first piece of each service that got worse, in groups of onsets that cannot be
    told apart.
    """
    redacted: Mapping[str, int] = Field(default_factory=dict)
    """How many secrets and personal data of each kind were masked."""
    reused_from: str | None = None
    """The snapshot whose measurements these are, where they were still fresh."""
    measured_at: Instant | None = None
    """When that one was taken."""

    def evidence(self) -> Iterator[Evidence]:
        """Every piece, in the order of the sections."""
        for section in self.sections:
            yield from section.evidence

    def section(self, name: SectionName) -> Section | None:
        """The answer to one question; None where the snapshot is from before it was asked."""
        return next((one for one in self.sections if one.name is name), None)

    def canonical_json(self) -> str:
        """The one spelling that is hashed: sorted keys, no spaces, shortest floats."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class Snapshot(Document):
    """A frozen snapshot and the SHA-256 of its canonical JSON."""

    current_schema: ClassVar[int] = 2

    type: Literal["snapshot"] = "snapshot"
    schema_version: int = 2
    incident_id: IncidentId
    taken_at: Instant
    elapsed_seconds: float
    body: SnapshotBody
    sha256: str
    whole_in: str | None = None
    """Where the whole body lies, when the one here had to go without its points."""

    @property
    def is_intact(self) -> bool:
        """Whether the body is still the one that was hashed; one without its points is not."""
        return self.sha256 == digest(self.body)

    @classmethod
    def upcast(cls, stored: dict[str, Any], version: int) -> dict[str, Any]:
        """Version 1 knew deploys alone, and series carried fewer facts. What it becomes is hashed anew."""
        body = {**stored["body"], "sections": [_with_changes(section) for section in stored["body"]["sections"]]}
        upcast = SnapshotBody.model_validate(body)
        return {
            **stored,
            "body": upcast.model_dump(mode="json"),
            "sha256": digest(upcast),
            "schema_version": version + 1,
        }


def _with_changes(section: dict[str, Any]) -> dict[str, Any]:
    pieces = [{**one, "kind": "change"} if one["kind"] == "deploy" else one for one in section["evidence"]]
    return {**section, "evidence": pieces}


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
