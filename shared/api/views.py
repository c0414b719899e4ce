"""What incidents look like from outside: without pointers to raw bodies and other internals."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, Field

from shared.models.base import Instant, SnapshotId
from shared.models.correlation import Membership
from shared.models.hypotheses import (
    Assertion,
    Check,
    Conclusion,
    GeneratedBy,
    Hypothesis,
    HypothesisSet,
    Receipt,
    Rung,
)
from shared.models.incidents import Incident, IncidentState, IncidentSummary, Suppressed, TimelineEntry, TimelineEvent
from shared.models.receipts import DeadLetter, LetterState
from shared.models.signals import AlertStatus, Rejected, Severity, Signal, SignalType, Source
from shared.models.snapshots import Coverage, Section, SectionName, SectionStatus, Snapshot, SnapshotLine
from shared.ports.stores import Page


class SummaryView(BaseModel):
    """An incident in a list."""

    id: str
    title: str
    service_name: str
    state: IncidentState
    severity: Severity
    detected_at: Instant
    resolved_at: Instant | None
    assigned_to: str | None
    signal_count: int
    firing_count: int
    services: list[str] = Field(description="Every service in it, in the order they came.")
    version: int = Field(description="Grows with every change; the ETag is this after a v.")
    flap_count: int = Field(description="How often it was reopened.")
    flapping_until: Instant | None = Field(description="Until when it counts as flapping.")
    suppressed: Suppressed | None = Field(description="Why it is kept but not investigated.")
    updated_at: Instant

    @classmethod
    def of(cls, summary: IncidentSummary) -> "SummaryView":
        """From the stored summary."""
        names = [node.service_name for node in summary.services]
        fields = {"services": names, "version": summary.source_version}
        return cls.model_validate({**summary.model_dump(), **fields})


class SignalView(BaseModel):
    """One alert of an incident, or a deviation that a look found (`observed`)."""

    id: str
    signal_type: SignalType
    source: Source
    name: str
    service_name: str
    severity: Severity
    status: AlertStatus
    summary: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    expression: str | None = Field(description="The PromQL that fired.")
    generator_url: str | None
    timestamp: Instant = Field(description="When the alert started, by the sender's clock.")
    resolved_at: Instant | None
    fired_times: int = Field(description="One, and one more for every time it fired again after a resolution.")
    membership: Membership | None = Field(description="Why it is in this incident; null for what a look found.")
    context_snapshot_id: SnapshotId | None = Field(
        description="The snapshot of the look that found it; null for alerts."
    )
    receipt_id: str
    redacted: Mapping[str, int] = Field(description="How many secrets and personal data were masked in it, by kind.")

    @classmethod
    def of(cls, signal: Signal) -> "SignalView":
        """From the stored signal."""
        return cls.model_validate({**signal.normalized_data.model_dump(), **signal.model_dump()})


class TimelineView(BaseModel):
    """Something that happened."""

    event: TimelineEvent
    reason: str
    text: str
    by: str | None = Field(description="The object id of the person who did it; null for alerts, senders and time.")
    signal_ids: tuple[str, ...]
    at: Instant
    incident_version: int

    @classmethod
    def of(cls, entry: TimelineEntry) -> "TimelineView":
        """From the stored entry."""
        return cls.model_validate(entry.model_dump())


class VerifiedView(BaseModel):
    """How much of what a hypothesis asserts holds on the frozen snapshot: "verified 7 of 9"."""

    held: int
    of: int


class HypothesisView(BaseModel):
    """One possible root cause, with what was checked of it and how that came out."""

    rank: int
    claim: str
    suspected_service: str
    suspected_change: str | None = Field(description="The evidence id of the change that is suspected.")
    mechanism: str
    supporting: tuple[str, ...] = Field(description="Evidence ids.")
    contradicting: tuple[str, ...] = Field(description="Evidence ids of what speaks against it; some our code added.")
    score: float
    factors: Mapping[str, float]
    next_steps: tuple[str, ...]
    confidence: float | None
    confidence_factors: Mapping[str, float]
    verified: VerifiedView = Field(description="Of its assertions; 0 of 0 where it makes none.")
    assertions: tuple[Assertion, ...] = Field(
        description="Each with what became of it (`held`), what the evidence says (`found`), or why nobody can tell."
    )
    checks: tuple[Check, ...] = Field(
        description="Queries to the tenant's Prometheus: `supported`, `refuted`, or `not_run` with the `reason`."
    )
    similar_incidents: tuple[str, ...] = Field(description="Evidence ids of past incidents.")
    caps: tuple[str, ...] = Field(description="Why its score was capped.")

    @classmethod
    def of(cls, one: Hypothesis) -> "HypothesisView":
        """From the stored hypothesis."""
        held, asserted = one.verified
        return cls.model_validate({**one.model_dump(), "verified": {"held": held, "of": asserted}})


class HypothesesView(BaseModel):
    """An answer: who gave it, why them, and the ranked hypotheses."""

    id: str
    snapshot_id: str
    generated_by: GeneratedBy
    reason: str = Field(description="Why this is who answered.")
    conclusion: Conclusion
    hypotheses: tuple[HypothesisView, ...]
    next_steps: tuple[str, ...]
    dropped_hypotheses: int
    dropped_citations: int
    struck_assertions: int = Field(description="Of the model's assertions, those that did not hold on the snapshot.")
    reworded: int = Field(
        description="Claims and mechanisms that named what their evidence does not tell, written anew."
    )
    rung: Rung = Field(description="How much was spent on this answer.")
    receipt: Receipt | None = Field(description="What it cost; null when no model was asked.")
    flags: tuple[str, ...] = Field(
        description="Why a model was not trusted with the snapshot, or its answer not taken."
    )
    model: str | None
    elapsed_seconds: float
    created_at: Instant

    @classmethod
    def of(cls, answer: HypothesisSet) -> "HypothesesView":
        """From the stored answer."""
        fields = {name: getattr(answer, name) for name in cls.model_fields if name != "hypotheses"}
        return cls(**fields, hypotheses=tuple(HypothesisView.of(one) for one in answer.hypotheses))


class SnapshotView(BaseModel):
    """What was looked at, frozen."""

    id: str
    incident_id: str
    taken_at: Instant
    elapsed_seconds: float
    sha256: str = Field(description="Of the canonical JSON of the body.")
    service: str
    window_start: Instant
    onset_at: Instant
    window_end: Instant
    step_seconds: float
    sections: tuple[Section, ...]
    coverage: Coverage | None = Field(description="How much could be looked at; null in snapshots of older releases.")
    first_movers: tuple[tuple[str, ...], ...] = Field(
        description="Who moved first: ids of evidence, one a service, in groups of onsets that cannot be told apart."
    )
    redacted: Mapping[str, int] = Field(description="How many secrets and personal data of each kind were masked.")
    reused_from: str | None = Field(description="The snapshot whose measurements these are, while fresh.")
    measured_at: Instant | None = Field(description="When that one was taken.")

    @classmethod
    def of(cls, snapshot: Snapshot) -> "SnapshotView":
        """From the stored snapshot."""
        stored = snapshot.model_dump()
        return cls.model_validate({**stored.pop("body"), **stored})


class SectionSummaryView(BaseModel):
    """A question of a snapshot, whether it was answered, and how many pieces of evidence that gave."""

    name: SectionName
    status: SectionStatus
    reason: str | None
    elapsed_seconds: float
    evidence_count: int

    @classmethod
    def of(cls, section: Section) -> "SectionSummaryView":
        """From the stored section."""
        return cls.model_validate({**section.model_dump(), "evidence_count": len(section.evidence)})


class SnapshotSummaryView(BaseModel):
    """What was looked at, without the evidence itself: the snapshot has that."""

    id: str
    taken_at: Instant
    elapsed_seconds: float
    service: str
    onset_at: Instant
    sections: tuple[SectionSummaryView, ...]
    coverage: Coverage | None = Field(description="How much could be looked at; null in snapshots of older releases.")

    @classmethod
    def of(cls, snapshot: Snapshot) -> "SnapshotSummaryView":
        """From the stored snapshot."""
        return cls(
            id=snapshot.id,
            taken_at=snapshot.taken_at,
            elapsed_seconds=snapshot.elapsed_seconds,
            service=snapshot.body.service,
            onset_at=snapshot.body.onset_at,
            sections=tuple(SectionSummaryView.of(one) for one in snapshot.body.sections),
            coverage=snapshot.body.coverage,
        )


class SnapshotLineView(BaseModel):
    """A snapshot in the list of them."""

    number: int = Field(description="1 for the first.")
    id: str
    taken_at: Instant
    elapsed_seconds: float
    sha256: str
    service: str
    onset_at: Instant

    @classmethod
    def of(cls, number: int, line: SnapshotLine) -> "SnapshotLineView":
        """From the stored snapshot's line."""
        return cls.model_validate({"number": number, **line.model_dump()})


class IncidentView(BaseModel):
    """An incident with all that is known of it."""

    id: str
    external_id: str | None
    earlier_incident_id: str | None = Field(description="The incident before this one of the service that opened it.")
    title: str
    service_name: str
    state: IncidentState
    severity: Severity
    detected_at: Instant
    acknowledged_at: Instant | None
    mitigated_at: Instant | None
    resolved_at: Instant | None
    assigned_to: str | None
    signal_count: int
    firing_count: int
    services: list[str] = Field(description="Every service in it, in the order they came.")
    version: int = Field(description="Grows with every change; the ETag is this after a v.")
    acknowledged_by: str | None
    note_count: int
    flap_count: int = Field(description="How often it was reopened.")
    flapping_until: Instant | None = Field(description="Until when it counts as flapping.")
    held_open: str | None = Field(description="Why it stays open although no known alert fires.")
    suppressed: Suppressed | None = Field(description="Why it is kept but not investigated.")
    created_at: Instant
    updated_at: Instant
    signals: list[SignalView] = Field(description="The first 100; `signal_count` counts the alerts among all.")
    signals_cursor: str | None = Field(description="Goes on in `/signals`; null when these are all.")
    timeline: list[TimelineView] = Field(description="The latest 100 or so, oldest first.")
    timeline_cursor: str | None = Field(description="Goes back in `/timeline?order=newest`; null when these are all.")
    snapshot: SnapshotSummaryView | None = Field(description="Of the latest snapshot; null until there is one.")
    hypotheses: HypothesesView | None = Field(description="The latest answer; null until the context was ranked.")
    dashboards: str = Field(description="Where to ask for links into Grafana: from this incident's address on.")

    @classmethod
    def of(
        cls,
        incident: Incident,
        signals: Page[Signal],
        timeline: Page[TimelineEntry],
        *,
        snapshot: SnapshotSummaryView | None,
        hypotheses: HypothesesView | None,
    ) -> "IncidentView":
        """From the stored incident and its parts; the timeline comes newest first."""
        parts = {
            "signals": [SignalView.of(one) for one in signals.items],
            "signals_cursor": signals.cursor,
            "timeline": [TimelineView.of(one) for one in reversed(timeline.items)],
            "timeline_cursor": timeline.cursor,
            "snapshot": snapshot,
            "hypotheses": hypotheses,
            "dashboards": f"{incident.incident_id}/dashboards",
        }
        names = [node.service_name for node in incident.services]
        return cls.model_validate({**incident.model_dump(), **parts, "services": names})


class DeadLetterSummaryView(BaseModel):
    """A dead letter in a list."""

    id: str
    queue: str
    stage: str = Field(description="Where it failed: its queue, or `parse` for rejected alerts of a delivery.")
    reason: str
    reasons: tuple[str, ...] = Field(description="Every reason, where several alerts were rejected.")
    error: str = Field(description="The class of the exception.")
    detail: str
    attempts: int = Field(description="How often it was tried in all.")
    alerts: int = Field(description="How many alerts of the delivery it stands for.")
    receipt_id: str | None
    redrives: int
    state: LetterState
    decided_by: str | None = Field(description="The object id of who re-drove or discarded it last.")
    decided_at: Instant | None
    recorded_at: Instant = Field(description="When it failed first.")
    failed_again_at: Instant | None = Field(description="When it failed last after a re-drive.")

    @classmethod
    def of(cls, letter: DeadLetter) -> Self:
        """From the stored letter."""
        return cls.model_validate({**letter.model_dump(), "attempts": letter.attempt})


class DeadLetterView(DeadLetterSummaryView):
    """A dead letter with what failed."""

    rejected: tuple[Rejected, ...] = Field(description="The first 50 alerts that were rejected, by position.")
    payload_pointer: str | None = Field(description="The blob with the body, where there is one; kept for 7 days.")
    message: str | None = Field(description="The queue message; a delivery's body lies in the blob.")
