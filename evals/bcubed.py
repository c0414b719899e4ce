"""How well a partition matches the truth, item by item."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class BCubed:
    """Precision: how much of an item's group is rightly with it. Recall: how much that should be with it is."""

    precision: float
    recall: float


def bcubed(grouped: Mapping[str, str], truth: Mapping[str, str]) -> BCubed:
    """Both, as means over all items; raises ValueError when the items differ."""
    if grouped.keys() != truth.keys():
        raise ValueError("the groups and the truth are about different items")
    if not truth:
        return BCubed(1.0, 1.0)
    both = Counter((grouped[item], truth[item]) for item in truth)
    in_group, in_class = Counter(grouped.values()), Counter(truth.values())
    rightly = [(count, in_group[group], in_class[cause]) for (group, cause), count in both.items()]
    total = len(truth)
    return BCubed(
        precision=sum(count * count / size for count, size, _ in rightly) / total,
        recall=sum(count * count / size for count, _, size in rightly) / total,
    )
