"""What a service contributes to its incident, as correlation sees it. All of it is independent of arrival order."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce

from shared.models.correlation import (
    MAX_LABEL_VALUES,
    MAX_NODE_LABELS,
    MAX_NODE_NAMES,
    MAX_STARTS,
    START_BUCKET,
    ServiceNode,
)
from shared.models.signals import Alert, AlertKind, Severity
from shared.redaction import MASKED

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
    # What is masked is no place: two services with a secret each in a label would seem to share it.
    told = {name: alert.labels.get(name, "") for name in PLACE_LABELS}
    labels = {name: (value,) for name, value in told.items() if value and MASKED not in value}
    return ServiceNode(
        service_name=alert.service_name,
        first_started_at=alert.starts_at,
        last_started_at=alert.starts_at,
        starts=(alert.starts_at,),
        severity=alert.severity.value,
        labels=dict(list(labels.items())[:MAX_NODE_LABELS]),
        names=(alert.name,),
        service_failure=alert.kind is AlertKind.SERVICE,
    )


def joined(one: ServiceNode, other: ServiceNode) -> ServiceNode:
    """Both in one: the earliest start, the worst severity, every place that either names."""
    worst = min(one.severity, other.severity, key=lambda name: Severity(name).rank)
    return ServiceNode(
        service_name=one.service_name,
        first_started_at=min(one.first_started_at, other.first_started_at),
        last_started_at=max(one.last_started_at, other.last_started_at),
        starts=_starts(one, other),
        severity=worst,
        labels=_labels(one, other),
        names=tuple(sorted({*one.names, *other.names})[:MAX_NODE_NAMES]),
        service_failure=one.service_failure or other.service_failure,
        pinned=one.pinned or other.pinned,
    )


def _starts(one: ServiceNode, other: ServiceNode) -> tuple[datetime, ...]:
    """The first of every five minutes. The ends of the list are kept: the order of arrival makes no difference."""
    first: dict[int, datetime] = {}
    for start in sorted({*one.starts, *other.starts}):
        first.setdefault(int(start.timestamp() // START_BUCKET.total_seconds()), start)
    kept = tuple(first.values())
    return kept if len(kept) <= MAX_STARTS else (*kept[: MAX_STARTS // 2], *kept[-MAX_STARTS // 2 :])


def _labels(one: ServiceNode, other: ServiceNode) -> dict[str, tuple[str, ...]]:
    names = [name for name in PLACE_LABELS if name in one.labels or name in other.labels]
    return {name: _values(one.labels.get(name), other.labels.get(name)) for name in names[:MAX_NODE_LABELS]}


def _values(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> tuple[str, ...]:
    """What either names. What is everywhere stays so, whatever comes: the order of arrival makes no difference."""
    if one == () or other == ():
        return ()
    both = tuple(sorted({*(one or ()), *(other or ())}))
    return both if len(both) <= MAX_LABEL_VALUES else ()


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
    """Whether correlation may decide differently: a service came, or something it looks at changed.

    When the latest alert started is nothing it looks at: every fresh alert moves that a little.
    """

    def looked_at(nodes: Sequence[ServiceNode]) -> dict[str, object]:
        return {
            one.service_name: (one.starts, one.labels, one.service_failure, one.severity, len(one.names) > 1)
            for one in nodes
        }

    return looked_at(before) != looked_at(after)
