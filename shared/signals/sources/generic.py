"""Our own small JSON schema, for senders without one of theirs: `{"alerts": [{…}]}`, or one alert alone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.errors import Malformed
from shared.models.signals import Alert, AlertStatus, ParsedDelivery, SignalType, Source
from shared.signals.normalise import service_of, severity_of
from shared.signals.sources.json_body import (
    fingerprint_of,
    id_of,
    line_of,
    link_of,
    mapping_of,
    numbers_of,
    read_object,
    string_map,
    text_of,
    time_of,
    title_of,
)
from shared.signals.sources.listing import MAX_ALERTS, listed_in, read_each, status_of
from shared.signals.sources.sizes import (
    MAX_ANNOTATIONS_BYTES,
    MAX_EXPRESSION_BYTES,
    MAX_GROUP_KEY_BYTES,
    MAX_SUMMARY_BYTES,
    cut,
)

MAX_SHORT_CHARS = 120
_TYPES = frozenset({SignalType.ALERT, SignalType.METRIC_DEVIATION, SignalType.LOG_PATTERN})


def parse(body: bytes, received_at: datetime) -> ParsedDelivery:
    """The signals of a body; those that cannot be understood are listed beside them."""
    payload = read_object(body)
    listed = listed_in(
        payload.get("alerts", [payload] if "name" in payload else None), of="alerts", at_most=MAX_ALERTS
    )
    alerts, rejected = read_each(listed, lambda item: _alert(item, received_at))
    return ParsedDelivery(alerts=alerts, rejected=rejected)


def _alert(item: Mapping[str, Any], received_at: datetime) -> Alert:
    name = title_of(item.get("name"))
    if not name:
        raise Malformed("the alert has no name", reason="no_name")
    signal_type = _type_of(item.get("type"))
    status = status_of(item.get("status"), AlertStatus.FIRING)
    told = _told(item, name)
    labels = string_map({**mapping_of(item.get("labels")), **told})
    service_name, service_from = service_of(labels)
    starts_at = time_of(item.get("starts_at"))
    return Alert(
        source=Source.GENERIC,
        fingerprint=id_of(item.get("id")) or _fingerprint(item, told, signal_type),
        name=name,
        service_name=service_name,
        service_from=service_from,
        severity=severity_of(labels),
        status=status,
        summary=cut(text_of(item.get("summary")).strip(), MAX_SUMMARY_BYTES) or name,
        labels=labels,
        annotations=string_map(item.get("annotations"), max_bytes=MAX_ANNOTATIONS_BYTES),
        starts_at=starts_at or received_at,
        start_known=starts_at is not None,
        ends_at=time_of(item.get("ends_at")) if status is AlertStatus.RESOLVED else None,
        expression=cut(text_of(item.get("expression")), MAX_EXPRESSION_BYTES) or None,
        generator_url=link_of(item.get("url")),
        group_key=cut(text_of(item.get("group_key")), MAX_GROUP_KEY_BYTES),
        signal_type=signal_type,
        said_at=time_of(item.get("said_at")),
        service_key=told.get("service"),
        values=numbers_of(item.get("values")),
    )


def _type_of(written: object) -> SignalType:
    """What is observed; an alert when nothing is said."""
    if written is None:
        return SignalType.ALERT
    if not isinstance(written, str) or written not in _TYPES:
        raise Malformed("the type is none that we know", reason="bad_type")
    return SignalType(written)


def _told(item: Mapping[str, Any], name: str) -> dict[str, str]:
    """What the schema's own fields say, as the labels they stand for."""
    said = {key: line_of(item.get(key), limit=MAX_SHORT_CHARS) for key in ("service", "severity")}
    return {"alertname": name, **{key: text for key, text in said.items() if text}}


def _fingerprint(item: Mapping[str, Any], told: Mapping[str, str], signal_type: SignalType) -> str:
    """Without an id of the sender's, what it is about tells alerts apart; how bad it is does not."""
    about = {key: text for key, text in told.items() if key != "severity"}
    return fingerprint_of({**mapping_of(item.get("labels")), **about, "\0type": signal_type.value})
