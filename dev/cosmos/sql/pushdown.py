"""What of a WHERE clause SQLite can check first: a superset of the matches, so a loose rule costs time only."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dev.cosmos.sql.tree import Alias, Binary, Call, In, Literal, Member, Node, Parameter, Query, Unary

_LARGEST_EXACT = 2**53
_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_JOINED = ("AND", "OR")
_MAX_CHOICES = 250


@dataclass(frozen=True)
class Prefilter:
    """A condition for SQLite over the columns of `items`."""

    where: str
    arguments: tuple[Any, ...]


def path_below(node: Node, alias: str) -> tuple[str, ...] | None:
    """The names of `alias.a.b`, or None when the expression is no such path."""
    names: list[str] = []
    while isinstance(node, Member):
        if not isinstance(node.index, Literal) or not isinstance(node.index.value, str):
            return None
        names.append(node.index.value)
        node = node.source
    return tuple(reversed(names)) if isinstance(node, Alias) and node.name == alias and names else None


def document_alias(query: Query) -> str | None:
    """The name that stands for the whole document, if there is one."""
    root = query.sources[0] if query.sources else None
    return root.alias if root is not None and root.path is None else None


def prefilter(query: Query, parameters: Mapping[str, Any]) -> Prefilter:
    """The parts of WHERE, joined by AND, that are a path compared with a constant."""
    alias = document_alias(query)
    conditions = ["1"]
    arguments: list[Any] = []
    if alias is not None and query.where is not None:
        for term in _conjuncts(query.where):
            pushed = _pushed(term, alias, parameters)
            if pushed is not None:
                conditions.append(pushed.where)
                arguments += pushed.arguments
    return Prefilter(" AND ".join(conditions), tuple(arguments))


def _conjuncts(node: Node) -> Iterator[Node]:
    if isinstance(node, Binary) and node.operator == "AND":
        yield from _conjuncts(node.left)
        yield from _conjuncts(node.right)
    else:
        yield node


def _pushed(term: Node, alias: str, parameters: Mapping[str, Any]) -> Prefilter | None:
    if isinstance(term, In):
        return _among(term.operand, alias, [_constant(choice, parameters) for choice in term.choices])
    if isinstance(term, Call | Unary):
        return _tested(term, alias, parameters)
    if isinstance(term, Binary) and term.operator in _JOINED:
        return _joined(term, alias, parameters)
    if isinstance(term, Binary) and term.operator in _MIRRORED:
        return _compared(term, alias, parameters)
    return None


def _compared(term: Binary, alias: str, parameters: Mapping[str, Any]) -> Prefilter | None:
    operator, path, constant = term.operator, term.left, term.right
    if isinstance(path, Literal | Parameter):
        operator, path, constant = _MIRRORED[operator], constant, path
    column, value = _column(path, alias), _constant(constant, parameters)
    if column is None or not _is_pushable(value):
        return None
    return Prefilter(f"{column[0]} {operator} ?", (*column[1], value))


def _joined(term: Binary, alias: str, parameters: Mapping[str, Any]) -> Prefilter | None:
    """Both sides of AND and OR. Of an AND one side alone is a superset, of an OR it is not."""
    sides = [_pushed(side, alias, parameters) for side in (term.left, term.right)]
    known = [side for side in sides if side is not None]
    if not known or (term.operator == "OR" and len(known) < len(sides)):
        return None
    where = f" {term.operator} ".join(f"({side.where})" for side in known)
    return Prefilter(f"({where})", tuple(argument for side in known for argument in side.arguments))


def _tested(term: Call | Unary, alias: str, parameters: Mapping[str, Any]) -> Prefilter | None:
    """Whether a path is defined, is not, or is null; and whether an array holds a value."""
    match term:
        case Call("ARRAY_CONTAINS", (array, wanted)):
            return _contained(array, wanted, alias, parameters)
        case Call("IS_DEFINED", (path,)):
            return _typed(path, alias, "IS NOT NULL")
        case Unary("NOT", Call("IS_DEFINED", (path,))):
            return _typed(path, alias, "IS NULL")
        case Call("IS_NULL", (path,)):
            return _typed(path, alias, "= 'null'")
    return None


def _typed(path: Node, alias: str, test: str) -> Prefilter | None:
    column = _column(path, alias)
    return Prefilter(f"json_type(body, ?) {test}", column[1]) if column and column[1] else None


def _contained(array: Node, wanted: Node, alias: str, parameters: Mapping[str, Any]) -> Prefilter | None:
    """A path whose value is in a constant array, or an array at a path that holds a constant."""
    values = _constant(array, parameters)
    if isinstance(values, list):
        return _among(wanted, alias, values)
    column, value = _column(array, alias), _constant(wanted, parameters)
    if column is None or not column[1] or not _is_pushable(value):
        return None
    return Prefilter("EXISTS (SELECT 1 FROM json_each(body, ?) AS one WHERE one.value = ?)", (*column[1], value))


def _among(node: Node, alias: str, values: list[Any]) -> Prefilter | None:
    """A path that must have one of these values."""
    column = _column(node, alias)
    if column is None or not all(map(_is_pushable, values)) or not 0 < len(values) <= _MAX_CHOICES:
        return None
    return Prefilter(f"{column[0]} IN ({','.join('?' * len(values))})", (*column[1], *values))


def _column(node: Node, alias: str) -> tuple[str, tuple[str, ...]] | None:
    """The SQL for the value of a path, and its argument."""
    path = path_below(node, alias)
    if path is None or path[0].startswith("_") or not all(map(is_stored_as_written, path)):
        return None
    if path == ("id",):
        return "id", ()
    return "json_extract(body, ?)", ("$" + "".join(f".{json.dumps(name, ensure_ascii=False)}" for name in path),)


def is_stored_as_written(name: str) -> bool:
    """Whether the name stands in the stored JSON without an escape; SQLite compares it with the raw text."""
    return name.isascii() and name.isprintable() and '"' not in name and "\\" not in name


def _constant(node: Node, parameters: Mapping[str, Any]) -> Any:
    if isinstance(node, Literal):
        return node.value
    return parameters.get(node.name) if isinstance(node, Parameter) else None


def _is_pushable(value: Any) -> bool:
    """Whether SQLite compares it as Cosmos DB does, or at least misses nothing."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, bool):
        return True
    return isinstance(value, int | float) and abs(value) < _LARGEST_EXACT
