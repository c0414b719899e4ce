"""A hypothesis' checks against the real Prometheus."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.guarded_http import GuardedHttp
from shared.adapters.memory.services import services_in_memory
from shared.adapters.prometheus import Connection, PrometheusSource
from shared.hypotheses.checks import proposed
from shared.hypotheses.proposal import ModelCheck
from shared.models.base import TenantId
from shared.models.hypotheses import Hypothesis, HypothesisSet, Operator
from shared.pipeline.checking import run_checks
from shared.ports.metrics import MetricsSource
from tests.builders import ACME, a_hypothesis_set
from tests.integration.backfilled import backfilled, needs_prometheus

pytestmark = [pytest.mark.integration, needs_prometheus]

NOW = datetime.fromtimestamp(int(datetime.now(UTC).timestamp()) // 60 * 60 - 600, UTC)
BROKE = NOW - timedelta(minutes=10)


def history() -> str:
    """20 requests a second, of which half fail since BROKE; two instances, of which one is down."""
    lines = ["# TYPE requests counter"]
    starts = NOW - timedelta(minutes=40)
    for code, before, since in (("200", 20.0, 10.0), ("500", 0.0, 10.0)):
        for seconds in range(0, 2400, 30):
            broken = max(0.0, seconds - (BROKE - starts).total_seconds())
            count = before * (seconds - broken) + since * broken
            at = int(starts.timestamp()) + seconds
            lines.append(f'requests_total{{service="payment",code="{code}"}} {count} {at}')
    lines.append("# TYPE up gauge")
    for instance, value in (("a", 1), ("b", 0)):
        lines += [f'up{{instance="{instance}"}} {value} {int(starts.timestamp()) + at}' for at in range(0, 2430, 30)]
    return "\n".join([*lines, "# EOF", ""])


@dataclass
class OnePrometheus:
    """Implements MetricsSources."""

    source: MetricsSource

    async def of_tenant(self, tenant_id: TenantId) -> MetricsSource | None:
        """The same for everybody."""
        del tenant_id
        return self.source


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with backfilled(history(), tmp_path_factory.mktemp("checks")) as url:
        yield url


def an_answer(checks: list[tuple[str, str, float]]) -> HypothesisSet:
    waiting = [ModelCheck(query=query, operator=Operator(op), value=value, because="") for query, op, value in checks]
    hypotheses = tuple(
        Hypothesis(
            rank=at + 1, claim="it fails", suspected_service="payment", mechanism="", supporting=("E1",), score=0.5,
            checks=proposed(waiting[3 * at : 3 * at + 3]),
        )
        for at in range(-(-len(waiting) // 3))
    )  # fmt: skip
    return a_hypothesis_set(hypotheses=hypotheses)


async def test_checks_come_back_as_prometheus_sees_the_end_of_the_window(prometheus: str) -> None:
    failing = 'sum(rate(requests_total{code="500"}[2m])) / sum(rate(requests_total[2m]))'
    checks = [
        (failing, ">", 0.4),
        ('sum(rate(requests_total{code="500"}[2m] offset 20m))', ">", 0.4),
        ("up", "<", 1),
        ("min(up)", ">", 0),
        ("absent_metric", "==", 0),
        ("up * on(nothing) up", "==", 1),
        ('up{instance=~".+"}[5m]', "==", 1),
    ]
    http = GuardedHttp(allow_private=True)
    try:
        source = PrometheusSource(http, Connection(prometheus))
        services = replace(services_in_memory(), metrics=OnePrometheus(source))
        answer = await run_checks(ACME, an_answer(checks), services, at=NOW, deadline_seconds=20)
    finally:
        await http.aclose()
    found = {check.query: check.reason or check.verdict.value for one in answer.hypotheses for check in one.checks}
    assert [found[query] for query, _, _ in checks] == [
        "supported",
        "refuted",
        "supported",
        "refuted",
        "empty",
        "source_failed",
        "unparsable",
    ]
