"""A tenant over its quota is delayed, never refused, and nobody else waits for it."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from shared.models.signals import Source
from shared.signals.pacing import BURST, BYTES_AN_ALERT, MAX_DELAY, MAX_TENANTS, Pacer, weight_of
from tests.builders import NOON, ONE_SECOND

NO_TIME = timedelta()


def a_delivery(pacer: Pacer, tenant: str = "acme", *, weight: int = 1, now: datetime = NOON) -> timedelta:
    """Send one under a quota of sixty a minute; how long it waits."""
    wait = pacer.delay(tenant, now=now)
    pacer.spend(tenant, weight=weight, per_minute=60, now=now)
    return wait


def test_a_tenant_within_its_quota_never_waits() -> None:
    pacer = Pacer()
    for second in range(600):
        assert a_delivery(pacer, now=NOON + timedelta(seconds=second)) == NO_TIME


def test_a_quiet_tenant_may_send_a_minutes_worth_at_once() -> None:
    pacer = Pacer()
    delays = [a_delivery(pacer) for _ in range(62)]
    assert delays[:61] == [NO_TIME] * 61
    assert delays[61] > NO_TIME


def test_what_comes_too_fast_is_paced_at_the_quota() -> None:
    pacer = Pacer()
    a_delivery(pacer, weight=60)
    assert [a_delivery(pacer) for _ in range(10)] == [timedelta(seconds=second) for second in range(10)]


def test_a_tenant_at_ten_times_its_quota_delays_nobody_else() -> None:
    pacer = Pacer()
    for tenth in range(6000):
        now = NOON + timedelta(seconds=tenth / 10)
        crowd = a_delivery(pacer, "acme", now=now)
        if tenth % 10 == 0:
            assert a_delivery(pacer, "globex", now=now) == NO_TIME
    assert crowd > NO_TIME


def test_a_tenants_deliveries_are_due_in_the_order_in_which_they_came() -> None:
    pacer = Pacer()
    times = [NOON + timedelta(seconds=step * (0.1 if step < 500 else 1)) for step in range(1500)]
    due = [now + a_delivery(pacer, now=now) for now in times]
    assert due[300] > times[300]
    assert all(later > earlier - ONE_SECOND for earlier, later in pairwise(due))


def test_a_delay_is_in_whole_seconds_because_the_queue_knows_no_others() -> None:
    pacer = Pacer()
    a_delivery(pacer, weight=61)
    assert a_delivery(pacer, now=NOON + timedelta(milliseconds=100)) == NO_TIME
    assert a_delivery(pacer, now=NOON + timedelta(milliseconds=200)) == ONE_SECOND


def test_the_longest_delay_is_capped_and_a_tenant_that_stops_recovers() -> None:
    pacer = Pacer()
    for _ in range(100):
        assert a_delivery(pacer, weight=1000) <= MAX_DELAY
    assert a_delivery(pacer) == MAX_DELAY
    assert a_delivery(pacer, now=NOON + MAX_DELAY + BURST) == NO_TIME


def test_the_cap_holds_when_the_clock_is_set_back() -> None:
    pacer = Pacer()
    a_delivery(pacer, weight=1000)
    assert a_delivery(pacer, now=NOON - timedelta(hours=5)) == MAX_DELAY


def test_asking_for_the_delay_costs_nothing_until_the_delivery_is_durable() -> None:
    pacer = Pacer()
    a_delivery(pacer, weight=120)
    assert [pacer.delay("acme", now=NOON) for _ in range(100)] == [BURST] * 100


def test_the_longest_silent_tenants_are_forgotten_first() -> None:
    pacer = Pacer()
    a_delivery(pacer, "acme", weight=1000)
    for number in range(MAX_TENANTS - 1):
        a_delivery(pacer, f"tenant-{number}")
    assert pacer.delay("acme", now=NOON) > NO_TIME
    a_delivery(pacer, "one-more")
    assert pacer.delay("acme", now=NOON) == NO_TIME


@pytest.mark.parametrize(
    ("source", "body", "weight"),
    [
        (Source.ALERTMANAGER, b'{"alerts": [{"labels": {}}, {"labels": {}}], "commonLabels": {}}', 2),
        (Source.ALERTMANAGER, b'{"alerts": [{"labels": {}, "annotations": {"a": "\\"labels\\""}}]}', 1),
        (Source.GRAFANA, b'{"alerts": [{"labels": {}}, {"labels": {}}, {"labels": {}}]}', 3),
        (Source.GENERIC, b'{"alerts": [{"name": "a"}, {"name": "b"}]}', 2),
        (Source.CHANGES, b'{"changes": [{"service": "a"}, {"service": "b"}]}', 2),
        (Source.PAGERDUTY, b'{"event": {"data": {"service": {"labels": {}}, "name": {"labels": {}}}}}', 1),
        (Source.ALERTMANAGER, b"not even JSON", 1),
        (Source.ALERTMANAGER, b'{"l\\u0061bels": {}}' + b" " * 10 * BYTES_AN_ALERT, 10),
    ],
)
def test_a_delivery_weighs_about_as_many_alerts_as_it_holds(source: Source, body: bytes, weight: int) -> None:
    assert weight_of(source, body) == weight
