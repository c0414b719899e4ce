"""What people do to an incident: acknowledge, move, assign, edit, note, have it looked at again. Decided here.

Each decision answers with what is to be written, with None when it is so already, or with why it is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.incidents.lifecycle import LOOK_AGAIN_AFTER, Decision, decide, wanting_context
from shared.incidents.lifecycle import apply as applied
from shared.incidents.looking import is_under_way, trigger_of
from shared.incidents.timeline import MAX_TEXT_CHARS
from shared.incidents.transitions import Occasion, Refusal
from shared.models.audit import Facts
from shared.models.base import IncidentId, document_id
from shared.models.feedback import Feedback, Resolution
from shared.models.incidents import Incident, IncidentState, TimelineEntry, TimelineEvent
from shared.models.signals import Severity
from shared.ports.stores import Versioned

MAX_NOTES = 1000

MOVES: Mapping[IncidentState, Occasion] = {
    IncidentState.ACKNOWLEDGED: Occasion.ACKNOWLEDGE,
    IncidentState.INVESTIGATING: Occasion.INVESTIGATE,
    IncidentState.MITIGATED: Occasion.MITIGATE,
    IncidentState.RESOLVED: Occasion.RESOLVE,
    IncidentState.LEARNED: Occasion.LEARN,
    IncidentState.INCONCLUSIVE: Occasion.GIVE_UP,
}
"""Where people may move an incident. To `detected` only alerts and senders lead."""


class Objection(StrEnum):
    """Why an action is refused, where the table of transitions does not say."""

    ONLY_ALERTS_LEAD_THERE = "only_alerts_lead_there"
    TOO_MANY_NOTES = "too_many_notes"
    NOT_INVESTIGATED = "it_is_not_investigated"
    LOOK_UNDER_WAY = "an_investigation_is_under_way"
    LOOKED_AT_JUST_NOW = "it_was_investigated_just_now"
    TOO_MANY_VERDICTS = "too_many_verdicts"


@dataclass(frozen=True)
class Person:
    """Who acts, in which run of their request, and when."""

    object_id: str
    operation: str
    run_id: str
    now: datetime

    def told_id(self, incident_id: IncidentId) -> str:
        """The id of the timeline entry of this run: it is there when the run has done its work."""
        return document_id("tle", incident_id, self.operation, self.run_id)


@dataclass(frozen=True)
class Acted:
    """What an action changes: the incident, what the timeline tells, and what the audit trail says of it."""

    incident: Incident
    told: TimelineEntry
    before: Facts
    after: Facts
    said: tuple[Feedback | Resolution, ...] = ()
    """What the person says of an answer or of the cause, for the first time."""
    said_anew: tuple[Versioned[Feedback] | Versioned[Resolution], ...] = ()
    """The same instead of what was said before."""


@dataclass(frozen=True)
class Denied:
    """Why an action is not done, what could be done instead, and when to try again."""

    reason: Refusal | Objection
    words: str
    allowed: tuple[IncidentState, ...] | None = None
    retry_after: timedelta | None = None


Outcome = Acted | Denied | None


def moves_of(incident: Incident, person: Person) -> tuple[IncidentState, ...]:
    """The states that people may put the incident into now."""
    return tuple(to for to in MOVES if _decided(incident, _occasion(incident, to), person).allowed)


def moved(incident: Incident, to: IncidentState, person: Person) -> Outcome:
    """Put it into another state, where the table allows that."""
    if incident.merged_into:
        return merged_away(incident)
    if incident.state is to:
        return None
    if to not in MOVES:
        reason = Objection.ONLY_ALERTS_LEAD_THERE
        return Denied(reason, _WORDS[reason], moves_of(incident, person))
    next_one = counted(incident, person)
    decision = _decided(next_one, _occasion(incident, to), person)
    if isinstance(decision.reason, Refusal):
        return Denied(decision.reason, _WORDS[decision.reason], moves_of(incident, person))
    after = applied(next_one, decision, by=person.object_id, now=person.now)
    words = f"Moved from {incident.state.value} to {to.value}"
    told = told_by(after, _EVENTS.get(to, TimelineEvent.STATE_CHANGED), decision.reason.value, words, person)
    if decision.reopens:
        told = told.model_copy(update={"event": TimelineEvent.REOPENED})
    return Acted(after, told, {"state": incident.state.value}, {"state": to.value})


def assigned(incident: Incident, to: str | None, person: Person) -> Outcome:
    """Give it to a user of the tenant, by object id, or to nobody."""
    if incident.merged_into:
        return merged_away(incident)
    if incident.assigned_to == to:
        return None
    after = counted(incident, person).model_copy(update={"assigned_to": to})
    words = f"Assigned to {to}" if to else f"Assigned to nobody; it was {incident.assigned_to}'s"
    told = told_by(after, TimelineEvent.ASSIGNED, "a_person_said_so", words, person)
    return Acted(after, told, {"assigned_to": incident.assigned_to}, {"assigned_to": to})


def edited(
    incident: Incident, person: Person, *, title: str | None = None, severity: Severity | None = None
) -> Outcome:
    """Give it a title and a severity of a person's; alerts change neither from then on."""
    if incident.merged_into:
        return merged_away(incident)
    before, after, fields = dict[str, str](), dict[str, str](), dict[str, object]()
    if title is not None and (title != incident.title or incident.title_by is None):
        before["title"], after["title"] = incident.title, title
        fields |= {"title": title, "title_by": person.object_id}
    if severity is not None and (severity is not incident.severity or incident.severity_by is None):
        before["severity"], after["severity"] = incident.severity.value, severity.value
        fields |= {"severity": severity, "severity_by": person.object_id}
    if not fields:
        return None
    changed = counted(incident, person).model_copy(update=fields)
    words = "; ".join(f"{name} was {before[name]} and is {after[name]}" for name in after)
    told = told_by(changed, TimelineEvent.EDITED, "a_person_said_so", words[:MAX_TEXT_CHARS], person)
    return Acted(changed, told, before, after)


def noted(incident: Incident, text: str, person: Person) -> Outcome:
    """Write something down; it is kept in the timeline, as plain text."""
    if incident.merged_into:
        return merged_away(incident)
    if incident.note_count >= MAX_NOTES:
        return Denied(Objection.TOO_MANY_NOTES, _WORDS[Objection.TOO_MANY_NOTES])
    after = counted(incident, person).model_copy(update={"note_count": incident.note_count + 1})
    told = told_by(after, TimelineEvent.NOTE_ADDED, "a_person_said_so", text, person)
    return Acted(
        after, told, {"note_count": incident.note_count}, {"note_count": after.note_count, "note_id": told.id}
    )


def looked_at_again(incident: Incident, person: Person) -> Outcome:
    """Have its context looked at once more: at most one look at a time, and one a minute."""
    if incident.merged_into:
        return merged_away(incident)
    if incident.suppressed:
        return Denied(Objection.NOT_INVESTIGATED, f"the incident is not investigated: {incident.suppressed.value}")
    if not incident.is_open:
        return Denied(Refusal.IS_CLOSED, "it is closed; reopen it first", moves_of(incident, person))
    wanted_at = incident.context_wanted_at
    free_at = wanted_at + LOOK_AGAIN_AFTER if wanted_at else person.now
    wait = max(free_at - person.now, timedelta(seconds=5))
    if is_under_way(incident, now=person.now):
        return Denied(Objection.LOOK_UNDER_WAY, _WORDS[Objection.LOOK_UNDER_WAY], retry_after=wait)
    if person.now < free_at:
        return Denied(Objection.LOOKED_AT_JUST_NOW, _WORDS[Objection.LOOKED_AT_JUST_NOW], retry_after=wait)
    trigger = trigger_of(person.run_id)
    after = wanting_context(counted(incident, person), trigger, now=person.now)
    told = told_by(after, TimelineEvent.LOOK_ASKED_FOR, "a_person_said_so", "Another look was asked for", person)
    return Acted(after, told, {"context_trigger": incident.context_trigger}, {"context_trigger": trigger})


def _occasion(incident: Incident, to: IncidentState) -> Occasion:
    is_reopening = to is IncidentState.INVESTIGATING and not incident.state.is_open
    return Occasion.REOPEN if is_reopening else MOVES[to]


def _decided(incident: Incident, occasion: Occasion, person: Person) -> Decision:
    # Nothing that people do depends on the reopen window.
    return decide(incident, occasion, now=person.now, reopen_within=timedelta())


def counted(incident: Incident, person: Person) -> Incident:
    """The incident one version on."""
    return incident.model_copy(update={"version": incident.version + 1, "updated_at": person.now})


def merged_away(incident: Incident) -> Denied:
    """What is said of every action on an incident that went into another one."""
    return Denied(Refusal.MERGED_AWAY, f"it was merged into {incident.merged_into}; act on that one")


def told_by(incident: Incident, event: TimelineEvent, reason: str, text: str, person: Person) -> TimelineEntry:
    """The entry of what a person did in this run."""
    return TimelineEntry(
        id=person.told_id(incident.incident_id),
        tenant_id=incident.tenant_id,
        incident_id=incident.incident_id,
        event=event,
        reason=reason,
        text=text,
        by=person.object_id,
        at=person.now,
        incident_version=incident.version,
    )


_EVENTS = {IncidentState.RESOLVED: TimelineEvent.RESOLVED}
_WORDS: Mapping[Refusal | Objection, str] = {
    Refusal.ALREADY_SO: "it is so already",
    Refusal.IS_OPEN: "it is still open",
    Refusal.IS_CLOSED: "it is closed; reopen it first",
    Refusal.CLOSED_FOR_GOOD: "it is closed for good",
    Refusal.PEOPLE_WENT_FURTHER: "somebody went further already",
    Refusal.ALERTS_STILL_FIRE: "alerts of it still fire",
    Objection.ONLY_ALERTS_LEAD_THERE: "only alerts lead to this state",
    Objection.TOO_MANY_NOTES: f"it has {MAX_NOTES} notes already",
    Objection.LOOK_UNDER_WAY: "its context is being looked at right now",
    Objection.LOOKED_AT_JUST_NOW: "its context was looked at less than a minute ago",
}
