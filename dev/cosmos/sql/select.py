"""Queries over documents: FROM, WHERE, GROUP BY, ORDER BY, SELECT and DISTINCT, in that order."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from dev.cosmos.errors import bad_request
from dev.cosmos.sql.aggregates import aggregate, partial
from dev.cosmos.sql.evaluate import AGGREGATED, ROOT, Compiler, Evaluate, Row, compile_sources
from dev.cosmos.sql.expressions import AGGREGATES
from dev.cosmos.sql.tree import Alias, Call, Node, Query, Subquery
from dev.cosmos.sql.values import UNDEFINED, canonical, sort_key

Position = tuple[int, int]
"""A document's number, and which of its rows it is."""


@dataclass(frozen=True)
class Answer:
    """One row of a result, with what places it among the others."""

    position: Position
    sort_values: tuple[Any, ...]
    payload: Any


class CompiledQuery:
    """A query with its parameters, checked and ready to run."""

    def __init__(
        self, query: Query, parameters: Mapping[str, Any], *, outer: Compiler | None = None, partial: bool = False
    ) -> None:
        self.query = query
        self._partial = partial
        self._has_input = bool(query.sources) or outer is not None
        base = outer or Compiler(parameters, _subquery_rows)
        self._rows, names = compile_sources(query.sources, base)
        inside = base.with_scope(names)
        _refuse_ungrouped(query)
        self._where = None if query.where is None else inside.compile(query.where)
        self._group_by = [inside.compile(key) for key in query.group_by]
        self._order_by = [inside.compile(item.expression) for item in query.order_by]
        self._aggregated = [_aggregate_argument(call, inside) for call in query.aggregates]
        self._select = _selection(query, base.with_scope(names, query.aggregates))
        self._constants = base

    def window(self) -> tuple[int, int | None]:
        """How many rows to skip, and how many to answer at most."""
        query = self.query
        offset = 0 if query.offset is None else self._count("OFFSET", query.offset)
        for word, node in (("TOP", query.top), ("LIMIT", query.limit)):
            if node is not None:
                return offset, self._count(word, node)
        return offset, None

    def _count(self, word: str, node: Node) -> int:
        value = self._constants.constant(node)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise bad_request(f"{word} takes a whole number that is not negative.")
        return value

    def answers(self, documents: Iterable[tuple[int, Row]], *, in_order: bool = False) -> Iterator[Answer]:
        """The rows of the result in order; lazily unless they must be grouped, or sorted and do not come in order."""
        documents = documents if self._has_input else [(0, {})]
        found = self._grouped(documents) if self.query.group_by or self.query.aggregates else self._plain(documents)
        if self.query.order_by and not in_order:
            found = self._sorted(found)
        return _distinct(found) if self.query.distinct else found

    def matches(self, document: Row) -> bool:
        """Whether a document passes WHERE."""
        return any(True for _ in self._matching([(0, {ROOT: document})]))

    def _matching(self, documents: Iterable[tuple[int, Row]]) -> Iterator[tuple[Position, Row]]:
        for document_number, outer in documents:
            for index, row in enumerate(self._rows(outer)):
                if self._where is None or self._where(row) is True:
                    yield (document_number, index), row

    def _plain(self, documents: Iterable[tuple[int, Row]]) -> Iterator[Answer]:
        for position, row in self._matching(documents):
            payload = self._select(row)
            if payload is not UNDEFINED:
                yield Answer(position, tuple(key(row) for key in self._order_by), payload)

    def _sorted(self, answers: Iterator[Answer]) -> Iterator[Answer]:
        found = list(answers)
        for index, item in reversed(list(enumerate(self.query.order_by))):
            found.sort(key=lambda answer: sort_key(answer.sort_values[index]), reverse=item.descending)
        return iter(found)

    def _grouped(self, documents: Iterable[tuple[int, Row]]) -> Iterator[Answer]:
        groups: dict[Any, tuple[Position, Row, list[list[Any]]]] = {}
        if not self._group_by:
            groups[()] = ((0, 0), {}, [[] for _ in self._aggregated])
        for position, row in self._matching(documents):
            key = tuple(canonical(part(row)) for part in self._group_by)
            _, _, collected = groups.setdefault(key, (position, row, [[] for _ in self._aggregated]))
            for values, argument in zip(collected, self._aggregated, strict=True):
                values.append(argument(row))
        calculate = partial if self._partial else aggregate
        for position, row, collected in groups.values():
            results = [
                calculate(call.name, each) for call, each in zip(self.query.aggregates, collected, strict=True)
            ]
            payload = self._select({**row, AGGREGATED: results})
            if payload is not UNDEFINED or self._partial:
                yield Answer(position, (), payload)


def _distinct(answers: Iterator[Answer]) -> Iterator[Answer]:
    seen = set()
    for answer in answers:
        key = canonical(answer.payload)
        if key not in seen:
            seen.add(key)
            yield answer


def _subquery_rows(query: Query, outer: Compiler) -> Callable[[Row], Iterator[Any]]:
    compiled = CompiledQuery(query, {}, outer=outer)
    offset, limit = compiled.window()
    end = None if limit is None else offset + limit

    def rows(row: Row) -> Iterator[Any]:
        for count, answer in enumerate(compiled.answers([(0, row)])):
            if end is not None and count >= end:
                return
            if count >= offset:
                yield answer.payload

    return rows


def _aggregate_argument(call: Call, compiler: Compiler) -> Evaluate:
    if len(call.arguments) != 1:
        raise bad_request(f"The function '{call.name}' takes one argument.")
    return compiler.compile(call.arguments[0])


def _selection(query: Query, compiler: Compiler) -> Evaluate:
    if query.value is not None:
        return compiler.compile(query.value)
    if query.selects_all:
        alias = query.sources[0].alias
        return lambda row: row[alias]
    items = [(item.name, compiler.compile(item.expression)) for item in query.items]
    return lambda row: {name: found for name, value in items if (found := value(row)) is not UNDEFINED}


def _refuse_ungrouped(query: Query) -> None:
    if not (query.aggregates or query.group_by):
        return
    selected = [query.value] if query.value is not None else [item.expression for item in query.items]
    if query.selects_all or not all(_is_grouped(node, query.group_by) for node in selected):
        raise bad_request(
            "A property is invalid in the select list because it is not contained in either an aggregate function or"
            " the GROUP BY clause."
        )


def _is_grouped(node: Any, keys: tuple[Node, ...]) -> bool:
    if node in keys or isinstance(node, Subquery) or (isinstance(node, Call) and node.name in AGGREGATES):
        return True
    return not isinstance(node, Alias) and all(_is_grouped(child, keys) for child in _children(node))


def _children(node: Any) -> list[Any]:
    if isinstance(node, tuple):
        return list(node)
    return [getattr(node, field.name) for field in fields(node)] if is_dataclass(node) else []
