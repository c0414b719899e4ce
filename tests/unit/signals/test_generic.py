"""Our own schema for alerts: little is needed, and what is wrong is named."""

import json
from typing import Any

import pytest

from shared.errors import Malformed
from shared.models.signals import Alert, AlertStatus, ParsedDelivery, Severity, SignalType, Source
from shared.signals.sources import parse
from shared.signals.sources.json_body import MAX_ID_CHARS
from tests.builders import NOON


def read(payload: object) -> ParsedDelivery:
    return parse(Source.GENERIC, json.dumps(payload).encode(), received_at=NOON)


def the_alert(**fields: Any) -> Alert:
    (alert,) = read({"alerts": [{"name": "CheckoutSlow", **fields}]}).alerts
    return alert


def test_a_name_alone_is_an_alert_that_fires_since_it_was_received() -> None:
    alert = the_alert()
    assert (alert.name, alert.service_name, alert.status) == ("CheckoutSlow", "CheckoutSlow", AlertStatus.FIRING)
    assert (alert.severity, alert.starts_at, alert.start_known) == (Severity.WARNING, NOON, False)


def test_one_alert_may_stand_alone() -> None:
    assert read({"name": "CheckoutSlow"}) == read({"alerts": [{"name": "CheckoutSlow"}]})


@pytest.mark.parametrize("kind", [SignalType.ALERT, SignalType.METRIC_DEVIATION, SignalType.LOG_PATTERN])
def test_the_type_travels_into_the_signal(kind: SignalType) -> None:
    assert the_alert(type=kind.value).signal_type is kind


def test_an_alert_and_a_log_pattern_of_one_name_are_two_things() -> None:
    assert the_alert(type="alert").episode != the_alert(type="log_pattern").episode


def test_without_an_id_the_labels_tell_alerts_apart_and_the_severity_does_not() -> None:
    plain = the_alert(service="checkout", severity="warning")
    assert plain.episode == the_alert(service="checkout", severity="critical").episode
    assert plain.episode != the_alert(service="cart", severity="warning").episode
    assert plain.episode != the_alert(service="checkout", labels={"region": "eu"}).episode


def test_labels_that_differ_only_behind_what_is_kept_are_still_two_alerts() -> None:
    one, other = (the_alert(labels={"query": "x" * 9000 + end}) for end in "ab")
    assert one.labels == other.labels
    assert one.episode != other.episode


def test_the_senders_id_tells_alerts_apart_however_long_it_is() -> None:
    assert the_alert(id="slow-1").fingerprint == "slow-1"
    assert the_alert(id="slow-1", labels={"a": "b"}).fingerprint == "slow-1"
    one, other = (the_alert(id="x" * 500 + end).fingerprint for end in "ab")
    assert one != other
    assert len(one) <= MAX_ID_CHARS


def test_its_own_fields_win_over_labels_of_the_same_name() -> None:
    alert = the_alert(service="checkout", severity="critical", labels={"service": "cart", "severity": "info"})
    assert (alert.service_name, alert.service_key, alert.severity) == ("checkout", "checkout", Severity.CRITICAL)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({}, "no_name"),
        ({"name": " \n"}, "no_name"),
        ({"name": "X", "type": "deploy_event"}, "bad_type"),
        ({"name": "X", "type": ["alert"]}, "bad_type"),
        ({"name": "X", "status": "burning"}, "bad_status"),
        ({"name": "X", "status": {}}, "bad_status"),
        ("X", "not_an_object"),
        (None, "not_an_object"),
    ],
)
def test_one_bad_alert_is_named_with_its_place_and_the_good_one_stays(item: object, reason: str) -> None:
    parsed = read({"alerts": [{"name": "Good"}, item]})
    assert [one.name for one in parsed.alerts] == ["Good"]
    assert [(one.position, one.reason) for one in parsed.rejected] == [(1, reason)]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({}, "no_alerts"),
        ({"alerts": {"name": "X"}}, "no_alerts"),
        ({"alerts": [0] * 5001}, "too_many_alerts"),
    ],
)
def test_a_body_without_alerts_is_refused_with_its_reason(payload: object, reason: str) -> None:
    with pytest.raises(Malformed) as refused:
        read(payload)
    assert refused.value.reason == reason
