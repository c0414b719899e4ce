"""The Prometheus HTTP API, and whatever speaks it: Thanos, Mimir, VictoriaMetrics, managed ones under a prefix.

Answers are parsed defensively, as proxies answer too: anything that is not the API's envelope becomes
SourceUnavailable with a reason, and what the envelope holds is kept within bounds.
"""

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.adapters.breaker import Breaker, Breakers
from shared.adapters.entra_tokens import EntraTokens
from shared.adapters.prometheus_answer import SERVER_ERRORS, is_of_another, parse_answer
from shared.adapters.prometheus_connection import (
    Connection,
    HttpAnswer,
    HttpClient,
    QueryAnswer,
    QueryHttp,
    breaker_name,
)
from shared.adapters.prometheus_retry import pause_after_answer, pause_after_failure
from shared.errors import CopilotError, SourceUnavailable
from shared.models.base import IntegrationId, TenantId
from shared.models.tenants import Integration, IntegrationType
from shared.ports.metrics import MAX_POINTS_A_SERIES, MAX_SERIES, Answer, MetricsSource
from shared.ports.secrets import SecretBox
from shared.ports.stores import DirectoryStore
from shared.ports.tokens import AccessTokens
from shared.telemetry import Counter

__all__ = ["Connection", "HttpAnswer", "HttpClient", "Limits", "PrometheusOfTenant", "PrometheusSource"]

MAX_CACHED: Final = 256
_QUERIES: Final = Counter("prometheus_queries")
_UNAUTHORISED: Final = frozenset((401, 403))
_NOT_FOUND: Final = 404
_THROTTLED: Final = 429
_SHORTEST_SECONDS: Final = 0.001


@dataclass(frozen=True)
class Limits:
    """What one source may take of us, and we of it."""

    query_seconds: float = 8.0
    """What a query may take there, both tries together."""
    grace_seconds: float = 1.0
    """What may come on top of it here, so that Prometheus gets to say what was wrong."""
    concurrent: int = 8
    """Queries at a time, so that a snapshot does not crowd out the people who look at the same Prometheus."""
    pause_seconds: float = 0.4
    """The longest pause before another try, which is a random part of it."""


class PrometheusSource:
    """Implements MetricsSource: within limits, once more where that is safe, and not at all while it is down."""

    def __init__(
        self,
        http: QueryHttp,
        connection: Connection,
        *,
        limits: Limits | None = None,
        breaker: Breaker | None = None,
        tokens: AccessTokens | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = http
        self._connection = connection
        self._limits = limits or Limits()
        self._breaker = breaker or Breaker()
        self._tokens = tokens or EntraTokens()
        self._clock = clock
        self._sleep = sleep
        self._slots = asyncio.Semaphore(self._limits.concurrent)

    async def query(self, promql: str, *, at: datetime, max_series: int = MAX_SERIES) -> Answer:
        """See MetricsSource."""
        with _counted():
            return await self._ask("query", {"query": promql, "time": _seconds(at)}, max_series)

    async def query_range(
        self, promql: str, *, start: datetime, end: datetime, step_seconds: float, max_series: int = MAX_SERIES
    ) -> Answer:
        """See MetricsSource."""
        if (end - start).total_seconds() > MAX_POINTS_A_SERIES * step_seconds:
            raise SourceUnavailable("Prometheus gives no series so many points.", reason="too_many_points")
        form = {"query": promql, "start": _seconds(start), "end": _seconds(end), "step": f"{step_seconds:g}"}
        with _counted():
            return await self._ask("query_range", form, max_series)

    async def _ask(self, endpoint: str, form: Mapping[str, str], max_series: int) -> Answer:
        until = self._clock() + self._limits.query_seconds + self._limits.grace_seconds
        try:
            async with asyncio.timeout(until - self._clock()):
                await self._slots.acquire()
        except TimeoutError as exc:
            raise SourceUnavailable("Too many questions to this source wait.", reason="busy") from exc
        try:
            # Before the breaker: that Entra ID has no token for us says nothing of the source.
            proof = await self._connection.proof(self._tokens)
            with self._breaker.guarding():
                answer = await self._patiently(endpoint, form, proof, until=until)
        finally:
            self._slots.release()
        _refuse_status(answer.status)
        return parse_answer(answer.body, max_series=max_series)

    async def _patiently(
        self, endpoint: str, form: Mapping[str, str], proof: Mapping[str, str], *, until: float
    ) -> QueryAnswer:
        """One answer, after one more try where that may help and there is time for it."""
        jittered = self._jittered_seconds()
        try:
            answer = await self._once(endpoint, form, proof, until=until)
        except SourceUnavailable as exc:
            pause = pause_after_failure(exc.reason, jittered_seconds=jittered)
            if not self._has_time_for(pause, until):
                raise
        else:
            pause = pause_after_answer(answer.status, answer.headers, answer.body, jittered_seconds=jittered)
            if not self._has_time_for(pause, until):
                return _spoken(answer)
        await self._sleep(pause or 0)
        return _spoken(await self._once(endpoint, form, proof, until=until))

    async def _once(
        self, endpoint: str, form: Mapping[str, str], proof: Mapping[str, str], *, until: float
    ) -> QueryAnswer:
        left = until - self._clock()
        there = max(left - self._limits.grace_seconds, _SHORTEST_SECONDS)
        return await self._http.request(
            "POST",
            self._connection.endpoint(endpoint),
            headers=proof,
            # In seconds without a unit: with one, Prometheus takes whole numbers only.
            form={**form, "timeout": f"{there:.3f}"},
            timeout_seconds=left,
            answers=SERVER_ERRORS,
        )

    def _has_time_for(self, pause: float | None, until: float) -> bool:
        return pause is not None and self._clock() + pause < until - self._limits.grace_seconds

    def _jittered_seconds(self) -> float:
        # Not all of the queries that one restart broke come back at once.
        return self._limits.pause_seconds * random.random()  # noqa: S311 -- spreads load, guards nothing


def _spoken(answer: QueryAnswer) -> QueryAnswer:
    """An answer of Prometheus itself, be it an error; raises SourceUnavailable for one of a server before it."""
    if is_of_another(answer.status, answer.body):
        raise SourceUnavailable(f"It answers with status {answer.status}.", reason="http_5xx")
    return answer


@contextmanager
def _counted() -> Iterator[None]:
    """How a query went, whoever asked it; one that its caller gave up had no answer either."""
    try:
        yield
    except CopilotError as exc:
        _QUERIES.add(reason=exc.reason)
        raise
    except asyncio.CancelledError:
        _QUERIES.add(reason="given_up")
        raise
    _QUERIES.add(reason="ok")


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

    def __init__(
        self,
        directory: DirectoryStore,
        secrets: SecretBox,
        http: QueryHttp,
        *,
        breakers: Breakers | None = None,
        tokens: AccessTokens | None = None,
    ) -> None:
        self._directory = directory
        self._secrets = secrets
        self._http = http
        self._breakers = breakers or Breakers()
        self._tokens = tokens or EntraTokens()
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
            breaker = self._breakers.of(tenant, breaker_name(integration))
            connection = Connection.from_config(opened)
            self._opened[key] = PrometheusSource(self._http, connection, breaker=breaker, tokens=self._tokens)
            while len(self._opened) > MAX_CACHED:
                self._opened.popitem(last=False)
        self._opened.move_to_end(key)
        return self._opened[key]
