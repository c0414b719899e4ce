"""Composite indexes as indexes of SQLite, so that a page of a sorted query reads little more than it answers with.

Only for one partition, and for orders that end with the id: nothing is then equal, so SQLite's order is Cosmos DB's.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dev.cosmos.indexing import Sorting
from dev.cosmos.paths import segments_of
from dev.cosmos.sql.pushdown import document_alias, is_stored_as_written, path_below
from dev.cosmos.sql.tree import Query

_ID = ("id",)
# Undefined has no type and comes first, as in Cosmos DB; within arrays and objects the order is SQLite's own.
_RANKS = "WHEN 'null' THEN 1 WHEN 'true' THEN 2 WHEN 'false' THEN 2 WHEN 'text' THEN 4 WHEN 'array' THEN 5"


@dataclass(frozen=True)
class SortedIndex:
    """An index of SQLite, and the ORDER BY that it serves."""

    name: str
    order: str


def definitions(container: int, policy: Mapping[str, Any]) -> Iterator[str]:
    """The statements that make the indexes of a container."""
    for position, sorting in _served(policy):
        yield (
            f"CREATE INDEX IF NOT EXISTS {_name(container, position)} ON items (partition, {_terms(sorting)}) "
            f"WHERE container = {container:d}"
        )


def names(container: int, policy: Mapping[str, Any]) -> list[str]:
    """The indexes of a container."""
    return [_name(container, position) for position, _ in _served(policy)]


def index_for(container: int, policy: Mapping[str, Any], query: Query) -> SortedIndex | None:
    """The index that hands out the documents of a query in its order, if there is one."""
    alias = document_alias(query)
    if alias is None or len(query.sources) > 1 or query.group_by or query.aggregates or query.distinct:
        return None
    wanted = [(path_below(item.expression, alias), item.descending) for item in query.order_by]
    opposite = [(path, not down) for path, down in wanted]
    for position, sorting in _served(policy):
        if list(sorting) in (wanted, opposite):
            order = sorting if list(sorting) == wanted else [(path, not down) for path, down in sorting]
            return SortedIndex(_name(container, position), _terms(order))
    return None


def _served(policy: Mapping[str, Any]) -> Iterator[tuple[int, Sorting]]:
    for position, composite in enumerate(policy.get("compositeIndexes", [])):
        sorting = [(tuple(segments_of(one["path"])), one["order"] == "descending") for one in composite]
        if sorting[-1][0] == _ID and all(is_stored_as_written(name) for path, _ in sorting for name in path):
            yield position, sorting


def _name(container: int, position: int) -> str:
    return f"sorted_{container:d}_{position:d}"


def _terms(sorting: Sequence[tuple[tuple[str, ...], bool]]) -> str:
    return ", ".join(f"{column} {'DESC' if down else 'ASC'}" for path, down in sorting for column in _columns(path))


def _columns(path: tuple[str, ...]) -> tuple[str, ...]:
    if path == _ID:
        return ("id",)
    # An index is found by its expressions, so the path is written out; its names are checked above.
    text = "'$" + "".join(f".{json.dumps(name)}" for name in path).replace("'", "''") + "'"
    rank = f"CASE json_type(body, {text}) {_RANKS} WHEN 'object' THEN 6 WHEN 'integer' THEN 3 WHEN 'real' THEN 3 END"
    return rank, f"json_extract(body, {text})"
