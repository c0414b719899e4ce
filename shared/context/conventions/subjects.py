"""Where names stand that limits belong to: workloads, autoscalers, consumer groups and processes."""

from dataclasses import dataclass

from shared.context.conventions.rows import SERVICE_LABELS, Carrier


@dataclass(frozen=True)
class Subject:
    """A metric whose labels name what has limits."""

    name: str
    carrier: Carrier
    series: str
    labels: tuple[str, ...]

    def listed_as(self, label: str) -> str:
        """What tells it from the others, as a binding's name does."""
        return f"{self.name}/{label}"


# The pods of a workload bear its name, whichever kind it is of.
SUBJECTS = (
    Subject("deployments", Carrier.DEPLOYMENT, "kube_deployment_spec_replicas", ("deployment",)),
    Subject("stateful_sets", Carrier.POD, "kube_statefulset_replicas", ("statefulset",)),
    Subject("daemon_sets", Carrier.POD, "kube_daemonset_status_desired_number_scheduled", ("daemonset",)),
    Subject(
        "autoscalers",
        Carrier.AUTOSCALER,
        "kube_horizontalpodautoscaler_spec_max_replicas",
        ("horizontalpodautoscaler",),
    ),
    Subject("consumer_groups", Carrier.CONSUMER_GROUP, "kafka_consumergroup_lag", ("consumergroup",)),
    Subject("upstreams", Carrier.UPSTREAM, "envoy_cluster_membership_total", ("envoy_cluster_name",)),
    Subject("processes", Carrier.PROCESS, "process_max_fds", SERVICE_LABELS),
)
