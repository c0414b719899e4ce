"""What runs full, against the real Prometheus: a callee whose workload has another name than the service."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.guarded_http import GuardedHttp
from shared.adapters.memory.services import services_in_memory
from shared.adapters.prometheus import Connection, PrometheusSource
from shared.context.collectors.limits import collect_limits
from shared.context.neighbourhood import Neighbour
from shared.models.evidence import LimitEvidence
from shared.models.measures import Pressure, Relation
from tests.builders import a_signal, an_alert, an_incident
from tests.integration.backfilled import backfilled, needs_prometheus
from tests.unit.context.views import a_view

pytestmark = [pytest.mark.integration, needs_prometheus]

NOW = datetime.fromtimestamp(int(datetime.now(UTC).timestamp()) // 60 * 60 - 600, UTC)
SCRAPE, HISTORY = 30, timedelta(hours=2)
BROKE, FIRED = NOW - timedelta(minutes=8), NOW - timedelta(minutes=5)
POD = 'namespace="shop",pod="payment-service-7d9f8b6c5d-x2k4p"'
APP = f'{POD},container="app"'
NAMESAKE = 'namespace="staging",deployment="payment-service"'
OTHER = 'namespace="shop",deployment="payment-service-worker"'

Values = Callable[[float, bool], float]
"""From the seconds since the history began, and whether it is broken."""


def stands(usual: float, broken: float) -> Values:
    return lambda _, is_broken: broken if is_broken else usual


def counts(usual: float, broken: float) -> Values:
    """So much a second."""
    until = (BROKE - NOW + HISTORY).total_seconds()
    return lambda seconds, _: usual * min(seconds, until) + broken * max(0.0, seconds - until)


GAUGES = {
    'kube_deployment_spec_replicas{namespace="shop",deployment="payment-service"}': stands(3, 3),
    'kube_deployment_status_replicas_available{namespace="shop",deployment="payment-service"}': stands(3, 2),
    f"kube_deployment_spec_replicas{{{OTHER}}}": stands(9, 9),
    f"kube_deployment_status_replicas_available{{{OTHER}}}": stands(1, 1),
    f"kube_deployment_spec_replicas{{{NAMESAKE}}}": stands(5, 5),
    f"kube_deployment_status_replicas_available{{{NAMESAKE}}}": stands(5, 0),
    'kube_deployment_spec_replicas{namespace="shop",deployment="checkout"}': stands(2, 2),
    'kube_deployment_status_replicas_available{namespace="shop",deployment="checkout"}': stands(2, 2),
    f'kube_pod_container_status_last_terminated_reason{{{APP},reason="OOMKilled"}}': stands(0, 1),
    f"container_memory_working_set_bytes{{{APP}}}": stands(100, 990),
    f'kube_pod_container_resource_limits{{{APP},resource="memory"}}': stands(1000, 1000),
    f'kube_pod_info{{{POD},node="node-1",host_ip="10.0.0.5"}}': stands(1, 1),
}
COUNTERS = {
    'http_requests_total{service="checkout",code="200"}': counts(10, 10),
    'http_requests_total{service="payment",code="200"}': counts(10, 10),
    f"kube_pod_container_status_restarts_total{{{APP}}}": stands(0, 1),
    f"container_cpu_cfs_periods_total{{{APP}}}": counts(10, 10),
    f"container_cpu_cfs_throttled_periods_total{{{APP}}}": counts(0.5, 6),
    'node_cpu_seconds_total{instance="10.0.0.5:9100",cpu="0",mode="idle"}': counts(0.9, 0.01),
}


def a_history() -> str:
    families: dict[str, list[str]] = {}
    for kind, known in (("gauge", GAUGES), ("counter", COUNTERS)):
        for series, value in known.items():
            name = series.partition("{")[0]
            lines = families.setdefault(name, [f"# TYPE {name.removesuffix('_total')} {kind}"])
            for seconds in range(0, int(HISTORY.total_seconds()) + 1, SCRAPE):
                at = NOW - HISTORY + timedelta(seconds=seconds)
                lines.append(f"{series} {value(seconds, at >= BROKE):g} {at.timestamp():.0f}")
    return "\n".join([*(line for lines in families.values() for line in lines), "# EOF", ""])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with backfilled(a_history(), tmp_path_factory.mktemp("limits")) as url:
        yield url


async def test_what_a_callee_runs_on_is_found_by_its_own_name_now_and_before_the_trouble(prometheus: str) -> None:
    http = GuardedHttp(allow_private=True)
    try:
        view = a_view(
            PrometheusSource(http, Connection(prometheus)),
            neighbours={"payment": Neighbour(Relation.CALLEE, 1)},
            incident=an_incident(service_name="checkout"),
            signals=[a_signal(an_alert(labels={"service": "checkout", "namespace": "shop"}))],
            services=services_in_memory(),
            reference=FIRED,
            now=NOW,
            scrape_seconds=SCRAPE,
        )
        found = await collect_limits(view)
        limits = {one.resource: one for one in found.evidence if isinstance(one, LimitEvidence)}
        look = await view.look()
        queries = {one.resource: await look.source.query(one.query or "", at=NOW) for one in limits.values()}
    finally:
        await http.aclose()
    assert (found.failure, found.warnings) == (None, ())
    assert {(one.service, one.subject, one.relation, one.hops) for one in limits.values()} == {
        ("payment", "payment-service", Relation.CALLEE, 1),
        ("payment", "node-1", Relation.CALLEE, 1),
    }
    assert {one.namespace for one in limits.values()} == {"shop", None}
    assert {name: one.pressure for name, one in limits.items()} == dict.fromkeys(
        ("replicas_missing", "oom_killed", "restarts", "memory_of_limit", "cpu_throttled", "node_cpu"),
        Pressure.EXCEEDED,
    )
    told = {name: (one.value, one.value_before) for name, one in limits.items()}
    assert told["replicas_missing"] == (1, 0)
    assert told["oom_killed"] == (1, None)
    assert told["memory_of_limit"] == (0.99, 0.1)
    assert told["cpu_throttled"] == pytest.approx((0.6, 0.05))
    assert told["node_cpu"] == pytest.approx((0.99, 0.1))
    # Each piece's own question tells the same.
    for name, answer in queries.items():
        now = next(one.value for one in answer.samples if one.labels["back"] == "0")
        assert now == pytest.approx(limits[name].value)
