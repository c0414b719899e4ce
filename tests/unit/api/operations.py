"""Every operation of the API with a request that it would accept, read from the OpenAPI document.

Nothing here lists routes: a new one is found as soon as it is served.
"""

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from shared.access.roles import LEAST_ROLE
from shared.api import create_api
from tests.builders import NOON

NEVER_HEX = "0f" * 12

Json = Any


@dataclass(frozen=True)
class Operation:
    """One operation of the OpenAPI document."""

    name: str
    method: str
    path: str
    document: Mapping[str, Any]

    @property
    def is_public(self) -> bool:
        """Whether it asks for no token."""
        return self.name not in LEAST_ROLE

    @property
    def is_read(self) -> bool:
        """Whether it only reads."""
        return self.method == "GET"

    @property
    def parameters(self) -> list[str]:
        """The names in its path."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def body(self) -> Json:
        """The example of its JSON body, None when it takes none."""
        content = self.document.get("requestBody", {}).get("content", {}).get("application/json")
        return None if content is None else copy.deepcopy(example_of(content))

    def schema_of(self, parameter: str, where: str) -> dict[str, Any]:
        """The schema of a parameter, with its reference followed."""
        listed = self.document.get("parameters", ())
        found = next((one for one in listed if (one["name"], one["in"]) == (parameter, where)), {"schema": {}})
        return followed(found["schema"])

    @property
    def query(self) -> dict[str, str]:
        """The least that its query must say."""
        needed = [one for one in self.document.get("parameters", ()) if one["in"] == "query" and one.get("required")]
        return {one["name"]: str(one.get("example") or example_of(one)) for one in needed}

    @property
    def model(self) -> dict[str, Any]:
        """The schema of its JSON body."""
        schema = self.document.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        return followed(schema)


def followed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema, or the one that it refers to."""
    reference = str(schema.get("$ref", ""))
    return document()["components"]["schemas"][reference.rpartition("/")[2]] if reference else dict(schema)


def example_of(content: Mapping[str, Any]) -> Json:
    """The example of a parameter or a body, made from its schema where the document shows none."""
    if "example" in content:
        return content["example"]
    for one in content.get("examples", {}).values():
        return one["value"]
    return made_for(content["schema"])


def made_for(schema: Mapping[str, Any]) -> Json:
    """The least that a schema accepts, as far as types, enums and references tell."""
    schema = followed(schema)
    shown = [schema[key] for key in ("example", "const", "default") if key in schema]
    shown += [schema[key][0] for key in ("examples", "enum") if schema.get(key)]
    shown += [made_for(schema[key][0]) for key in ("anyOf", "oneOf", "allOf") if schema.get(key)]
    return shown[0] if shown else _typed(schema)


def _typed(schema: Mapping[str, Any]) -> Json:
    match schema.get("type"):
        case "object":
            return {one: made_for(schema["properties"][one]) for one in schema.get("required", ())}
        case "array":
            return [made_for(schema["items"]) for _ in range(schema.get("minItems", 0))]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case _:
            return _text_for(schema)


def _text_for(schema: Mapping[str, Any]) -> str:
    formats = {"date-time": NOON.isoformat(), "date": "2026-11-23", "uri": "https://example.com/"}
    kind = re.match(r"\^\(?([a-z]+)-", str(schema.get("pattern", "")))
    if kind:
        return f"{kind[1]}-{NEVER_HEX}"
    usual = "payment"[: schema.get("maxLength", 7)].ljust(schema.get("minLength", 0), "x")
    return formats.get(str(schema.get("format")), usual)


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document of the whole API."""
    # Only described, never served: what it is wired to does not matter.
    return create_api(services=None, authenticator=None).openapi()  # type: ignore[arg-type]  # only its routes are read


@cache
def operations() -> tuple[Operation, ...]:
    """Every operation of the document."""
    return tuple(
        Operation(operation["operationId"], method.upper(), path, operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    )


def guarded() -> tuple[Operation, ...]:
    """Every operation that asks for a token."""
    return tuple(one for one in operations() if not one.is_public)
