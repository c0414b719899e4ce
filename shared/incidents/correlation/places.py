"""Where services suffer: a node, a zone, a queue that two of them name is a ground to take them for one trouble."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from ipaddress import ip_address

from shared.models.correlation import ServiceNode

NARROW = frozenset({"node", "host", "hostname", "instance", "rack"})
"""Few services are in such a place: two that name the same one are related."""
DEPENDENCIES = frozenset({"database", "db", "queue", "topic", "upstream", "dependency"})
"""What a service needs; narrow too, and often named like the service that provides it."""
WIDE = frozenset({"zone", "availability_zone", "topology_kubernetes_io_zone", "region", "datacenter", "cluster"})
"""Many are in such a place: it tells only when more than chance would have it are there."""
OWNED = frozenset({"namespace", "kubernetes_namespace", "team"})
"""Who runs it: a hint between two explanations, none of its own."""

CROWD = timedelta(minutes=3)
CHANCE = 0.04
"""A crowd in a wide place that chance makes this rarely is no chance."""
IN_CROWD, SAME_OWNER = 0.9, 0.15
MAX_EARLIER = 8
"""A service in a place is compared with this many that suffered there before it."""


def places_of(nodes: Sequence[ServiceNode]) -> dict[tuple[str, str], float]:
    """How much places speak for pairs of (effect, cause); pairs of which they say nothing are absent."""
    found: dict[tuple[str, str], float] = {}
    for (label, _), there in _by_place(nodes).items():
        wide = label in WIDE
        if wide and len({value for node in nodes for value in node.labels.get(label, ())}) < 2:  # noqa: PLR2004 -- no contrast
            continue
        for number, effect in enumerate(there):
            for cause in there[max(0, number - MAX_EARLIER) : number]:
                value = _in_crowd(label, effect, cause, nodes) if wide else _overlap(label, effect, cause)
                pair = (effect.service_name, cause.service_name)
                found[pair] = max(found.get(pair, 0.0), value)
    return {pair: round(value, 4) for pair, value in (found | _named(nodes)).items() if value}


def same_owner(one: ServiceNode, other: ServiceNode) -> float | None:
    """A little when both name the same owner; None when either names none."""
    both = [label for label in OWNED if one.labels.get(label) and other.labels.get(label)]
    if not both:
        return None
    return SAME_OWNER if any(one.labels[label] == other.labels[label] for label in both) else 0.0


def _by_place(nodes: Sequence[ServiceNode]) -> Mapping[tuple[str, str], list[ServiceNode]]:
    """Who suffers at each place, in the order in which they began to."""
    there: dict[tuple[str, str], list[ServiceNode]] = defaultdict(list)
    for node in sorted(nodes, key=lambda one: (one.first_started_at, one.service_name)):
        for label in node.labels:
            if label in NARROW or label in DEPENDENCIES or label in WIDE:
                for value in _values(label, node):
                    there[label, value].append(node)
    return there


def _values(label: str, node: ServiceNode) -> frozenset[str]:
    """The places it names, without ports, and without those that are this very machine for everybody."""
    values = (_host(value) if label in NARROW else value for value in node.labels.get(label, ()))
    return frozenset(value for value in values if value and not _is_loopback(value))


def _host(value: str) -> str:
    host, colon, port = value.rpartition(":")
    return host.strip("[]") if colon and port.isdigit() else value


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _overlap(label: str, one: ServiceNode, other: ServiceNode) -> float:
    """A service that suffers at several places is less likely to suffer from this one."""
    mine, theirs = _values(label, one), _values(label, other)
    return len(mine & theirs) / max(len(mine), len(theirs))


def _in_crowd(label: str, effect: ServiceNode, cause: ServiceNode, nodes: Sequence[ServiceNode]) -> float:
    """Whether those that began to suffer at the same time crowd in the place that both name."""
    place = cause.labels[label]
    if effect.labels[label] != place or len(place) != 1:
        return 0.0
    began = cause.first_started_at
    near = [
        node for node in nodes if len(node.labels.get(label, ())) == 1 and abs(node.first_started_at - began) <= CROWD
    ]
    crowd = sum(1 for node in near if node.labels[label] == place)
    values = {value for node in nodes for value in node.labels.get(label, ())}
    return IN_CROWD if _at_least(crowd, len(near), 1 / len(values)) <= CHANCE else 0.0


def _at_least(count: int, total: int, likely: float) -> float:
    """How often chance puts so many of all there."""
    return sum(
        math.comb(total, number) * likely**number * (1 - likely) ** (total - number)
        for number in range(count, total + 1)
    )


def _named(nodes: Sequence[ServiceNode]) -> dict[tuple[str, str], float]:
    """Services whose alerts name another one as what they need."""
    names = {node.service_name for node in nodes}
    return {
        (node.service_name, value): 1.0
        for node in nodes
        for label in DEPENDENCIES.intersection(node.labels)
        for value in node.labels[label]
        if value in names and value != node.service_name
    }
