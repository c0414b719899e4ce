"""Which handler answers which request, and what kind of operation it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dev.cosmos import control_plane, data_plane
from dev.cosmos.errors import Refusal
from dev.cosmos.faults import Operation
from dev.cosmos.http import Request, Response
from dev.cosmos.service import Service

Handler = Callable[[Service, Request], Response]


@dataclass(frozen=True)
class Route:
    """A handler and what it is counted as."""

    handler: Handler
    operation: Operation = Operation.METADATA


_METADATA: Mapping[tuple[str, str], Handler] = {
    ("GET", ""): control_plane.read_account,
    ("GET", "dbs"): control_plane.list_databases,
    ("POST", "dbs"): control_plane.create_database,
    ("GET", "dbs/*"): control_plane.read_database,
    ("DELETE", "dbs/*"): control_plane.delete_database,
    ("GET", "dbs/*/colls"): control_plane.list_containers,
    ("POST", "dbs/*/colls"): control_plane.create_container,
    ("GET", "dbs/*/colls/*"): control_plane.read_container,
    ("PUT", "dbs/*/colls/*"): control_plane.replace_container,
    ("DELETE", "dbs/*/colls/*"): control_plane.delete_container,
    ("GET", "dbs/*/colls/*/pkranges"): data_plane.list_ranges,
    ("GET", "offers"): control_plane.list_offers,
    ("POST", "offers"): control_plane.list_offers,
    ("PUT", "offers/*"): control_plane.replace_offer,
}
_POINTS: Mapping[str, Route] = {
    "GET": Route(data_plane.read_item, Operation.READ),
    "PUT": Route(data_plane.replace_item, Operation.REPLACE),
    "PATCH": Route(data_plane.patch_item, Operation.PATCH),
    "DELETE": Route(data_plane.delete_item, Operation.DELETE),
}
# A POST to the items is told apart by its headers, in this order.
_POSTS: Mapping[str, Route] = {
    "x-ms-cosmos-is-query-plan-request": Route(data_plane.plan_query),
    "x-ms-cosmos-is-batch-request": Route(data_plane.batch, Operation.BATCH),
    "x-ms-documentdb-isquery": Route(data_plane.query_items, Operation.QUERY),
    "x-ms-documentdb-is-upsert": Route(data_plane.upsert_item, Operation.UPSERT),
}
_CREATE = Route(data_plane.create_item, Operation.CREATE)
_READ_FEED = Route(data_plane.list_items, Operation.READ_FEED)
_CHANGE_FEED = Route(data_plane.list_changes, Operation.CHANGE_FEED)
_DELETE_PARTITION = Route(data_plane.delete_partition, Operation.DELETE)


def route_of(request: Request) -> Route:
    """The route of a request; what is not served is answered with 501, never silently."""
    shape = _shape(request.segments)
    if shape == "dbs/*/colls/*/docs" and request.method == "POST":
        return next((route for header, route in _POSTS.items() if request.flag(header)), _CREATE)
    if shape == "dbs/*/colls/*/docs" and request.method == "GET":
        return _CHANGE_FEED if "a-im" in request.headers else _READ_FEED
    if shape == "dbs/*/colls/*/docs/*" and request.method in _POINTS:
        return _POINTS[request.method]
    if shape == "dbs/*/colls/*/operations/*" and request.segments[-1] == "partitionkeydelete":
        return _DELETE_PARTITION
    return Route(_METADATA.get((request.method, shape), _not_served))


def _shape(segments: tuple[str, ...]) -> str:
    """The path with a star for each id."""
    return "/".join("*" if position % 2 else segment for position, segment in enumerate(segments))


def _not_served(_: Service, request: Request) -> Response:
    path = "/".join(request.segments)
    raise Refusal(501, "NotImplemented", f"This stand-in does not serve {request.method} /{path}.")
