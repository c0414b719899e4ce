"""Grafana's search and its dashboards' variables: read with a service account's token, and nothing else of them kept.

A dashboard is known by its uid. Its own `url` is not followed: links are made from the configured base URL.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Protocol
from urllib.parse import parse_qs, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.adapters.alertmanager_api import ApiConfig
from shared.adapters.guarded_http import Fields
from shared.adapters.prometheus import Connection, HttpAnswer
from shared.adapters.tenant_slots import TenantSlots
from shared.errors import SourceUnavailable
from shared.models.base import IntegrationId, TenantId
from shared.models.tenants import Integration, IntegrationType
from shared.ports.dashboards import Dashboard, DashboardSource, GrafanaAddress
from shared.ports.secrets import SecretBox
from shared.redaction import safe_text

ASK_SECONDS: Final = 5.0
WAIT_SECONDS: Final = 12.0
MAX_CONCURRENT: Final = 4
MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
MAX_TITLE_CHARS: Final = 200
MAX_TAGS: Final = 20
MAX_VARIABLES: Final = 200
_OK: Final = 200
_REASONS: Final = {401: "unauthorised", 403: "unauthorised", 404: "not_found", 429: "throttled"}


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Hit(_Wire):
    uid: str = Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")
    title: str
    tags: Annotated[list[str], Field(default_factory=list)]
    folder: str | None = Field(default=None, alias="folderTitle")


class _Variable(_Wire):
    name: str = Field(pattern=r"^\w{1,60}$")


class _Templating(_Wire):
    variables: list[Any] = Field(default_factory=list, alias="list")


class _Body(_Wire):
    templating: _Templating = Field(default_factory=_Templating)


class _Opened(_Wire):
    dashboard: _Body


_LIST: Final = TypeAdapter(list[Any])


class SearchHttp(Protocol):
    """What is needed of the guarded client; raises SourceUnavailable and AddressRefused."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Fields | None = None,
        timeout_seconds: float | None = None,
        max_bytes: int | None = None,
    ) -> HttpAnswer:
        """One request."""
        ...


@dataclass(frozen=True)
class Grafana:
    """Implements DashboardSource."""

    http: SearchHttp = field(repr=False)
    connection: Connection
    tenant_id: TenantId
    slots: TenantSlots = field(repr=False)
    ask_seconds: float = ASK_SECONDS
    wait_seconds: float = WAIT_SECONDS

    @property
    def address(self) -> GrafanaAddress:
        """See DashboardSource."""
        base = urlsplit(self.connection.url)
        (org_id, *_) = parse_qs(base.query).get("orgId", [""])
        plain = base._replace(path=base.path.rstrip("/"), query="", fragment="")
        return GrafanaAddress(urlunsplit(plain), org_id if org_id.isascii() and org_id.isdecimal() else None)

    async def search(
        self, *, query: str = "", tags: Sequence[str] = (), limit: int = 100, page: int = 1
    ) -> Sequence[Dashboard]:
        """See DashboardSource; what is listed without a usable uid is left out, for nothing could lead to it."""
        asked: dict[str, str | int | float | Sequence[str]] = {"type": "dash-db", "limit": limit, "page": page}
        if query:
            asked["query"] = query
        if tags:
            asked["tag"] = tuple(tags)
        body = await self.get("/api/search", asked)
        try:
            listed = _LIST.validate_json(body)
        except ValidationError as exc:
            raise unreadable(exc) from exc
        return [_dashboard(hit) for hit in map(_hit, listed[:limit]) if hit is not None]

    async def variables(self, uid: str) -> frozenset[str]:
        """See DashboardSource."""
        body = await self.get(f"/api/dashboards/uid/{uid}", {})
        try:
            opened = _Opened.model_validate_json(body)
        except ValidationError as exc:
            raise unreadable(exc) from exc
        named = map(_variable, opened.dashboard.templating.variables[:MAX_VARIABLES])
        return frozenset(name for name in named if name)

    async def get(self, path: str, params: Fields) -> bytes:
        """The body that answers at a path below the base URL, in the configured organisation."""
        address = self.address
        headers = self.connection.headers()
        if address.org_id:
            headers["x-grafana-org-id"] = address.org_id
        async with self.slots.taken(self.tenant_id, within_seconds=self.wait_seconds):
            answer = await self.http.request(
                "GET",
                address.base_url + path,
                headers=headers,
                params=params,
                timeout_seconds=self.ask_seconds,
                max_bytes=MAX_ANSWER_BYTES,
            )
        if answer.status != _OK:
            reason = _REASONS.get(answer.status, "refused")
            raise SourceUnavailable(f"Grafana answers with status {answer.status}.", reason=reason)
        return answer.body


class GrafanaDashboards:
    """Implements DashboardSources, with the config of alert sources; four questions of a tenant at a time."""

    def __init__(self, secrets: SecretBox, http: SearchHttp) -> None:
        self._secrets = secrets
        self._http = http
        self._slots = TenantSlots(MAX_CONCURRENT)

    async def of_integration(self, tenant_id: TenantId, integration: Integration) -> DashboardSource | None:
        """See DashboardSources."""
        if integration.integration_type is not IntegrationType.GRAFANA or not integration.config:
            return None
        opened = await self._secrets.open(tenant_id, IntegrationId(integration.id), integration.config)
        config = ApiConfig.from_config(opened)
        return Grafana(self._http, config.connection, tenant_id, self._slots) if config else None


def unreadable(invalid: ValidationError) -> SourceUnavailable:
    """What a body is that is none of the API: no JSON, or another shape."""
    is_json = invalid.errors()[0]["type"] != "json_invalid"
    reason = "unexpected_shape" if is_json else "not_json"
    return SourceUnavailable("What answers at this URL is not Grafana's API.", reason=reason)


def _hit(listed: object) -> _Hit | None:
    try:
        return _Hit.model_validate(listed)
    except ValidationError:
        return None


def _variable(listed: object) -> str | None:
    try:
        return _Variable.model_validate(listed).name
    except ValidationError:
        return None


def _dashboard(hit: _Hit) -> Dashboard:
    return Dashboard(
        uid=hit.uid,
        title=safe_text(hit.title, MAX_TITLE_CHARS),
        tags=tuple(safe_text(tag, MAX_TITLE_CHARS) for tag in hit.tags[:MAX_TAGS]),
        folder=safe_text(hit.folder, MAX_TITLE_CHARS) if hit.folder else None,
    )
