"""Queries over the items of a container: scope, index rules, prefilter, evaluation, paging."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dev.cosmos import charges
from dev.cosmos.catalog import Container
from dev.cosmos.errors import CROSS_PARTITION_QUERY_NOT_SERVABLE, bad_request, forbidden
from dev.cosmos.http import Request
from dev.cosmos.indexing import refuse_unserved_order
from dev.cosmos.items import Items
from dev.cosmos.paging import (
    DEFAULT_PAGE_ITEMS,
    after,
    decode_continuation,
    encode_continuation,
    take_page,
)
from dev.cosmos.query_plans import MARKER, plan_of, wrapped
from dev.cosmos.scope import ONE_PARTITION, Scope, scope_of
from dev.cosmos.sorted_indexes import SortedIndex, index_for
from dev.cosmos.sql.evaluate import ROOT, Row
from dev.cosmos.sql.parser import parse_query
from dev.cosmos.sql.pushdown import Prefilter, document_alias, path_below, prefilter
from dev.cosmos.sql.select import Answer, CompiledQuery
from dev.cosmos.sql.tree import Query


@dataclass(frozen=True)
class QueryText:
    """A query as it was sent."""

    text: str
    parameters: Mapping[str, Any]
    wrapped: bool

    @property
    def compiled(self) -> CompiledQuery:
        return CompiledQuery(parse_query(self.text), self.parameters, partial=self.wrapped)


@dataclass(frozen=True)
class QueryPage:
    """One page of documents, its continuation and its charge."""

    documents: list[Any]
    continuation: str | None
    charge: float


def query_of(request: Request) -> QueryText:
    """The query in the body of a request, or 400."""
    body = request.json_object()
    text, given = body.get("query"), body.get("parameters") or []
    if not isinstance(text, str) or not isinstance(given, list):
        raise bad_request("The body of a query has 'query' and 'parameters'.")
    try:
        parameters = {str(parameter["name"]): parameter["value"] for parameter in given}
    except (TypeError, KeyError) as exc:
        raise bad_request("Each parameter of a query has a name and a value.") from exc
    return QueryText(text.removeprefix(MARKER), parameters, text.startswith(MARKER))


def query_plan(container: Container, query: QueryText) -> dict[str, Any]:
    """How the SDK shall run the query over the whole container."""
    _refuse_unserved(query.compiled.query, container)
    return plan_of(query.compiled, query.text)


def query_page(request: Request, container: Container, items: Items, *, strict: bool) -> QueryPage:
    """One page of the answer to a query."""
    query = query_of(request)
    compiled = query.compiled
    scope = scope_of(request.headers, container.key)
    refuse_unscoped(scope, strict=strict)
    _refuse_unmergeable(request, scope, compiled.query)
    _refuse_unserved(compiled.query, container)
    index = _index_for(container, scope, compiled.query)
    documents = _Documents(items, scope, prefilter(compiled.query, query.parameters), index)
    offset, limit = compiled.window()
    if query.wrapped and limit is not None:
        offset, limit = 0, offset + limit  # the SDK skips the offset itself, over all ranges
    token = request.headers.get("x-ms-continuation")
    if token is None:
        answers = compiled.answers(documents.after(0), in_order=index is not None)
        for _ in range(offset):
            next(answers, None)
    else:
        last = decode_continuation(token, query.text)
        start = 0 if compiled.query.needs_every_row or compiled.query.distinct else last.position[0] - 1
        answers = compiled.answers(documents.after(start), in_order=index is not None)
        answers, limit = after(answers, last, compiled.query.order_by), last.left
    page = take_page(answers, limit=limit, max_items=max_items_of(request))
    return QueryPage(
        [_shown(answer, compiled.query, is_wrapped=query.wrapped) for answer in page.answers],
        None if page.next is None else encode_continuation(page.next, query.text),
        charges.query(documents=documents.seen, size=page.size),
    )


def _index_for(container: Container, scope: Scope, query: Query) -> SortedIndex | None:
    if scope.where != ONE_PARTITION:
        return None
    return index_for(container.number, container.properties["indexingPolicy"], query)


class _Documents:
    """The documents of a scope, counted as they are looked at; in the order of an index, where there is one."""

    def __init__(self, items: Items, scope: Scope, pushed: Prefilter, index: SortedIndex | None) -> None:
        self._items = items
        self._index = index
        self._where = f"number > ? AND {scope.where} AND {pushed.where}"
        self._arguments = (*scope.arguments, *pushed.arguments)
        self.seen = 0

    def after(self, number: int) -> Iterator[tuple[int, Row]]:
        order, name = (self._index.order, self._index.name) if self._index else ("number", None)
        for row in self._items.visible(self._where, (number, *self._arguments), order, index=name):
            self.seen += 1
            yield row["number"], {ROOT: self._items.document(row)}


def max_items_of(request: Request) -> int:
    """How many items a page may have."""
    asked = request.whole_number("x-ms-max-item-count")
    return DEFAULT_PAGE_ITEMS if asked is None or asked < 1 else asked


def refuse_unscoped(scope: Scope, *, strict: bool) -> None:
    """In strict mode, 403 for anything that could see more than one first-level key."""
    if strict and not scope.tenant_bound:
        raise forbidden("Strict mode: items are read within one partition key; this request names none.")


def _refuse_unmergeable(request: Request, scope: Scope, query: Query) -> None:
    if scope.where != "1" or scope.by_range:
        return
    if not request.flag("x-ms-documentdb-query-enablecrosspartition"):
        raise bad_request(
            "Cross partition query is required but disabled. Please set x-ms-documentdb-query-enablecrosspartition to"
            " true, specify x-ms-documentdb-partitionkey, or revise your query to avoid this exception."
        )
    if query.needs_coordination:
        raise bad_request(
            "The provided cross partition query can not be directly served by the gateway.",
            CROSS_PARTITION_QUERY_NOT_SERVABLE,
        )


def _refuse_unserved(query: Query, container: Container) -> None:
    """400 for an ORDER BY that no index of the container serves."""
    alias = document_alias(query)
    sorting = []
    for item in query.order_by:
        path = None if alias is None else path_below(item.expression, alias)
        if path is None:
            raise bad_request(
                "Unsupported ORDER BY clause. ORDER BY item expression could not be mapped to a document path."
            )
        sorting.append((path, item.descending))
    if sorting and (refusal := refuse_unserved_order(container.properties["indexingPolicy"], sorting)):
        raise refusal


def _shown(answer: Answer, query: Query, *, is_wrapped: bool) -> Any:
    return wrapped(answer, query) if is_wrapped else answer.payload
