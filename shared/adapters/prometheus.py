"""The Prometheus HTTP API, and whatever speaks it: Thanos, Mimir, VictoriaMetrics, managed ones under a prefix.

Answers are parsed defensively, as proxies answer too: anything that is not the API's envelope becomes
SourceUnavailable with a reason, and what the envelope holds is kept within bounds.
"""

import asyncio
import json
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol
from urllib.parse import urlsplit, urlunsplit

from shared.adapters.prometheus_answer import parse_answer
from shared.errors import SecretUnreadable, SourceUnavailable
from shared.models.base import IntegrationId, TenantId
from shared.models.tenants import Integration, IntegrationType
from shared.ports.metrics import Answer, MetricsSource
from shared.ports.secrets import SecretBox
from shared.ports.stores import DirectoryStore

QUERY_SECONDS: Final = 8.0
MAX_CONCURRENT: Final = 8
MAX_CACHED: Final = 256
_UNAUTHORISED: Final = frozenset((401, 403))
_NOT_FOUND: Final = 404
_THROTTLED: Final = 429


class HttpAnswer(Protocol):
    """A whole answer."""

    @property
    def status(self) -> int:
        """The status, 2xx or 4xx."""
        ...

    @property
    def body(self) -> bytes:
        """The decoded body."""
        ...


class HttpClient(Protocol):
    """What is needed of the guarded client; raises SourceUnavailable and AddressRefused."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> HttpAnswer:
        """One request."""
        ...


@dataclass(frozen=True)
class Connection:
    """Where a tenant's Prometheus is, and how to be let in."""

    url: str
    bearer_token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def from_config(cls, text: str) -> "Connection":
        """Read an integration's opened config; raises SecretUnreadable when it is not one."""
        try:
            config = json.loads(text)
        except (ValueError, RecursionError) as exc:
            raise SecretUnreadable("the Prometheus config is not JSON", reason="config_malformed") from exc
        known: dict[str, Any] = dict.fromkeys(("url", "bearer_token", "username", "password"))
        known |= {name: value for name, value in config.items() if name in known} if isinstance(config, dict) else {}
        if not known["url"] or not all(value is None or isinstance(value, str) for value in known.values()):
            raise SecretUnreadable("the Prometheus config has no usable url", reason="config_malformed")
        try:
            urlsplit(known["url"])
        except ValueError as exc:
            raise SecretUnreadable("the Prometheus config has no usable url", reason="config_malformed") from exc
        return cls(**known)

    def endpoint(self, name: str) -> str:
        """The URL of an endpoint of the API, below the base path."""
        base = urlsplit(self.url)
        return urlunsplit(base._replace(path=f"{base.path.rstrip('/')}/api/v1/{name}", fragment=""))

    def headers(self) -> dict[str, str]:
        """What lets us in."""
        if self.bearer_token:
            return {"authorization": f"Bearer {self.bearer_token}"}
        if self.username is not None:
            pair = f"{self.username}:{self.password or ''}"
            return {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        return {}


class PrometheusSource:
    """Implements MetricsSource; at most eight queries at a time, so that a snapshot does not crowd out people."""

    def __init__(self, http: HttpClient, connection: Connection, *, query_seconds: float = QUERY_SECONDS) -> None:
        self._http = http
        self._connection = connection
        self._query_seconds = query_seconds
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)

    async def query(self, promql: str, *, at: datetime) -> Answer:
        """See MetricsSource."""
        return await self._ask("query", {"query": promql, "time": _seconds(at)})

    async def query_range(self, promql: str, *, start: datetime, end: datetime, step_seconds: float) -> Answer:
        """See MetricsSource."""
        form = {"query": promql, "start": _seconds(start), "end": _seconds(end), "step": f"{step_seconds:g}"}
        return await self._ask("query_range", form)

    async def _ask(self, endpoint: str, form: Mapping[str, str]) -> Answer:
        async with self._slots:
            answer = await self._http.request(
                "POST",
                self._connection.endpoint(endpoint),
                headers=self._connection.headers(),
                form={**form, "timeout": f"{self._query_seconds:g}s"},
                # A little longer than the query itself may take, so that Prometheus gets to say what was wrong.
                timeout_seconds=self._query_seconds + 1,
            )
        _refuse_status(answer.status)
        return parse_answer(answer.body)


def _refuse_status(status: int) -> None:
    """Statuses that say it all; any other refusal explains itself in the envelope."""
    if status in _UNAUTHORISED:
        raise SourceUnavailable("Prometheus does not accept our credential.", reason="unauthorised")
    if status == _NOT_FOUND:
        raise SourceUnavailable("There is no Prometheus API at this URL.", reason="not_found")
    if status == _THROTTLED:
        raise SourceUnavailable("Prometheus asks us to slow down.", reason="throttled")


def _seconds(at: datetime) -> str:
    return f"{at.timestamp():.3f}"


class PrometheusOfTenant:
    """Implements MetricsSources from the tenant's integrations.

    A source is kept by its sealed config: a changed config is another source, and what is cached never outlives
    the text that says it.
    """

    def __init__(self, directory: DirectoryStore, secrets: SecretBox, http: HttpClient) -> None:
        self._directory = directory
        self._secrets = secrets
        self._http = http
        self._opened: OrderedDict[tuple[str, str, str], PrometheusSource] = OrderedDict()

    async def of_tenant(self, tenant_id: str) -> MetricsSource | None:
        """See MetricsSources; the first active integration counts."""
        tenant = TenantId(tenant_id)
        for integration in await self._directory.integrations(tenant, IntegrationType.PROMETHEUS):
            if integration.is_active and integration.config:
                return await self._source(tenant, integration, integration.config)
        return None

    async def _source(self, tenant: TenantId, integration: Integration, sealed: str) -> PrometheusSource:
        key = (tenant, integration.id, sealed)
        if key not in self._opened:
            opened = await self._secrets.open(tenant, IntegrationId(integration.id), sealed)
            self._opened[key] = PrometheusSource(self._http, Connection.from_config(opened))
            while len(self._opened) > MAX_CACHED:
                self._opened.popitem(last=False)
        self._opened.move_to_end(key)
        return self._opened[key]
