"""Grafana's unified alerting, body version 1, and the Alertmanagers it manages, version 4 (grafana/alerting)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.errors import Malformed
from shared.models.signals import Alert, AlertKind, AlertStatus, ParsedDelivery, Rejected, Source
from shared.signals.normalise import fingerprint_of, service_of, severity_of
from shared.signals.sources import grafana_legacy
from shared.signals.sources.alertmanager import MAX_ALERTS, count_of, expression_of
from shared.signals.sources.json_body import MAX_LABELS, number_of, read_object, string_map, text_of, time_of

_KINDS: Mapping[str, AlertKind] = {
    "DatasourceNoData": AlertKind.NO_DATA,
    "DatasourceError": AlertKind.EVALUATION_ERROR,
}
_REASONS: Mapping[str, AlertKind] = {"NoData": AlertKind.NO_DATA, "Error": AlertKind.EVALUATION_ERROR}
_STATES: Mapping[str, str] = {"alerting": "firing", "ok": "resolved"}
MAX_URL_CHARS = 8192


@dataclass(frozen=True)
class _Group:
    """What the notification says of all its alerts."""

    key: str
    status: object
    received_at: datetime


def parse(body: bytes, received_at: datetime) -> ParsedDelivery:
    """The alerts of one notification. A template of the operator's own is kept, whatever it says."""
    payload = read_object(body)
    listed = payload.get("alerts")
    if not isinstance(listed, list):
        if grafana_legacy.is_legacy(payload):
            return grafana_legacy.read(payload, received_at)
        return ParsedDelivery(unknown_shape="custom_payload")
    if len(listed) > MAX_ALERTS:
        raise Malformed(f"the body lists more than {MAX_ALERTS} alerts", reason="too_many_alerts")
    state = payload.get("state")
    status = payload.get("status") or (_STATES.get(state) if isinstance(state, str) else None)
    group = _Group(text_of(payload.get("groupKey")), status, received_at)
    read = [_alert(item, group, position) for position, item in enumerate(listed)]
    return ParsedDelivery(
        alerts=tuple(one for one in read if isinstance(one, Alert)),
        rejected=tuple(one for one in read if isinstance(one, Rejected)),
        truncated_alerts=count_of(payload.get("truncatedAlerts")),
        receiver=text_of(payload.get("receiver"), limit=200),
    )


def _alert(item: object, group: _Group, position: int) -> Alert | Rejected:
    if not isinstance(item, Mapping):
        return Rejected(position=position, reason="not_an_object", detail="the alert is not a JSON object")
    status = item.get("status", group.status)
    if status not in (AlertStatus.FIRING.value, AlertStatus.RESOLVED.value):
        return Rejected(position=position, reason="bad_status", detail="the status is neither firing nor resolved")
    return _read(item, AlertStatus(status), group)


def _read(item: Mapping[str, Any], status: AlertStatus, group: _Group) -> Alert:
    labels, annotations = _public(item.get("labels")), _public(item.get("annotations"))
    kind = _kind(labels, annotations)
    name = (labels.get("rulename") if kind is not AlertKind.SERVICE else "") or labels.get("alertname", "")
    # Grouped and titled by the rule: `DatasourceError` would be one bucket for everything that cannot be evaluated.
    service_name, service_from = service_of({**labels, "alertname": name})
    starts_at = time_of(item.get("startsAt"))
    generator_url = text_of(item.get("generatorURL"), limit=MAX_URL_CHARS) or None
    shown_at = item.get("panelURL") or item.get("dashboardURL")
    return Alert(
        source=Source.GRAFANA,
        fingerprint=text_of(item.get("fingerprint"), limit=128) or fingerprint_of(labels),
        name=name or "unnamed alert",
        service_name=service_name,
        service_from=service_from,
        severity=severity_of(labels),
        status=status,
        summary=annotations.get("summary") or annotations.get("description") or name or "unnamed alert",
        labels=labels,
        annotations=annotations,
        starts_at=starts_at or group.received_at,
        start_known=starts_at is not None,
        ends_at=time_of(item.get("endsAt")) if status is AlertStatus.RESOLVED else None,
        expression=expression_of(generator_url),
        generator_url=generator_url,
        group_key=group.key,
        kind=kind,
        external_url=text_of(shown_at, limit=MAX_URL_CHARS) or None,
        values=_values(item.get("values")),
    )


def _public(value: object) -> dict[str, str]:
    """Without `__private__` names, which older versions and proxies let out."""
    return {name: text for name, text in string_map(value).items() if not name.startswith("__")}


def _kind(labels: Mapping[str, str], annotations: Mapping[str, str]) -> AlertKind:
    named = _KINDS.get(labels.get("alertname", ""))
    return named or _REASONS.get(annotations.get("grafana_state_reason", ""), AlertKind.SERVICE)


def _values(value: object) -> dict[str, float] | None:
    """Finite numbers by refId; Grafana sends null for all of them when one is not finite."""
    if not isinstance(value, Mapping):
        return None
    listed = [(text_of(name, limit=120), number_of(number)) for name, number in list(value.items())[:MAX_LABELS]]
    return {name: number for name, number in listed if number is not None} or None
