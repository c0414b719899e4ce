"""What speaks for one service explaining another: time, topology, labels, changes; unknown is not zero."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.models.correlation import Features, ServiceNode

SKEW_SECONDS = 90.0
"""`for:` clauses and scrape intervals blur the order of starts by this much."""
CHANGE_BEFORE = timedelta(minutes=30)
COMMON_SHARE = 0.5
"""A label value that this share of all services has says nothing about two of them."""

_WEIGHTS: Mapping[str, float] = {"topology": 0.45, "time": 0.25, "labels": 0.2, "change": 0.1}
_SPECIFICITY: Mapping[str, float] = {
    **dict.fromkeys(
        ("node", "host", "hostname", "rack", "database", "db", "queue", "topic", "upstream", "dependency"), 1.0
    ),
    **dict.fromkeys(("zone", "availability_zone", "topology_kubernetes_io_zone"), 0.8),
    **dict.fromkeys(("instance",), 0.9),
    **dict.fromkeys(("region", "datacenter", "cluster", "namespace", "kubernetes_namespace", "team"), 0.3),
}
CALLEE, CALLEE_FAR, CALLER = 1.0, 0.6, 0.3
TELLING_LABEL = 0.8


@dataclass(frozen=True)
class Evidence:
    """What is known of all services at once."""

    calls: Mapping[str, frozenset[str]] | None
    changes: Mapping[str, Sequence[datetime]] | None
    common: frozenset[tuple[str, str]]
    measured: frozenset[str] = frozenset()
    """Every service that the topology knows of."""


def common_labels(nodes: Sequence[ServiceNode]) -> frozenset[tuple[str, str]]:
    """The label values that most services have."""
    counted: Counter[tuple[str, str]] = Counter(pair for node in nodes for pair in node.labels.items())
    return frozenset(pair for pair, count in counted.items() if count > max(2.0, len(nodes) * COMMON_SHARE))


def features_of(
    effect: ServiceNode, cause: ServiceNode, known: Evidence, *, window_seconds: float
) -> Features | None:
    """What speaks for `cause` explaining `effect`; None when nothing but time does, or they are too far apart."""
    # The ground first: most pairs have none, and much happens at the same moment.
    topology, labels = _topology(effect.service_name, cause.service_name, known), _labels(effect, cause, known.common)
    if (topology or 0.0) < CALLER and (labels or 0.0) < TELLING_LABEL:
        return None
    lag = _lag(effect, cause, window_seconds=window_seconds)
    if lag is None:
        return None
    return Features(
        time=_time(lag, window_seconds),
        topology=topology,
        labels=labels,
        change=_change(cause, known.changes),
    )


def _lag(effect: ServiceNode, cause: ServiceNode, *, window_seconds: float) -> float | None:
    """How much later the effect began, by the pair of starts that lie closest; None when none is near enough.

    A service that has fired for hours may begin to matter with its latest alert.
    """
    lags = [
        (later - earlier).total_seconds()
        for later in (effect.first_started_at, effect.last_started_at)
        for earlier in (cause.first_started_at, cause.last_started_at)
    ]
    near = [lag for lag in lags if -SKEW_SECONDS <= lag <= window_seconds]
    return min(near, key=lambda lag: (abs(lag), lag)) if near else None


def score_of(features: Features) -> float:
    """The weighted mean of what is known."""
    known = {name: value for name in _WEIGHTS if (value := getattr(features, name)) is not None}
    total = sum(_WEIGHTS[name] for name in known)
    return sum(_WEIGHTS[name] * value for name, value in known.items()) / total if total else 0.0


def _time(lag: float, window_seconds: float) -> float:
    return round(math.exp(-max(lag, 0.0) / (window_seconds / 3)), 4)


def measured(calls: Mapping[str, frozenset[str]] | None) -> frozenset[str]:
    """Every service that calls or is called."""
    return frozenset(calls or ()).union(*(calls or {}).values())


def _topology(effect: str, cause: str, known: Evidence) -> float | None:
    calls = known.calls
    if calls is None or effect not in known.measured or cause not in known.measured:
        return None
    near = calls.get(effect, frozenset())
    if cause in near:
        return CALLEE
    if any(cause in calls.get(between, ()) for between in near):
        return CALLEE_FAR
    return CALLER if effect in calls.get(cause, ()) else 0.0


def _labels(effect: ServiceNode, cause: ServiceNode, common: frozenset[tuple[str, str]]) -> float | None:
    told = [name for name in effect.labels if name in cause.labels and name in _SPECIFICITY]
    telling = [name for name in told if (name, effect.labels[name]) not in common]
    if not telling:
        return None
    return max((_SPECIFICITY[name] for name in telling if effect.labels[name] == cause.labels[name]), default=0.0)


def _change(cause: ServiceNode, changes: Mapping[str, Sequence[datetime]] | None) -> float | None:
    if changes is None or cause.service_name not in changes:
        return None
    started = cause.first_started_at
    return 1.0 if any(started - CHANGE_BEFORE <= at <= started for at in changes[cause.service_name]) else None


def by_service(changes: Iterable[tuple[str, datetime, str]]) -> dict[str, list[datetime]]:
    """When each service was changed."""
    found: dict[str, list[datetime]] = {}
    for service, at, _ in changes:
        found.setdefault(service, []).append(at)
    return found
