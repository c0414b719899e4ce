"""Rows of what runs full. The subject is `shop`; beside it stands what must not count."""

from tests.unit.context.proofs.proof import Filled, counts, stands

POD = 'namespace="prod",pod="shop-6d4cf56db6-x7k2p",container="app"'
POD_ALONE = 'namespace="prod",pod="shop-6d4cf56db6-x7k2p"'
OTHER_POD = 'namespace="prod",pod="shop-worker-6d4cf56db6-x7k2p",container="app"'
RESTARTED = "0x35 1x4"
"""Within the last five of the 40 minutes."""

PROCESS_FILLED = (
    Filled(
        "targets_down",
        {'up{job="shop",instance="a"}': stands(1, 0), 'up{job="shop",instance="b"}': stands(1, 1)},
        before=0,
        now=1 / 2,
    ),
    Filled(
        "file_descriptors",
        {
            'process_open_fds{job="shop",instance="a"}': stands(10, 40),
            'process_max_fds{job="shop",instance="a"}': stands(50, 50),
            'process_open_fds{job="shop",instance="b"}': stands(5, 5),
            'process_max_fds{job="shop",instance="b"}': stands(50, 50),
            'process_open_fds{job="shop",instance="no-limit"}': stands(9, 9),
            'process_max_fds{job="shop",instance="no-limit"}': stands(0, 0),
        },
        before=10 / 50,
        now=40 / 50,
    ),
    Filled(
        "jvm_heap",
        {
            'jvm_memory_used_bytes{job="shop",instance="a",area="heap",id="eden"}': stands(100, 200),
            'jvm_memory_used_bytes{job="shop",instance="a",area="heap",id="old"}': stands(300, 400),
            'jvm_memory_used_bytes{job="shop",instance="a",area="nonheap",id="code"}': stands(9999, 9999),
            'jvm_memory_max_bytes{job="shop",instance="a",area="heap",id="eden"}': stands(-1, -1),
            'jvm_memory_max_bytes{job="shop",instance="a",area="heap",id="old"}': stands(800, 800),
        },
        before=(100 + 300) / 800,
        now=(200 + 400) / 800,
    ),
    Filled(
        "hikari_pool",
        {
            'hikaricp_connections_active{job="shop",pool="main"}': stands(5, 9),
            'hikaricp_connections_max{job="shop",pool="main"}': stands(10, 10),
        },
        before=0.5,
        now=0.9,
    ),
    Filled("hikari_waiting", {'hikaricp_connections_pending{job="shop",pool="main"}': stands(0, 3)}, before=0, now=3),
    Filled(
        "go_sql_pool",
        {
            'go_sql_in_use_connections{job="shop",db_name="main"}': stands(2, 8),
            'go_sql_max_open_connections{job="shop",db_name="main"}': stands(10, 10),
            'go_sql_in_use_connections{job="shop",db_name="no-limit"}': stands(99, 99),
            'go_sql_max_open_connections{job="shop",db_name="no-limit"}': stands(0, 0),
        },
        before=0.2,
        now=0.8,
    ),
)

POD_FILLED = (
    Filled(
        "cpu_of_limit",
        {
            # 6 CPU seconds a minute are a tenth of a core.
            f"container_cpu_usage_seconds_total{{{POD}}}": counts(6, 30),
            f'container_cpu_usage_seconds_total{{{POD_ALONE},container=""}}': counts(60, 60),
            f'container_cpu_usage_seconds_total{{{POD_ALONE},container="POD"}}': counts(60, 60),
            f"container_cpu_usage_seconds_total{{{OTHER_POD}}}": counts(120, 120),
            f'kube_pod_container_resource_limits{{{POD},resource="cpu",unit="core"}}': stands(1, 1),
            f'kube_pod_container_resource_limits{{{OTHER_POD},resource="cpu",unit="core"}}': stands(1, 1),
        },
        before=0.1,
        now=0.5,
    ),
    Filled(
        "cpu_throttled",
        {
            f"container_cpu_cfs_throttled_periods_total{{{POD}}}": counts(60, 300),
            f"container_cpu_cfs_periods_total{{{POD}}}": counts(600, 600),
            f'container_cpu_cfs_throttled_periods_total{{{POD_ALONE},container=""}}': counts(600, 600),
            f'container_cpu_cfs_periods_total{{{POD_ALONE},container=""}}': counts(600, 600),
            f"container_cpu_cfs_throttled_periods_total{{{OTHER_POD}}}": counts(600, 600),
            f"container_cpu_cfs_periods_total{{{OTHER_POD}}}": counts(600, 600),
        },
        before=0.1,
        now=0.5,
    ),
    Filled(
        "memory_of_limit",
        {
            f"container_memory_working_set_bytes{{{POD}}}": stands(100, 900),
            f'container_memory_working_set_bytes{{{POD_ALONE},container=""}}': stands(5000, 5000),
            f'kube_pod_container_resource_limits{{{POD},resource="memory",unit="byte"}}': stands(1000, 1000),
            f"container_memory_working_set_bytes{{{OTHER_POD}}}": stands(1000, 1000),
            f'kube_pod_container_resource_limits{{{OTHER_POD},resource="memory",unit="byte"}}': stands(1000, 1000),
        },
        before=0.1,
        now=0.9,
    ),
    Filled(
        "oom_killed",
        {
            # Killed long before as well: that reason stays, and says nothing without a restart.
            f'kube_pod_container_status_last_terminated_reason{{{POD},reason="OOMKilled"}}': stands(1, 1),
            f"kube_pod_container_status_restarts_total{{{POD}}}": RESTARTED,
        },
        before=None,
        now=1,
    ),
    Filled("restarts", {f"kube_pod_container_status_restarts_total{{{POD}}}": RESTARTED}, before=0, now=1),
    Filled(
        "containers_waiting",
        {
            f'kube_pod_container_status_waiting_reason{{{POD},reason="CrashLoopBackOff"}}': stands(0, 1),
            f'kube_pod_container_status_waiting_reason{{{OTHER_POD},reason="CrashLoopBackOff"}}': stands(1, 1),
        },
        before=None,
        now=1,
    ),
)

WORKLOAD_FILLED = (
    Filled(
        "hosts_unhealthy",
        {
            'envoy_cluster_membership_healthy{envoy_cluster_name="shop",pod="a"}': stands(4, 1),
            'envoy_cluster_membership_total{envoy_cluster_name="shop",pod="a"}': stands(4, 4),
        },
        before=0,
        now=3 / 4,
    ),
    Filled(
        "requests_turned_away",
        {
            'envoy_cluster_upstream_rq_pending_overflow{envoy_cluster_name="shop",pod="a"}': counts(0, 60),
            'envoy_cluster_upstream_cx_connect_fail{envoy_cluster_name="shop",pod="a"}': counts(30, 30),
        },
        before=30 / 60,
        now=(60 + 30) / 60,
    ),
    Filled(
        "replicas_missing",
        {
            'kube_deployment_spec_replicas{namespace="prod",deployment="shop"}': stands(3, 5),
            'kube_deployment_status_replicas_available{namespace="prod",deployment="shop"}': stands(3, 2),
        },
        before=0,
        now=3,
    ),
    Filled(
        "autoscaler_at_max",
        {
            'kube_horizontalpodautoscaler_status_current_replicas{namespace="prod",horizontalpodautoscaler="shop"}': (
                stands(2, 10)
            ),
            'kube_horizontalpodautoscaler_spec_max_replicas{namespace="prod",horizontalpodautoscaler="shop"}': (
                stands(10, 10)
            ),
        },
        before=0.2,
        now=1,
    ),
    Filled(
        "kafka_lag",
        {
            'kafka_consumergroup_lag{consumergroup="shop",topic="orders",partition="0"}': stands(10, 100),
            'kafka_consumergroup_lag{consumergroup="shop",topic="orders",partition="1"}': stands(0, 50),
            'kafka_consumergroup_lag{consumergroup="shop",topic="mails",partition="0"}': stands(5, 5),
        },
        before=10,
        now=100 + 50,
    ),
    Filled(
        "kafka_lag_growth",
        {'kafka_consumergroup_lag{consumergroup="grows",topic="orders",partition="0"}': counts(0, 60)},
        before=0,
        now=1,
        subject="grows",
    ),
)

NODE = 'instance="10.0.0.5:9100"'
NODE_FILLED = (
    Filled(
        "node_cpu",
        {
            f'node_cpu_seconds_total{{{NODE},cpu="0",mode="idle"}}': counts(54, 6),
            f'node_cpu_seconds_total{{{NODE},cpu="1",mode="idle"}}': counts(54, 6),
            f'node_cpu_seconds_total{{{NODE},cpu="0",mode="user"}}': counts(6, 54),
        },
        before=1 - 54 / 60,
        now=1 - 6 / 60,
        subject="10.0.0.5",
    ),
    Filled(
        "node_memory",
        {
            f"node_memory_MemAvailable_bytes{{{NODE}}}": stands(900, 100),
            f"node_memory_MemTotal_bytes{{{NODE}}}": stands(1000, 1000),
        },
        before=0.1,
        now=0.9,
        subject="10.0.0.5",
    ),
    Filled(
        "node_disk",
        {
            f'node_filesystem_avail_bytes{{{NODE},mountpoint="/",fstype="ext4"}}': stands(500, 50),
            f'node_filesystem_size_bytes{{{NODE},mountpoint="/",fstype="ext4"}}': stands(1000, 1000),
            f'node_filesystem_avail_bytes{{{NODE},mountpoint="/run",fstype="tmpfs"}}': stands(0, 0),
            f'node_filesystem_size_bytes{{{NODE},mountpoint="/run",fstype="tmpfs"}}': stands(10, 10),
        },
        before=0.5,
        now=0.95,
        subject="10.0.0.5",
    ),
    Filled(
        "node_disk_fills",
        # 1000 a minute are gone for 20 minutes, and 4000 are left: not for 4 hours.
        {'node_filesystem_avail_bytes{instance="fills:9100",mountpoint="/",fstype="xfs"}': "24000x20 23000-1000x19"},
        before=None,
        now=1,
        subject="fills",
    ),
    *(
        Filled(
            f"node_{what}_pressure",
            {f"node_pressure_{what}_waiting_seconds_total{{{NODE}}}": counts(0.6, 30)},
            before=0.6 / 60,
            now=30 / 60,
            subject="10.0.0.5",
        )
        for what in ("cpu", "memory", "io")
    ),
)

FILLED = PROCESS_FILLED + POD_FILLED + WORKLOAD_FILLED + NODE_FILLED
