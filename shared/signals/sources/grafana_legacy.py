"""Grafana's alerting before version 11: one rule a body, with a state and no start (alerting/notifiers/webhook)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.errors import Malformed
from shared.models.signals import Alert, AlertKind, AlertStatus, ParsedDelivery, Source
from shared.signals.normalise import service_of, severity_of
from shared.signals.sources.json_body import MAX_LABELS, number_of, read_object, string_map, text_of

_STATES: Mapping[str, tuple[AlertStatus, AlertKind]] = {
    "alerting": (AlertStatus.FIRING, AlertKind.SERVICE),
    "ok": (AlertStatus.RESOLVED, AlertKind.SERVICE),
    "no_data": (AlertStatus.FIRING, AlertKind.NO_DATA),
}
_NEEDS_NOTHING = frozenset({"pending", "paused", "keep_state", "unknown"})
_KEYS = frozenset({"ruleId", "ruleName", "evalMatches"})


def is_legacy(payload: Mapping[str, Any]) -> bool:
    """Whether a body has the old shape."""
    return "alerts" not in payload and bool(_KEYS & payload.keys())


def parse(body: bytes, received_at: datetime) -> ParsedDelivery:
    """The one alert of a notification; raises Malformed for another shape."""
    return read(read_object(body), received_at)


def read(payload: Mapping[str, Any], received_at: datetime) -> ParsedDelivery:
    """The same, from a body that is read already."""
    if not is_legacy(payload):
        raise Malformed("the body names no rule", reason="no_rule")
    state = text_of(payload.get("state"), limit=32).strip().lower()
    if state in _NEEDS_NOTHING:
        return ParsedDelivery(ignored=f"state_{state}")
    if state not in _STATES:
        raise Malformed("the state is none that Grafana has", reason="bad_state")
    return ParsedDelivery(alerts=(_alert(payload, *_STATES[state], received_at),))


def _alert(payload: Mapping[str, Any], status: AlertStatus, kind: AlertKind, received_at: datetime) -> Alert:
    name = text_of(payload.get("ruleName"), limit=200) or text_of(payload.get("title"), limit=200) or "unnamed rule"
    matches = _matches(payload)
    tags = string_map(payload.get("tags")) or next((found for one in matches if (found := _tags(one))), {})
    labels = {**tags, "alertname": name}
    service_name, service_from = service_of(labels)
    rule_url = text_of(payload.get("ruleUrl"), limit=8192) or None
    return Alert(
        source=Source.GRAFANA_LEGACY,
        fingerprint=_fingerprint(payload, name),
        name=name,
        service_name=service_name,
        service_from=service_from,
        severity=severity_of(labels),
        status=status,
        summary=text_of(payload.get("message"), limit=1000) or text_of(payload.get("title"), limit=1000) or name,
        labels=labels,
        annotations={},
        starts_at=received_at,
        # The body has no time at all, so all firings of a rule are one episode that fires again.
        start_known=False,
        ends_at=received_at if status is AlertStatus.RESOLVED else None,
        expression=None,
        generator_url=rule_url,
        group_key="",
        kind=kind,
        external_url=rule_url,
        values=_values(matches),
    )


def _fingerprint(payload: Mapping[str, Any], name: str) -> str:
    """The rule, where its dashboard tells it apart; its name when it has no ids."""
    ids = [_number(payload.get(key)) for key in ("orgId", "dashboardId", "panelId", "ruleId")]
    return (
        "-".join(one or "0" for one in ids) if any(one not in ("", "0") for one in ids[1:]) else f"rule-{name}"[:128]
    )


def _number(value: object) -> str:
    """An id: 24 and 24.0 are the same one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return text_of(value, limit=32)


def _matches(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = payload.get("evalMatches")
    return [one for one in listed[:MAX_LABELS] if isinstance(one, Mapping)] if isinstance(listed, list) else []


def _tags(match: Mapping[str, Any]) -> dict[str, str]:
    return string_map(match.get("tags"))


def _values(matches: list[Mapping[str, Any]]) -> dict[str, float] | None:
    listed = [(text_of(one.get("metric"), limit=120), number_of(one.get("value"))) for one in matches]
    return {name: number for name, number in listed if number is not None} or None
