"""What an alert does to its signal when it comes twice, late, or out of order."""

from datetime import datetime, timedelta

import pytest

from shared.incidents.effects import Effect, SignalDecision, Why, signal_effect
from shared.incidents.silence import TOUCH_AFTER
from shared.models.signals import REFIRE_AFTER, Alert, AlertStatus, Origin, Signal, Source
from tests.builders import NOON, ONE_SECOND, a_signal, an_alert, resolved

FIRES = an_alert()
IS_OVER = resolved(FIRES)
SOON = NOON + ONE_SECOND


def firing() -> Signal:
    return a_signal(FIRES, last_received_at=NOON)


def over(**changes: object) -> Signal:
    return a_signal(
        FIRES, **{"status": AlertStatus.RESOLVED, "resolved_at": NOON, "last_received_at": NOON, **changes}
    )


def at_pagerduty(status: AlertStatus, minutes: float) -> Alert:
    """PagerDuty's incident, as its event of that minute says it is."""
    return an_alert(
        source=Source.PAGERDUTY, external_id="P1", status=status, said_at=NOON + timedelta(minutes=minutes)
    )


def known_from_pagerduty(status: AlertStatus, minutes: float) -> Signal:
    told = at_pagerduty(status, minutes)
    return a_signal(told, status=status, said_at=told.said_at, last_received_at=NOON)


def decided(
    known: Signal | None, alert: Alert, at: datetime = SOON, origin: Origin = Origin.WEBHOOK
) -> SignalDecision:
    return signal_effect(known, alert, at, origin)


def test_an_alert_nobody_knows_joins() -> None:
    assert decided(None, FIRES) == SignalDecision(Effect.JOINS, Why.FIRST_HEARD_FIRING)


def test_an_alert_resolved_before_it_was_heard_firing_is_recorded_as_resolved() -> None:
    assert decided(None, IS_OVER) == SignalDecision(Effect.JOINS, Why.FIRST_HEARD_RESOLVED)


def test_a_resolution_resolves() -> None:
    assert decided(firing(), IS_OVER) == SignalDecision(Effect.RESOLVES, Why.SENDER_SAYS_OVER)


def test_the_second_resolution_is_nothing_new() -> None:
    assert decided(over(), IS_OVER) == SignalDecision(Effect.NOTHING_NEW, Why.RESOLVED_TWICE)


def test_a_copy_from_the_other_alertmanager_of_the_cluster_is_nothing_new() -> None:
    assert decided(firing(), FIRES) == SignalDecision(Effect.NOTHING_NEW, Why.STILL_FIRES)


def test_in_a_group_sent_again_with_one_new_alert_only_that_one_joins() -> None:
    group = [FIRES, an_alert(fingerprint="new")]
    known = {FIRES.signal_id: firing()}
    assert [decided(known.get(one.signal_id), one).effect for one in group] == [Effect.NOTHING_NEW, Effect.JOINS]


def test_a_repeat_after_an_hour_is_noted() -> None:
    assert decided(firing(), FIRES, NOON + TOUCH_AFTER).effect is Effect.REPEATS


def test_a_late_firing_copy_within_five_minutes_of_the_resolution_is_nothing_new() -> None:
    late = decided(over(), FIRES, NOON + REFIRE_AFTER - ONE_SECOND)
    assert late == SignalDecision(Effect.NOTHING_NEW, Why.LATE_COPY)


def test_a_firing_that_the_sender_said_after_the_resolution_counts_however_soon_it_comes() -> None:
    known = over(said_at=NOON)
    assert decided(known, an_alert(said_at=SOON)) == SignalDecision(Effect.REFIRES, Why.SENDER_SAID_IT_LATER)


def test_firing_for_the_same_start_after_five_minutes_is_a_new_firing() -> None:
    assert decided(over(), FIRES, NOON + REFIRE_AFTER) == SignalDecision(Effect.REFIRES, Why.FIRES_AFTER_A_WHILE)


def test_a_firing_received_before_the_resolution_but_worked_off_after_it_is_late() -> None:
    held_up = NOON - timedelta(hours=2)
    assert decided(over(), FIRES, held_up) == SignalDecision(Effect.NOTHING_NEW, Why.LATE_COPY)


def test_a_resolution_that_was_held_up_does_not_end_a_later_firing() -> None:
    again = a_signal(FIRES, last_received_at=NOON + REFIRE_AFTER)
    assert decided(again, IS_OVER, NOON) == SignalDecision(Effect.NOTHING_NEW, Why.LATE_COPY)
    assert decided(again, IS_OVER, NOON + ONE_SECOND).effect is Effect.RESOLVES


@pytest.mark.parametrize("first_is_resolution", [True, False])
@pytest.mark.parametrize("apart", [ONE_SECOND, REFIRE_AFTER])
def test_two_contradicting_deliveries_end_the_same_in_either_order_of_work(
    apart: timedelta, first_is_resolution: bool
) -> None:
    statuses = [AlertStatus.RESOLVED, AlertStatus.FIRING]
    if not first_is_resolution:
        statuses.reverse()
    earlier, later = ((status, NOON + offset) for status, offset in zip(statuses, [timedelta(), apart], strict=True))
    assert ending(earlier, later) == ending(later, earlier)


def ending(*deliveries: tuple[AlertStatus, datetime]) -> AlertStatus:
    """What is recorded after deliveries were worked off in this order."""
    (status, at), *rest = deliveries
    known = a_signal(FIRES, status=status, last_received_at=at)
    for status, at in rest:
        alert = FIRES.model_copy(update={"status": status})
        if decided(known, alert, at).effect in {Effect.RESOLVES, Effect.REFIRES}:
            known = known.model_copy(update={"status": status, "last_received_at": at})
    return known.status


@pytest.mark.parametrize("status", AlertStatus)
def test_a_replay_of_pagerduty_is_nothing_new(status: AlertStatus) -> None:
    known = known_from_pagerduty(status, 3)
    assert decided(known, at_pagerduty(status, 3)) == SignalDecision(Effect.NOTHING_NEW, Why.REPLAYED)


@pytest.mark.parametrize("status", AlertStatus)
@pytest.mark.parametrize("recorded", AlertStatus)
def test_an_event_of_pagerduty_older_than_what_is_recorded_is_nothing_new(
    recorded: AlertStatus, status: AlertStatus
) -> None:
    known = known_from_pagerduty(recorded, 3)
    late = decided(known, at_pagerduty(status, 2), NOON + timedelta(hours=1))
    assert late == SignalDecision(Effect.NOTHING_NEW, Why.OLDER_THAN_RECORDED)


def test_events_of_pagerduty_end_the_same_in_every_order() -> None:
    events = [
        at_pagerduty(AlertStatus.FIRING, 0),
        at_pagerduty(AlertStatus.RESOLVED, 5),
        at_pagerduty(AlertStatus.FIRING, 6),
    ]
    orders = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    assert {followed([events[number] for number in order]) for order in orders} == {AlertStatus.FIRING}


def followed(events: list[Alert]) -> AlertStatus:
    first, *rest = events
    known = a_signal(first, status=first.status, said_at=first.said_at, last_received_at=NOON)
    for event in rest:
        effect = decided(known, event).effect
        if effect is not Effect.NOTHING_NEW:
            status = known.status if effect is Effect.REPEATS else event.status
            known = known.model_copy(update={"status": status, "said_at": event.said_at})
    return known.status


def test_firing_and_resolved_within_one_tick_of_the_senders_clock_end_resolved() -> None:
    tick = [at_pagerduty(AlertStatus.FIRING, 0), at_pagerduty(AlertStatus.RESOLVED, 0)]
    assert followed(tick) is followed(tick[::-1]) is AlertStatus.RESOLVED


def test_a_sender_that_repeats_itself_with_a_new_time_costs_no_write_each_time() -> None:
    known = a_signal(an_alert(said_at=NOON), last_received_at=NOON)
    again = an_alert(said_at=NOON + timedelta(minutes=1))
    assert decided(known, again, NOON + timedelta(minutes=1)).effect is Effect.NOTHING_NEW
    assert decided(known, again, NOON + TOUCH_AFTER) == SignalDecision(Effect.REPEATS, Why.SENDER_CONFIRMS)


def test_silence_resolves_whatever_the_senders_clock_says() -> None:
    known = a_signal(an_alert(said_at=NOON), said_at=NOON + timedelta(minutes=9), last_received_at=NOON)
    ended = decided(known, resolved(an_alert(said_at=NOON)), NOON + timedelta(days=1), Origin.SILENCE)
    assert ended == SignalDecision(Effect.RESOLVES, Why.WENT_SILENT)


def test_an_alert_that_was_only_assumed_to_be_over_fires_again_at_the_next_word_of_it() -> None:
    known = over(resolved_by=Origin.SILENCE)
    assert decided(known, FIRES) == SignalDecision(Effect.REFIRES, Why.WAS_ONLY_ASSUMED_OVER)
    assert decided(known, FIRES, NOON - ONE_SECOND).effect is Effect.NOTHING_NEW


def test_a_source_that_was_asked_after_the_resolution_is_believed_at_once() -> None:
    asked = decided(over(), FIRES, SOON, Origin.RECONCILED)
    assert asked == SignalDecision(Effect.REFIRES, Why.SOURCE_WAS_ASKED)
    assert decided(over(), FIRES, NOON, Origin.RECONCILED).effect is Effect.NOTHING_NEW
