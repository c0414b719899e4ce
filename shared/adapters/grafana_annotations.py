"""Grafana's annotations: what people and pipelines noted, of the whole organisation and of its dashboards.

`GET /api/annotations`, with times in epoch milliseconds; what alert rules noted is left out, for the alerts tell it
better. (Grafana's docs, HTTP API: annotations.)
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from pydantic import TypeAdapter, ValidationError

from shared.adapters.alertmanager_api import ApiConfig
from shared.adapters.breaker import Breaker
from shared.adapters.grafana_dashboards import Grafana, SearchHttp, unreadable
from shared.adapters.once_more import PAUSE_SECONDS, once_more
from shared.adapters.opened_sources import OpenedSources
from shared.adapters.plain_text import plain_text
from shared.adapters.tenant_slots import TenantSlots
from shared.models.base import TenantId
from shared.models.tenants import Integration, IntegrationType
from shared.ports.annotations import Annotation, Annotations, AnnotationSource
from shared.ports.dashboards import GrafanaAddress
from shared.ports.secrets import SecretBox
from shared.ports.stores import DirectoryStore
from shared.signals.sources.json_body import id_of, line_of, link_of, mapping_of, number_of

ASK_SECONDS: Final = 4.0
MAX_CONCURRENT: Final = 4
MAX_ANNOTATIONS: Final = 500
MAX_TEXT_CHARS: Final = 500
MAX_SHORT_CHARS: Final = 120
MAX_TAGS: Final = 20
AHEAD: Final = timedelta(minutes=5)
"""How far the clock of whoever noted something may be ahead of ours."""
AROUND: Final = timedelta(minutes=30)
_LIST: Final = TypeAdapter(list[Any])
_UID: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True)
class GrafanaAnnotations:
    """Implements AnnotationSource."""

    grafana: Grafana
    integration_id: str
    breaker: Breaker = field(default_factory=Breaker, repr=False)
    pause_seconds: float = PAUSE_SECONDS

    async def between(
        self, start: datetime, end: datetime, *, tags: Sequence[str] = (), limit: int = 100
    ) -> Annotations:
        """See AnnotationSource; at most MAX_ANNOTATIONS, and up to five minutes beyond the end."""
        limit = min(limit, MAX_ANNOTATIONS)
        asked: dict[str, int | str | float | Sequence[str]] = {
            "from": _milliseconds(start),
            "to": _milliseconds(end + AHEAD),
            "type": "annotation",
            "limit": limit,
        }
        if tags:
            asked["tags"] = tuple(tags)
        with self.breaker.guarding():
            get = partial(self.grafana.get, "/api/annotations", asked)
            body = await once_more(get, pause_seconds=self.pause_seconds)
        try:
            listed = _LIST.validate_json(body)
        except ValidationError as exc:
            raise unreadable(exc) from exc
        notes = [one for one in map(mapping_of, listed[:limit]) if not _is_of_a_rule(one)]
        read = [_annotation(one, self.grafana.address) for one in notes]
        found = [one for one in read if one is not None]
        touching = [one for one in found if one.at <= end + AHEAD and (one.until or one.at) >= start]
        newest_first = sorted(touching, key=lambda one: (one.at, one.annotation_id), reverse=True)
        return Annotations(
            tuple(newest_first), _warnings(is_full=len(listed) >= limit, limit=limit, unread=len(read) - len(found))
        )


class AnnotationsOfTenant:
    """Implements AnnotationSources from the tenant's Grafanas; four questions of a tenant at a time."""

    def __init__(
        self,
        directory: DirectoryStore,
        secrets: SecretBox,
        http: SearchHttp,
        *,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._http = http
        self._pause_seconds = pause_seconds
        self._slots = TenantSlots(MAX_CONCURRENT)
        self._opened: OpenedSources[AnnotationSource] = OpenedSources(
            directory, secrets, [IntegrationType.GRAFANA], self._made
        )

    async def of_tenant(self, tenant_id: TenantId) -> Sequence[AnnotationSource]:
        """See AnnotationSources."""
        return await self._opened.of_tenant(tenant_id)

    def _made(self, tenant_id: TenantId, integration: Integration, opened: str) -> AnnotationSource | None:
        config = ApiConfig.from_config(opened)
        if config is None:
            return None
        grafana = Grafana(
            self._http, config.connection, tenant_id, self._slots, ask_seconds=ASK_SECONDS, wait_seconds=ASK_SECONDS
        )
        return GrafanaAnnotations(grafana, integration.id, pause_seconds=self._pause_seconds)


def _warnings(*, is_full: bool, limit: int, unread: int) -> tuple[str, ...]:
    cut = (f"only the latest {limit} annotations are here",) if is_full else ()
    odd = (f"{unread} annotations make no sense and are left out",) if unread else ()
    return (*cut, *odd)


def _is_of_a_rule(one: Mapping[str, Any]) -> bool:
    """Whether an alert rule made it, for versions that do not know `type`."""
    return bool(number_of(one.get("alertId")) or one.get("newState"))


def _annotation(one: Mapping[str, Any], address: GrafanaAddress) -> Annotation | None:
    at, annotation_id = _time(one.get("time")), id_of(one.get("id"))
    if at is None or not annotation_id:
        return None
    until = _time(one.get("timeEnd"))
    text, href = plain_text(one["text"]) if isinstance(one.get("text"), str) else ("", None)
    uid = _uid(one.get("dashboardUID"))
    return Annotation(
        annotation_id=annotation_id,
        at=at,
        text=line_of(text, limit=MAX_TEXT_CHARS),
        until=until if until and until > at else None,
        tags=_tags(one.get("tags")),
        author=_login(one.get("login")),
        dashboard_uid=uid,
        dashboard_url=_dashboard_url(address, uid, one.get("panelId"), at, until) if uid else None,
        link=link_of(href),
    )


def _uid(value: object) -> str | None:
    return value if isinstance(value, str) and _UID.fullmatch(value) else None


def _tags(value: object) -> tuple[str, ...]:
    listed = value[:MAX_TAGS] if isinstance(value, list) else []
    return tuple(line_of(tag, limit=MAX_SHORT_CHARS) for tag in listed if isinstance(tag, str))


def _dashboard_url(address: GrafanaAddress, uid: str, panel: object, at: datetime, until: datetime | None) -> str:
    asked = {"orgId": address.org_id} if address.org_id else {}
    asked |= {"from": str(_milliseconds(at - AROUND)), "to": str(_milliseconds((until or at) + AROUND))}
    if isinstance(panel, int) and panel > 0:
        asked["viewPanel"] = str(panel)
    return f"{address.base_url}/d/{uid}?{urlencode(asked)}"


def _login(value: object) -> str | None:
    """A login; an address that serves as one is cut to what stands before its @."""
    return (line_of(value, limit=MAX_SHORT_CHARS).split("@")[0] or None) if isinstance(value, str) else None


def _time(value: object) -> datetime | None:
    milliseconds = number_of(value)
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds and milliseconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
