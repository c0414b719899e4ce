"""What runs full: limits of processes, workloads and queues, with those of pods and machines."""

from shared.context.conventions.nodes import NODE_ROWS
from shared.context.conventions.pods import POD_ROWS
from shared.context.conventions.rows import Carrier, Resource

PROCESS_ROWS = (
    Resource(
        name="targets_down",
        carrier=Carrier.PROCESS,
        unit="share",
        meaning="Share of its processes that Prometheus cannot scrape.",
        present="up",
        expression="1 - avg by ($by) (up{$of}$back)",
    ),
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
        name="hosts_unhealthy",
        carrier=Carrier.UPSTREAM,
        unit="share",
        meaning="Share of an upstream's hosts that Envoy takes for unhealthy.",
        present="envoy_cluster_membership_total",
        expression=(
            "1 - sum by ($by) (envoy_cluster_membership_healthy{$of}$back)"
            " / (sum by ($by) (envoy_cluster_membership_total{$of}$back) > 0)"
        ),
    ),
    Resource(
        name="requests_turned_away",
        carrier=Carrier.UPSTREAM,
        unit="requests/s",
        meaning="Requests that Envoy could not pass on: the queue was full, or no connection came about.",
        present="envoy_cluster_upstream_rq_pending_overflow",
        expression=(
            "sum by ($by) (rate(envoy_cluster_upstream_rq_pending_overflow{$of}[$window]$back))"
            " + sum by ($by) (rate(envoy_cluster_upstream_cx_connect_fail{$of}[$window]$back))"
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

RESOURCES = PROCESS_ROWS + POD_ROWS + WORKLOAD_ROWS + NODE_ROWS
