"""The shape of an answer as the strict schema that travels with a question, and is paid for with every one."""

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from openai.types.shared_params import ResponseFormatJSONSchema


def response_format_of(shape: type[BaseModel]) -> "ResponseFormatJSONSchema":
    """The `response_format` for a shape. The package makes a strict schema in public for tools; it is the same."""
    from openai import pydantic_function_tool

    schema: dict[str, object] = pydantic_function_tool(shape)["function"]["parameters"]
    bare: dict[str, object] = _untitled(schema)
    return {"type": "json_schema", "json_schema": {"name": shape.__name__, "schema": bare, "strict": True}}


def _untitled(schema: Any, *, is_of_names: bool = False) -> Any:
    """Without the titles, which only say the names of fields again."""
    match schema:
        case dict():
            kept = {name: one for name, one in schema.items() if is_of_names or name != "title"}
            inner = {"properties", "$defs"}
            return {name: _untitled(one, is_of_names=not is_of_names and name in inner) for name, one in kept.items()}
        case list():
            return [_untitled(one) for one in schema]
        case _:
            return schema
