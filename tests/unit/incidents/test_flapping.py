"""What fires again and again: counted, damped, shown."""

from datetime import timedelta

from shared.incidents.flapping import (
    CALM_FOR,
    FIRES_TO_FLAP,
    FLAPPING_WITHIN,
    calm_at,
    fired_again,
    flapping_alerts,
    is_flapping,
    signal_fired_again,
)
from shared.models.incidents import Incident, IncidentSummary
from tests.builders import NOON, ONE_SECOND, a_signal, an_alert, an_incident

MINUTE = timedelta(minutes=1)


def after_fires(*minutes: float) -> Incident:
    """An incident that began to fire at noon and again at these minutes."""
    incident = an_incident(detected_at=NOON)
    for minute in minutes:
        incident = fired_again(incident, now=NOON + minute * MINUTE)
    return incident


def test_an_incident_that_fired_four_times_within_an_hour_flaps() -> None:
    assert FIRES_TO_FLAP == 4
    assert not is_flapping(after_fires(10, 20), now=NOON + 20 * MINUTE)
    assert is_flapping(after_fires(10, 20, 30), now=NOON + 30 * MINUTE)


def test_four_fires_over_more_than_an_hour_are_no_flapping() -> None:
    assert not is_flapping(after_fires(20, 40, 60), now=NOON + 60 * MINUTE)


def test_it_stops_flapping_when_its_fires_are_an_hour_old() -> None:
    flapping = after_fires(10, 20, 30)
    assert is_flapping(flapping, now=NOON + FLAPPING_WITHIN - ONE_SECOND)
    assert not is_flapping(flapping, now=NOON + FLAPPING_WITHIN)
    assert is_flapping(fired_again(flapping, now=NOON + 50 * MINUTE), now=NOON + FLAPPING_WITHIN + 9 * MINUTE)


def test_every_firing_is_counted_though_only_the_latest_are_remembered() -> None:
    incident = after_fires(*range(1, 11))
    assert incident.flap_count == 10
    assert incident.recent_fires == tuple(NOON + minute * MINUTE for minute in (7, 8, 9, 10))


def test_fires_told_in_the_wrong_order_count_the_same() -> None:
    assert after_fires(30, 10, 20).flapping_until == after_fires(10, 20, 30).flapping_until


def test_an_incident_of_before_flapping_was_kept_does_not_flap() -> None:
    assert not is_flapping(an_incident(flap_count=9), now=NOON)


def test_the_list_shows_until_when_it_flaps() -> None:
    assert IncidentSummary.of(after_fires(10, 20, 30)).flapping_until == NOON + FLAPPING_WITHIN


def test_the_damping_period_begins_with_the_last_alert() -> None:
    assert calm_at(an_incident(last_alert_at=NOON)) == NOON + CALM_FOR


def test_a_signal_counts_how_often_its_episode_fired() -> None:
    signal = a_signal(created_at=NOON)
    for minute in (1, 2, 3, 4):
        signal = signal_fired_again(signal, now=NOON + minute * MINUTE)
    assert signal.fired_times == 5
    assert flapping_alerts([signal], now=NOON + 5 * MINUTE) == {signal.fingerprint}


def test_an_alert_flaps_though_every_firing_of_it_is_an_episode_of_its_own() -> None:
    episodes = [
        a_signal(an_alert(starts_at=NOON + minute * MINUTE), created_at=NOON + minute * MINUTE)
        for minute in (0, 10, 20, 30)
    ]
    steady = a_signal(an_alert(fingerprint="steady"), created_at=NOON)
    now = NOON + 31 * MINUTE
    assert flapping_alerts([*episodes, steady], now=now) == {episodes[0].fingerprint}
    assert flapping_alerts(episodes[:3], now=now) == frozenset()
    assert flapping_alerts(episodes, now=NOON + FLAPPING_WITHIN) == frozenset()
