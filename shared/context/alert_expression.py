"""The expression an alert names as its own: what of it may be asked again, and what of that is worth drawing.

It comes from a link in the alert, so anybody who can send an alert can write it. It is only ever asked as it was
written, or a stretch of it that the parser reads as a whole expression of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from shared.context.promql_scan import Comparison, scan

MAX_CHARS = 4096
MAX_DEPTH = 50
MAX_OPERATORS = 200
MAX_SELECTORS = 50
LONGEST_RANGE = timedelta(days=32)
FARTHEST_OFFSET = timedelta(days=400)
MAX_SUBQUERY_POINTS = 11_000
_STEP_UNTOLD = timedelta(seconds=15)
"""A subquery without a step takes Prometheus's own interval, which is seldom shorter."""

_FLIPPED = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}
_SETS = frozenset({"and", "or", "unless"})
_MATCH_ALL = frozenset({".*", ".+", "(.*)", "(.+)", "^.*$", "^.+$"})


class Refusal(StrEnum):
    """Why an expression is not asked again."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    TOO_DEEP = "too_deep"
    TOO_MANY_OPERATORS = "too_many_operators"
    CONTROL_CHARACTERS = "control_characters"
    UNPARSABLE = "unparsable"
    NOT_A_VECTOR = "not_a_vector"
    TOO_MANY_SELECTORS = "too_many_selectors"
    TOO_BROAD = "too_broad"
    """A selector that names no metric and narrows nothing."""
    RANGE_TOO_LONG = "range_too_long"
    OFFSET_TOO_FAR = "offset_too_far"
    SUBQUERY_TOO_FINE = "subquery_too_fine"


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
    refusal = _unfit_to_parse(text)
    if refusal:
        return refusal
    query = scan(text).text
    tree = _parsed(query)
    if tree is None:
        return Refusal.UNPARSABLE
    return _unfit_to_ask(tree) or _taken_apart(query, tree)


def _unfit_to_parse(text: str) -> Refusal | None:
    if len(text) > MAX_CHARS:
        return Refusal.TOO_LONG
    if any(ord(one) < ord(" ") and one not in "\t\r\n" for one in text):
        return Refusal.CONTROL_CHARACTERS
    seen = scan(text)
    if not seen.text:
        return Refusal.EMPTY
    if not seen.is_closed:
        return Refusal.UNPARSABLE
    if seen.depth > MAX_DEPTH:
        return Refusal.TOO_DEEP
    return Refusal.TOO_MANY_OPERATORS if seen.operators > MAX_OPERATORS else None


def _parsed(query: str) -> Any:  # the parser's nodes have no type that tells them apart
    import promql_parser

    try:
        return promql_parser.parse(query)
    except (ValueError, OverflowError):
        return None
    except BaseException as exc:
        # A panic of the native code (on durations like 1e30) is no Exception, and its class cannot be imported.
        if type(exc).__name__ != "PanicException":
            raise
        return None


def _kind(node: Any) -> str:
    return type(node).__name__


def _below(node: Any) -> tuple[Any, ...]:
    match _kind(node):
        case "BinaryExpr":
            return (node.lhs, node.rhs)
        case "ParenExpr" | "UnaryExpr" | "SubqueryExpr":
            return (node.expr,)
        case "AggregateExpr":
            return (node.expr,) if node.param is None else (node.expr, node.param)
        case "Call":
            return tuple(node.args)
        case "MatrixSelector":
            return (node.vector_selector,)
    return ()


def _walk(node: Any, points: float = 1) -> Iterator[tuple[Any, float]]:
    """Every node, and how many points the subqueries around it (and it) ask of it."""
    if _kind(node) == "SubqueryExpr":
        points *= max(1.0, node.range / (node.step or _STEP_UNTOLD))
    yield node, points
    for below in _below(node):
        yield from _walk(below, points)


def _unfit_to_ask(tree: Any) -> Refusal | None:
    if _kind(tree) in ("StringLiteral", "MatrixSelector", "SubqueryExpr"):
        return Refusal.NOT_A_VECTOR
    nodes = list(_walk(tree))
    selectors = [node for node, _ in nodes if _kind(node) == "VectorSelector"]
    if len(selectors) > MAX_SELECTORS:
        return Refusal.TOO_MANY_SELECTORS
    if not selectors:
        # `vector(1)` and `time() > 0` say nothing of any system.
        return Refusal.NOT_A_VECTOR
    if not all(_is_narrow(one) for one in selectors):
        return Refusal.TOO_BROAD
    return _asks_too_much(nodes)


def _asks_too_much(nodes: Sequence[tuple[Any, float]]) -> Refusal | None:
    if any(_range(node) > LONGEST_RANGE for node, _ in nodes):
        return Refusal.RANGE_TOO_LONG
    if any(abs(_offset(node)) > FARTHEST_OFFSET for node, _ in nodes):
        return Refusal.OFFSET_TOO_FAR
    return Refusal.SUBQUERY_TOO_FINE if any(points > MAX_SUBQUERY_POINTS for _, points in nodes) else None


def _is_narrow(selector: Any) -> bool:
    return bool(selector.name) or any(
        one.value and str(one.op) in ("MatchOp.Equal", "MatchOp.Re") and one.value not in _MATCH_ALL
        for one in selector.matchers.matchers
    )


def _range(node: Any) -> timedelta:
    return node.range if _kind(node) in ("MatrixSelector", "SubqueryExpr") else timedelta(0)


def _offset(node: Any) -> timedelta:
    return (node.offset if _kind(node) in ("VectorSelector", "SubqueryExpr") else None) or timedelta(0)


def _taken_apart(query: str, tree: Any) -> AlertQuestion:
    """Outer brackets go; then the last comparison outside of brackets is the one at the root."""
    inner = query
    while _kind(tree) == "ParenExpr":
        inner, tree = inner[1:-1].strip(), tree.expr
    whole = AlertQuestion(query, query, None, None, _shape(tree))
    comparisons = scan(inner).comparisons
    if whole.shape is not Shape.VECTORS or not comparisons:
        return whole
    return _with_threshold(query, inner, comparisons[-1], tree) or whole


def _shape(tree: Any) -> Shape:
    """A comparison counts as one of vectors until a number is found on one side of it."""
    if _kind(tree) == "BinaryExpr":
        if str(tree.op) in _SETS:
            return Shape.SETS
        return Shape.VECTORS if str(tree.op) in _FLIPPED else Shape.PLAIN
    if _kind(tree) == "Call" and tree.func.name in ("absent", "absent_over_time"):
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
    cut = _parsed(drawn)
    # The stretch of text must be what the parser took for that side, or else nothing is cut.
    if cut is None or str(cut) != str(node):
        return None
    threshold = right if right is not None else left
    return AlertQuestion(query, drawn, operator, threshold, Shape.THRESHOLD)


def _number(node: Any) -> float | None:
    """The value of arithmetic on plain numbers; None for anything else."""
    match _kind(node):
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
