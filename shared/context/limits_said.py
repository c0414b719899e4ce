"""What it means for a service that something it runs on is so full, in one plain sentence."""

from collections.abc import Mapping

from shared.models.evidence import LimitEvidence
from shared.models.measures import Pressure
from shared.models.quantities import number, percent

PHRASES: Mapping[str, str] = {
    "targets_down": "{} of its processes cannot be scraped",
    "file_descriptors": "{} of the file descriptors of a process are open",
    "jvm_heap": "{} of the heap of a process is in use",
    "hikari_pool": "{} of a pool's database connections are in use",
    "hikari_waiting": "{} threads wait for a database connection",
    "go_sql_pool": "{} of a pool's database connections are in use",
    "cpu_of_limit": "a container uses {} of its CPU limit",
    "cpu_throttled": "a container is held back at its CPU limit {} of the time",
    "memory_of_limit": "a container uses {} of its memory limit",
    "oom_killed": "a container was killed for its memory within 15 minutes",
    "restarts": "restarts of a container within 15 minutes: {}",
    "containers_waiting": "a container waits and cannot start",
    "replicas_missing": "replicas that are missing: {}",
    "autoscaler_at_max": "{} of the replicas that its autoscaler may run are there",
    "hosts_unhealthy": "Envoy takes {} of its hosts for unhealthy",
    "requests_turned_away": "Envoy turns {} requests/s away",
    "kafka_lag": "messages that wait for it in a topic: {}",
    "kafka_lag_growth": "the messages that wait for it in a topic become {} more each second",
    "node_cpu": "{} of the CPU time is used",
    "node_memory": "{} of the memory is used",
    "node_disk": "a file system is {} full",
    "node_disk_fills": "a file system will be full within 4 hours if it goes on like this",
    "node_cpu_pressure": "something waits for a CPU {} of the time",
    "node_memory_pressure": "something waits for memory {} of the time",
    "node_io_pressure": "something waits for a disk {} of the time",
}
"""By the row of the conventions; `{}` is the value with its unit."""
_SHARES = frozenset(("ratio", "share"))
_TOLD = {Pressure.EXCEEDED: " (at its limit)", Pressure.NEAR: " (near its limit)", Pressure.BELOW: ""}


def limit_said(piece: LimitEvidence) -> str:
    """The sentence. A row of an earlier version is told by its name."""
    phrase = PHRASES.get(piece.resource, f"{piece.resource.replace('_', ' ')} is {{}}")
    told = phrase.replace("{}", _amount(piece, piece.value))
    level = _TOLD[piece.pressure] if piece.unit == "ratio" else ""
    return f"{_whose(piece)}: {told}{level}{_before(piece)}."


def _whose(piece: LimitEvidence) -> str:
    if piece.carrier == "node":
        return f"The machine {piece.subject} of {piece.service}"
    within = f" in {piece.namespace}" if piece.namespace else ""
    return f"{piece.service}{'' if piece.subject == piece.service else f' ({piece.subject})'}{within}"


def _before(piece: LimitEvidence) -> str:
    if piece.value_before is None:
        return ""
    return f"; it was {_amount(piece, piece.value_before)} before the trouble"


def _amount(piece: LimitEvidence, value: float) -> str:
    return percent(value) if piece.unit in _SHARES else number(value)
