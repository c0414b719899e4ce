"""Where services suffer: a node, a zone, a queue that two of them name is a ground to take them for one trouble."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address

from shared.incidents.correlation.features import onsets_of
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
SAME_PLACE, IN_CROWD, SAME_OWNER = 1.0, 0.9, 0.15
MAX_EARLIER = 8
"""A service in a place is compared with this many that suffered there before it."""


def places_of(nodes: Sequence[ServiceNode]) -> dict[tuple[str, str], float]:
    """How much places speak for pairs of (effect, cause); pairs of which they say nothing are absent."""
    found: dict[tuple[str, str], float] = {}
    for (label, place), there in _by_place(nodes).items():
        crowded = _crowded(label, place, nodes) if label in WIDE else {}
        for number, effect in enumerate(there):
            for cause in there[max(0, number - MAX_EARLIER) : number]:
                value = _in_crowd(effect, cause, crowded) if label in WIDE else _overlap(label, effect, cause)
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


def _crowded(label: str, place: str, nodes: Sequence[ServiceNode]) -> Mapping[str, Sequence[datetime]]:
    """When those that name this place alone fell ill together with more others there than chance puts there."""
    values = {value for node in nodes for value in node.labels.get(label, ())}
    if len(values) < 2:  # noqa: PLR2004 -- no contrast
        return {}
    onsets = {node.service_name: onsets_of(node) for node in nodes if len(node.labels.get(label, ())) == 1}
    here = {node.service_name for node in nodes if node.labels.get(label) == (place,)}
    found: dict[str, list[datetime]] = defaultdict(list)
    for name in here:
        for began in onsets[name]:
            near = [one for one in onsets if _is_near(began, onsets[one])]
            if _at_least(len(here.intersection(near)), len(near), 1 / len(values)) <= CHANCE:
                found[name].append(began)
    return found


def _in_crowd(effect: ServiceNode, cause: ServiceNode, crowded: Mapping[str, Sequence[datetime]]) -> float:
    """Whether both fell ill, or did once more, when many did in the one place that both name."""
    if effect.service_name not in crowded:
        return 0.0
    return (
        IN_CROWD if any(_is_near(began, onsets_of(effect)) for began in crowded.get(cause.service_name, ())) else 0.0
    )


def _is_near(moment: datetime, onsets: Sequence[datetime]) -> bool:
    return any(abs(onset - moment) <= CROWD for onset in onsets)


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
        (node.service_name, value): SAME_PLACE
        for node in nodes
        for label in DEPENDENCIES.intersection(node.labels)
        for value in node.labels[label]
        if value in names and value != node.service_name
    }
