"""Run the checks of an answer against the tenant's Prometheus, as it was when the snapshot's window ended."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.errors import (
    AddressRefused,
    KeysUnavailable,
    Malformed,
    SecretUnreadable,
    SourceUnavailable,
    StoreUnavailable,
)
from shared.hypotheses.checks import MAX_SERIES, NotRun, to_ask, with_verdicts
from shared.models.base import TenantId
from shared.models.hypotheses import HypothesisSet
from shared.ports.metrics import Answer, MetricsSource
from shared.ports.services import Services
from shared.telemetry import Counter

CHECK_SECONDS = 3.0
"""For all checks of an answer together."""
AT_ONCE = 4
CHECKS = Counter("hypothesis_checks")


async def run_checks(
    tenant_id: TenantId,
    answer: HypothesisSet,
    services: Services,
    *,
    at: datetime,
    deadline_seconds: float = CHECK_SECONDS,
) -> HypothesisSet:
    """The answer with what its checks found at `at`, and whom that refutes put in his place.

    Never fails and never takes longer than the deadline: a check that could not run says why, and the answer, which
    may have been paid for, stands.
    """
    queries = to_ask(answer)
    found = await _found(tenant_id, queries, services, at=at, deadline_seconds=deadline_seconds) if queries else {}
    checked = with_verdicts(answer, found)
    for check in (check for one in checked.hypotheses for check in one.checks):
        CHECKS.add(reason=check.reason or check.verdict.value)
    return checked


async def _found(
    tenant_id: TenantId, queries: Sequence[str], services: Services, *, at: datetime, deadline_seconds: float
) -> Mapping[str, Answer | NotRun]:
    until = asyncio.get_running_loop().time() + deadline_seconds
    source = await _source(tenant_id, services, until=until)
    if isinstance(source, NotRun):
        return dict.fromkeys(queries, source)
    slots = asyncio.Semaphore(AT_ONCE)
    answers = await asyncio.gather(*(_asked(query, source, slots, at=at, until=until) for query in queries))
    return dict(zip(queries, answers, strict=True))


async def _source(tenant_id: TenantId, services: Services, *, until: float) -> MetricsSource | NotRun:
    try:
        async with asyncio.timeout_at(until):
            source = await services.metrics.of_tenant(tenant_id)
    except TimeoutError:
        return NotRun.TIMED_OUT
    except (StoreUnavailable, KeysUnavailable, SecretUnreadable, Malformed):
        return NotRun.SOURCE_FAILED
    return source or NotRun.NOT_CONFIGURED


async def _asked(
    query: str, source: MetricsSource, slots: asyncio.Semaphore, *, at: datetime, until: float
) -> Answer | NotRun:
    try:
        async with asyncio.timeout_at(until), slots:
            return await source.query(query, at=at, max_series=MAX_SERIES)
    except TimeoutError:
        return NotRun.TIMED_OUT
    except (SourceUnavailable, AddressRefused) as exc:
        return NotRun.TIMED_OUT if exc.reason == "timeout" else NotRun.SOURCE_FAILED
