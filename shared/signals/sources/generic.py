"""Our own small JSON schema, for senders without one of theirs: `{"alerts": [{…}]}`, or one alert alone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.errors import Malformed
from shared.models.signals import Alert, AlertStatus, ParsedDelivery, Rejected, SignalType, Source
from shared.signals.normalise import fingerprint_of, service_of, severity_of
from shared.signals.sources.json_body import MAX_LABELS, number_of, read_object, string_map, text_of, time_of

MAX_ALERTS = 5000
_TYPES = frozenset(one.value for one in (SignalType.ALERT, SignalType.METRIC_DEVIATION, SignalType.LOG_PATTERN))


def parse(body: bytes, received_at: datetime) -> ParsedDelivery:
    """The signals of a body; those that cannot be understood are listed beside them."""
    payload = read_object(body)
    listed = payload.get("alerts", [payload] if "name" in payload else None)
    if not isinstance(listed, list):
        raise Malformed("the body has neither a list of alerts nor a name", reason="no_alerts")
    if len(listed) > MAX_ALERTS:
        raise Malformed(f"the body lists more than {MAX_ALERTS} alerts", reason="too_many_alerts")
    read = [_alert(item, position, received_at) for position, item in enumerate(listed)]
    return ParsedDelivery(
        alerts=tuple(one for one in read if isinstance(one, Alert)),
        rejected=tuple(one for one in read if isinstance(one, Rejected)),
    )


def _alert(item: object, position: int, received_at: datetime) -> Alert | Rejected:
    if not isinstance(item, Mapping):
        return Rejected(position=position, reason="not_an_object", detail="the alert is not a JSON object")
    name = text_of(item.get("name"), limit=200).strip()
    if not name:
        return Rejected(position=position, reason="no_name", detail="the alert has no name")
    kind = item.get("type", SignalType.ALERT.value)
    if not isinstance(kind, str) or kind not in _TYPES:
        return Rejected(position=position, reason="bad_type", detail="the type is none that we know")
    status = item.get("status", AlertStatus.FIRING.value)
    if status not in (AlertStatus.FIRING.value, AlertStatus.RESOLVED.value):
        return Rejected(position=position, reason="bad_status", detail="the status is neither firing nor resolved")
    return _read(item, name, SignalType(kind), AlertStatus(status), received_at)


def _read(item: Mapping[str, Any], name: str, kind: SignalType, status: AlertStatus, received_at: datetime) -> Alert:
    labels = {**string_map(item.get("labels")), "alertname": name}
    told = {key: text_of(item.get(key), limit=120).strip() for key in ("service", "severity")}
    labels |= {key: value for key, value in told.items() if value}
    service_name, service_from = service_of(labels)
    starts_at = time_of(item.get("starts_at"))
    fingerprint = text_of(item.get("id"), limit=128) or fingerprint_of({**labels, "\0type": kind.value})
    return Alert(
        source=Source.GENERIC,
        fingerprint=fingerprint,
        name=name,
        service_name=service_name,
        service_from=service_from,
        severity=severity_of(labels),
        status=status,
        summary=text_of(item.get("summary"), limit=1000) or name,
        labels=labels,
        annotations=string_map(item.get("annotations")),
        starts_at=starts_at or received_at,
        start_known=starts_at is not None,
        ends_at=time_of(item.get("ends_at")) if status is AlertStatus.RESOLVED else None,
        expression=text_of(item.get("expression"), limit=8192) or None,
        generator_url=text_of(item.get("url"), limit=8192) or None,
        group_key=text_of(item.get("group_key"), limit=256),
        signal_type=kind,
        said_at=time_of(item.get("said_at")),
        service_key=told["service"] or None,
        values=_values(item.get("values")),
    )


def _values(value: object) -> dict[str, float] | None:
    """What was measured: finite numbers by name."""
    if not isinstance(value, Mapping):
        return None
    listed = [(text_of(name, limit=120), number_of(number)) for name, number in list(value.items())[:MAX_LABELS]]
    return {name: number for name, number in listed if number is not None} or None
