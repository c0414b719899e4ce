"""What runs full in Kubernetes: containers, by cAdvisor and kube-state-metrics."""

from shared.context.conventions.rows import Carrier, Resource

_CONTAINER = '$of,container!="",container!="POD"'
"""A pod's own cgroup has no container name and would count everything twice."""

POD_ROWS = (
    Resource(
        name="cpu_of_limit",
        carrier=Carrier.POD,
        unit="ratio",
        meaning="CPU a container used, of its limit.",
        present="container_cpu_usage_seconds_total",
        expression=(
            "sum by (namespace, pod, container)"
            f" (rate(container_cpu_usage_seconds_total{{{_CONTAINER}}}[$window]$back))"
            " / (max by (namespace, pod, container)"
            ' (kube_pod_container_resource_limits{$of,resource="cpu"}$back) > 0)'
        ),
    ),
    Resource(
        name="cpu_throttled",
        carrier=Carrier.POD,
        unit="ratio",
        meaning="Share of scheduling periods in which a container was held back at its CPU limit.",
        present="container_cpu_cfs_periods_total",
        expression=(
            "sum by (namespace, pod, container)"
            f" (increase(container_cpu_cfs_throttled_periods_total{{{_CONTAINER}}}[$window]$back))"
            " / (sum by (namespace, pod, container)"
            f" (increase(container_cpu_cfs_periods_total{{{_CONTAINER}}}[$window]$back)) > 0)"
        ),
    ),
    Resource(
        name="memory_of_limit",
        carrier=Carrier.POD,
        unit="ratio",
        meaning="Memory a container cannot give back, of its limit; at 1 it is killed.",
        present="container_memory_working_set_bytes",
        expression=(
            f"max by (namespace, pod, container) (container_memory_working_set_bytes{{{_CONTAINER}}}$back)"
            " / (max by (namespace, pod, container)"
            ' (kube_pod_container_resource_limits{$of,resource="memory"}$back) > 0)'
        ),
    ),
    Resource(
        name="oom_killed",
        carrier=Carrier.POD,
        unit="containers",
        meaning="1 where a container was killed for its memory and restarted within 15 minutes.",
        present="kube_pod_container_status_last_terminated_reason",
        # The reason stays 1 for ever after, hence the restarts.
        expression=(
            '(kube_pod_container_status_last_terminated_reason{$of,reason="OOMKilled"}$back == 1)'
            " and on (namespace, pod, container)"
            " (increase(kube_pod_container_status_restarts_total{$of}[15m]$back) > 0)"
        ),
    ),
    Resource(
        name="restarts",
        carrier=Carrier.POD,
        unit="restarts",
        meaning="Restarts of a container within 15 minutes.",
        present="kube_pod_container_status_restarts_total",
        expression=(
            "sum by (namespace, pod, container) (increase(kube_pod_container_status_restarts_total{$of}[15m]$back))"
        ),
    ),
    Resource(
        name="containers_waiting",
        carrier=Carrier.POD,
        unit="containers",
        meaning="1 where a container cannot start: no image, a crash loop, a bad configuration.",
        present="kube_pod_container_status_waiting_reason",
        expression=(
            "sum by (namespace, pod, container, reason) (kube_pod_container_status_waiting_reason{$of}$back) > 0"
        ),
    ),
)
