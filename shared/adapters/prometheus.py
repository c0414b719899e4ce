"""A tenant's Prometheus over its HTTP API (prometheus/prometheus, docs/querying/api.md), read defensively."""

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.adapters.guarded_http import GuardedHttp, GuardedResponse
from shared.errors import Malformed, SourceUnavailable
from shared.models.base import IntegrationId, TenantId
from shared.models.tenants import Integration, IntegrationType
from shared.ports.metrics import Answer, MetricsSource, Sample, Series
from shared.ports.secrets import SecretBox
from shared.ports.stores import DirectoryStore

MAX_SERIES = 500
MAX_POINTS = 50_000
MAX_WARNINGS = 10
AT_ONCE = 8
QUERY_SECONDS = 8.0

_REASONS = {
    "bad_data": "bad_query",
    "execution": "execution",
    "timeout": "timeout",
    "canceled": "timeout",
    "unavailable": "unavailable",
    "not_found": "not_found",
}
_REFUSED = {401: "unauthorised", 403: "unauthorised", 404: "not_found", 429: "throttled"}


class PrometheusSource:
    """Implements MetricsSource. At most eight queries at once, each under its own time limit."""

    def __init__(self, url: str, headers: Mapping[str, str], http: GuardedHttp) -> None:
        self._url = url.rstrip("/")
        self._headers = headers
        self._http = http
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def query(self, promql: str, *, at: datetime) -> Answer:
        """See MetricsSource."""
        return await self._ask("query", {"query": promql, "time": f"{at.timestamp():.3f}"})

    async def query_range(self, promql: str, *, start: datetime, end: datetime, step_seconds: float) -> Answer:
        """See MetricsSource."""
        window = {"start": f"{start.timestamp():.3f}", "end": f"{end.timestamp():.3f}", "step": f"{step_seconds:g}"}
        return await self._ask("query_range", {"query": promql, **window})

    async def _ask(self, endpoint: str, form: Mapping[str, str]) -> Answer:
        async with self._gate:
            response = await self._http.request(
                "POST",
                f"{self._url}/api/v1/{endpoint}",
                headers=self._headers,
                form={**form, "timeout": f"{QUERY_SECONDS:g}s"},
                timeout_seconds=QUERY_SECONDS,
            )
        return parse_answer(response)


def parse_answer(response: GuardedResponse) -> Answer:
    """The data of an answer with its warnings; raises SourceUnavailable with a reason for anything else."""
    if response.status in _REFUSED:
        reason = _REFUSED[response.status]
        raise SourceUnavailable(f"Prometheus answered {response.status}", reason=reason)
    try:
        envelope = json.loads(response.body)
        status, data = envelope["status"], envelope.get("data")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        raise SourceUnavailable("the answer is not Prometheus's JSON", reason="not_json") from exc
    if status != "success":
        reason = _REASONS.get(str(envelope.get("errorType")), "error")
        raise SourceUnavailable("Prometheus could not answer the query", reason=reason)
    try:
        return _answer(data["resultType"], data["result"], _texts(envelope))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as exc:
        raise SourceUnavailable("the answer has an unknown shape", reason="unknown_shape") from exc


def _texts(envelope: Mapping[str, Any]) -> list[str]:
    listed = [*(envelope.get("warnings") or ()), *(envelope.get("infos") or ())]
    return [str(text)[:300] for text in listed[:MAX_WARNINGS]]


def _answer(kind: str, result: Sequence[Any], warnings: list[str]) -> Answer:
    if kind == "scalar":
        at, value = result
        return Answer(samples=(Sample({}, float(at), float(value)),), warnings=warnings)
    if any("histogram" in one or "histograms" in one for one in result):
        warnings.append("native histograms were left out")
    if len(result) > MAX_SERIES:
        warnings.append(f"only the first {MAX_SERIES} of {len(result)} series were read")
    if kind == "vector":
        plain = [one for one in result[:MAX_SERIES] if "value" in one]
        samples = [Sample(_labels(one), float(one["value"][0]), float(one["value"][1])) for one in plain]
        return Answer(samples=samples, warnings=warnings)
    if kind != "matrix":
        raise ValueError("neither a vector nor a matrix")
    return Answer(series=_series(result[:MAX_SERIES], warnings), warnings=warnings)


def _series(result: Sequence[Any], warnings: list[str]) -> list[Series]:
    found: list[Series] = []
    left = MAX_POINTS
    for one in result:
        values = one.get("values") or ()
        if len(values) > left:
            warnings.append(f"only the first {MAX_POINTS} points were read")
            break
        left -= len(values)
        points = [(float(at), float(value)) for at, value in values]
        found.append(Series(_labels(one), [point for point in points if not math.isnan(point[0])]))
    return found


def _labels(one: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in one.get("metric", {}).items()}


class PrometheusOfTenant:
    """Implements MetricsSources from the tenant's first active `prometheus` integration."""

    def __init__(self, directory: DirectoryStore, secret_box: SecretBox, http: GuardedHttp) -> None:
        self._directory = directory
        self._secret_box = secret_box
        self._http = http

    async def of_tenant(self, tenant_id: TenantId) -> MetricsSource | None:
        """See MetricsSources."""
        connected = await self._directory.integrations(tenant_id, IntegrationType.PROMETHEUS)
        if not connected:
            return None
        return await self._source(tenant_id, connected[0])

    async def _source(self, tenant_id: TenantId, integration: Integration) -> PrometheusSource:
        opened = await self._secret_box.open(tenant_id, IntegrationId(integration.id), integration.config or "")
        try:
            config = json.loads(opened)
            url, token = str(config["url"]), config.get("bearer_token")
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise Malformed("the integration's configuration cannot be read", reason="bad_configuration") from exc
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return PrometheusSource(url, headers, self._http)
