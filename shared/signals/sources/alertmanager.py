"""Prometheus Alertmanager's webhook, body version 4 (prometheus/alertmanager, notify/webhook and template)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from shared.models.signals import Alert, AlertStatus, ParsedDelivery, Source
from shared.signals.normalise import service_of, severity_of
from shared.signals.sources.json_body import (
    fingerprint_of,
    id_of,
    line_of,
    link_of,
    read_object,
    string_map,
    text_of,
    time_of,
    title_of,
)
from shared.signals.sources.listing import MAX_ALERTS, count_of, listed_in, read_each, status_of
from shared.signals.sources.sizes import (
    MAX_ANNOTATIONS_BYTES,
    MAX_EXPRESSION_BYTES,
    MAX_GROUP_KEY_BYTES,
    MAX_SUMMARY_BYTES,
    cut,
)

MAX_RAW_URL_CHARS = 32 * 1024
UNNAMED = "unnamed alert"


@dataclass(frozen=True)
class Notification:
    """What a notification says of all its alerts, and when it came."""

    group_key: str
    status: object
    received_at: datetime


def parse(body: bytes, received_at: datetime) -> ParsedDelivery:
    """The alerts of one notification; alerts that cannot be understood are listed beside them."""
    payload = read_object(body)
    return read_notification(payload, payload.get("status"), received_at, alert_of)


def read_notification(
    payload: Mapping[str, Any],
    status: object,
    received_at: datetime,
    read: Callable[[Mapping[str, Any], Notification], Alert],
) -> ParsedDelivery:
    """A body of this shape, each alert read by `read`; raises Malformed when it lists none."""
    listed = listed_in(payload.get("alerts"), of="alerts", at_most=MAX_ALERTS)
    told = Notification(cut(text_of(payload.get("groupKey")), MAX_GROUP_KEY_BYTES), status, received_at)
    alerts, rejected = read_each(listed, lambda item: read(item, told))
    return ParsedDelivery(
        alerts=alerts,
        rejected=rejected,
        truncated_alerts=count_of(payload.get("truncatedAlerts")),
        receiver=line_of(payload.get("receiver"), limit=200),
    )


def alert_of(item: Mapping[str, Any], told: Notification) -> Alert:
    """One alert; raises Malformed when nobody says whether it fires."""
    # Bodies made by hand or by other tools may say it only once, for all.
    status = status_of(item.get("status"), told.status)
    labels = string_map(item.get("labels"))
    annotations = string_map(item.get("annotations"), max_bytes=MAX_ANNOTATIONS_BYTES)
    service_name, service_from = service_of(labels)
    name = title_of(labels.get("alertname")) or UNNAMED
    starts_at = time_of(item.get("startsAt"))
    return Alert(
        source=Source.ALERTMANAGER,
        fingerprint=id_of(item.get("fingerprint")) or fingerprint_of(item.get("labels")),
        name=name,
        service_name=service_name,
        service_from=service_from,
        severity=severity_of(labels),
        status=status,
        summary=summary_of(annotations) or name,
        labels=labels,
        annotations=annotations,
        starts_at=starts_at or told.received_at,
        start_known=starts_at is not None,
        ends_at=time_of(item.get("endsAt")) if status is AlertStatus.RESOLVED else None,
        expression=expression_of(item.get("generatorURL")),
        generator_url=link_of(item.get("generatorURL"), max_bytes=MAX_EXPRESSION_BYTES),
        group_key=told.group_key,
    )


def summary_of(annotations: Mapping[str, str]) -> str:
    """What the rule's author wrote for people, where they wrote it most often."""
    said = (annotations.get(name, "").strip() for name in ("summary", "description", "message"))
    return cut(next((text for text in said if text), ""), MAX_SUMMARY_BYTES)


def expression_of(generator_url: object) -> str | None:
    """The PromQL in Prometheus's `…/graph?g0.expr=…`; untrusted text."""
    if not isinstance(generator_url, str):
        return None
    try:
        found = parse_qs(urlsplit(generator_url[:MAX_RAW_URL_CHARS]).query, max_num_fields=50).get("g0.expr")
    except ValueError:
        return None
    return cut(text_of(found[0]), MAX_EXPRESSION_BYTES) if found else None
