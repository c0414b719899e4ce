"""What of PromQL from outside may be asked: it is looked over before it is parsed, and bounded before it is asked.

Whoever wrote it (who can send an alert, or a model), it is only ever asked as it was written.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from shared.models.promql_scan import scan

_STEP_UNTOLD = timedelta(seconds=15)
"""A subquery without a step takes Prometheus's own interval, which is seldom shorter."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_MATCH_ALL = frozenset({".*", ".+", "(.*)", "(.+)", "^.*$", "^.+$"})


@dataclass(frozen=True)
class Bounds:
    """How much one question may ask for."""

    chars: int = 4096
    depth: int = 50
    operators: int = 200
    selectors: int = 50
    longest_range: timedelta = timedelta(days=32)
    farthest_offset: timedelta = timedelta(days=400)
    subquery_points: int = 11_000
    must_name_metric: bool = False
    """Whether every selector has to name its metric, and none may look at a time of its own."""


class Refusal(StrEnum):
    """Why an expression is not asked."""

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
    OTHER_TIME = "other_time"
    """A selector looks at a time of its own, where that is not wanted."""


def unfit_to_parse(text: str, bounds: Bounds) -> Refusal | None:
    """Why a text must not reach the parser, or None; in time that grows with its length alone."""
    if len(text) > bounds.chars:
        return Refusal.TOO_LONG
    if _CONTROL.search(text):
        return Refusal.CONTROL_CHARACTERS
    seen = scan(text)
    if not seen.text:
        return Refusal.EMPTY
    if not seen.is_closed:
        return Refusal.UNPARSABLE
    if seen.depth > bounds.depth:
        return Refusal.TOO_DEEP
    return Refusal.TOO_MANY_OPERATORS if seen.operators > bounds.operators else None


def parsed(query: str) -> Any:  # the parser's nodes have no type that tells them apart
    """The tree of a text that `unfit_to_parse` lets pass, or None where it is no PromQL."""
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


def kind_of(node: Any) -> str:
    """The kind of a node, by the parser's own name for it."""
    return type(node).__name__


def _below(node: Any) -> tuple[Any, ...]:
    match kind_of(node):
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
    if kind_of(node) == "SubqueryExpr":
        points *= max(1.0, node.range / (node.step or _STEP_UNTOLD))
    yield node, points
    for below in _below(node):
        yield from _walk(below, points)


def unfit_to_ask(tree: Any, bounds: Bounds) -> Refusal | None:
    """Why a tree is not asked, or None: it is no vector, or asks for too much."""
    if kind_of(tree) in ("StringLiteral", "MatrixSelector", "SubqueryExpr"):
        return Refusal.NOT_A_VECTOR
    nodes = list(_walk(tree))
    selectors = [node for node, _ in nodes if kind_of(node) == "VectorSelector"]
    if len(selectors) > bounds.selectors:
        return Refusal.TOO_MANY_SELECTORS
    if not selectors:
        # `vector(1)` and `time() > 0` say nothing of any system.
        return Refusal.NOT_A_VECTOR
    if not all(_is_narrow(one, bounds) for one in selectors):
        return Refusal.TOO_BROAD
    if bounds.must_name_metric and any(_at(node) is not None for node, _ in nodes):
        return Refusal.OTHER_TIME
    return _asks_too_much(nodes, bounds)


def _asks_too_much(nodes: Sequence[tuple[Any, float]], bounds: Bounds) -> Refusal | None:
    if any(_range(node) > bounds.longest_range for node, _ in nodes):
        return Refusal.RANGE_TOO_LONG
    if any(abs(_offset(node)) > bounds.farthest_offset for node, _ in nodes):
        return Refusal.OFFSET_TOO_FAR
    return Refusal.SUBQUERY_TOO_FINE if any(points > bounds.subquery_points for _, points in nodes) else None


def _is_narrow(selector: Any, bounds: Bounds) -> bool:
    if bounds.must_name_metric:
        return not selector.matchers.or_matchers and (bool(selector.name) or _is_named(selector))
    return bool(selector.name) or any(
        one.value and str(one.op) in ("MatchOp.Equal", "MatchOp.Re") and one.value not in _MATCH_ALL
        for one in selector.matchers.matchers
    )


def _is_named(selector: Any) -> bool:
    return any(
        one.name == "__name__" and one.value and str(one.op) == "MatchOp.Equal" for one in selector.matchers.matchers
    )


def _at(node: Any) -> object:
    return node.at if kind_of(node) in ("VectorSelector", "SubqueryExpr") else None


def _range(node: Any) -> timedelta:
    return node.range if kind_of(node) in ("MatrixSelector", "SubqueryExpr") else timedelta(0)


def _offset(node: Any) -> timedelta:
    return (node.offset if kind_of(node) in ("VectorSelector", "SubqueryExpr") else None) or timedelta(0)
