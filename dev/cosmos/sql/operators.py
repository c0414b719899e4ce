"""Operators: three-valued logic, type-strict comparison, arithmetic on numbers only."""

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from dev.cosmos.sql.values import UNDEFINED, compare, equal, is_number, rank

_LARGEST_EXACT = 2**53
_CLASS_PART = re.compile("(.)(?:-(.))?", re.DOTALL)
_NOTHING = "(?!)"
"""The expression of a character class that has no characters, `[]` or `[z-a]`."""


def number(value: float) -> Any:
    """A result of arithmetic as JSON writes it: whole numbers without a fraction, no infinities."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return UNDEFINED
        if value.is_integer() and abs(value) < _LARGEST_EXACT:
            return int(value)
    return value


def equals(left: Any, right: Any) -> Any:
    """`=`: undefined when either side is, false across types."""
    if left is UNDEFINED or right is UNDEFINED:
        return UNDEFINED
    return equal(left, right)


def differs(left: Any, right: Any) -> Any:
    """`!=`: undefined when either side is, true across types."""
    return negate(equals(left, right))


def _ordered(test: Callable[[int], bool]) -> Callable[[Any, Any], Any]:
    def decide(left: Any, right: Any) -> Any:
        if rank(left) != rank(right) or not 1 <= rank(left) <= 4:
            return UNDEFINED
        return test(compare(left, right))

    return decide


less = _ordered(lambda order: order < 0)
at_most = _ordered(lambda order: order <= 0)
greater = _ordered(lambda order: order > 0)
at_least = _ordered(lambda order: order >= 0)


def negate(value: Any) -> Any:
    """`NOT`: of a boolean only."""
    return not value if isinstance(value, bool) else UNDEFINED


def both(left: Any, right: Any) -> Any:
    """`AND`: false when either side is false, whatever the other is."""
    if left is False or right is False:
        return False
    return True if left is True and right is True else UNDEFINED


def either(left: Any, right: Any) -> Any:
    """`OR`: true when either side is true, whatever the other is."""
    if left is True or right is True:
        return True
    return False if left is False and right is False else UNDEFINED


def between(value: Any, low: Any, high: Any) -> Any:
    """`BETWEEN`, both ends included."""
    return both(at_least(value, low), at_most(value, high))


def is_in(value: Any, choices: list[Any]) -> Any:
    """`IN`: the OR of the equalities."""
    answer: Any = False
    for choice in choices:
        answer = either(answer, equals(value, choice))
    return answer


def coalesce(left: Any, right: Any) -> Any:
    """`??`: replaces undefined only; null passes."""
    return right if left is UNDEFINED else left


def concatenate(left: Any, right: Any) -> Any:
    """`||`: of two strings."""
    return left + right if isinstance(left, str) and isinstance(right, str) else UNDEFINED


def _arithmetic(calculate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def decide(left: Any, right: Any) -> Any:
        if not (is_number(left) and is_number(right)):
            return UNDEFINED
        try:
            return number(calculate(left, right))
        except (ArithmeticError, ValueError):
            return UNDEFINED

    return decide


def _bitwise(calculate: Callable[[int, int], int]) -> Callable[[Any, Any], Any]:
    def decide(left: Any, right: Any) -> Any:
        whole = [value for value in (left, right) if is_number(value) and number(value) == int(value)]
        return calculate(int(left), int(right)) if len(whole) == 2 else UNDEFINED

    return decide


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "=": equals,
    "!=": differs,
    "<": less,
    "<=": at_most,
    ">": greater,
    ">=": at_least,
    "AND": both,
    "OR": either,
    "??": coalesce,
    "||": concatenate,
    "+": _arithmetic(lambda left, right: left + right),
    "-": _arithmetic(lambda left, right: left - right),
    "*": _arithmetic(lambda left, right: left * right),
    "/": _arithmetic(lambda left, right: left / right),
    "%": _arithmetic(math.fmod),
    "&": _bitwise(lambda left, right: left & right),
    "|": _bitwise(lambda left, right: left | right),
    "^": _bitwise(lambda left, right: left ^ right),
}

UNARY: dict[str, Callable[[Any], Any]] = {
    "NOT": negate,
    "-": lambda value: number(-value) if is_number(value) else UNDEFINED,
    "+": lambda value: value if is_number(value) else UNDEFINED,
    "~": lambda value: ~int(value) if is_number(value) else UNDEFINED,
}


def like(value: Any, pattern: Any, escape: str | None) -> Any:
    """`LIKE` with %, _ and character classes; strings only."""
    if not isinstance(value, str) or not isinstance(pattern, str):
        return UNDEFINED
    return _like_expression(pattern, escape).fullmatch(value) is not None


@lru_cache(maxsize=256)
def _like_expression(pattern: str, escape: str | None) -> re.Pattern[str]:
    parts = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == escape and position < len(pattern):
            parts.append(re.escape(pattern[position]))
            position += 1
        elif character == "[" and (end := pattern.find("]", position + 1)) > 0:
            parts.append(_character_class(pattern[position:end]))
            position = end + 1
        else:
            parts.append({"%": ".*", "_": "."}.get(character) or re.escape(character))
    return re.compile("".join(parts), re.DOTALL)


def _character_class(inner: str) -> str:
    negated = inner.startswith("^")
    parts = _CLASS_PART.findall(inner[1:] if negated else inner)
    ranges = [f"{re.escape(low)}-{re.escape(high or low)}" for low, high in parts if low <= (high or low)]
    return f"[{'^' if negated else ''}{''.join(ranges)}]" if ranges else _NOTHING
