"""COUNT, SUM, MIN, MAX and AVG over the defined values of a group."""

from collections.abc import Callable
from typing import Any

from dev.cosmos.sql.operators import number
from dev.cosmos.sql.values import UNDEFINED, is_number, rank, sort_key


def _sum(values: list[Any]) -> Any:
    # One string, boolean or null makes the whole sum undefined; so does having nothing to add.
    if not values or not all(is_number(value) for value in values):
        return UNDEFINED
    return number(sum(values))


def _average(values: list[Any]) -> Any:
    total = _sum(values)
    return UNDEFINED if total is UNDEFINED else number(total / len(values))


def _extreme(choose: Callable[..., Any]) -> Callable[[list[Any]], Any]:
    def decide(values: list[Any]) -> Any:
        if not values or any(rank(value) > rank("") for value in values):
            return UNDEFINED
        return choose(values, key=sort_key)

    return decide


_BY_NAME: dict[str, Callable[[list[Any]], Any]] = {
    "COUNT": len,
    "SUM": _sum,
    "AVG": _average,
    "MIN": _extreme(min),
    "MAX": _extreme(max),
}


def aggregate(name: str, values: list[Any]) -> Any:
    """The result over `values`, of which the undefined ones do not count."""
    return _BY_NAME[name]([value for value in values if value is not UNDEFINED])


def partial(name: str, values: list[Any]) -> Any:
    """One partition's share, which the SDK adds up over the partitions."""
    if name != "AVG":
        return aggregate(name, values)
    total = aggregate("SUM", values)
    return UNDEFINED if total is UNDEFINED else {"sum": total, "count": aggregate("COUNT", values)}
