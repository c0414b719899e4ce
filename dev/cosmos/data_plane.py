"""Handlers for items: points, batches, queries and feeds."""

from collections.abc import Callable
from typing import Any

from dev.cosmos.batches import run_batch
from dev.cosmos.catalog import Container
from dev.cosmos.feeds import RANGE_ID, RANGES_ETAG, change_feed, partition_key_ranges, read_feed
from dev.cosmos.http import Request, Response
from dev.cosmos.items import Conditions, Items, Outcome
from dev.cosmos.partition_keys import PartitionKey, needed, of_header
from dev.cosmos.patches import parse_patch
from dev.cosmos.queries import QueryPage, query_of, query_page, query_plan
from dev.cosmos.service import Service

Write = Callable[[Items, PartitionKey], Outcome]


def _headers(container: Container, items: Items, charge: float) -> dict[str, str]:
    """What every answer about items carries.

    Without the session token the client loses its session. Without the range it takes the partition for split, drops
    what it knows of the ranges and asks for them anew before each read and query.
    """
    return {
        "x-ms-documentdb-partitionkeyrangeid": RANGE_ID,
        "x-ms-request-charge": f"{charge:.2f}",
        "x-ms-session-token": f"{RANGE_ID}:-1#{items.lsn}",
        "x-ms-alt-content-path": container.name_link,
        "lsn": str(items.lsn),
    }


def _key(request: Request, container: Container) -> PartitionKey:
    return needed(of_header(request.headers.get("x-ms-documentdb-partitionkey"), container.key))


def _conditions(request: Request) -> Conditions:
    return Conditions(request.headers.get("if-match"), request.headers.get("if-none-match"))


def _written(service: Service, request: Request, write: Write) -> Response:
    """Run one write in its own transaction."""
    container = service.owner_of_items(request)
    key, items = _key(request, container), service.items(container)
    with service.storage.transaction():
        outcome = write(items, key)
    headers = _headers(container, items, outcome.charge)
    if outcome.etag is not None:
        headers["etag"] = outcome.etag
    is_minimal = request.headers.get("prefer", "").lower() == "return=minimal"
    return Response(outcome.status, None if is_minimal else outcome.document, headers)


def read_item(service: Service, request: Request) -> Response:
    """200, 404, or 304 when the client has this version."""
    container = service.owner_of_items(request)
    items = service.items(container)
    outcome = items.read(_key(request, container), request.segments[5])
    headers = {**_headers(container, items, outcome.charge), "etag": str(outcome.etag)}
    if request.headers.get("if-none-match") == outcome.etag:
        return Response(304, None, headers)
    return Response(200, outcome.document, headers)


def create_item(service: Service, request: Request) -> Response:
    """201, or 409."""
    body = request.json_object()
    return _written(service, request, lambda items, key: items.create(key, body))


def upsert_item(service: Service, request: Request) -> Response:
    """201 or 200."""
    body = request.json_object()
    return _written(service, request, lambda items, key: items.upsert(key, body, _conditions(request)))


def replace_item(service: Service, request: Request) -> Response:
    """200, 404, or 412."""
    body, name = request.json_object(), request.segments[5]
    return _written(service, request, lambda items, key: items.replace(key, name, body, _conditions(request)))


def patch_item(service: Service, request: Request) -> Response:
    """200, 404, or 412."""
    patch, name = parse_patch(request.json()), request.segments[5]
    return _written(service, request, lambda items, key: items.patch(key, name, patch, _conditions(request)))


def delete_item(service: Service, request: Request) -> Response:
    """204, 404, or 412."""
    name = request.segments[5]
    return _written(service, request, lambda items, key: items.delete(key, name, _conditions(request)))


def delete_partition(service: Service, request: Request) -> Response:
    """All items of a logical partition, at once; Cosmos DB does it in the background."""
    container = service.owner_of_items(request)
    key, items = _key(request, container), service.items(container)
    with service.storage.transaction():
        items.delete_partition(key)
    return Response(200, None, _headers(container, items, 1.0))


def batch(service: Service, request: Request) -> Response:
    """200, or 207 and nothing was written."""
    operations = request.json()
    container = service.owner_of_items(request)
    key, items = _key(request, container), service.items(container)
    outcome = run_batch(service.storage, items, key, operations)
    items = service.items(container) if outcome.status != 200 else items  # the sequence number was rolled back
    return Response(outcome.status, outcome.results, _headers(container, items, outcome.charge), outcome.kinds)


def _page(container: Container, items: Items, page: QueryPage) -> Response:
    headers = {**_headers(container, items, page.charge), "x-ms-item-count": str(len(page.documents))}
    if page.continuation is not None:
        headers["x-ms-continuation"] = page.continuation
    body = {"_rid": container.rid, "Documents": page.documents, "_count": len(page.documents)}
    return Response(200, body, headers, {str(len(page.documents)): 1})


def query_items(service: Service, request: Request) -> Response:
    """One page."""
    container = service.owner_of_items(request)
    items = service.items(container)
    return _page(container, items, query_page(request, container, items, strict=service.strict))


def plan_query(service: Service, request: Request) -> Response:
    """How to run a query over the whole container."""
    container = service.owner_of_items(request)
    plan: dict[str, Any] = query_plan(container, query_of(request))
    return Response(200, plan, _headers(container, service.items(container), 1.0))


def list_items(service: Service, request: Request) -> Response:
    """One page."""
    container = service.owner_of_items(request)
    items = service.items(container)
    return _page(container, items, read_feed(request, container, items, strict=service.strict))


def list_changes(service: Service, request: Request) -> Response:
    """One page, or 304 when nothing is new."""
    container = service.owner_of_items(request)
    items = service.items(container)
    changes = change_feed(request, container, items)
    headers = {**_headers(container, items, changes.charge), "etag": changes.etag}
    if not changes.documents:
        return Response(304, None, headers)
    body = {"_rid": container.rid, "Documents": changes.documents, "_count": len(changes.documents)}
    return Response(200, body, {**headers, "x-ms-item-count": str(len(changes.documents))})


def list_ranges(service: Service, request: Request) -> Response:
    """The ranges; the client reads on until it is told that there is nothing new."""
    container = service.owner_of_items(request)
    headers = {**_headers(container, service.items(container), 1.0), "etag": RANGES_ETAG}
    if request.headers.get("if-none-match") == RANGES_ETAG:
        return Response(304, None, headers)
    ranges = partition_key_ranges(container)
    return Response(200, {"_rid": container.rid, "PartitionKeyRanges": ranges, "_count": len(ranges)}, headers)
