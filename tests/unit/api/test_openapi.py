"""The OpenAPI document as a whole: valid, complete, and the same tomorrow."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fastapi.routing import iter_route_contexts
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from shared.api import create_api
from shared.api.documentation import answered_with
from tests.unit.api.operations import Operation, document, example_of, operations

PUBLIC = re.compile(r"/api/v1/(openapi\.json|docs(/assets)?)")
DOCS = Path(__file__).parents[3] / "docs"
FOR_ALL = {"400", "413", "414", "429", "431", "500"}
FOR_GUARDED = {"401", "403", "503"}

each = pytest.mark.parametrize("operation", operations(), ids=[one.name for one in operations()])


def test_the_document_is_openapi_3_1() -> None:
    assert document()["openapi"].startswith("3.1.")
    validate(document(), cls=OpenAPIV31SpecValidator)


def test_every_route_that_is_served_is_described() -> None:
    api = create_api(services=None, authenticator=None)  # type: ignore[arg-type]  # only its routes are read
    served = {
        (method, str(context.path))
        for context in iter_route_contexts(api.routes)
        for method in getattr(context, "methods", None) or ()
        if not PUBLIC.fullmatch(str(context.path))
    }
    assert served == {(one.method, one.path) for one in operations()}


def test_each_operation_has_an_id_of_its_own() -> None:
    names = [one.name for one in operations()]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z][a-z_]*", name) for name in names)


def test_the_document_says_where_it_is_served_and_for_whom() -> None:
    assert [one["url"] for one in document()["servers"]] == ["/"]
    assert document()["info"]["description"]
    assert document()["components"]["securitySchemes"]["HTTPBearer"]["description"]


def test_every_tag_says_what_it_is_about() -> None:
    described = {one["name"] for one in document()["tags"] if one["description"]}
    assert {tag for one in operations() for tag in one.document["tags"]} == described


@each
def test_an_operation_documents_every_refusal_that_it_may_give(operation: Operation) -> None:
    answers = set(operation.document["responses"])
    assert answers >= FOR_ALL
    assert operation.is_public or answers >= FOR_GUARDED
    assert not operation.document.get("requestBody") or "413" in answers
    if operation.method in {"PUT", "PATCH", "DELETE"}:
        assert "412" in answers


@each
def test_a_list_is_an_object_with_items_so_that_something_can_be_added_to_it(operation: Operation) -> None:
    answer = answered_with(operation.document)
    assert answer is None or answer["schema"].get("type") != "array"


@each
def test_a_429_says_when_to_come_back(operation: Operation) -> None:
    assert "Retry-After" in operation.document["responses"]["429"]["headers"]


@each
def test_every_parameter_of_a_query_is_described(operation: Operation) -> None:
    for one in operation.document.get("parameters", ()):
        assert one["in"] == "path" or one.get("description"), one["name"]


@each
def test_a_body_shows_an_example_that_it_would_accept(operation: Operation) -> None:
    for media_type, content in operation.document.get("requestBody", {}).get("content", {}).items():
        if media_type == "application/json":
            assert content.keys() & {"example", "examples"}, "give it an example in shared/api/examples_requests.py"
            _hold(example_of(content), content["schema"])
            assert "additionalProperties" not in operation.model or not operation.model["additionalProperties"]


def _hold(example: Any, schema: dict[str, Any]) -> None:
    whole = {**schema, "components": document()["components"]}
    jsonschema.Draft202012Validator(whole).validate(example)


def test_the_guide_says_where_the_document_is() -> None:
    assert "/api/v1/openapi.json" in (DOCS / "api.md").read_text()
