"""Expressions as closures: names, functions and parameters are checked once, rows are evaluated fast."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dev.cosmos.errors import bad_request
from dev.cosmos.sql.expressions import AGGREGATES
from dev.cosmos.sql.functions import FUNCTIONS
from dev.cosmos.sql.operators import BINARY, UNARY, between, both, either, is_in, like
from dev.cosmos.sql.tree import (
    Alias,
    ArrayOf,
    Between,
    Binary,
    Call,
    In,
    Like,
    Literal,
    Member,
    Node,
    ObjectOf,
    Parameter,
    Query,
    Source,
    Subquery,
    Ternary,
    Unary,
)
from dev.cosmos.sql.values import UNDEFINED, is_number

Row = Mapping[str, Any]
"""What the names of FROM and JOIN stand for in one row."""
Evaluate = Callable[[Row], Any]
ROOT = "\0root"
"""The name under which a row holds the whole document."""
AGGREGATED = "\0aggregated"
"""The name under which a group's row holds the results of its aggregates."""

SubqueryRows = Callable[[Query, "Compiler"], Callable[[Row], Iterator[Any]]]


class Compiler:
    """Turns expressions into closures, for one set of parameters and one set of names in scope."""

    def __init__(
        self,
        parameters: Mapping[str, Any],
        subquery_rows: SubqueryRows,
        names: frozenset[str] = frozenset(),
        aggregates: tuple[Call, ...] = (),
    ) -> None:
        self._parameters = parameters
        self._subquery_rows = subquery_rows
        self.names = names
        self._aggregates = aggregates
        self._by_type: dict[type[Node], Callable[[Any], Evaluate]] = {
            Literal: self._literal,
            Parameter: self._parameter,
            Alias: self._alias,
            Member: self._member,
            Unary: self._unary,
            Binary: self._binary,
            Between: self._between,
            In: self._in,
            Like: self._like,
            Ternary: self._ternary,
            Call: self._call,
            ArrayOf: self._array,
            ObjectOf: self._object,
            Subquery: self._subquery,
        }

    def with_scope(self, names: frozenset[str], aggregates: tuple[Call, ...] = ()) -> "Compiler":
        """The same parameters with other names in scope."""
        return Compiler(self._parameters, self._subquery_rows, names, aggregates)

    def compile(self, node: Node) -> Evaluate:
        """The closure, or a 400 when a name, function or parameter does not exist."""
        return self._by_type[type(node)](node)

    def constant(self, node: Node) -> Any:
        """The value of a literal or parameter."""
        if not isinstance(node, Literal | Parameter):
            raise bad_request("TOP, OFFSET and LIMIT take a number or a parameter.")
        return self.compile(node)({})

    def _literal(self, node: Literal) -> Evaluate:
        return lambda _: node.value

    def _parameter(self, node: Parameter) -> Evaluate:
        if node.name not in self._parameters:
            raise bad_request(f"The query uses the parameter '{node.name}', which was not given.")
        value = self._parameters[node.name]
        return lambda _: value

    def _alias(self, node: Alias) -> Evaluate:
        if node.name not in self.names:
            raise bad_request(f"Identifier '{node.name}' could not be resolved.")
        name = node.name
        return lambda row: row[name]

    def _member(self, node: Member) -> Evaluate:
        source, index = self.compile(node.source), self.compile(node.index)
        return lambda row: _member_of(source(row), index(row))

    def _unary(self, node: Unary) -> Evaluate:
        operand, calculate = self.compile(node.operand), UNARY[node.operator]
        return lambda row: calculate(operand(row))

    def _binary(self, node: Binary) -> Evaluate:
        left, right, calculate = self.compile(node.left), self.compile(node.right), BINARY[node.operator]
        # The common cases stop at the first side; the result is the same.
        if calculate is both:
            return lambda row: False if (first := left(row)) is False else both(first, right(row))
        if calculate is either:
            return lambda row: True if (first := left(row)) is True else either(first, right(row))
        return lambda row: calculate(left(row), right(row))

    def _between(self, node: Between) -> Evaluate:
        operand, low, high = self.compile(node.operand), self.compile(node.low), self.compile(node.high)
        return lambda row: between(operand(row), low(row), high(row))

    def _in(self, node: In) -> Evaluate:
        operand, choices = self.compile(node.operand), [self.compile(choice) for choice in node.choices]
        return lambda row: is_in(operand(row), [choice(row) for choice in choices])

    def _like(self, node: Like) -> Evaluate:
        operand, pattern = self.compile(node.operand), self.compile(node.pattern)
        return lambda row: like(operand(row), pattern(row), node.escape)

    def _ternary(self, node: Ternary) -> Evaluate:
        condition, yes, no = self.compile(node.condition), self.compile(node.yes), self.compile(node.no)
        return lambda row: yes(row) if condition(row) is True else no(row)

    def _call(self, node: Call) -> Evaluate:
        if node.name in AGGREGATES:
            return self._aggregate(node)
        function = FUNCTIONS.get(node.name)
        if function is None:
            raise bad_request(f"'{node.name}' is not a recognized built-in function name.")
        if not function.least <= len(node.arguments) <= function.most:
            raise bad_request(f"The function '{node.name}' does not take {len(node.arguments)} arguments.")
        arguments, call = [self.compile(argument) for argument in node.arguments], function.call
        return lambda row: call(*[argument(row) for argument in arguments])

    def _aggregate(self, node: Call) -> Evaluate:
        for position, aggregate in enumerate(self._aggregates):
            if aggregate is node:
                return lambda row: row[AGGREGATED][position]
        raise bad_request("Aggregate functions are allowed in the SELECT clause only, and not in each other.")

    def _array(self, node: ArrayOf) -> Evaluate:
        items = [self.compile(item) for item in node.items]
        return lambda row: [value for item in items if (value := item(row)) is not UNDEFINED]

    def _object(self, node: ObjectOf) -> Evaluate:
        members = [(name, self.compile(value)) for name, value in node.members]
        return lambda row: {name: found for name, value in members if (found := value(row)) is not UNDEFINED}

    def _subquery(self, node: Subquery) -> Evaluate:
        rows = self._subquery_rows(node.query, self)
        if node.kind == "EXISTS":
            return lambda row: any(True for _ in rows(row))
        if node.kind == "ARRAY":
            return lambda row: list(rows(row))
        return lambda row: next(rows(row), UNDEFINED)


def _member_of(value: Any, index: Any) -> Any:
    if isinstance(value, dict) and isinstance(index, str):
        return value.get(index, UNDEFINED)
    if isinstance(value, list) and is_number(index) and 0 <= index < len(value) and index == int(index):
        return value[int(index)]
    return UNDEFINED


def compile_sources(
    sources: tuple[Source, ...], compiler: Compiler
) -> tuple[Callable[[Row], Iterator[Row]], frozenset[str]]:
    """FROM and JOIN: what turns an outer row into rows, and the names that are then in scope."""
    names = compiler.names
    steps: list[tuple[Source, Evaluate]] = []
    for position, source in enumerate(sources):
        value = _source_value(source, compiler.with_scope(names), is_first=position == 0)
        names |= {source.alias}
        steps.append((source, value))

    def rows(outer: Row, position: int = 0) -> Iterator[Row]:
        if position == len(steps):
            yield outer
            return
        source, value = steps[position]
        for found in _inputs(value(outer), iterates=source.iterates):
            yield from rows({**outer, source.alias: found}, position + 1)

    return rows, names


def _inputs(value: Any, *, iterates: bool) -> list[Any]:
    if iterates:
        return value if isinstance(value, list) else []
    return [] if value is UNDEFINED else [value]


def _source_value(source: Source, compiler: Compiler, *, is_first: bool) -> Evaluate:
    if source.path is None:
        return lambda row: row[source.alias] if source.alias in compiler.names else row[ROOT]
    if is_first and (container := _first_name(source.path)) and container not in compiler.names:
        # The first name of FROM is the container, whatever it is called.
        inside = compiler.with_scope(compiler.names | {container}).compile(source.path)
        return lambda row: inside({**row, container: row[ROOT]})
    return compiler.compile(source.path)


def _first_name(path: Node) -> str | None:
    while isinstance(path, Member):
        path = path.source
    return path.name if isinstance(path, Alias) else None
