"""Group services by what explains them: each leans on at most one other, and what leans on nothing is a root."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.incidents.correlation.features import (
    Evidence,
    by_service,
    common_labels,
    features_of,
    measured,
    score_of,
)
from shared.models.base import IncidentId
from shared.models.correlation import CorrelationPolicy, Features, ServiceNode, Verdict


@dataclass(frozen=True)
class Placed:
    """A service and the open incident it is in."""

    node: ServiceNode
    incident_id: IncidentId
    detected_at: datetime


@dataclass(frozen=True)
class Surroundings:
    """What is known beside the alerts; None is unknown."""

    calls: Mapping[str, frozenset[str]] | None = None
    changes: Sequence[tuple[str, datetime, str]] | None = None
    history: Mapping[frozenset[str], Verdict] | None = None


@dataclass(frozen=True)
class Link:
    """One service leans on another."""

    effect: str
    cause: str
    score: float
    features: Features


@dataclass(frozen=True)
class Grouping:
    """The root of every service, and the links that led there."""

    roots: Mapping[str, str]
    links: Mapping[str, Link]


def group(placed: Sequence[Placed], around: Surroundings, policy: CorrelationPolicy) -> Grouping:
    """The groups that these services make; depends on the set of them, not on their order."""
    nodes = {one.node.service_name: one.node for one in placed}
    links: dict[str, Link] = {}
    sizes = dict.fromkeys(nodes, 1)
    for link in _candidates(nodes, around, policy):
        root, own = _root(link.cause, links), _root(link.effect, links)
        if link.effect in links or root == own or sizes[root] + sizes[own] > policy.max_services:
            continue
        if _is_parted(root, own, nodes, links, around):
            continue
        links[link.effect] = link
        sizes[root] += sizes[own]
    return Grouping({name: _root(name, links) for name in nodes}, links)


def _candidates(nodes: Mapping[str, ServiceNode], around: Surroundings, policy: CorrelationPolicy) -> list[Link]:
    """Every link that is good enough, the best first; equal ones by who began first, then by name."""
    known = Evidence(
        around.calls,
        by_service(around.changes) if around.changes is not None else None,
        common_labels(list(nodes.values())),
        measured(around.calls),
    )
    found = [
        link
        for effect in nodes.values()
        for cause in nodes.values()
        if effect is not cause and (link := _link(effect, cause, known, around, policy))
    ]
    return sorted(found, key=lambda one: (-one.score, nodes[one.cause].first_started_at, one.cause, one.effect))


def _link(
    effect: ServiceNode, cause: ServiceNode, known: Evidence, around: Surroundings, policy: CorrelationPolicy
) -> Link | None:
    verdict = (around.history or {}).get(frozenset({effect.service_name, cause.service_name}))
    if effect.pinned or verdict is Verdict.APART:
        return None
    if verdict is None and not (effect.service_failure and cause.service_failure):
        return None
    features = features_of(effect, cause, known, window_seconds=policy.window_seconds)
    if verdict is Verdict.TOGETHER:
        told = (features or Features()).model_copy(update={"history": 1.0})
        is_later = (cause.first_started_at, cause.service_name) < (effect.first_started_at, effect.service_name)
        return Link(effect.service_name, cause.service_name, 1.0, told) if is_later else None
    if features is None:
        return None
    score = round(score_of(features), 4)
    return Link(effect.service_name, cause.service_name, score, features) if score >= policy.link_at else None


def _root(name: str, links: Mapping[str, Link]) -> str:
    while name in links:
        name = links[name].cause
    return name


def _is_parted(
    one: str, other: str, nodes: Mapping[str, ServiceNode], links: Mapping[str, Link], around: Surroundings
) -> bool:
    """Whether a person said that some service of one group is apart from some of the other."""
    parted = [pair for pair, verdict in (around.history or {}).items() if verdict is Verdict.APART]
    if not parted:
        return False
    roots = {name: _root(name, links) for name in nodes}
    return any({roots.get(name) for name in pair} == {one, other} for pair in parted)
