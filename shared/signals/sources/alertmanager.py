"""Prometheus Alertmanager's webhook, body version 4 (prometheus/alertmanager, notify/webhook and template)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from shared.errors import Malformed
from shared.models.signals import Alert, AlertStatus, ParsedDelivery, Rejected, Source
from shared.signals.normalise import fingerprint_of, service_of, severity_of
from shared.signals.sources.json_body import read_object, string_map, text_of, time_of

MAX_ALERTS = 5000
MAX_URL_CHARS = 8192


def parse(body: bytes, received_at: datetime) -> ParsedDelivery:
    """The alerts of one notification; alerts that cannot be understood are listed beside them."""
    payload = read_object(body)
    listed = payload.get("alerts")
    if not isinstance(listed, list):
        raise Malformed("the body has no list of alerts", reason="no_alerts")
    if len(listed) > MAX_ALERTS:
        raise Malformed(f"the body lists more than {MAX_ALERTS} alerts", reason="too_many_alerts")
    group = _Group(text_of(payload.get("groupKey")), payload.get("status"), received_at)
    read = [_alert(item, group, position) for position, item in enumerate(listed)]
    return ParsedDelivery(
        alerts=tuple(one for one in read if isinstance(one, Alert)),
        rejected=tuple(one for one in read if isinstance(one, Rejected)),
        truncated_alerts=count_of(payload.get("truncatedAlerts")),
        receiver=text_of(payload.get("receiver"), limit=200),
    )


@dataclass(frozen=True)
class _Group:
    """What the notification says of all its alerts."""

    key: str
    status: object
    received_at: datetime


def _alert(item: object, group: _Group, position: int) -> Alert | Rejected:
    if not isinstance(item, Mapping):
        return Rejected(position=position, reason="not_an_object", detail="the alert is not a JSON object")
    # Bodies made by hand or by other tools may say it only once, for all.
    status = item.get("status", group.status)
    if status not in (AlertStatus.FIRING, AlertStatus.RESOLVED):
        return Rejected(position=position, reason="bad_status", detail="the status is neither firing nor resolved")
    return _read(item, AlertStatus(status), group)


def _read(item: Mapping[str, Any], status: AlertStatus, group: _Group) -> Alert:
    labels = string_map(item.get("labels"))
    annotations = string_map(item.get("annotations"))
    service_name, service_from = service_of(labels)
    name = labels.get("alertname") or "unnamed alert"
    starts_at = time_of(item.get("startsAt"))
    generator_url = text_of(item.get("generatorURL"), limit=MAX_URL_CHARS) or None
    return Alert(
        source=Source.ALERTMANAGER,
        fingerprint=text_of(item.get("fingerprint"), limit=128) or fingerprint_of(labels),
        name=name,
        service_name=service_name,
        service_from=service_from,
        severity=severity_of(labels),
        status=status,
        summary=annotations.get("summary") or annotations.get("description") or annotations.get("message") or name,
        labels=labels,
        annotations=annotations,
        starts_at=starts_at or group.received_at,
        start_known=starts_at is not None,
        ends_at=time_of(item.get("endsAt")) if status is AlertStatus.RESOLVED else None,
        expression=expression_of(generator_url),
        generator_url=generator_url,
        group_key=group.key,
    )


def expression_of(generator_url: str | None) -> str | None:
    """The PromQL in Prometheus's `…/graph?g0.expr=…`; untrusted text."""
    try:
        found = parse_qs(urlsplit(generator_url or "").query, max_num_fields=50).get("g0.expr")
    except ValueError:
        return None
    return found[0][:MAX_URL_CHARS] if found else None


def count_of(value: object) -> int:
    """How many alerts were cut off, within reason."""
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return min(max(value, 0), 1_000_000)
