"""Grafana's unified alerting: Alertmanager's shape, and what Grafana does to it."""

import json
from typing import Any

import pytest

from shared.models.signals import Alert, AlertKind, AlertStatus, ParsedDelivery, Source
from shared.signals.sources import parse
from shared.signals.sources.json_body import MAX_VALUES
from tests.builders import NOON


def an_item(**changes: Any) -> dict[str, Any]:
    item = {
        "status": "firing",
        "labels": {"alertname": "PaymentErrors", "service": "payment"},
        "annotations": {},
        "startsAt": "2026-11-23T11:59:00Z",
        "fingerprint": "692554671efacef0",
    }
    return {**item, **changes}


def read(payload: object) -> ParsedDelivery:
    return parse(Source.GRAFANA, json.dumps(payload).encode(), received_at=NOON)


def the_alert(**changes: Any) -> Alert:
    (alert,) = read({"alerts": [an_item(**changes)]}).alerts
    return alert


@pytest.mark.parametrize(
    ("alertname", "kind"),
    [("DatasourceNoData", AlertKind.NO_DATA), ("DatasourceError", AlertKind.EVALUATION_ERROR)],
)
def test_a_rule_that_cannot_be_evaluated_goes_by_its_own_name_and_is_no_service_failure(
    alertname: str, kind: AlertKind
) -> None:
    alert = the_alert(labels={"alertname": alertname, "rulename": "HighLatency", "datasource_uid": "prom"})
    assert (alert.name, alert.service_name, alert.kind) == ("HighLatency", "HighLatency", kind)
    assert alert.summary == "HighLatency"


def test_two_rules_without_data_are_not_one_service() -> None:
    services = {
        the_alert(labels={"alertname": "DatasourceNoData", "rulename": rule}).service_name for rule in ("A", "B")
    }
    assert services == {"A", "B"}


def test_a_rule_without_data_that_names_its_service_belongs_to_it() -> None:
    labels = {"alertname": "DatasourceNoData", "rulename": "HighLatency", "service": "payment"}
    alert = the_alert(labels=labels)
    assert (alert.service_name, alert.kind) == ("payment", AlertKind.NO_DATA)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("NoData", AlertKind.NO_DATA),
        ("Error", AlertKind.EVALUATION_ERROR),
        ("NoData, KeepLast", AlertKind.SERVICE),
        ("MissingSeries", AlertKind.SERVICE),
        ("Paused", AlertKind.SERVICE),
    ],
)
def test_the_reason_of_a_state_tells_missing_data_from_a_failure(reason: str, kind: AlertKind) -> None:
    assert the_alert(annotations={"grafana_state_reason": reason}).kind is kind


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"A": 0.5, "B": 3}, {"A": 0.5, "B": 3.0}),
        ({"A": float("nan"), "B": 1}, {"B": 1.0}),
        ({"A": "0.5", "B": True, "C": None, "D": 10**400}, None),
        (None, None),
        ([1], None),
        ({}, None),
    ],
)
def test_values_are_the_finite_numbers_or_none_at_all(sent: object, kept: object) -> None:
    assert the_alert(values=sent).values == kept


def test_of_very_many_values_the_first_are_kept() -> None:
    sent = {f"R{number:04}": number for number in range(1000)}
    assert the_alert(values=sent).values == {name: float(number) for name, number in list(sent.items())[:MAX_VALUES]}


def test_private_names_stay_out_of_labels_annotations_and_identity() -> None:
    private = {"__alert_rule_uid__": "uid", "__value_string__": "x"}
    public = {"alertname": "PaymentErrors"}
    leaked = the_alert(labels={**public, **private}, annotations=private, fingerprint=None)
    assert (leaked.labels, leaked.annotations) == (public, {})
    assert leaked.fingerprint == the_alert(labels=public, fingerprint=None).fingerprint


def test_the_panel_is_shown_before_the_dashboard_and_only_as_a_web_address() -> None:
    assert the_alert(panelURL="https://g/p", dashboardURL="https://g/d").external_url == "https://g/p"
    assert the_alert(panelURL="javascript:alert(1)", dashboardURL="https://g/d").external_url == "https://g/d"
    assert the_alert(panelURL="", generatorURL="?orgId=1").external_url is None


@pytest.mark.parametrize(("state", "status"), [("alerting", AlertStatus.FIRING), ("ok", AlertStatus.RESOLVED)])
def test_the_state_stands_in_for_a_status_that_nobody_says(state: str, status: AlertStatus) -> None:
    (alert,) = read({"state": state, "alerts": [an_item(status=None)]}).alerts
    assert alert.status is status


@pytest.mark.parametrize("payload", [{"hello": "world"}, {}, {"alerts": {}}, {"alerts": None, "ruleId": 1}])
def test_a_payload_of_the_operators_own_is_kept_and_not_refused(payload: dict[str, Any]) -> None:
    assert read(payload) == ParsedDelivery(unknown_shape="custom_payload")


def test_a_body_of_the_old_shape_is_read_as_that() -> None:
    (alert,) = read({"state": "alerting", "ruleId": 7, "ruleName": "Payment errors"}).alerts
    assert alert.source is Source.GRAFANA_LEGACY


TEST_FINGERPRINT = "57c6d9296de2ad39"


def a_test(group_key: object, *more: dict[str, Any], **changes: Any) -> ParsedDelivery:
    return read({"groupKey": group_key, "alerts": [an_item(fingerprint=TEST_FINGERPRINT, **changes), *more]})


@pytest.mark.parametrize(
    "group_key",
    [
        f"test-{TEST_FINGERPRINT}-1763899140",
        f"webhook-{TEST_FINGERPRINT}-1763899140",
        f"on-call of P0-{TEST_FINGERPRINT}-1763899140",
        '{alertname="TestAlert", instance="Grafana"}2022-08-31 05:54:04.5 +0000 UTC m=+42208.2',
    ],
)
@pytest.mark.parametrize("labels", [{}, {"alertname": "TestAlert"}, {"alertname": "MyOwn", "service": "payment"}])
def test_the_test_button_opens_no_incident_whatever_labels_it_is_pressed_with(
    group_key: str, labels: dict[str, str]
) -> None:
    parsed = a_test(group_key, labels=labels)
    assert (parsed.alerts, parsed.ignored) == ((), "test_event")


@pytest.mark.parametrize(
    "group_key",
    [
        None,
        7,
        "",
        '{}:{alertname="TestAlert", instance="Grafana"}',
        '{}/{team="x"}:{alertname="PaymentErrors"}',
        f'{{}}:{{id="a-{TEST_FINGERPRINT}-1763899140"}}',
        "test-0000000000000000-1763899140",
        f"test-{TEST_FINGERPRINT}",
    ],
)
def test_what_a_route_grouped_is_never_taken_for_a_test(group_key: object) -> None:
    assert len(a_test(group_key, labels={"alertname": "TestAlert", "instance": "Grafana"}).alerts) == 1


def test_two_alerts_are_no_test() -> None:
    assert len(a_test(f"test-{TEST_FINGERPRINT}-1763899140", an_item()).alerts) == 2
