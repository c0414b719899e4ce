"""The expression an alert names as its own: what of it may be asked again, and what of that is worth drawing.

It comes from a link in the alert, so anybody who can send an alert can write it. It is only ever asked as it was
written, or a stretch of it that the parser reads as a whole expression of its own.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.models.promql_bounds import Bounds, Refusal, kind_of, parsed, unfit_to_ask, unfit_to_parse
from shared.models.promql_scan import Comparison, scan

BOUNDS = Bounds()
MAX_CHARS = BOUNDS.chars

_FLIPPED = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}
_SETS = frozenset({"and", "or", "unless"})


class Shape(StrEnum):
    """What kind of condition it is, and so what is drawn."""

    THRESHOLD = "threshold"
    """Compared with a number: its left side is drawn, and the number as a line."""
    SETS = "sets"
    """Conditions put together; drawn as a whole, which is there only while they hold."""
    ABSENCE = "absence"
    VECTORS = "vectors"
    """Two series compared with each other."""
    PLAIN = "plain"


@dataclass(frozen=True)
class AlertQuestion:
    """What to ask. `query` is the alert's expression without its comments; `left` is what to draw of it."""

    query: str
    left: str
    operator: str | None
    threshold: float | None
    shape: Shape


def read_expression(text: str) -> AlertQuestion | Refusal:
    """Take an alert's expression apart, or say why it is not asked. Never raises for what is in it."""
    refusal = unfit_to_parse(text, BOUNDS)
    if refusal:
        return refusal
    query = scan(text).text
    tree = parsed(query)
    if tree is None:
        return Refusal.UNPARSABLE
    return unfit_to_ask(tree, BOUNDS) or _taken_apart(query, tree)


def _taken_apart(query: str, tree: Any) -> AlertQuestion:
    """Outer brackets go; then the last comparison outside of brackets is the one at the root."""
    inner = query
    while kind_of(tree) == "ParenExpr":
        inner, tree = inner[1:-1].strip(), tree.expr
    whole = AlertQuestion(query, query, None, None, _shape(tree))
    comparisons = scan(inner).comparisons
    if whole.shape is not Shape.VECTORS or not comparisons:
        return whole
    return _with_threshold(query, inner, comparisons[-1], tree) or whole


def _shape(tree: Any) -> Shape:
    """A comparison counts as one of vectors until a number is found on one side of it."""
    if kind_of(tree) == "BinaryExpr":
        if str(tree.op) in _SETS:
            return Shape.SETS
        return Shape.VECTORS if str(tree.op) in _FLIPPED else Shape.PLAIN
    if kind_of(tree) == "Call" and tree.func.name in ("absent", "absent_over_time"):
        return Shape.ABSENCE
    return Shape.PLAIN


def _with_threshold(query: str, inner: str, at: Comparison, tree: Any) -> AlertQuestion | None:
    right, left = _number(tree.rhs), _number(tree.lhs)
    if right is not None and left is None:
        drawn, node, operator = inner[: at.start], tree.lhs, at.operator
    elif left is not None and right is None:
        drawn, node, operator = inner[at.end :], tree.rhs, _FLIPPED[at.operator]
    else:
        return None
    drawn = drawn.strip()
    cut = parsed(drawn)
    # The stretch of text must be what the parser took for that side, or else nothing is cut.
    if cut is None or str(cut) != str(node):
        return None
    threshold = right if right is not None else left
    return AlertQuestion(query, drawn, operator, threshold, Shape.THRESHOLD)


def _number(node: Any) -> float | None:
    """The value of arithmetic on plain numbers; None for anything else."""
    match kind_of(node):
        case "NumberLiteral":
            return float(node.val)
        case "ParenExpr":
            return _number(node.expr)
        case "UnaryExpr":
            value = _number(node.expr)
            return None if value is None else -value
        case "BinaryExpr":
            return _calculated(str(node.op), _number(node.lhs), _number(node.rhs))
    return None


def _calculated(operator: str, left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return None
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/" if right:
            return left / right
    return None
