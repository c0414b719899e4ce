"""What one alert does to its signal, and why: the rules for what comes twice, late, or out of order."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.incidents.silence import is_worth_touching
from shared.models.signals import REFIRE_AFTER, Alert, AlertStatus, Origin, Signal, fires_again


class Effect(StrEnum):
    """What one alert does to the incident."""

    JOINS = "joins"
    RESOLVES = "resolves"
    REFIRES = "refires"
    REPEATS = "repeats"
    """It says what is recorded, later than it was recorded: only that is noted."""
    NOTHING_NEW = "nothing_new"


class Why(StrEnum):
    """Why an alert has its effect."""

    FIRST_HEARD_FIRING = "first_heard_of_while_firing"
    FIRST_HEARD_RESOLVED = "first_heard_of_when_resolved"
    SENDER_SAYS_OVER = "sender_says_it_is_over"
    WENT_SILENT = "nobody_repeated_it"
    FIRES_AFTER_A_WHILE = "fires_again_after_a_while"
    SENDER_SAID_IT_LATER = "sender_said_it_after_the_resolution"
    WAS_ONLY_ASSUMED_OVER = "it_was_only_assumed_to_be_over"
    SOURCE_WAS_ASKED = "the_source_was_asked_after_the_resolution"
    STILL_FIRES = "still_fires"
    RESOLVED_TWICE = "resolved_twice"
    SENDER_CONFIRMS = "sender_says_it_again_later"
    REPLAYED = "the_sender_said_just_this_before"
    LATE_COPY = "late_copy_of_what_was_overtaken"
    OLDER_THAN_RECORDED = "sender_said_it_before_what_is_recorded"


@dataclass(frozen=True)
class SignalDecision:
    """An effect and its reason."""

    effect: Effect
    why: Why


def signal_effect(
    known: Signal | None, alert: Alert, received_at: datetime, origin: Origin = Origin.WEBHOOK
) -> SignalDecision:
    """Decide what an alert does, given the signal of its episode if there is one.

    Where the sender says when it said something, that orders two statuses of an episode; otherwise the order in
    which they were received does, and a status that contradicts another within REFIRE_AFTER is a late copy.
    """
    fires = alert.status is AlertStatus.FIRING
    if known is None:
        return SignalDecision(Effect.JOINS, Why.FIRST_HEARD_FIRING if fires else Why.FIRST_HEARD_RESOLVED)
    if ours := _by_our_own_word(known, alert, received_at, origin):
        return ours
    said, recorded = alert.said_at, said_at_of(known)
    if said is not None and recorded is not None:
        return _by_the_senders_clock(known, alert, received_at, said=said, recorded=recorded)
    if known.status is alert.status:
        return _the_same_again(known, alert, received_at)
    return _firing_again(known, received_at) if fires else _over(known, received_at)


def said_at_of(signal: Signal) -> datetime | None:
    """When the sender said what is recorded, where it tells."""
    return signal.said_at or signal.normalized_data.said_at


def _by_our_own_word(known: Signal, alert: Alert, received_at: datetime, origin: Origin) -> SignalDecision | None:
    """What follows from our having assumed or asked, whatever the sender's clock says; None when we did neither."""
    if known.status is alert.status:
        return None
    if alert.status is AlertStatus.RESOLVED:
        return SignalDecision(Effect.RESOLVES, Why.WENT_SILENT) if origin is Origin.SILENCE else None
    if received_at <= known.last_received_at:
        return None
    if known.resolved_by is Origin.SILENCE:
        return SignalDecision(Effect.REFIRES, Why.WAS_ONLY_ASSUMED_OVER)
    return SignalDecision(Effect.REFIRES, Why.SOURCE_WAS_ASKED) if origin is Origin.RECONCILED else None


def _by_the_senders_clock(
    known: Signal, alert: Alert, received_at: datetime, *, said: datetime, recorded: datetime
) -> SignalDecision:
    if said < recorded:
        return SignalDecision(Effect.NOTHING_NEW, Why.OLDER_THAN_RECORDED)
    if known.status is alert.status:
        if said == recorded:
            return SignalDecision(Effect.NOTHING_NEW, Why.REPLAYED)
        return _confirmed(known, alert, received_at)
    if alert.status is AlertStatus.RESOLVED:
        return SignalDecision(Effect.RESOLVES, Why.SENDER_SAYS_OVER)
    if said == recorded:
        # Both within one tick of the sender's clock: an alert fires before it resolves.
        return SignalDecision(Effect.NOTHING_NEW, Why.REPLAYED)
    return SignalDecision(Effect.REFIRES, Why.SENDER_SAID_IT_LATER)


def _confirmed(known: Signal, alert: Alert, received_at: datetime) -> SignalDecision:
    """Said again, later: noted, or an older status that comes after it would count as newer than what is recorded.

    An alert that fires is said to fire again and again; only a sender of incidents says it once for each change.
    """
    says_it_once = alert.status is AlertStatus.RESOLVED or alert.external_id is not None
    is_noted = says_it_once or is_worth_touching(known, received_at)
    return SignalDecision(Effect.REPEATS if is_noted else Effect.NOTHING_NEW, Why.SENDER_CONFIRMS)


def _the_same_again(known: Signal, alert: Alert, received_at: datetime) -> SignalDecision:
    if alert.status is AlertStatus.RESOLVED:
        return SignalDecision(Effect.NOTHING_NEW, Why.RESOLVED_TWICE)
    effect = Effect.REPEATS if is_worth_touching(known, received_at) else Effect.NOTHING_NEW
    return SignalDecision(effect, Why.STILL_FIRES)


def _over(known: Signal, received_at: datetime) -> SignalDecision:
    if known.last_received_at - received_at >= REFIRE_AFTER:
        # It was heard of firing long after this came in: this one was held up on its way.
        return SignalDecision(Effect.NOTHING_NEW, Why.LATE_COPY)
    return SignalDecision(Effect.RESOLVES, Why.SENDER_SAYS_OVER)


def _firing_again(known: Signal, received_at: datetime) -> SignalDecision:
    if fires_again(resolved=known.last_received_at, received=received_at):
        return SignalDecision(Effect.REFIRES, Why.FIRES_AFTER_A_WHILE)
    return SignalDecision(Effect.NOTHING_NEW, Why.LATE_COPY)
