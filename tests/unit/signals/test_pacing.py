"""A tenant over its quota is delayed, never refused, and nobody else waits for it."""

from datetime import timedelta

from shared.signals.pacing import BURST, MAX_DELAY, Pacer, weight_of
from tests.builders import NOON

NO_TIME = timedelta()


def test_a_tenant_within_its_quota_never_waits() -> None:
    pacer = Pacer()
    for second in range(600):
        assert pacer.delay("acme", weight=1, per_minute=60, now=NOON + timedelta(seconds=second)) == NO_TIME


def test_a_quiet_tenant_may_send_a_minutes_worth_at_once() -> None:
    pacer = Pacer()
    delays = [pacer.delay("acme", weight=1, per_minute=60, now=NOON) for _ in range(62)]
    assert delays[:61] == [NO_TIME] * 61
    assert delays[61] > NO_TIME


def test_what_comes_too_fast_is_paced_at_the_quota() -> None:
    pacer = Pacer()
    pacer.delay("acme", weight=60, per_minute=60, now=NOON)
    waits = [pacer.delay("acme", weight=1, per_minute=60, now=NOON) for _ in range(10)]
    assert waits == [timedelta(seconds=second) for second in range(10)]


def test_a_tenant_at_ten_times_its_quota_delays_nobody_else() -> None:
    pacer = Pacer()
    for tenth in range(6000):
        now = NOON + timedelta(seconds=tenth / 10)
        crowd = pacer.delay("acme", weight=1, per_minute=60, now=now)
        if tenth % 10 == 0:
            assert pacer.delay("globex", weight=1, per_minute=60, now=now) == NO_TIME
    assert crowd > NO_TIME


def test_the_longest_delay_is_capped_and_a_tenant_that_stops_recovers() -> None:
    pacer = Pacer()
    for _ in range(100):
        assert pacer.delay("acme", weight=1000, per_minute=60, now=NOON) <= MAX_DELAY
    assert pacer.delay("acme", weight=1, per_minute=60, now=NOON + MAX_DELAY + BURST) == NO_TIME


def test_a_delivery_weighs_about_as_many_alerts_as_it_holds() -> None:
    assert weight_of(b'{"alerts": [{"labels": {}}, {"labels": {}}]}') == 2
    assert weight_of(b"not even JSON") == 1
