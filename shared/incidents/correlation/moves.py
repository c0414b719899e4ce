"""What must move so that the incidents equal the groups; as little as possible."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.incidents.correlation.grouping import Grouping, Placed
from shared.models.base import IncidentId
from shared.models.correlation import Joined, Membership


@dataclass(frozen=True)
class Move:
    """A service goes from one incident to another; `target` is None where the group has no incident yet."""

    service_name: str
    source: IncidentId
    target: IncidentId | None
    group: str
    """The root of the group, the same for all that go to the same new incident."""
    membership: Membership


def decide_moves(placed: Sequence[Placed], grouping: Grouping) -> list[Move]:
    """The moves, by service name."""
    targets = _targets(placed, grouping)
    moves = []
    for one in sorted(placed, key=lambda one: one.node.service_name):
        name = one.node.service_name
        root = grouping.roots[name]
        if not one.node.pinned and targets.get(root) != one.incident_id:
            moves.append(Move(name, one.incident_id, targets.get(root), root, _membership(one, grouping)))
    return moves


def _targets(placed: Sequence[Placed], grouping: Grouping) -> dict[str, IncidentId]:
    """Which incident each group keeps: where a person put some of it, else the oldest that it has a member in.

    Of two groups with members in one incident that group keeps it whose root is there, or who began first.
    """
    targets = {grouping.roots[one.node.service_name]: one.incident_id for one in placed if one.node.pinned}
    taken = set(targets.values())
    wishes = sorted((*_wish(one, grouping.roots[one.node.service_name]), one.incident_id) for one in placed)
    for *_, root, incident_id in wishes:
        if root not in targets and incident_id not in taken:
            targets[root] = incident_id
            taken.add(incident_id)
    return targets


def _wish(one: Placed, root: str) -> tuple[datetime, IncidentId, bool, datetime, str]:
    """Sorts who gets which incident, the first wish first."""
    node = one.node
    return one.detected_at, one.incident_id, node.service_name != root, node.first_started_at, root


def _membership(one: Placed, grouping: Grouping) -> Membership:
    name, at = one.node.service_name, one.node.first_started_at
    link = grouping.links.get(name)
    if link:
        return Membership(
            reason=Joined.CORRELATED, score=link.score, leans_on=link.cause, features=link.features, at=at
        )
    explained = [one for one in grouping.links.values() if one.cause == name]
    if not explained:
        return Membership(reason=Joined.FIRST_OF_INCIDENT, at=at)
    best = max(explained, key=lambda one: (one.score, one.effect))
    return Membership(reason=Joined.CORRELATED, score=best.score, leans_on=best.effect, features=best.features, at=at)
