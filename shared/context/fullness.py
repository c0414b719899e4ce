"""How near to its limit a value of the table of resources is, and whether that is worth a look. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from shared.context.conventions import Resource
from shared.models.measures import Pressure

CHANGED_SHARE = 0.2
"""A share that moved so far since before the trouble is worth a look, wherever it is."""
CHANGED_TIMES, CHANGED_COUNT = 2.0, 100.0
"""What has no limit is worth a look when it is so many times what it was, and by so much more."""


@dataclass(frozen=True)
class Bounds:
    """From where on a value is near its limit, and from where on at it."""

    near: float
    exceeded: float


_FILLS = Bounds(0.8, 0.95)
_ROOMY = Bounds(0.85, 0.95)
"""Of what is kept well filled on purpose: heaps before a collection, memory for caches, disks."""
_STALLS = Bounds(0.2, 0.4)
_ANY = Bounds(0.01, 0.01)
_SOME = Bounds(0.5, 0.5)
"""A whole one, though `increase` extrapolates."""
_UNLIMITED = Bounds(math.inf, math.inf)

BOUNDS: Mapping[str, Bounds] = {
    "targets_down": _ANY,
    "file_descriptors": _FILLS,
    "jvm_heap": _ROOMY,
    "hikari_pool": _FILLS,
    "hikari_waiting": _SOME,
    "go_sql_pool": _FILLS,
    "cpu_of_limit": _FILLS,
    "cpu_throttled": Bounds(0.1, 0.25),
    "memory_of_limit": _FILLS,
    "oom_killed": _SOME,
    "restarts": _SOME,
    "containers_waiting": _SOME,
    "replicas_missing": _SOME,
    "autoscaler_at_max": Bounds(0.8, 1.0),
    "hosts_unhealthy": _ANY,
    "requests_turned_away": _ANY,
    "kafka_lag": _UNLIMITED,
    # A topic with a steady consumer wavers by less.
    "kafka_lag_growth": Bounds(1.0, math.inf),
    "node_cpu": _FILLS,
    "node_memory": _ROOMY,
    "node_disk": _ROOMY,
    "node_disk_fills": _SOME,
    "node_cpu_pressure": _STALLS,
    # Waiting for memory is rare on a machine that has enough of it.
    "node_memory_pressure": Bounds(0.1, 0.2),
    "node_io_pressure": _STALLS,
}
"""By the row of the table."""


def pressure_of(resource: Resource, value: float) -> Pressure:
    """Whether it is at its limit, near it, or below."""
    bounds = BOUNDS[resource.name]
    if value >= bounds.exceeded:
        return Pressure.EXCEEDED
    return Pressure.NEAR if value >= bounds.near else Pressure.BELOW


def has_changed(resource: Resource, value: float, before: float | None) -> bool:
    """Whether it is another now than before the trouble: what reached its limit, left it, or moved far."""
    if before is None:
        return False
    if (pressure_of(resource, value) is Pressure.EXCEEDED) is not (
        pressure_of(resource, before) is Pressure.EXCEEDED
    ):
        return True
    if resource.unit in ("ratio", "share"):
        return abs(value - before) >= CHANGED_SHARE
    return value >= CHANGED_TIMES * before and value - before >= CHANGED_COUNT


def is_worth_showing(resource: Resource, value: float, before: float | None) -> bool:
    """What is near its limit, at it, or has changed. The rest is as it should be."""
    return pressure_of(resource, value) is not Pressure.BELOW or has_changed(resource, value, before)
