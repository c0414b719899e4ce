"""A table: which metric families say how a service does, and the PromQL that asks them. A convention is a row."""

from shared.context.conventions.detect import bindings_of, detection, paces
from shared.context.conventions.expressions import (
    BACK,
    Asked,
    bounds,
    bounds_of,
    can_answer,
    error_ratio,
    expression,
    is_at_least,
    latency,
    saturation,
)
from shared.context.conventions.pressure import IN_NAMESPACES, RESOURCE, SUBJECT, machines, pressures
from shared.context.conventions.resources import RESOURCES
from shared.context.conventions.rows import SERVICE_LABELS, Binding, Carrier, Convention, Resource
from shared.context.conventions.table import BINDINGS, CONVENTIONS
from shared.context.conventions.versions import VERSION_LABEL, build_service_of, build_versions

__all__ = [
    "BACK",
    "BINDINGS",
    "CONVENTIONS",
    "IN_NAMESPACES",
    "RESOURCE",
    "RESOURCES",
    "SERVICE_LABELS",
    "SUBJECT",
    "VERSION_LABEL",
    "Asked",
    "Binding",
    "Carrier",
    "Convention",
    "Resource",
    "bindings_of",
    "bounds",
    "bounds_of",
    "build_service_of",
    "build_versions",
    "can_answer",
    "detection",
    "error_ratio",
    "expression",
    "is_at_least",
    "latency",
    "machines",
    "paces",
    "pressures",
    "saturation",
]
