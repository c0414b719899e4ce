"""How far an alert elsewhere belongs to an incident's trouble: by time, by who calls whom, by where it is. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.context.neighbourhood import Neighbour

SERVICE_LABELS = ("service", "service_name", "job", "app", "app_kubernetes_io_name", "deployment")
"""Labels of an alert that may name its service."""
BY_TIME, BY_TOPOLOGY, BY_LABELS = 0.4, 0.4, 0.2
RELATED_FROM = 0.45
FADES_SECONDS = 600.0
"""How fast a distance in time stops counting: so many seconds e-fold."""
_BY_HOPS = {0: 1.0, 1: 0.9, 2: 0.6}
_LEAST = 0.005
_TELLING_NOTHING = frozenset({"alertname", "severity", "prometheus", "monitor", "receiver"})


@dataclass(frozen=True)
class Elsewhere:
    """An alert that is not of the incident."""

    service: str
    starts_at: datetime
    labels: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Ours:
    """The incident that it is compared with."""

    service: str
    began_at: datetime
    neighbours: Mapping[str, Neighbour]
    labels: frozenset[tuple[str, str]]


def factors_of(ours: Ours, other: Elsewhere) -> dict[str, float]:
    """Each ground from 0 to 1; those that say nothing are left out."""
    apart = abs((other.starts_at - ours.began_at).total_seconds())
    grounds = {
        "time": math.exp(-apart / FADES_SECONDS),
        "topology": _nearness(ours, other.service),
        "labels": _place(ours.labels, other.labels),
    }
    return {name: round(value, 3) for name, value in grounds.items() if value >= _LEAST}


def score_of(factors: Mapping[str, float]) -> float:
    """The weighed sum, 0 to 1. Time alone relates nothing, as much happens at the same moment."""
    if not factors.keys() & {"topology", "labels"}:
        return 0.0
    worth = {"time": BY_TIME, "topology": BY_TOPOLOGY, "labels": BY_LABELS}
    return round(sum(worth[name] * value for name, value in factors.items()), 3)


def service_named(labels: Mapping[str, str], services: frozenset[str]) -> str | None:
    """Which of these services an alert's labels name, by the label that says it most plainly."""
    return next((labels[name] for name in SERVICE_LABELS if labels.get(name) in services), None)


def telling(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """The labels that say where an alert is from."""
    return frozenset((name, value) for name, value in labels.items() if name not in _TELLING_NOTHING)


def _nearness(ours: Ours, service: str) -> float:
    if service == ours.service:
        return _BY_HOPS[0]
    near = ours.neighbours.get(service)
    return _BY_HOPS.get(near.hops, 0.0) if near else 0.0


def _place(one: frozenset[tuple[str, str]], other: frozenset[tuple[str, str]]) -> float:
    """The share of the labels that both have with which they agree."""
    names = {name for name, _ in one} & {name for name, _ in other}
    agree = {name for name, _ in one & other}
    return len(agree) / len(names) if names else 0.0
