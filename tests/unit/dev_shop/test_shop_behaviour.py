"""How versions and faults change a service, and that the shop's table and metrics hold together."""

import re
from random import Random

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from dev.ports import Ports
from dev.shop.behaviour import behaviour_now, delay_between, fails, is_dead, load_now, work_seconds
from dev.shop.contract import (
    FAULT,
    MAX_REQUESTS_PER_SECOND,
    Behaviour,
    CpuBurnFault,
    DeadDependencyFault,
    Deploy,
    ErrorsFault,
    LatencyFault,
    NetworkDelayFault,
    SurgeFault,
)
from dev.shop.metrics import ServiceMetrics, pod_of
from dev.shop.service import release_of, server_seconds
from dev.shop.topology import SHOP, VISITS, Call, ServiceName, service_port

PAYMENT, CART = ServiceName.PAYMENT, ServiceName.CART


def samples(metrics: ServiceMetrics, name: str) -> list[tuple[dict[str, str], float]]:
    families = text_string_to_metric_families(metrics.exposition().decode())
    return [(s.labels, s.value) for family in families for s in family.samples if s.name == name]


def some_metrics(service: ServiceName = PAYMENT) -> ServiceMetrics:
    return ServiceMetrics(service, version="1.0.0", revision="abc")


def test_a_fault_changes_only_the_service_it_is_upon() -> None:
    faults = [LatencyFault(service=PAYMENT, latency_seconds=0.3), CpuBurnFault(service=PAYMENT, cpu_seconds=0.1)]
    on_payment = behaviour_now(Behaviour(), faults, PAYMENT)
    assert (on_payment.latency_seconds, on_payment.cpu_seconds) == (0.3, 0.1)
    assert behaviour_now(Behaviour(), faults, CART) == Behaviour()


def test_errors_of_the_version_and_of_a_fault_combine_as_independent_chances() -> None:
    combined = behaviour_now(Behaviour(error_ratio=0.5), [ErrorsFault(service=PAYMENT, error_ratio=0.5)], PAYMENT)
    assert combined.error_ratio == pytest.approx(0.75)


def test_only_the_dead_dependency_is_dead() -> None:
    faults = [DeadDependencyFault(service=ServiceName.ORDERS_DB), ErrorsFault(service=CART)]
    assert [name for name in ServiceName if is_dead(faults, name)] == [ServiceName.ORDERS_DB]


def test_a_surge_multiplies_the_load_up_to_the_bound() -> None:
    assert load_now(40, [SurgeFault(factor=3)]) == 120
    assert load_now(300, [SurgeFault(factor=10)]) == MAX_REQUESTS_PER_SECOND


def test_a_delayed_network_delays_what_a_service_asks_and_what_it_answers_and_nothing_else() -> None:
    faults = [NetworkDelayFault(service=CART, latency_seconds=0.6)]
    assert delay_between(faults, ServiceName.CHECKOUT, CART) == 0.6
    assert delay_between(faults, CART, ServiceName.ORDERS_DB) == 0.6
    assert delay_between(faults, ServiceName.CHECKOUT, PAYMENT) == 0


def test_the_share_of_failing_requests_is_the_error_ratio() -> None:
    random = Random(7)
    failed = sum(fails(Behaviour(error_ratio=0.4), random) for _ in range(2000))
    assert 0.37 < failed / 2000 < 0.43
    assert not any(fails(Behaviour(), random) for _ in range(200))


def test_added_latency_is_on_top_of_the_usual_work() -> None:
    random = Random(7)
    slow = [work_seconds(0.01, Behaviour(latency_seconds=1.0), random) for _ in range(100)]
    assert min(slow) > 0.9
    assert max(slow) < 1.3


@pytest.mark.parametrize(
    "body",
    [
        '{"kind": "earthquake", "service": "payment"}',
        '{"kind": "errors", "service": "warehouse"}',
        '{"kind": "errors", "service": "payment", "error_ratio": 1.5}',
        '{"kind": "errors", "service": "payment", "eror_ratio": 0.5}',
        '{"kind": "surge", "service": "payment"}',
        "not json",
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(body: str) -> None:
    with pytest.raises(ValidationError):
        FAULT.validate_json(body)


def test_every_call_and_every_visit_has_an_operation_that_serves_it() -> None:
    offered = {(name, op.method, op.path) for name, spec in SHOP.items() for op in spec.operations}
    calls = {(c.server, c.method, c.path) for spec in SHOP.values() for op in spec.operations for c in op.calls}
    visits = {(ServiceName.FRONTEND, visit.method, visit.path) for visit in VISITS}
    assert calls | visits == offered


def test_a_caller_waits_longer_than_what_it_calls_does() -> None:
    for spec in SHOP.values():
        for call in (call for operation in spec.operations for call in operation.calls):
            assert spec.call_timeout_seconds > SHOP[call.server].call_timeout_seconds


def test_the_services_take_the_six_ports_after_the_control_port() -> None:
    ports = Ports(30000)
    assert [service_port(ports, name) for name in ServiceName] == [ports.shop + n for n in range(1, 7)]


def test_the_build_metric_carries_the_version_under_the_services_own_name() -> None:
    metrics = ServiceMetrics(ServiceName.ORDERS_DB, version="15.4.1", revision="cafe")
    labels = {"service": "orders-db", "version": "15.4.1", "revision": "cafe"}
    assert samples(metrics, "orders_db_build_info") == [(labels, 1.0)]


def test_an_answer_counts_once_with_its_code_and_its_duration() -> None:
    metrics = some_metrics()
    metrics.answered("POST", 500, 0.02)
    labels = {"service": "payment", "method": "POST", "code": "500"}
    assert [sample for sample in samples(metrics, "http_requests_total") if sample[1]] == [(labels, 1.0)]
    assert samples(metrics, "http_request_duration_seconds_count")[0][1] == 1.0
    assert (metrics.requests_served, metrics.requests_failed) == (1, 1)


def test_the_error_series_is_there_at_zero_before_the_first_error() -> None:
    codes = {labels["code"]: count for labels, count in samples(some_metrics(), "http_requests_total")}
    assert codes == {"200": 0, "500": 0, "502": 0, "503": 0, "504": 0}


def test_a_call_to_the_database_is_an_edge_of_that_kind() -> None:
    metrics = some_metrics()
    call = Call(ServiceName.ORDERS_DB, "POST", "/query")
    metrics.called(call, failed=True, client_seconds=0.01, server_seconds=None)
    edge = {"client": "payment", "server": "orders-db", "connection_type": "database"}
    assert samples(metrics, "traces_service_graph_request_total") == [(edge, 1.0)]
    assert samples(metrics, "traces_service_graph_request_failed_total") == [(edge, 1.0)]
    assert samples(metrics, "traces_service_graph_request_client_seconds_count") == [(edge, 1.0)]
    assert samples(metrics, "traces_service_graph_request_server_seconds_count") == []


def test_a_container_tells_its_cpu_and_the_most_that_it_may_have() -> None:
    metrics = some_metrics()
    metrics.used_cpu(0.5)
    pod = pod_of(PAYMENT, "1.0.0")
    named = {"namespace": "shop", "pod": pod, "container": "payment"}
    assert samples(metrics, "container_cpu_usage_seconds_total") == [(named, 0.5)]
    assert samples(metrics, "kube_pod_container_resource_limits") == [
        ({**named, "resource": "cpu", "unit": "core"}, 1.0)
    ]
    deployment = {"namespace": "shop", "deployment": "payment"}
    assert samples(metrics, "kube_deployment_spec_replicas") == [(deployment, 1.0)]
    assert samples(metrics, "kube_deployment_status_replicas_available") == [(deployment, 1.0)]


def test_each_version_has_a_pod_of_its_own_named_as_a_deployments() -> None:
    pods = {pod_of(PAYMENT, version) for version in ("1.4.0", "1.5.0")}
    assert len(pods) == 2
    assert all(re.fullmatch(r"payment-[b-z2-9]{10}-[b-z2-9]{5}", pod) for pod in pods)


def test_a_revision_that_was_not_given_differs_with_the_version() -> None:
    first = release_of(Deploy(service=PAYMENT, version="1.0.0"))
    second = release_of(Deploy(service=PAYMENT, version="1.0.1"))
    assert first.revision != second.revision
    assert release_of(Deploy(service=PAYMENT, version="1.0.0", revision="abc")).revision == "abc"


def test_the_callees_own_duration_comes_from_its_server_timing_header() -> None:
    assert server_seconds("total;dur=12.500") == pytest.approx(0.0125)
    assert server_seconds(None) is None
