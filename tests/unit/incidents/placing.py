"""Builders for correlation: a service in an open incident, and what is known around it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from shared.incidents.correlation import Grouping, Placed, Surroundings, group
from shared.models.base import IncidentId
from shared.models.correlation import CorrelationPolicy, ServiceNode
from tests.builders import NOON


def a_node(name: str, after: float = 0, **changes: Any) -> ServiceNode:
    """A service that is surely ill since so many seconds after noon."""
    start = NOON + timedelta(seconds=after)
    fields: dict[str, Any] = {
        "service_name": name,
        "first_started_at": start,
        "last_started_at": start,
        "starts": (start,),
        "severity": "critical",
    }
    return ServiceNode(**{**fields, **changes})


def placed(node: ServiceNode, incident: str | None = None, *, detected_after: float = 0) -> Placed:
    """The service in an incident, of its own unless another is named."""
    incident_id = IncidentId(f"inc-{incident or node.service_name}")
    return Placed(node, incident_id, NOON + timedelta(seconds=detected_after))


def calling(**callees: str) -> Surroundings:
    """The calls that are known: by caller, the callees with spaces between."""
    calls = {caller: frozenset(named.split()) for caller, named in callees.items()}
    return Surroundings(calls=calls)


def grouped(*nodes: ServiceNode, around: Surroundings | None = None, **policy: Any) -> set[frozenset[str]]:
    """The services of each group."""
    found = group([placed(node) for node in nodes], around or Surroundings(), CorrelationPolicy(**policy))
    return partition(found)


def partition(found: Grouping) -> set[frozenset[str]]:
    """The services of each group."""
    return {frozenset(names_under(found.roots, root)) for root in found.roots.values()}


def names_under(roots: Mapping[str, str], root: str) -> list[str]:
    """The services that have this root."""
    return [name for name, own in roots.items() if own == root]


def groups_of(*groups: str) -> set[frozenset[str]]:
    """What is expected: the services of each group with spaces between."""
    return {frozenset(names.split()) for names in groups}
