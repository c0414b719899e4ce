"""The metrics one service exposes: the Prometheus client libraries' names and Tempo's service graph."""

import time
from hashlib import sha256

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from dev.shop.topology import SHOP, Call, ServiceName

BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
STATUS_CODES = ("200", "500", "502", "503", "504")
EDGE_LABELS = ("client", "server", "connection_type")


def build_metric(service: ServiceName) -> str:
    """The name of the service's build metric, such as `orders_db_build_info`."""
    return f"{service.replace('-', '_')}_build_info"


NAMESPACE = "shop"
CPU_LIMIT_CORES = 1.0
_RANDOM_OF_PODS = "bcdfghjklmnpqrstvwxz2456789"
"""What Kubernetes makes names unique with."""


def pod_of(service: ServiceName, version: str) -> str:
    """The pod that a version runs in, named as a Deployment's: each version has another."""
    digest = sha256(f"{service}@{version}".encode()).digest()
    unique = "".join(_RANDOM_OF_PODS[byte % len(_RANDOM_OF_PODS)] for byte in digest[:15])
    return f"{service}-{unique[:10]}-{unique[10:]}"


class ServiceMetrics:
    """The registry of one running version; a deploy makes a new one, as a new process would."""

    def __init__(self, service: ServiceName, *, version: str, revision: str) -> None:
        self.started_at = time.time()
        self.requests_served = 0
        self.requests_failed = 0
        self._service = str(service)
        self._registry = CollectorRegistry()
        self._request_metrics()
        self._edge_metrics()
        self._process_metrics()
        self._container_metrics(pod_of(service, version))
        build = Gauge(
            build_metric(service),
            "The version that runs; the value is always 1.",
            ("service", "version", "revision"),
            registry=self._registry,
        )
        build.labels(self._service, version, revision).set(1)

    def _request_metrics(self) -> None:
        self._requests = Counter(
            "http_requests_total",
            "Requests answered.",
            ("service", "method", "code"),
            registry=self._registry,
        )
        # A series that starts at 0 shows its first error to rate(); one that starts at 3 does not.
        for method in {operation.method for operation in SHOP[ServiceName(self._service)].operations}:
            for code in STATUS_CODES:
                self._requests.labels(self._service, method, code)
        self._duration = Histogram(
            "http_request_duration_seconds",
            "Time to answer a request.",
            ("service", "method"),
            buckets=BUCKETS_SECONDS,
            registry=self._registry,
        )

    def _edge_metrics(self) -> None:
        prefix = "traces_service_graph_request"
        self._edge_requests = Counter(
            f"{prefix}_total", "Requests between two services.", EDGE_LABELS, registry=self._registry
        )
        self._edge_failed = Counter(
            f"{prefix}_failed_total", "Failed requests between two services.", EDGE_LABELS, registry=self._registry
        )
        self._edge_client, self._edge_server = (
            Histogram(
                f"{prefix}_{side}_seconds",
                f"Time of a request between two services as the {side} saw it.",
                EDGE_LABELS,
                buckets=BUCKETS_SECONDS,
                registry=self._registry,
            )
            for side in ("client", "server")
        )

    def _process_metrics(self) -> None:
        cpu = Counter(
            "process_cpu_seconds_total", "CPU time attributed to the service.", ("service",), registry=self._registry
        )
        self._cpu = cpu.labels(self._service)
        started = Gauge(
            "process_start_time_seconds",
            "When the running version was started.",
            ("service",),
            registry=self._registry,
        )
        started.labels(self._service).set(self.started_at)

    def _container_metrics(self, pod: str) -> None:
        """What cAdvisor and kube-state-metrics would tell of the container: its CPU, and the most it may have."""
        named = {"namespace": NAMESPACE, "pod": pod, "container": self._service}
        used = Counter(
            "container_cpu_usage_seconds_total", "CPU time of a container.", tuple(named), registry=self._registry
        )
        self._container_cpu = used.labels(**named)
        limit = Gauge(
            "kube_pod_container_resource_limits",
            "What a container may use at most.",
            (*named, "resource", "unit"),
            registry=self._registry,
        )
        limit.labels(**named, resource="cpu", unit="core").set(CPU_LIMIT_CORES)
        # What is looked at in Kubernetes is found by its workload; this one is always as it should be.
        for name in ("kube_deployment_spec_replicas", "kube_deployment_status_replicas_available"):
            replicas = Gauge(name, "Replicas of a deployment.", ("namespace", "deployment"), registry=self._registry)
            replicas.labels(NAMESPACE, self._service).set(1)

    def answered(self, method: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self.requests_served += 1
        self.requests_failed += status >= 500
        self._requests.labels(self._service, method, str(status)).inc()
        self._duration.labels(self._service, method).observe(seconds)

    def called(self, call: Call, *, failed: bool, client_seconds: float, server_seconds: float | None) -> None:
        """Count one request to another service; a server that never answered has no time of its own."""
        edge = (self._service, str(call.server), call.connection_type)
        self._edge_requests.labels(*edge).inc()
        if failed:
            self._edge_failed.labels(*edge).inc()
        self._edge_client.labels(*edge).observe(client_seconds)
        if server_seconds is not None:
            self._edge_server.labels(*edge).observe(server_seconds)

    def used_cpu(self, seconds: float) -> None:
        """Attribute CPU time to the service."""
        self._cpu.inc(seconds)
        self._container_cpu.inc(seconds)

    def exposition(self) -> bytes:
        """Everything in the Prometheus text format."""
        return generate_latest(self._registry)
