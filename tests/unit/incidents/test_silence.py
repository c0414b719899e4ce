"""When alerts that nobody repeats are taken to be over."""

from datetime import timedelta
from typing import Any

import pytest

from shared.incidents.silence import (
    TOUCH_AFTER,
    Judged,
    Silence,
    Word,
    closed_by_silence,
    is_worth_touching,
    judge,
    quiet_ones,
    schedule_auto_resolve,
    silence_of,
    together,
    window_of,
)
from shared.models.base import SignalId
from shared.models.incidents import Incident, IncidentState, TimelineEvent
from shared.models.signals import AlertStatus, Signal, Source
from shared.ports.stores import Versioned
from tests.builders import NOON, ONE_SECOND, a_signal, a_tenant, an_alert, an_incident, resolved

WINDOW = timedelta(hours=24)
LATER = NOON + WINDOW


def a_quiet_signal(fingerprint: str = "f", source: Source = Source.GENERIC, **changes: Any) -> Signal:
    return a_signal(an_alert(fingerprint=fingerprint, source=source), **{"last_received_at": NOON, **changes})


def judged(signals: list[Signal], words: dict[str, Word] | None = None, incident: Incident | None = None) -> Judged:
    said = {SignalId(name): word for name, word in (words or {}).items()}
    return judge(incident or an_incident(), signals, said, window=WINDOW, now=LATER)


@pytest.mark.parametrize(
    ("word", "silence"),
    [
        (Word.FIRES, Silence.FIRES_AT_SOURCE),
        (Word.OVER, Silence.OVER_AT_SOURCE),
        (Word.NO_ANSWER, Silence.SOURCE_DOES_NOT_ANSWER),
        (Word.NOBODY_TO_ASK, Silence.SILENT),
    ],
)
def test_the_word_of_its_source_decides_over_a_quiet_alert(word: Word, silence: Silence) -> None:
    assert silence_of(a_quiet_signal(), word, window=WINDOW, now=LATER) is silence


@pytest.mark.parametrize("word", Word)
def test_an_alert_that_was_heard_of_within_the_window_is_left_alone(word: Word) -> None:
    assert silence_of(a_quiet_signal(), word, window=WINDOW, now=LATER - ONE_SECOND) is Silence.HEARD_OF


def test_an_alert_of_pagerduty_is_never_over_by_silence() -> None:
    signal = a_quiet_signal(source=Source.PAGERDUTY)
    assert quiet_ones([signal], window=WINDOW, now=LATER + 100 * WINDOW) == []
    assert judged([signal]).over == []


def test_only_firing_alerts_that_are_quiet_are_asked_about() -> None:
    quiet, heard = a_quiet_signal("a"), a_quiet_signal("b", last_received_at=NOON + ONE_SECOND)
    over = a_signal(resolved(an_alert(fingerprint="c")))
    assert quiet_ones([quiet, heard, over], window=WINDOW, now=LATER) == [quiet]


def test_one_source_that_says_it_fires_is_believed_and_one_that_is_down_waited_for() -> None:
    assert together([Word.OVER, Word.NO_ANSWER, Word.FIRES]) is Word.FIRES
    assert together([Word.NOBODY_TO_ASK, Word.OVER, Word.NO_ANSWER]) is Word.NO_ANSWER
    assert together([Word.NOBODY_TO_ASK, Word.OVER]) is Word.OVER
    assert together([]) is Word.NOBODY_TO_ASK


def test_a_silent_alert_is_over_beside_others_that_are_not() -> None:
    silent, fires = a_quiet_signal("a"), a_quiet_signal("b", Source.ALERTMANAGER)
    assert judged([silent, fires], {fires.id: Word.FIRES}).over == [silent]


def test_the_next_look_is_when_the_first_alert_may_be_silent() -> None:
    early, late = (a_quiet_signal(str(n), last_received_at=NOON + timedelta(hours=n)) for n in (1, 2))
    assert judged([late, early]).look_again_at == NOON + timedelta(hours=1) + WINDOW


def test_a_source_that_does_not_answer_is_asked_again_soon_and_one_that_fires_after_the_window() -> None:
    signal = a_quiet_signal(source=Source.ALERTMANAGER)
    assert judged([signal], {signal.id: Word.NO_ANSWER}).look_again_at - LATER == timedelta(minutes=15)
    assert judged([signal], {signal.id: Word.FIRES}).look_again_at == LATER + WINDOW


def test_an_incident_that_is_only_held_open_is_closed_after_the_same_silence() -> None:
    over = [a_signal(resolved(an_alert()))]
    held = an_incident(held_open="truncated_alerts", last_alert_at=NOON, firing_count=0)
    assert judged(over, incident=held).closes_held_open
    young = held.model_copy(update={"last_alert_at": NOON + ONE_SECOND})
    assert not judged(over, incident=young).closes_held_open
    assert judged(over, incident=young).look_again_at == LATER + ONE_SECOND


def test_an_incident_whose_alerts_fire_is_not_closed_for_its_cut_list() -> None:
    held = an_incident(held_open="truncated_alerts", last_alert_at=NOON)
    fires = a_quiet_signal(source=Source.ALERTMANAGER)
    assert not judged([fires], {fires.id: Word.FIRES}, incident=held).closes_held_open


def test_closing_a_held_incident_is_told_with_its_reason() -> None:
    before = an_incident(held_open="truncated_alerts", firing_count=0, version=3)
    change = closed_by_silence(Versioned(before, '"7"'), now=LATER)
    assert (change.incident.state, change.incident.held_open, change.incident.version) == (
        IncidentState.RESOLVED,
        None,
        4,
    )
    assert change.etag == '"7"'
    assert [(told.event, told.reason) for told in change.timeline] == [(TimelineEvent.RESOLVED, "nobody_repeated_it")]


def test_a_tenant_chooses_its_window_and_without_one_it_is_a_day() -> None:
    assert window_of(a_tenant(auto_resolve_after_minutes=30)) == timedelta(minutes=30)
    assert window_of(None) == WINDOW


def test_an_incident_is_looked_at_once_for_each_time_it_was_opened() -> None:
    tenant = a_tenant(auto_resolve_after_minutes=30)
    first = schedule_auto_resolve(tenant, an_incident(), now=NOON)
    assert first.due_at == NOON + timedelta(minutes=30)
    assert first.id == schedule_auto_resolve(tenant, an_incident(version=9), now=LATER).id
    assert first.id != schedule_auto_resolve(tenant, an_incident(flap_count=1), now=NOON).id


def test_a_repeat_is_noted_once_an_hour_and_only_while_the_alert_fires() -> None:
    signal = a_quiet_signal()
    assert not is_worth_touching(signal, NOON + TOUCH_AFTER - ONE_SECOND)
    assert is_worth_touching(signal, NOON + TOUCH_AFTER)
    over = signal.model_copy(update={"status": AlertStatus.RESOLVED})
    assert not is_worth_touching(over, NOON + TOUCH_AFTER)
