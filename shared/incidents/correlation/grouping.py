"""Group services by what explains them: each leans on at most one other, and what leans on nothing is a root."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

from shared.incidents.correlation.features import time_between
from shared.incidents.correlation.links import Link, Surroundings, links_between
from shared.incidents.correlation.siblings import siblings_among
from shared.incidents.nodes import joined
from shared.models.base import IncidentId
from shared.models.correlation import CorrelationPolicy, Features, ServiceNode, Verdict


@dataclass(frozen=True)
class Placed:
    """A service and the open incident it is in."""

    node: ServiceNode
    incident_id: IncidentId
    detected_at: datetime


@dataclass(frozen=True)
class Grouping:
    """The root of every service, and the links that led there."""

    roots: Mapping[str, str]
    links: Mapping[str, Link]


def group(placed: Sequence[Placed], around: Surroundings, policy: CorrelationPolicy) -> Grouping:
    """The groups that these services make; depends on the set of them, not on their order."""
    nodes = _nodes(placed)
    forest = _Forest(nodes, _parted(around))
    for incident_id in sorted({one.incident_id for one in placed if one.node.pinned}):
        forest.pin(
            sorted(one.node.service_name for one in placed if one.node.pinned and one.incident_id == incident_id)
        )
    for link in _put_together(nodes, around, policy):
        forest.add(link)
    for link in links_between(nodes, around, policy):
        forest.add(link, max_services=policy.max_services)
    for link in siblings_among(forest.unexplained(), nodes, around, policy):
        forest.add(link, max_services=policy.max_services)
    return forest.grouping()


def _nodes(placed: Sequence[Placed]) -> dict[str, ServiceNode]:
    """By service; one that is in two open incidents at once is looked at as one."""
    found: dict[str, list[ServiceNode]] = {}
    for one in sorted(placed, key=lambda one: (one.node.service_name, one.incident_id)):
        found.setdefault(one.node.service_name, []).append(one.node)
    return {name: reduce(joined, several) for name, several in found.items()}


def _parted(around: Surroundings) -> dict[str, set[str]]:
    parted: dict[str, set[str]] = {}
    for pair, verdict in (around.history or {}).items():
        if verdict is Verdict.APART:
            for name in pair:
                parted.setdefault(name, set()).update(pair - {name})
    return parted


def _put_together(
    nodes: Mapping[str, ServiceNode], around: Surroundings, policy: CorrelationPolicy
) -> Iterator[Link]:
    """What people said belongs together: the incidents they merged, and from then on what begins at the same time."""
    pairs = [pair for pair, verdict in (around.history or {}).items() if verdict is Verdict.TOGETHER]
    for pair in sorted(tuple(sorted(pair)) for pair in pairs if pair <= nodes.keys()):
        cause, effect = sorted(
            (nodes[name] for name in pair),
            key=lambda one: (one.pinned is False, one.first_started_at, one.service_name),
        )
        time = time_between(effect, cause, window_seconds=policy.window_seconds)
        if time is None and not cause.pinned:
            continue
        yield Link(effect.service_name, cause.service_name, 1.0, Features(time=time, history=1.0))


class _Forest:
    """Grows groups link by link; refuses what a person parted, what is pinned elsewhere, and what is too large."""

    def __init__(self, nodes: Mapping[str, ServiceNode], parted: Mapping[str, set[str]]) -> None:
        self._nodes = nodes
        self._parted = parted
        self._members = {name: {name} for name in nodes}
        self._links: dict[str, Link] = {}

    def pin(self, names: Sequence[str]) -> None:
        """Keep services together whatever else is known: a person put them there."""
        for name in names[1:]:
            self._unite(names[0], name)

    def add(self, link: Link, *, max_services: int | None = None) -> None:
        """Take a link unless its effect has one already or the groups must not become one."""
        if link.effect in self._links or self._leads_to(link.cause, link.effect):
            return
        one, other = self._members[link.effect], self._members[link.cause]
        if one is not other:
            is_too_large = max_services is not None and len(one) + len(other) > max_services
            if is_too_large or self._must_stay_apart(one, other):
                return
            self._unite(link.effect, link.cause)
        if not self._nodes[link.effect].pinned:
            self._links[link.effect] = link

    def unexplained(self) -> frozenset[str]:
        """What leans on nothing so far."""
        return frozenset(self._nodes.keys() - self._links.keys())

    def grouping(self) -> Grouping:
        """What has grown; the root is who leans on nothing, the earliest if they are several."""
        roots = {}
        for name, members in self._members.items():
            free = [self._nodes[one] for one in members if one not in self._links]
            roots[name] = min(free, key=lambda one: (one.first_started_at, one.service_name)).service_name
        return Grouping(roots, self._links)

    def _leads_to(self, name: str, wanted: str) -> bool:
        while name in self._links:
            name = self._links[name].cause
        return name == wanted

    def _must_stay_apart(self, one: set[str], other: set[str]) -> bool:
        if all(any(self._nodes[name].pinned for name in members) for members in (one, other)):
            return True
        return any(not self._parted.get(name, set()).isdisjoint(other) for name in one)

    def _unite(self, one: str, other: str) -> None:
        if self._members[one] is not self._members[other]:
            both = self._members[one] | self._members[other]
            for name in both:
                self._members[name] = both
