"""Values of the query language: `undefined`, equality and order.

The rules are those of Microsoft's own offline engine (azure-cosmos-dotnet-v3, OfflineEngine).
"""

from functools import cmp_to_key
from typing import Any, Final, final


@final
class Undefined:
    """The value of a property that is not there. It is not null."""

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = Undefined()
_RANKS: dict[type, int] = {Undefined: 0, type(None): 1, bool: 2, int: 3, float: 3, str: 4, list: 5, dict: 6}


def rank(value: Any) -> int:
    """Where the type stands: undefined < null < boolean < number < string < array < object."""
    return _RANKS[type(value)]


def is_number(value: Any) -> bool:
    """Whether it is a number; true and false are not."""
    return rank(value) == 3


def equal(left: Any, right: Any) -> bool:
    """Type-strict deep equality of two defined values."""
    if rank(left) != rank(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(value, right[name]) for name, value in left.items())
    return bool(left == right)


def compare(left: Any, right: Any) -> int:
    """The total order that ORDER BY, MIN and MAX use: -1, 0 or 1."""
    if rank(left) != rank(right):
        return -1 if rank(left) < rank(right) else 1
    if isinstance(left, list):
        return _compare_lists(left, right)
    if isinstance(left, dict):
        return _compare_lists(_flattened(left), _flattened(right))
    if left is None or left is UNDEFINED or left == right:
        return 0
    return -1 if left < right else 1


def _flattened(members: dict[str, Any]) -> list[Any]:
    return [part for name in sorted(members) for part in (name, members[name])]


def _compare_lists(left: list[Any], right: list[Any]) -> int:
    for one, other in zip(left, right, strict=False):
        if order := compare(one, other):
            return order
    return (len(left) > len(right)) - (len(left) < len(right))


sort_key = cmp_to_key(compare)


def canonical(value: Any) -> Any:
    """A hashable form: equal values have the same one, 1 and 1.0 too, 1 and true do not."""
    if isinstance(value, list):
        return (5, tuple(canonical(item) for item in value))
    if isinstance(value, dict):
        return (6, tuple((name, canonical(value[name])) for name in sorted(value)))
    return (rank(value), value if value is not UNDEFINED else None)
