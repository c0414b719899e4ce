"""What a service contributes to its incident, as correlation sees it. All of it is independent of arrival order."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce

from shared.models.correlation import MAX_NODE_LABELS, MAX_NODE_NAMES, ServiceNode
from shared.models.signals import Alert, AlertKind, Severity

PLACE_LABELS = (
    "node",
    "host",
    "hostname",
    "instance",
    "rack",
    "zone",
    "availability_zone",
    "topology_kubernetes_io_zone",
    "region",
    "datacenter",
    "cluster",
    "namespace",
    "kubernetes_namespace",
    "environment",
    "env",
    "database",
    "db",
    "queue",
    "topic",
    "upstream",
    "dependency",
    "team",
)
"""Labels that say where an alert is from: two services may share these because they share a trouble."""


def node_of(alert: Alert) -> ServiceNode:
    """What one alert contributes."""
    labels = {name: alert.labels[name] for name in PLACE_LABELS if alert.labels.get(name)}
    return ServiceNode(
        service_name=alert.service_name,
        first_started_at=alert.starts_at,
        last_started_at=alert.starts_at,
        severity=alert.severity.value,
        labels=dict(list(labels.items())[:MAX_NODE_LABELS]),
        names=(alert.name,),
        service_failure=alert.kind is AlertKind.SERVICE,
    )


def joined(one: ServiceNode, other: ServiceNode) -> ServiceNode:
    """Both in one: the earliest start, the worst severity, the labels on which they agree."""
    worst = min(one.severity, other.severity, key=lambda name: Severity(name).rank)
    return ServiceNode(
        service_name=one.service_name,
        first_started_at=min(one.first_started_at, other.first_started_at),
        last_started_at=max(one.last_started_at, other.last_started_at),
        severity=worst,
        labels={name: value for name, value in one.labels.items() if other.labels.get(name) == value},
        names=tuple(sorted({*one.names, *other.names})[:MAX_NODE_NAMES]),
        service_failure=one.service_failure or other.service_failure,
        pinned=one.pinned or other.pinned,
    )


def nodes_of(alerts: Iterable[Alert]) -> dict[str, ServiceNode]:
    """The nodes that alerts make, by service."""
    by_service: dict[str, list[ServiceNode]] = defaultdict(list)
    for alert in alerts:
        by_service[alert.service_name].append(node_of(alert))
    return {service: reduce(joined, nodes) for service, nodes in by_service.items()}


def with_nodes(present: Sequence[ServiceNode], added: Mapping[str, ServiceNode]) -> tuple[ServiceNode, ...]:
    """The nodes of an incident after more alerts, in the order in which their services came."""
    known = {node.service_name: node for node in present}
    for service, node in added.items():
        known[service] = joined(known[service], node) if service in known else node
    return tuple(known.values())


def is_news(before: Sequence[ServiceNode], after: Sequence[ServiceNode]) -> bool:
    """Whether correlation may decide differently: a service came, or something it looks at changed."""

    def looked_at(nodes: Sequence[ServiceNode]) -> dict[str, object]:
        return {
            one.service_name: (one.first_started_at, _minute(one.last_started_at), one.labels, one.service_failure)
            for one in nodes
        }

    return looked_at(before) != looked_at(after)


def _minute(moment: datetime) -> datetime:
    """Every fresh alert moves the latest start a little, which decides nothing."""
    return moment.replace(second=0, microsecond=0)
