"""The documentation: complete, true, and readable without a network. Every route stands in the roles table."""

import asyncio
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import TypeAdapter

from shared.access.roles import LEAST_ROLE, PUBLIC_OPERATIONS
from shared.api import create_api
from shared.api.documentation import add_document, answered_with
from shared.api.examples import EXAMPLES
from tests.unit.api.serving import Served

PUBLIC = {"/api/v1/openapi.json", "/api/v1/docs", "/api/v1/docs/assets"}
DOCS = Path(__file__).parents[3] / "docs" / "api.md"


@pytest.fixture
def api() -> FastAPI:
    # Only walked, never served: what it is wired to does not matter.
    return create_api(services=None, authenticator=None)  # type: ignore[arg-type]  # only its routes are read


def routes_of(api: FastAPI) -> Iterator[tuple[str, APIRoute | None]]:
    """Every path that is served, with its route unless it is public."""
    for context in iter_route_contexts(api.routes):
        path = str(getattr(context, "path", ""))
        if path not in PUBLIC:
            route = getattr(context, "original_route", context)
            yield path, route if isinstance(route, APIRoute) else None


def operations_of(dependant: Dependant) -> Iterator[str]:
    for one in dependant.dependencies:
        operation = getattr(one.call, "operation", None)
        if operation is not None:
            yield operation
        yield from operations_of(one)


def operations(api: FastAPI) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, _, operation in operations_by_method(api):
        yield path, operation


def operations_by_method(api: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in api.openapi()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_every_route_authorises_one_operation_of_the_roles_table(api: FastAPI) -> None:
    seen = []
    for path, route in routes_of(api):
        assert route is not None, f"{path} is neither public nor an operation"
        asked = [] if route.name in PUBLIC_OPERATIONS else [route.name]
        assert list(operations_of(route.dependant)) == asked, path
        seen.append(route.name)
    assert sorted(seen) == sorted([*LEAST_ROLE, *PUBLIC_OPERATIONS])


def test_a_route_that_forgets_to_authorise_would_be_noticed(api: FastAPI) -> None:
    @api.get("/api/v1/forgotten")
    async def forgotten() -> None: ...

    (found,) = [route for path, route in routes_of(api) if path == "/api/v1/forgotten"]
    assert found is not None
    assert list(operations_of(found.dependant)) == []


def test_every_operation_is_described_with_its_errors_and_how_to_prove_oneself(api: FastAPI) -> None:
    for path, operation in operations(api):
        assert operation["summary"], path
        assert operation["description"], path
        is_public = operation["operationId"] in PUBLIC_OPERATIONS
        assert operation.get("security", []) == ([] if is_public else [{"HTTPBearer": []}, {"Session": []}]), path
        assert {"400", "401", "403", "404", "500", "503"} <= set(operation["responses"]), path
        assert any(status.startswith(("2", "3")) for status in operation["responses"]), path
    schemes = api.openapi()["components"]["securitySchemes"]
    assert (schemes["HTTPBearer"]["type"], schemes["HTTPBearer"]["scheme"]) == ("http", "bearer")
    assert (schemes["Session"]["in"], schemes["Session"]["name"]) == ("cookie", "__Host-sre-session")


def test_every_post_and_nothing_else_takes_an_idempotency_key(api: FastAPI) -> None:
    for path, method, operation in operations_by_method(api):
        named = [one["name"] for one in operation.get("parameters", [])]
        takes_one = method == "post" and operation["operationId"] not in PUBLIC_OPERATIONS
        assert named.count("Idempotency-Key") == takes_one, path
        # FastAPI's own 422 is not among what we answer with.
        assert ("422" in operation["responses"]) == takes_one, path


def test_errors_are_documented_as_problems(api: FastAPI) -> None:
    for path, operation in operations(api):
        for status, answer in operation["responses"].items():
            if not status.startswith(("2", "3")):
                problem = answer["content"]["application/problem+json"]
                assert list(answer["content"]) == ["application/problem+json"], (path, status)
                assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}
                assert status in (str(problem["example"]["status"]), "default")
    assert "HTTPValidationError" not in api.openapi()["components"]["schemas"]


def test_every_reference_of_the_document_leads_somewhere(api: FastAPI) -> None:
    document = api.openapi()
    for name in set(re.findall(r"'#/components/schemas/(\w+)'", str(document))):
        assert name in document["components"]["schemas"]


def test_every_operation_shows_an_example_that_is_just_what_it_could_answer(api: FastAPI) -> None:
    shown = {
        operation["operationId"]: content["example"]
        for _, operation in operations(api)
        if (content := answered_with(operation)) is not None
    }
    assert shown == EXAMPLES
    for path, route in routes_of(api):
        assert route is not None
        if route.name not in EXAMPLES:
            continue
        shape: TypeAdapter[Any] = TypeAdapter(route.response_model)
        example = EXAMPLES[route.name]
        assert shape.dump_python(shape.validate_python(example), mode="json") == example, path


async def test_the_document_is_served_to_everybody(served: Served) -> None:
    async with served.client(headers={}) as client:
        answer = await client.get("/openapi.json")
    assert (answer.status_code, "/api/v1/incidents" in answer.json()["paths"]) == (200, True)


async def test_the_docs_page_loads_everything_from_this_host(served: Served) -> None:
    async with served.client(headers={}) as client:
        page = (await client.get("/docs")).text
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
        answers = [(await client.get(f"http://api.test{one}")).status_code for one in loaded]
    assert len(loaded) == 3
    assert all(one.startswith("/api/v1/docs/assets/") for one in loaded)
    assert answers == [200, 200, 200]


async def test_the_docs_page_may_run_its_own_script_and_no_other_inline(served: Served) -> None:
    async with served.client(headers={}) as client:
        answer = await client.get("/docs")
    policy = answer.headers["Content-Security-Policy"]
    (script,) = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none'")


def test_the_guide_names_every_route_with_its_least_role(api: FastAPI) -> None:
    guide = DOCS.read_text()
    for path, route in routes_of(api):
        assert route is not None
        (method,) = route.methods
        least = "public" if route.name in PUBLIC_OPERATIONS else LEAST_ROLE[route.name]
        assert f"| `{method} {path}` | {least} |" in guide, path


async def test_the_document_is_made_once_and_beside_the_loop_for_everybody_may_ask_for_it() -> None:
    made = []

    class Counting(FastAPI):
        def openapi(self) -> dict[str, Any]:
            made.append(current_thread() is main_thread())
            return {"openapi": "3.1.0", "info": {"title": "\u00fcber"}}

    api = Counting(openapi_url=None)
    add_document(api, "/api/v1")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://api.test") as client:
        answers = await asyncio.gather(*(client.get("/api/v1/openapi.json") for _ in range(3)))
    assert [one.json()["info"]["title"] for one in answers] == ["\u00fcber"] * 3
    assert {one.headers["content-type"] for one in answers} == {"application/json"}
    assert made == [False]
