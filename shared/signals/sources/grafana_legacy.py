"""Grafana's alerting before version 11: one rule a body, with a state and no start (alerting/notifiers/webhook)."""

from collections.abc import Mapping
from datetime import datetime
from functools import reduce
from typing import Any

from shared.errors import Malformed
from shared.models.signals import Alert, AlertKind, AlertStatus, ParsedDelivery, Source
from shared.signals.normalise import service_of, severity_of
from shared.signals.sources.json_body import (
    MAX_LABELS,
    id_of,
    link_of,
    numbers_of,
    read_object,
    string_map,
    text_of,
    title_of,
)
from shared.signals.sources.sizes import MAX_SUMMARY_BYTES, cut

_STATES: Mapping[str, tuple[AlertStatus, AlertKind]] = {
    "alerting": (AlertStatus.FIRING, AlertKind.SERVICE),
    "ok": (AlertStatus.RESOLVED, AlertKind.SERVICE),
    "no_data": (AlertStatus.FIRING, AlertKind.NO_DATA),
}
_NEEDS_NOTHING = frozenset({"pending", "paused", "keep_state", "unknown"})
_TEST_MESSAGE = "someone is testing the alert notification within grafana."
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
    if text_of(payload.get("message"), limit=200).strip().lower() == _TEST_MESSAGE:
        return ParsedDelivery(ignored="test_event")
    state = text_of(payload.get("state"), limit=32).strip().lower()
    if state in _NEEDS_NOTHING:
        return ParsedDelivery(ignored=f"state_{state}")
    if state not in _STATES:
        raise Malformed("the state is none that Grafana has", reason="bad_state")
    return ParsedDelivery(alerts=(_alert(payload, *_STATES[state], received_at),))


def _alert(payload: Mapping[str, Any], status: AlertStatus, kind: AlertKind, received_at: datetime) -> Alert:
    name = title_of(payload.get("ruleName")) or title_of(payload.get("title")) or "unnamed rule"
    matches = _matches(payload)
    labels = string_map({**_common_tags(matches), **string_map(payload.get("tags")), "alertname": name})
    service_name, service_from = service_of(labels)
    rule_url = link_of(payload.get("ruleUrl"))
    said = text_of(payload.get("message")).strip() or text_of(payload.get("title")).strip() or name
    return Alert(
        source=Source.GRAFANA_LEGACY,
        fingerprint=_fingerprint(payload, name),
        name=name,
        service_name=service_name,
        service_from=service_from,
        severity=severity_of(labels),
        status=status,
        summary=cut(said, MAX_SUMMARY_BYTES),
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
        values=numbers_of({text_of(one.get("metric")) or "value": one.get("value") for one in matches}),
    )


def _fingerprint(payload: Mapping[str, Any], name: str) -> str:
    """The rule, where its dashboard tells it apart; its name when it has no ids."""
    ids = [id_of(payload.get(key)) or "0" for key in ("orgId", "dashboardId", "panelId", "ruleId")]
    return id_of("-".join(ids) if any(one != "0" for one in ids[1:]) else f"rule-{name}")


def _matches(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = payload.get("evalMatches")
    return [one for one in listed[:MAX_LABELS] if isinstance(one, Mapping)] if isinstance(listed, list) else []


def _common_tags(matches: list[Mapping[str, Any]]) -> dict[str, str]:
    """What all series that matched have in common: the tags of one alone do not speak for the rule."""
    tagged = [tags.items() for one in matches if (tags := string_map(one.get("tags")))]
    return dict(reduce(lambda left, right: left & right, tagged[1:], set(tagged[0]))) if tagged else {}
