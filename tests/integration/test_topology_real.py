"""The topology against the real Prometheus: several conventions at once, a service that died, samples that lag."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.adapters.guarded_http import GuardedHttp
from shared.adapters.memory.services import services_in_memory
from shared.adapters.prometheus import Connection, PrometheusSource
from shared.context.collectors.topology import find_neighbourhood
from shared.context.edges.kept import remembered
from shared.context.neighbourhood import Neighbourhood
from shared.models.evidence import EdgeEvidence, NodeKind
from shared.models.snapshots import Section, SectionName, SectionStatus
from shared.ports.metrics import MAX_SERIES, Answer
from shared.ports.services import Services
from tests.builders import ACME, a_snapshot
from tests.integration.backfilled import backfilled, needs_prometheus
from tests.unit.context.views import a_view

pytestmark = [pytest.mark.integration, needs_prometheus]

NOW = datetime.fromtimestamp(int(datetime.now(UTC).timestamp()) // 60 * 60 - 900, UTC)
STEP, HISTORY = 15, timedelta(hours=1)
DIED = NOW - timedelta(minutes=40)
BEFORE = DIED - timedelta(minutes=5)
ISTIO = 'source_canonical_service="payment",source_workload="payment-v2",source_workload_namespace="shop"'
CALLS = {
    'traces_service_graph_request_total{client="web",server="payment"}': (10, None),
    'traces_service_graph_request_total{client="payment",server="ledger"}': (4, DIED),
    'traces_service_graph_request_total{client="payment",server="payment"}': (1, None),
    f'istio_requests_total{{reporter="source",{ISTIO},destination_service_name="cart",'
    'destination_service_namespace="shop"}': (3, None),
    'http_client_request_duration_seconds_count{job="shop/payment",server_address="cart.shop:8080"}': (3, None),
    'http_client_request_duration_seconds_count{job="shop/payment",server_address="api.bank.example"}': (2, None),
    'db_client_operation_duration_seconds_count{job="shop/cart",server_address="carts-db.shop.svc",'
    'db_system_name="postgresql"}': (5, None),
    'envoy_cluster_upstream_rq_total{job="edge",envoy_cluster_name="outbound|80||web.shop.svc.cluster.local"}': (
        9,
        None,
    ),
}
"""Calls per second, and when they ended."""


def a_history() -> str:
    lines: list[str] = []
    times = range(0, int(HISTORY.total_seconds()) + 1, STEP)
    families = sorted(CALLS, key=lambda series: series.partition("{")[0])
    typed = set[str]()
    for series in families:
        family = series.partition("{")[0]
        if family not in typed:
            typed.add(family)
            lines.append(f"# TYPE {family} unknown")
        rate, ended = CALLS[series]
        for seconds in times:
            at = NOW - HISTORY + timedelta(seconds=seconds)
            if ended is None or at <= ended:
                lines.append(f"{series} {rate * seconds} {at.timestamp():.0f}")
    return "\n".join([*lines, "# EOF", ""])


@dataclass
class Counted:
    """A Prometheus, and how often it was asked."""

    source: PrometheusSource
    asked: list[str] = field(default_factory=list)

    async def query(self, promql: str, *, at: datetime, max_series: int = MAX_SERIES) -> Answer:
        self.asked.append(promql)
        return await self.source.query(promql, at=at, max_series=max_series)

    async def query_range(
        self, promql: str, *, start: datetime, end: datetime, step_seconds: float, max_series: int = MAX_SERIES
    ) -> Answer:
        return await self.source.query_range(
            promql, start=start, end=end, step_seconds=step_seconds, max_series=max_series
        )


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home: Path = tmp_path_factory.mktemp("topology")
    with backfilled(a_history(), home) as found:
        yield found


@pytest.fixture
async def source(url: str) -> AsyncIterator[Counted]:
    http = GuardedHttp(allow_private=True)
    yield Counted(PrometheusSource(http, Connection(url)))
    await http.aclose()


async def looked(source: Counted, services: Services | None = None, *, now: datetime = NOW) -> Neighbourhood:
    reference = now - timedelta(seconds=30)
    return await find_neighbourhood(a_view(source, services=services, reference=reference, now=now))


async def remembering(found: Neighbourhood, *, now: datetime) -> Services:
    """Stores that were told what a look found."""
    section = Section(name=SectionName.TOPOLOGY, status=SectionStatus.OK, evidence=found.edges)
    plain = a_snapshot()
    body = plain.body.model_copy(update={"service": "payment", "sections": (section,)})
    topology, _ = remembered(ACME, None, plain.model_copy(update={"body": body}), now=now)
    services = services_in_memory()
    assert topology is not None
    await services.surroundings.keep(ACME, topology, None)
    return services


def edges(found: Neighbourhood) -> dict[tuple[str, str], EdgeEvidence]:
    return {(one.caller, one.callee): one for one in found.edges}


async def test_calls_of_every_convention_are_one_graph_and_none_is_counted_twice(source: Counted) -> None:
    found = edges(await looked(source))
    told = {edge: [one.value for one in piece.told_by] for edge, piece in found.items()}
    assert told == {
        ("edge", "web"): ["envoy"],
        ("web", "payment"): ["service_graph"],
        ("payment", "cart"): ["istio", "otel_client"],
        ("payment", "api.bank.example"): ["otel_client"],
        ("cart", "carts-db"): ["otel_client"],
    }
    assert found["payment", "cart"].calls_per_second == pytest.approx(3, rel=0.01)
    kinds = {name: kind for piece in found.values() for name, kind in (
        (piece.caller, piece.caller_kind), (piece.callee, piece.callee_kind),
    )}  # fmt: skip
    assert kinds == {
        "edge": NodeKind.SERVICE, "web": NodeKind.SERVICE, "payment": NodeKind.SERVICE, "cart": NodeKind.SERVICE,
        "api.bank.example": NodeKind.EXTERNAL, "carts-db": NodeKind.DATABASE,
    }  # fmt: skip
    assert len(source.asked) == 3


async def test_the_query_of_each_call_gives_its_rate_again(source: Counted) -> None:
    for piece in (await looked(source)).edges:
        assert piece.query is not None
        assert piece.window_end is not None
        answer = await source.query(piece.query, at=piece.window_end)
        assert [one.value for one in answer.samples] == [pytest.approx(piece.calls_per_second, rel=1e-5)]


async def test_a_service_that_died_stays_in_the_graph_that_called_it(source: Counted) -> None:
    alive = await looked(source, now=BEFORE)
    assert edges(alive)["payment", "ledger"].calls_per_second == pytest.approx(4, rel=0.01)
    services = await remembering(alive, now=BEFORE)
    later = await looked(source, services)
    gone = edges(later)["payment", "ledger"]
    assert (gone.is_silent, gone.seen_at) == (True, BEFORE)
    assert "ledger" in later.neighbours
    assert not edges(later)["payment", "cart"].is_silent


async def test_a_graph_that_is_fresh_costs_two_questions_and_gives_the_rates_of_now(source: Counted) -> None:
    services = await remembering(await looked(source), now=NOW - timedelta(minutes=5))
    source.asked.clear()
    found = await looked(source, services)
    assert len(source.asked) == 2
    assert found.as_of == NOW - timedelta(minutes=5)
    assert {edge: round(piece.calls_per_second) for edge, piece in edges(found).items()} == {
        ("edge", "web"): 9, ("web", "payment"): 10, ("payment", "cart"): 3, ("payment", "api.bank.example"): 2,
        ("cart", "carts-db"): 5,
    }  # fmt: skip


@pytest.mark.parametrize("minutes", [2, 8])
async def test_a_source_whose_samples_lag_ends_no_calls(source: Counted, minutes: int) -> None:
    services = await remembering(await looked(source), now=NOW)
    found = await looked(source, services, now=NOW + timedelta(minutes=minutes))
    assert not any(piece.is_silent for piece in found.edges)
    assert found.is_stale == (minutes == 8)
    assert set(edges(found)) >= {("web", "payment"), ("payment", "cart")}
