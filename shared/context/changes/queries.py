"""The PromQL that tells of changes: three questions for all services around, each a union told apart by a label."""

from collections.abc import Iterable, Sequence

from shared.context.conventions import SERVICE_LABELS, build_versions
from shared.context.promql import alternation, one_of, quoted
from shared.context.service_names import folded, plain

BINDING = "binding"
TARGET_INFO, REPLICA_SET, CONFIG_MAP, STARTED = "target_info", "replicaset", "configmap", "started"
NAMESPACES = ("exported_namespace", "namespace")
"""A scrape that does not honour labels moves the namespace of the object to the first of them."""
OTEL_VERSION, STARTED_AT = "service_version", "started"

_HASH = "-[bcdfghjklmnpqrstvwxz2456789]{1,10}"
"""What a Deployment adds to its name for a ReplicaSet: letters that make no words (Kubernetes' SafeEncodeString)."""
_OF_KIND = "(-service|-svc|-deployment)?"
_FOR_CONFIG = "(-(config|configmap|configuration|cm|env|settings))?"


def running(services: Sequence[str]) -> str:
    """Which versions, ReplicaSets and config maps of these services there are, for a range: all change by appearing,
    but a config map, whose value does.
    """
    return " or ".join((build_versions(services), otel_versions(services), replica_sets(services), configs(services)))


def births(services: Sequence[str], *, since: float, started_since: float) -> str:
    """When ReplicaSets of these services were made, and how many of their processes began in which minute."""
    return f"{_created(services, since)} or {started(services, since=started_since)}"


def started(services: Sequence[str], *, since: float) -> str:
    """How many processes of these services began in which minute."""
    return " or ".join(_started(label, services, since) for label in SERVICE_LABELS)


def otel_versions(services: Sequence[str]) -> str:
    """By OpenTelemetry's resource: `job` is the service's name, after its namespace where it has one."""
    job = f"job=~{quoted(f'(.+/)?({alternation(services)})')}"
    return _bound(f'count by (job, {OTEL_VERSION}) (target_info{{{job},{OTEL_VERSION}!=""}})', TARGET_INFO)


def replica_sets(services: Sequence[str]) -> str:
    """ReplicaSets that are to have pods. Asked by name: joining them with their owners would read all there are."""
    of = f"replicaset=~{_objects(services, _HASH)}"
    return _bound(f"count by ({_by('replicaset')}) (kube_replicaset_spec_replicas{{{of}}} > 0)", REPLICA_SET)


def configs(services: Sequence[str]) -> str:
    """Config maps named after a service; their value is the version of the object."""
    of = f"configmap=~{_objects(services, _FOR_CONFIG)}"
    return _bound(f"max by ({_by('configmap')}) (kube_configmap_metadata_resource_version{{{of}}})", CONFIG_MAP)


def _created(services: Sequence[str], since: float) -> str:
    """Of those that are new or have pods: a Deployment keeps ten old ones beside them."""
    of, by = f"{{replicaset=~{_objects(services, _HASH)}}}", _by("replicaset")
    new = f"max by ({by}) (kube_replicaset_created{of} > {since:.0f})"
    used = f"max by ({by}) (kube_replicaset_created{of}) and count by ({by}) (kube_replicaset_spec_replicas{of} > 0)"
    return _bound(f"({new} or {used})", REPLICA_SET)


def _started(label: str, services: Sequence[str], since: float) -> str:
    minute = f"floor((process_start_time_seconds{{{one_of(label, services)}}} > {since:.0f}) / 60) * 60"
    return _bound(f'count_values by ({label}) ("{STARTED_AT}", {minute})', f"{STARTED}/{label}")


def _objects(services: Iterable[str], suffix: str) -> str:
    names = {name for service in services for name in (folded(service).rpartition("/")[2], plain(service))}
    return quoted(f"({alternation(names)}){_OF_KIND}{suffix}")


def _by(label: str) -> str:
    return ", ".join((*NAMESPACES, label))


def _bound(expression: str, binding: str) -> str:
    return f'label_replace({expression}, "{BINDING}", "{binding}", "", "")'
