"""The parsed form of a query."""

from dataclasses import dataclass, field
from typing import Any


class Node:
    """An expression."""


@dataclass(frozen=True)
class Literal(Node):
    """A constant, `undefined` included."""

    value: Any


@dataclass(frozen=True)
class Parameter(Node):
    """`@name`, bound when the query is evaluated."""

    name: str


@dataclass(frozen=True)
class Alias(Node):
    """A name bound by FROM or JOIN."""

    name: str


@dataclass(frozen=True)
class Member(Node):
    """`source.name` or `source[index]`."""

    source: Node
    index: Node


@dataclass(frozen=True)
class Unary(Node):
    """`NOT`, `+`, `-` or `~`."""

    operator: str
    operand: Node


@dataclass(frozen=True)
class Binary(Node):
    """An operator between two expressions, `AND`, `OR` and `??` included."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Between(Node):
    """`operand BETWEEN low AND high`."""

    operand: Node
    low: Node
    high: Node


@dataclass(frozen=True)
class In(Node):
    """`operand IN (choices)`."""

    operand: Node
    choices: tuple[Node, ...]


@dataclass(frozen=True)
class Like(Node):
    """`operand LIKE pattern ESCAPE escape`."""

    operand: Node
    pattern: Node
    escape: str | None


@dataclass(frozen=True)
class Ternary(Node):
    """`condition ? yes : no`."""

    condition: Node
    yes: Node
    no: Node


@dataclass(frozen=True)
class Call(Node):
    """A built-in function; the name is upper case."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class ArrayOf(Node):
    """`[a, b]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class ObjectOf(Node):
    """`{'a': b}`."""

    members: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class Subquery(Node):
    """`(SELECT …)`, `EXISTS(SELECT …)` or `ARRAY(SELECT …)`; `kind` is SCALAR, EXISTS or ARRAY."""

    kind: str
    query: "Query"


@dataclass(frozen=True)
class Source:
    """One input of FROM: `path AS alias`, `alias IN path`, or a subquery. Without a path it is the container."""

    alias: str
    path: Node | None = None
    iterates: bool = False


@dataclass(frozen=True)
class SelectItem:
    """One output property."""

    expression: Node
    name: str


@dataclass(frozen=True)
class SortItem:
    """One item of ORDER BY."""

    expression: Node
    descending: bool


@dataclass(frozen=True)
class Query:
    """A whole query. `value` is set for SELECT VALUE; without it and without items it is SELECT *."""

    value: Node | None = None
    items: tuple[SelectItem, ...] = ()
    distinct: bool = False
    top: Node | None = None
    sources: tuple[Source, ...] = ()
    where: Node | None = None
    group_by: tuple[Node, ...] = ()
    order_by: tuple[SortItem, ...] = ()
    offset: Node | None = None
    limit: Node | None = None
    aggregates: tuple[Call, ...] = field(default=())

    @property
    def selects_all(self) -> bool:
        return self.value is None and not self.items

    @property
    def needs_every_row(self) -> bool:
        """Whether no row can be answered before all were seen."""
        return bool(self.order_by or self.group_by or self.aggregates)

    @property
    def needs_coordination(self) -> bool:
        """Whether answers of several partitions cannot simply be put one after the other."""
        return self.needs_every_row or self.distinct or self.top is not None or self.limit is not None
