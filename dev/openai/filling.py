"""Fills the JSON schema of a question with what a mode wants to say, whatever shape is asked for."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
MAX_DEPTH = 12


def filled(schema: Schema, wanted: Any) -> Any:
    """A value of the schema: `wanted` where it fits, and the plainest there is where it does not."""
    return _filled(schema, wanted, schema.get("$defs") or {}, 0)


def _filled(schema: Schema, wanted: Any, defs: Mapping[str, Schema], depth: int) -> Any:
    schema = _resolved(schema, defs)
    if depth > MAX_DEPTH:
        return None
    for choices in (schema.get("anyOf"), schema.get("oneOf")):
        if choices:
            return _of_any(choices, wanted, defs, depth)
    if "enum" in schema or "const" in schema:
        allowed = schema.get("enum") or [schema["const"]]
        return wanted if wanted in allowed else allowed[0]
    return _of_type(schema, wanted, defs, depth)


def _resolved(schema: Schema, defs: Mapping[str, Schema]) -> Schema:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return {**defs[name], **{key: one for key, one in schema.items() if key != "$ref"}} if name in defs else schema


def _of_any(choices: list[Schema], wanted: Any, defs: Mapping[str, Schema], depth: int) -> Any:
    is_null = [one.get("type") == "null" for one in choices]
    if wanted is None and any(is_null):
        return None
    return _filled(choices[is_null.index(False)], wanted, defs, depth)


def _of_type(schema: Schema, wanted: Any, defs: Mapping[str, Schema], depth: int) -> Any:
    match schema.get("type"):
        case "object":
            said = wanted if isinstance(wanted, dict) else {}
            parts = schema.get("properties") or {}
            return {name: _filled(part, said.get(name), defs, depth + 1) for name, part in parts.items()}
        case "array":
            items = wanted if isinstance(wanted, list) else []
            return [_filled(schema.get("items") or {}, one, defs, depth + 1) for one in items]
        case "number" | "integer":
            return wanted if isinstance(wanted, int | float) and not isinstance(wanted, bool) else 0
        case "boolean":
            return bool(wanted)
        case "null":
            return None
        case _:
            return wanted if isinstance(wanted, str) else "" if wanted is None else str(wanted)
