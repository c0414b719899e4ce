from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bench.generator import Delivery, Shape, Storm, make_storm
from shared.models.signals import Source
from shared.signals.sources import parse

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SMALL = Shape(alerts=1_000, bodies=60, singles=5, services=40)


def a_storm(shape: Shape = SMALL, seed: int = 1) -> Storm:
    return make_storm(shape, seed, began=NOON)


def test_the_same_seed_makes_the_same_storm_and_another_seed_another() -> None:
    assert a_storm() == a_storm()
    assert a_storm() != a_storm(seed=2)


def test_a_storm_has_as_many_alerts_and_bodies_as_asked_for() -> None:
    storm = a_storm(replace(SMALL, resent=0))
    assert storm.alerts == 1_000
    assert len(storm.deliveries) == 65
    assert sum(1 for one in storm.deliveries if len(one.fingerprints) == 1) >= 5


def test_a_fifth_of_the_alerts_are_repeats() -> None:
    storm = a_storm(replace(SMALL, resent=0, services=5))
    assert len(storm.distinct) == pytest.approx(800, abs=20)


def test_some_deliveries_are_sent_again_byte_for_byte_and_later() -> None:
    storm = a_storm(replace(SMALL, resent=0.1))
    first: dict[bytes, Delivery] = {}
    again = [one for one in storm.deliveries if first.setdefault(one.body, one) is not one]
    assert len(again) == round(65 * 0.1)
    assert all(one.at_seconds > first[one.body].at_seconds for one in again)


def test_deliveries_are_in_the_order_of_their_times() -> None:
    times = [one.at_seconds for one in a_storm().deliveries]
    assert times == sorted(times)


def test_the_product_reads_in_every_body_the_alerts_it_is_said_to_hold() -> None:
    for delivery in a_storm().deliveries:
        parsed = parse(Source.ALERTMANAGER, delivery.body, received_at=NOON)
        assert tuple(alert.fingerprint for alert in parsed.alerts) == delivery.fingerprints
        assert not parsed.rejected


def test_storms_of_different_prefixes_share_no_service() -> None:
    def services(prefix: str) -> set[str]:
        bodies = [one.body for one in a_storm(replace(SMALL, prefix=prefix)).deliveries]
        alerts = [alert for body in bodies for alert in parse(Source.ALERTMANAGER, body, received_at=NOON).alerts]
        return {alert.service_name for alert in alerts}

    assert services("a") <= {f"a-{number:02}" for number in range(40)}
    assert services("b") <= {f"b-{number:02}" for number in range(40)}
