"""What runs full: limits of processes, pods, workloads, queues and machines. The worst series of a subject counts."""

from shared.context.conventions.rows import Carrier, Resource

_CONTAINER = '$of,container!="",container!="POD"'
"""A pod's own cgroup has no container name and would count everything twice."""
_DISKS = '$of,fstype!~"tmpfs|overlay|squashfs|ramfs"'

PROCESS_ROWS = (
    Resource(
        name="file_descriptors",
        carrier=Carrier.PROCESS,
        unit="ratio",
        meaning="Open file descriptors, of those the process may open.",
        present="process_max_fds",
        expression="process_open_fds{$of}$back / (process_max_fds{$of}$back > 0)",
    ),
    Resource(
        name="jvm_heap",
        carrier=Carrier.PROCESS,
        unit="ratio",
        meaning="Heap in use, of the largest heap allowed (JVM, Micrometer).",
        present="jvm_memory_max_bytes",
        # The maximum is -1 for pools without a bound of their own.
        expression=(
            'sum by ($by, instance) (jvm_memory_used_bytes{$of,area="heap"}$back)'
            ' / sum by ($by, instance) (jvm_memory_max_bytes{$of,area="heap"}$back > 0)'
        ),
    ),
    Resource(
        name="hikari_pool",
        carrier=Carrier.PROCESS,
        unit="ratio",
        meaning="Database connections in use, of the pool's (HikariCP).",
        present="hikaricp_connections_max",
        expression="hikaricp_connections_active{$of}$back / (hikaricp_connections_max{$of}$back > 0)",
    ),
    Resource(
        name="hikari_waiting",
        carrier=Carrier.PROCESS,
        unit="threads",
        meaning="Threads that wait for a database connection (HikariCP).",
        present="hikaricp_connections_pending",
        expression="hikaricp_connections_pending{$of}$back",
    ),
    Resource(
        name="go_sql_pool",
        carrier=Carrier.PROCESS,
        unit="ratio",
        meaning="Database connections in use, of those allowed (Go's database/sql).",
        present="go_sql_max_open_connections",
        # 0 is no limit.
        expression="go_sql_in_use_connections{$of}$back / (go_sql_max_open_connections{$of}$back > 0)",
    ),
)

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

WORKLOAD_ROWS = (
    Resource(
        name="replicas_missing",
        carrier=Carrier.DEPLOYMENT,
        unit="replicas",
        meaning="Replicas that a deployment wants and that are not available.",
        present="kube_deployment_spec_replicas",
        expression=(
            "max by (namespace, deployment) (kube_deployment_spec_replicas{$of}$back)"
            " - max by (namespace, deployment) (kube_deployment_status_replicas_available{$of}$back)"
        ),
    ),
    Resource(
        name="autoscaler_at_max",
        carrier=Carrier.AUTOSCALER,
        unit="ratio",
        meaning="Replicas that run, of those the autoscaler may run; at 1 it can add none.",
        present="kube_horizontalpodautoscaler_spec_max_replicas",
        expression=(
            "max by (namespace, horizontalpodautoscaler)"
            " (kube_horizontalpodautoscaler_status_current_replicas{$of}$back)"
            " / max by (namespace, horizontalpodautoscaler)"
            " (kube_horizontalpodautoscaler_spec_max_replicas{$of}$back)"
        ),
    ),
    Resource(
        name="kafka_lag",
        carrier=Carrier.CONSUMER_GROUP,
        unit="messages",
        meaning="Messages that wait for a consumer group in one topic.",
        present="kafka_consumergroup_lag",
        expression="sum by (consumergroup, topic) (kafka_consumergroup_lag{$of}$back)",
    ),
    Resource(
        name="kafka_lag_growth",
        carrier=Carrier.CONSUMER_GROUP,
        unit="messages/s",
        meaning="How fast that lag grows; below 0 the group is catching up.",
        present="kafka_consumergroup_lag",
        expression="sum by (consumergroup, topic) (deriv(kafka_consumergroup_lag{$of}[10m]$back))",
    ),
)

NODE_ROWS = (
    Resource(
        name="node_cpu",
        carrier=Carrier.NODE,
        unit="ratio",
        meaning="Share of a machine's CPU time that was not idle.",
        present="node_cpu_seconds_total",
        expression='1 - avg by (instance) (rate(node_cpu_seconds_total{$of,mode="idle"}[$window]$back))',
    ),
    Resource(
        name="node_memory",
        carrier=Carrier.NODE,
        unit="ratio",
        meaning="Share of a machine's memory that is not available.",
        present="node_memory_MemAvailable_bytes",
        expression="1 - node_memory_MemAvailable_bytes{$of}$back / node_memory_MemTotal_bytes{$of}$back",
    ),
    Resource(
        name="node_disk",
        carrier=Carrier.NODE,
        unit="ratio",
        meaning="Share of a file system that is not available.",
        present="node_filesystem_size_bytes",
        expression=(
            f"1 - node_filesystem_avail_bytes{{{_DISKS}}}$back / (node_filesystem_size_bytes{{{_DISKS}}}$back > 0)"
        ),
    ),
    Resource(
        name="node_disk_fills",
        carrier=Carrier.NODE,
        unit="file systems",
        meaning="1 where a file system will be full within 4 hours if it goes on as in the last 6.",
        present="node_filesystem_avail_bytes",
        # Not `predict_linear`: behind an offset it would predict from now on.
        expression=(
            f"((node_filesystem_avail_bytes{{{_DISKS}}}$back"
            f" + deriv(node_filesystem_avail_bytes{{{_DISKS}}}[6h]$back) * 14400) < bool 0) > 0"
        ),
    ),
    Resource(
        name="node_cpu_pressure",
        carrier=Carrier.NODE,
        unit="ratio",
        meaning="Share of the time in which something waited for a CPU (PSI).",
        present="node_pressure_cpu_waiting_seconds_total",
        expression="rate(node_pressure_cpu_waiting_seconds_total{$of}[$window]$back)",
    ),
    Resource(
        name="node_memory_pressure",
        carrier=Carrier.NODE,
        unit="ratio",
        meaning="Share of the time in which something waited for memory (PSI).",
        present="node_pressure_memory_waiting_seconds_total",
        expression="rate(node_pressure_memory_waiting_seconds_total{$of}[$window]$back)",
    ),
    Resource(
        name="node_io_pressure",
        carrier=Carrier.NODE,
        unit="ratio",
        meaning="Share of the time in which something waited for a disk (PSI).",
        present="node_pressure_io_waiting_seconds_total",
        expression="rate(node_pressure_io_waiting_seconds_total{$of}[$window]$back)",
    ),
)

RESOURCES = PROCESS_ROWS + POD_ROWS + WORKLOAD_ROWS + NODE_ROWS
