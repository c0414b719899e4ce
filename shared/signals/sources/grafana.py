"""Grafana's unified alerting, body version 1, and the Alertmanagers it manages, version 4 (grafana/alerting)."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.models.signals import Alert, AlertKind, ParsedDelivery, Source
from shared.signals.normalise import service_of
from shared.signals.sources import grafana_legacy
from shared.signals.sources.alertmanager import (
    UNNAMED,
    Notification,
    alert_of,
    read_notification,
    summary_of,
)
from shared.signals.sources.json_body import link_of, mapping_of, numbers_of, read_object, title_of

_KINDS: Mapping[str, AlertKind] = {
    "DatasourceNoData": AlertKind.NO_DATA,
    "DatasourceError": AlertKind.EVALUATION_ERROR,
}
_REASONS: Mapping[str, AlertKind] = {"NoData": AlertKind.NO_DATA, "Error": AlertKind.EVALUATION_ERROR}
_STATES: Mapping[str, str] = {"alerting": "firing", "ok": "resolved"}
_TEST_KEY = re.compile(r"[^{}]*-(?P<fingerprint>[0-9a-f]{16})-\d{9,11}")
_OLD_TEST_KEY = '{alertname="TestAlert", instance="Grafana"}'
_MAX_KEY_CHARS = 4096


def parse(body: bytes, received_at: datetime) -> ParsedDelivery:
    """The alerts of one notification. A template of the operator's own is kept, whatever it says."""
    payload = read_object(body)
    if not isinstance(payload.get("alerts"), list):
        if grafana_legacy.is_legacy(payload):
            return grafana_legacy.read(payload, received_at)
        return ParsedDelivery(unknown_shape="custom_payload")
    if _is_test(payload.get("groupKey"), payload["alerts"]):
        return ParsedDelivery(ignored="test_event")
    state = payload.get("state")
    status = payload.get("status") or (_STATES.get(state) if isinstance(state, str) else None)
    return read_notification(payload, status, received_at, _alert)


def _is_test(group_key: object, listed: list[Any]) -> bool:
    """Whether somebody pressed Test at a contact point: a group key that no route makes (those begin with `{}`).

    Its labels may be the operator's own, so they tell nothing. The key holds the alert's fingerprint and the time;
    Grafana 9 wrote the test's own labels there instead.
    """
    if not isinstance(group_key, str) or len(listed) != 1:
        return False
    made = _TEST_KEY.fullmatch(group_key[:_MAX_KEY_CHARS])
    if made:
        return made["fingerprint"] == mapping_of(listed[0]).get("fingerprint")
    return group_key.startswith(_OLD_TEST_KEY)


def _alert(item: Mapping[str, Any], told: Notification) -> Alert:
    """Alertmanager's alert, and what Grafana adds to it."""
    public = {key: _public(item.get(key)) for key in ("labels", "annotations")}
    plain = alert_of({**item, **public}, told)
    kind = _kind(plain.labels, plain.annotations)
    rule = plain.labels.get("rulename", "") if kind is not AlertKind.SERVICE else ""
    name = title_of(rule or plain.labels.get("alertname"))
    # Grouped and titled by the rule: `DatasourceError` would be one bucket for everything that cannot be evaluated.
    service_name, service_from = service_of({**plain.labels, "alertname": name})
    return plain.model_copy(
        update={
            "source": Source.GRAFANA,
            "name": name or UNNAMED,
            "service_name": service_name,
            "service_from": service_from,
            "summary": summary_of(plain.annotations) or name or UNNAMED,
            "kind": kind,
            "external_url": link_of(item.get("panelURL")) or link_of(item.get("dashboardURL")),
            "values": numbers_of(item.get("values")),
        }
    )


def _public(value: object) -> dict[str, Any]:
    """Without `__private__` names, which older versions and proxies let out."""
    return {name: content for name, content in mapping_of(value).items() if not name.startswith("__")}


def _kind(labels: Mapping[str, str], annotations: Mapping[str, str]) -> AlertKind:
    """By the name that Grafana puts in place of the rule's, else by the reason it adds.

    `NoData, KeepLast` is neither: there the rule's last state stands.
    """
    named = _KINDS.get(labels.get("alertname", ""))
    return named or _REASONS.get(annotations.get("grafana_state_reason", ""), AlertKind.SERVICE)
