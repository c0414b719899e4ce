"""Handlers for the account, databases, containers and offers."""

import json
from collections.abc import Iterable
from typing import Any

from dev.cosmos import charges
from dev.cosmos.errors import bad_request, item_not_found
from dev.cosmos.http import Request, Response
from dev.cosmos.queries import query_of
from dev.cosmos.service import Service
from dev.cosmos.sql.evaluate import ROOT

_METADATA_CHARGE = {"x-ms-request-charge": str(charges.METADATA)}
_LOCATION = "Local"


def _answer(status: int, resource: dict[str, Any]) -> Response:
    return Response(status, resource, {**_METADATA_CHARGE, "etag": resource["_etag"]})


def _listed(name: str, resources: Iterable[dict[str, Any]], rid: str = "") -> Response:
    listed = list(resources)
    body = {"_rid": rid, name: listed, "_count": len(listed)}
    return Response(200, body, {**_METADATA_CHARGE, "x-ms-item-count": str(len(listed))})


def _selected(request: Request, resources: list[dict[str, Any]]) -> list[Any]:
    """The resources that the query in a request selects; without one, all."""
    if request.method != "POST":
        return resources
    documents = [(number, {ROOT: resource}) for number, resource in enumerate(resources)]
    return [answer.payload for answer in query_of(request).compiled.answers(documents)]


def read_account(_: Service, request: Request) -> Response:
    """The account; the client asks its next questions at the addresses in it."""
    endpoint = f"{request.headers.get('x-forwarded-proto', 'http')}://{request.headers.get('host', 'localhost')}/"
    locations = [{"name": _LOCATION, "databaseAccountEndpoint": endpoint}]
    return Response(
        200,
        {
            "_self": "",
            "id": "local",
            "_rid": "local",
            "media": "//media/",
            "addresses": "//addresses/",
            "_dbs": "//dbs/",
            "writableLocations": locations,
            "readableLocations": locations,
            "enableMultipleWriteLocations": False,
            "userReplicationPolicy": {"asyncReplication": False, "minReplicaSetSize": 1, "maxReplicasetSize": 4},
            "userConsistencyPolicy": {"defaultConsistencyLevel": "Session"},
            "systemReplicationPolicy": {"minReplicaSetSize": 1, "maxReplicasetSize": 4},
            "readPolicy": {"primaryReadCoefficient": 1, "secondaryReadCoefficient": 1},
            "queryEngineConfiguration": "{}",
        },
    )


def create_database(service: Service, request: Request) -> Response:
    """201, or 409."""
    if request.flag("x-ms-documentdb-isquery"):
        return list_databases(service, request)
    database = service.catalog.create_database(request.json_object())
    _offer_throughput(service, request, f"dbs/{database.rid}/", database.rid)
    return _answer(201, database.resource())


def list_databases(service: Service, request: Request) -> Response:
    """All databases, or those a query selects."""
    resources = [database.resource() for database in service.catalog.databases()]
    return _listed("Databases", _selected(request, resources))


def read_database(service: Service, request: Request) -> Response:
    """200, or 404."""
    return _answer(200, service.catalog.database(request.segments[1]).resource())


def delete_database(service: Service, request: Request) -> Response:
    """204, or 404."""
    service.catalog.delete_database(service.catalog.database(request.segments[1]))
    return Response(204, headers=dict(_METADATA_CHARGE))


def create_container(service: Service, request: Request) -> Response:
    """201, or 409."""
    if request.flag("x-ms-documentdb-isquery"):
        return list_containers(service, request)
    database = service.catalog.owner_database(request.segments[1])
    container = service.catalog.create_container(database, request.json_object())
    _offer_throughput(service, request, container.self_link, container.rid)
    return _answer(201, container.resource())


def list_containers(service: Service, request: Request) -> Response:
    """All containers of a database, or those a query selects."""
    database = service.catalog.owner_database(request.segments[1])
    resources = [container.resource() for container in service.catalog.containers(database)]
    return _listed("DocumentCollections", _selected(request, resources), database.rid)


def read_container(service: Service, request: Request) -> Response:
    """200, or 404."""
    container = service.catalog.container(request.segments[1], request.segments[3])
    answer = _answer(200, container.resource())
    return Response(answer.status, answer.body, {**answer.headers, "x-ms-alt-content-path": container.name_link})


def replace_container(service: Service, request: Request) -> Response:
    """200: other indexes or another TTL."""
    container = service.catalog.container(request.segments[1], request.segments[3])
    return _answer(200, service.catalog.replace_container(container, request.json_object()).resource())


def delete_container(service: Service, request: Request) -> Response:
    """204, or 404."""
    container = service.catalog.container(request.segments[1], request.segments[3])
    service.catalog.delete_container(container)
    return Response(204, headers=dict(_METADATA_CHARGE))


def _offer_throughput(service: Service, request: Request, resource: str, rid: str) -> None:
    """Remember the throughput that was asked for; nothing is limited by it."""
    manual = request.whole_number("x-ms-offer-throughput")
    autoscale = request.headers.get("x-ms-cosmos-offer-autopilot-settings")
    if manual is None and autoscale is None:
        return
    content = {"offerThroughput": manual} if autoscale is None else {"offerAutopilotSettings": json.loads(autoscale)}
    offer = {"offerVersion": "V2", "resource": resource, "offerResourceId": rid, "content": content}
    service.storage.run("INSERT INTO offers (resource, offer) VALUES (?, ?)", resource, json.dumps(offer))


def _offers(service: Service) -> list[dict[str, Any]]:
    offers = []
    for row in service.storage.rows("SELECT * FROM offers ORDER BY number"):
        rid = f"o{row['number']:03d}"
        own = {"id": rid, "_rid": rid, "_self": f"offers/{rid}/", "_etag": f'"{rid}"'}
        offers.append({**json.loads(row["offer"]), **own})
    return offers


def list_offers(service: Service, request: Request) -> Response:
    """The offers that a query selects; the client finds a container's by its link."""
    return _listed("Offers", _selected(request, _offers(service)))


def replace_offer(service: Service, request: Request) -> Response:
    """Another throughput."""
    rid = request.segments[1]
    if all(offer["_rid"] != rid for offer in _offers(service)):
        raise item_not_found()
    changed = request.json_object()
    if not isinstance(changed.get("content"), dict):
        raise bad_request("An offer has a content.")
    service.storage.run("UPDATE offers SET offer = ? WHERE number = ?", json.dumps(changed), int(rid[1:]))
    return _answer(200, next(offer for offer in _offers(service) if offer["_rid"] == rid))
