"""What people say of answers and causes: decided here, on the incident as it stands and on what was said before."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.incidents.acting import Acted, Denied, Objection, Outcome, Person, counted, merged_away, told_by
from shared.incidents.causes import NoCause, cause_of
from shared.incidents.timeline import MAX_TEXT_CHARS
from shared.models.audit import Facts
from shared.models.base import SnapshotId
from shared.models.feedback import Feedback, FeedbackVerdict, Resolution
from shared.models.hypotheses import HypothesisSet
from shared.models.incidents import Incident, TimelineEvent
from shared.ports.stores import Versioned

MAX_VERDICTS = 500
"""Of all people, on all hypotheses of one incident."""


@dataclass(frozen=True)
class Said:
    """What was said of an incident so far."""

    feedback: Sequence[Versioned[Feedback]] = ()
    resolution: Versioned[Resolution] | None = None


@dataclass(frozen=True)
class Verdict:
    """What somebody says of one hypothesis; `rank` must be one of the answer's."""

    answer: HypothesisSet
    rank: int
    verdict: FeedbackVerdict
    note: str
    raw_confidence: float | None


@dataclass(frozen=True)
class Cause:
    """What somebody says was the cause. `root_service` is None where nobody found out."""

    root_service: str | None
    root_change: str | None
    words: str
    fixed_by: str
    snapshot_id: SnapshotId | None
    hypotheses_id: str | None


class Reason(StrEnum):
    """Why the timeline says that a cause was named."""

    CONFIRMED = "hypothesis_confirmed"
    WRONG = "hypothesis_wrong"
    NAMED = "cause_named"
    UNKNOWN = "cause_unknown"


def judged(incident: Incident, given: Verdict, said: Said, person: Person) -> Outcome:
    """Keep a verdict; the same person's earlier one on the same hypothesis gives way to it."""
    if incident.merged_into:
        return merged_away(incident)
    made = _feedback(incident, given, person)
    before = next((held for held in said.feedback if held.value.id == made.id), None)
    if before and (before.value.verdict, before.value.note) == (made.verdict, made.note):
        return None
    if before is None and len(said.feedback) >= MAX_VERDICTS:
        return Denied(Objection.TOO_MANY_VERDICTS, f"it has {MAX_VERDICTS} verdicts already")
    others = [held.value for held in said.feedback if held.value.id != made.id]
    after = _with_cause(incident, _resolution(said), [*others, made], person)
    reason = Reason.CONFIRMED if made.verdict is FeedbackVerdict.CONFIRMED else Reason.WRONG
    words = f"Hypothesis {given.rank} ({made.suspected_service}) is {made.verdict.value}"
    told = told_by(after, TimelineEvent.FEEDBACK_GIVEN, reason.value, _with_note(words, made.note), person)
    facts: Facts = {"hypotheses_id": made.hypotheses_id, "rank": made.rank, "verdict": made.verdict.value}
    return Acted(
        *(after, told, {"verdict": before.value.verdict.value if before else None}, facts),
        said=() if before else (made,),
        said_anew=(Versioned(made, before.etag),) if before else (),
    )


def explained(incident: Incident, named: Cause, said: Said, person: Person) -> Outcome:
    """Keep what was the cause, or that nobody found out, instead of what was named before."""
    if incident.merged_into:
        return merged_away(incident)
    made, before = _resolved(incident, named, person), said.resolution
    if before and _content(before.value) == _content(made):
        return None
    after = _with_cause(incident, made, [held.value for held in said.feedback], person)
    change = f" (change {made.root_change})" if made.root_change else ""
    words = f"The cause was {made.root_service}{change}" if made.is_known else "Nobody found out what the cause was"
    reason = Reason.NAMED if made.is_known else Reason.UNKNOWN
    note = ". Fixed by: ".join(text for text in (made.cause, made.fixed_by) if text)
    told = told_by(after, TimelineEvent.CAUSE_NAMED, reason.value, _with_note(words, note), person)
    return Acted(
        *(after, told, _facts(before.value if before else None), _facts(made)),
        said=() if before else (made,),
        said_anew=(Versioned(made, before.etag),) if before else (),
    )


def _feedback(incident: Incident, given: Verdict, person: Person) -> Feedback:
    judged_one = next(one for one in given.answer.hypotheses if one.rank == given.rank)
    return Feedback(
        id=Feedback.id_for(given.answer.id, given.rank, person.object_id),
        tenant_id=incident.tenant_id,
        incident_id=incident.incident_id,
        hypotheses_id=given.answer.id,
        rank=given.rank,
        snapshot_id=given.answer.snapshot_id,
        suspected_service=judged_one.suspected_service,
        suspected_change=judged_one.suspected_change,
        verdict=given.verdict,
        raw_confidence=given.raw_confidence,
        note=given.note,
        given_by=person.object_id,
        given_at=person.now,
    )


def _resolved(incident: Incident, named: Cause, person: Person) -> Resolution:
    return Resolution(
        id=Resolution.id_for(incident.incident_id),
        tenant_id=incident.tenant_id,
        incident_id=incident.incident_id,
        is_known=named.root_service is not None,
        snapshot_id=named.snapshot_id,
        hypotheses_id=named.hypotheses_id,
        root_service=named.root_service,
        root_change=named.root_change,
        cause=named.words,
        fixed_by=named.fixed_by,
        given_by=person.object_id,
        given_at=person.now,
    )


def _with_cause(
    incident: Incident, resolution: Resolution | None, feedback: Sequence[Feedback], person: Person
) -> Incident:
    found = cause_of(resolution, feedback)
    cause = None if isinstance(found, NoCause) else found
    return counted(incident, person).model_copy(update={"cause": cause, "said_at": person.now})


def _resolution(said: Said) -> Resolution | None:
    return said.resolution.value if said.resolution else None


def _content(resolution: Resolution) -> Resolution:
    """All but who said it and when: who says the same again changes nothing."""
    return resolution.model_copy(update={"given_by": "", "given_at": resolution.given_at.min})


def _facts(resolution: Resolution | None) -> Facts:
    if resolution is None:
        return {}
    return {
        "is_known": resolution.is_known,
        "root_service": resolution.root_service,
        "root_change": resolution.root_change,
        "fixed_by": resolution.fixed_by[:200],
    }


def _with_note(words: str, note: str) -> str:
    return f"{words}: {note}"[:MAX_TEXT_CHARS] if note else words
