"""Grafana before version 11: six states, no fingerprint, no time."""

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.errors import Malformed
from shared.models.signals import Alert, AlertKind, AlertStatus, ParsedDelivery, Source
from shared.signals.sources import parse
from tests.builders import NOON


def a_body(**changes: Any) -> bytes:
    fields = {
        "state": "alerting",
        "ruleId": 7,
        "ruleName": "Payment errors",
        "orgId": 1,
        "dashboardId": 24,
        "panelId": 2,
        "tags": {"service": "payment"},
    }
    return json.dumps({**fields, **changes}).encode()


def read(**changes: Any) -> ParsedDelivery:
    return parse(Source.GRAFANA_LEGACY, a_body(**changes), received_at=NOON)


def the_alert(**changes: Any) -> Alert:
    (alert,) = read(**changes).alerts
    return alert


@pytest.mark.parametrize(
    ("state", "status", "kind"),
    [
        ("alerting", AlertStatus.FIRING, AlertKind.SERVICE),
        ("ok", AlertStatus.RESOLVED, AlertKind.SERVICE),
        ("no_data", AlertStatus.FIRING, AlertKind.NO_DATA),
        ("Alerting ", AlertStatus.FIRING, AlertKind.SERVICE),
    ],
)
def test_a_state_fires_resolves_or_says_that_data_is_missing(
    state: str, status: AlertStatus, kind: AlertKind
) -> None:
    alert = the_alert(state=state)
    assert (alert.status, alert.kind) == (status, kind)


@pytest.mark.parametrize("state", ["pending", "paused", "keep_state", "unknown"])
def test_a_state_that_asks_nothing_of_anyone_is_ignored_by_name(state: str) -> None:
    assert read(state=state) == ParsedDelivery(ignored=f"state_{state}")


@pytest.mark.parametrize("state", [None, "", "burning", 7, ["alerting"]])
def test_a_state_that_grafana_does_not_have_is_refused(state: object) -> None:
    with pytest.raises(Malformed) as refused:
        read(state=state)
    assert refused.value.reason == "bad_state"


def test_another_shape_is_refused() -> None:
    with pytest.raises(Malformed) as refused:
        parse(Source.GRAFANA_LEGACY, b'{"state": "alerting", "alerts": []}', received_at=NOON)
    assert refused.value.reason == "no_rule"


def test_the_resolution_finds_the_firing_though_neither_tells_a_time() -> None:
    fired = the_alert()
    over = parse(Source.GRAFANA_LEGACY, a_body(state="ok"), received_at=NOON + timedelta(hours=1)).alerts[0]
    assert fired.episode == over.episode
    assert (fired.starts_at, fired.start_known) == (NOON, False)


@pytest.mark.parametrize("different", ["orgId", "dashboardId", "panelId", "ruleId"])
def test_every_one_of_its_four_ids_tells_a_rule_apart(different: str) -> None:
    assert the_alert(**{different: 99}).fingerprint != the_alert().fingerprint


def test_an_id_that_comes_as_a_float_is_the_same_id() -> None:
    assert the_alert(dashboardId=24.0).fingerprint == the_alert(dashboardId=24).fingerprint


def test_rules_without_ids_go_by_their_names() -> None:
    none = {"orgId": None, "dashboardId": 0, "panelId": None, "ruleId": None}
    assert the_alert(**none).fingerprint != the_alert(**none, ruleName="Cart errors").fingerprint


def test_labels_are_the_rules_tags_and_what_all_its_series_have_in_common() -> None:
    matches = [{"metric": verb, "value": 1, "tags": {"verb": verb, "zone": "eu"}} for verb in ("GET", "PUT")]
    alert = the_alert(evalMatches=[*matches, {"metric": "odd", "value": None, "tags": None}, "odd"])
    assert alert.labels == {"alertname": "Payment errors", "service": "payment", "zone": "eu"}
    assert alert.values == {"GET": 1.0, "PUT": 1.0}


@pytest.mark.parametrize("matches", [None, [], {}, "x", [None], [{}]])
def test_a_rule_may_name_no_series(matches: object) -> None:
    assert the_alert(evalMatches=matches).values is None
