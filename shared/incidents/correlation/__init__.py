"""Which services of open incidents belong together: pure decisions about the set of them."""

from shared.incidents.correlation.features import when_changes_matter
from shared.incidents.correlation.grouping import Grouping, Placed, group
from shared.incidents.correlation.links import Link, Surroundings
from shared.incidents.correlation.moves import Move, decide_moves

__all__ = ["Grouping", "Link", "Move", "Placed", "Surroundings", "decide_moves", "group", "when_changes_matter"]
