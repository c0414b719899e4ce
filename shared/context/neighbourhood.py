"""The services around the alerting one: which are near enough to be looked at, and how they are reached. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.models.evidence import EdgeEvidence
from shared.models.measures import Relation

MAX_SERVICES = 30
HOPS = 2

Edge = tuple[str, str]
"""(caller, callee)."""


@dataclass(frozen=True)
class Neighbour:
    """How a service stands to the alerting one."""

    relation: Relation
    hops: int


@dataclass(frozen=True)
class Neighbourhood:
    """The graph around the alerting service; `neighbours` holds the others, not itself."""

    neighbours: Mapping[str, Neighbour]
    edges: tuple[EdgeEvidence, ...]
    warnings: tuple[str, ...] = ()
    failure: str | None = None
    """Why a part could not be asked about, while the rest is known."""
    as_of: datetime | None = None
    """When it was last measured, where that is not now."""
    is_stale: bool = False
    """Whether it could not be measured again though it is due."""


def select(service: str, calls: Mapping[Edge, float]) -> tuple[dict[str, Neighbour], int]:
    """Callees and callers within reach, and how many were left out; the near go first, then the busy."""
    callees = _reach(service, [(caller, callee, rate) for (caller, callee), rate in calls.items()])
    callers = _reach(service, [(callee, caller, rate) for (caller, callee), rate in calls.items()])
    # In a cycle a service is both; as a callee it can be the cause.
    found = {name: (*place, Relation.CALLER) for name, place in callers.items()}
    found |= {name: (*place, Relation.CALLEE) for name, place in callees.items()}
    ordered = sorted(found, key=lambda name: (found[name][0], -found[name][1], name))
    kept = ordered[: MAX_SERVICES - 1]
    return {name: Neighbour(found[name][2], found[name][0]) for name in kept}, len(ordered) - len(kept)


def _reach(service: str, links: list[tuple[str, str, float]]) -> dict[str, tuple[int, float]]:
    """By name: how many hops away, and the rate of the calls that lead there."""
    reached: dict[str, tuple[int, float]] = {}
    frontier = {service}
    for hop in range(1, HOPS + 1):
        following: dict[str, float] = {}
        for near, far, rate in links:
            if near in frontier and far != service and far not in reached:
                following[far] = following.get(far, 0.0) + rate
        reached |= {name: (hop, rate) for name, rate in following.items()}
        frontier = set(following)
    return reached
