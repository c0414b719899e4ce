"""Alerts that nobody repeats or resolves: when they are taken to be over, and when to look again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.incidents.flapping import calm_at
from shared.incidents.lifecycle import HeldOpen, apply, decide
from shared.incidents.timeline import entry
from shared.incidents.transitions import Occasion
from shared.models.base import SignalId
from shared.models.incidents import Incident, TimelineEvent
from shared.models.schedule import CHECK_AGAIN_AFTER, RECONCILE_EVERY, DueWork, WorkKind
from shared.models.signals import AlertStatus, Signal, Source
from shared.models.tenants import Tenant
from shared.ports.stores import IncidentChange, Versioned

DEFAULT_WINDOW = timedelta(hours=24)
"""Far longer than the four hours after which Alertmanager repeats itself by default."""
TOUCH_AFTER = timedelta(hours=1)


class Word(StrEnum):
    """What the source of an alert says when it is asked; of several words the one that stands first here counts."""

    FIRES = "fires"
    NO_ANSWER = "no_answer"
    OVER = "over"
    NOBODY_TO_ASK = "nobody_to_ask"


def together(words: Iterable[Word]) -> Word:
    """What several sources say of one alert: one that says it fires is believed, one that is down is waited for."""
    said = set(words)
    return next((word for word in Word if word in said), Word.NOBODY_TO_ASK)


class Silence(StrEnum):
    """What to make of a firing alert of which nothing new was heard."""

    HEARD_OF = "heard_of_lately"
    SENDER_CLOSES_IT = "only_its_sender_closes_it"
    FIRES_AT_SOURCE = "source_says_it_fires"
    SOURCE_DOES_NOT_ANSWER = "source_does_not_answer"
    OVER_AT_SOURCE = "source_says_it_is_over"
    SILENT = "nobody_repeated_it"

    @property
    def is_over(self) -> bool:
        """Whether the alert is taken to be over."""
        return self in {Silence.OVER_AT_SOURCE, Silence.SILENT}


@dataclass(frozen=True)
class Judged:
    """Which alerts are taken to be over, whether that leaves nothing to wait for, and when to look again."""

    over: Sequence[Signal]
    closes_held_open: bool
    look_again_at: datetime


def schedule_auto_resolve(tenant: Tenant | None, incident: Incident, *, now: datetime) -> DueWork:
    """The work that looks after an incident's silence; to be put whenever it is opened or reopened.

    Every reopening is work of its own, so that removing what an earlier one left behind cannot remove it.
    """
    return DueWork.of(
        incident.tenant_id,
        WorkKind.AUTO_RESOLVE,
        incident.incident_id,
        turn=incident.flap_count,
        due_at=now + window_of(tenant),
        now=now,
    )


def schedule_end_of_maintenance(incident: Incident, *, now: datetime) -> DueWork:
    """The work that has an incident looked at when no maintenance window keeps it back any more."""
    kind, due_at = WorkKind.END_MAINTENANCE, now + RECONCILE_EVERY
    return DueWork.of(
        incident.tenant_id, kind, incident.incident_id, turn=incident.flap_count, due_at=due_at, now=now
    )


def schedule_damping(tenant: Tenant | None, incident: Incident, *, now: datetime) -> DueWork:
    """The same work, due when the damping period of an incident that is held open for flapping is over."""
    return schedule_auto_resolve(tenant, incident, now=now).model_copy(update={"due_at": calm_at(incident)})


def window_of(tenant: Tenant | None) -> timedelta:
    """How long nobody may repeat an alert of this tenant before it is taken to be over."""
    return timedelta(minutes=tenant.auto_resolve_after_minutes) if tenant else DEFAULT_WINDOW


def is_worth_touching(signal: Signal, received_at: datetime) -> bool:
    """Whether a repeat of a firing alert should be noted in its signal: once an hour, as noting costs a write.

    Without it an alert that fires and is repeated for longer than the window would be taken to be over.
    """
    return signal.status is AlertStatus.FIRING and received_at - signal.last_received_at >= TOUCH_AFTER


def quiet_ones(signals: Sequence[Signal], *, window: timedelta, now: datetime) -> list[Signal]:
    """Firing signals of which nothing was heard for the whole window, and that their sender does not close itself."""
    return [
        signal
        for signal in signals
        if signal.status is AlertStatus.FIRING and silence_of(signal, Word.OVER, window=window, now=now).is_over
    ]


def silence_of(signal: Signal, word: Word, *, window: timedelta, now: datetime) -> Silence:
    """Judge one firing signal by the clock and by its source's word."""
    if now - signal.last_received_at < window:
        return Silence.HEARD_OF
    if signal.source is Source.PAGERDUTY:
        # An open incident there says nothing until somebody acts on it, and there is no API to ask.
        return Silence.SENDER_CLOSES_IT
    return {
        Word.FIRES: Silence.FIRES_AT_SOURCE,
        Word.OVER: Silence.OVER_AT_SOURCE,
        Word.NO_ANSWER: Silence.SOURCE_DOES_NOT_ANSWER,
        Word.NOBODY_TO_ASK: Silence.SILENT,
    }[word]


def judge(
    incident: Incident,
    signals: Sequence[Signal],
    words: Mapping[SignalId, Word],
    *,
    window: timedelta,
    now: datetime,
) -> Judged:
    """Judge an open incident; `words` holds what the sources of its quiet signals say."""
    firing = [signal for signal in signals if signal.status is AlertStatus.FIRING]
    judged = [
        (signal, silence_of(signal, words.get(SignalId(signal.id), Word.NOBODY_TO_ASK), window=window, now=now))
        for signal in firing
    ]
    quiet_since = incident.last_alert_at or incident.updated_at
    held_only = incident.held_open is not None and not firing
    closes_at = calm_at(incident) if incident.held_open == HeldOpen.FLAPPING else quiet_since + window
    waits = [_look_again(signal, why, window=window, now=now) for signal, why in judged if not why.is_over]
    if held_only and now < closes_at:
        waits.append(closes_at)
    return Judged(
        over=[signal for signal, why in judged if why.is_over],
        closes_held_open=held_only and now >= closes_at,
        look_again_at=min(waits, default=now + window),
    )


def _look_again(signal: Signal, why: Silence, *, window: timedelta, now: datetime) -> datetime:
    if why is Silence.HEARD_OF:
        return signal.last_received_at + window
    return now + (min(CHECK_AGAIN_AFTER, window) if why is Silence.SOURCE_DOES_NOT_ANSWER else window)


_CLOSED_WORDS = {
    Occasion.CALM: "It flapped, and has been calm since",
    Occasion.SILENT: "No known alert fires, and nothing was heard of those that the sender's list left out",
}


def closed_by_silence(current: Versioned[Incident], *, now: datetime) -> IncidentChange:
    """The change that closes an incident that was only held open: its sender's list was cut, or it flapped."""
    before = current.value
    occasion = Occasion.CALM if before.held_open == HeldOpen.FLAPPING else Occasion.SILENT
    counted = before.model_copy(update={"version": before.version + 1, "updated_at": now})
    decision = decide(counted, occasion, now=now, reopen_within=timedelta())
    after = apply(counted, decision, by=None, now=now)
    told = entry(after, TimelineEvent.RESOLVED, decision.reason.value, now=now, text=_CLOSED_WORDS[occasion])
    return IncidentChange(incident=after, etag=current.etag, timeline=[told])
