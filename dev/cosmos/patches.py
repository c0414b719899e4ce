"""Partial updates: add, set, replace, remove, incr and move, under an optional condition."""

import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from dev.cosmos.errors import bad_request
from dev.cosmos.sql.parser import parse_condition
from dev.cosmos.sql.select import CompiledQuery
from dev.cosmos.sql.values import is_number

_MAX_OPERATIONS = 10
_OPERATIONS = frozenset({"add", "set", "replace", "remove", "incr", "move"})
_RESERVED = frozenset({"id", "_rid", "_self", "_etag", "_attachments", "_ts"})

Pointer = tuple[str, ...]


@dataclass(frozen=True)
class _Operation:
    kind: str
    path: Pointer
    value: Any = None
    source: Pointer = ()


@dataclass(frozen=True)
class Patch:
    """A checked patch."""

    operations: tuple[_Operation, ...]
    condition: str | None

    def applies_to(self, document: Mapping[str, Any]) -> bool:
        """Whether the condition, if there is one, holds."""
        return self.condition is None or CompiledQuery(parse_condition(self.condition), {}).matches(document)

    def refuse_reserved(self, key_paths: tuple[Pointer, ...]) -> None:
        """400 for a change of a system property, the id or a part of the partition key."""
        for operation in self.operations:
            for path in filter(None, (operation.path, operation.source)):
                if path[0] in _RESERVED or any(_overlaps(path, key) for key in key_paths):
                    raise bad_request(f"The property '/{'/'.join(path)}' cannot be changed by a patch.")

    def applied_to(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The changed body; 400 when an operation does not fit it. The given one stays as it is."""
        changed: dict[str, Any] = deepcopy(dict(body))
        for operation in self.operations:
            _apply(changed, operation)
        return changed


def _overlaps(path: Pointer, key: Pointer) -> bool:
    length = min(len(path), len(key))
    return path[:length] == key[:length]


def parse_patch(body: Any) -> Patch:
    """Check the body of a patch request."""
    operations = body.get("operations") if isinstance(body, dict) else None
    if not isinstance(operations, list) or not operations:
        raise bad_request("A patch request has at least one operation.")
    if len(operations) > _MAX_OPERATIONS:
        raise bad_request(f"The number of patch operations exceeds the limit of {_MAX_OPERATIONS}.")
    condition = body.get("condition")
    if condition is not None and not isinstance(condition, str):
        raise bad_request("The condition of a patch must be a string.")
    return Patch(tuple(_parse_operation(operation) for operation in operations), condition)


def _parse_operation(operation: Any) -> _Operation:
    kind = str(operation.get("op", "")).lower() if isinstance(operation, dict) else ""
    if kind not in _OPERATIONS:
        raise bad_request(f"The patch operation '{kind}' is not one of {', '.join(sorted(_OPERATIONS))}.")
    path = _pointer(operation.get("path"))
    if kind == "move":
        return _Operation(kind, path, source=_pointer(operation.get("from")))
    if kind != "remove" and "value" not in operation:
        raise bad_request(f"The patch operation '{kind}' needs a value.")
    if kind == "incr" and not is_number(operation["value"]):
        raise bad_request("The patch operation 'incr' takes a number.")
    return _Operation(kind, path, deepcopy(operation.get("value")))


def _pointer(text: Any) -> Pointer:
    if not isinstance(text, str) or not text.startswith("/") or text == "/":
        raise bad_request(f"'{text}' is not a valid path for a patch operation.")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))


def _apply(body: dict[str, Any], operation: _Operation) -> None:
    if operation.kind == "move":
        value = _taken(body, operation.source)
        _write(_parent(body, operation.path), operation.path[-1], value, inserts=True)
        return
    parent, name = _parent(body, operation.path), operation.path[-1]
    match operation.kind:
        case "add" | "set":
            _write(parent, name, operation.value, inserts=operation.kind == "add")
        case "replace":
            _existing(parent, name)
            _write(parent, name, operation.value, inserts=False)
        case "remove":
            _taken(body, operation.path)
        case "incr":
            _increment(parent, name, operation.value)


def _parent(body: dict[str, Any], path: Pointer) -> Any:
    """The object or array that holds the last name of the path; 400 when it is missing."""
    node: Any = body
    for position, name in enumerate(path[:-1]):
        node = _child(node, name)
        if not isinstance(node, dict | list):
            reached = "/".join(path[: position + 1])
            raise bad_request(f"A patch changes a leaf of an existing object or array; '/{reached}' is not one.")
    return node


def _child(node: Any, name: str) -> Any:
    if isinstance(node, dict):
        return node.get(name)
    if isinstance(node, list) and name.isdecimal() and int(name) < len(node):
        return node[int(name)]
    return None


def _index(array: list[Any], name: str, limit: int) -> int:
    if not name.isdecimal() or int(name) >= limit:
        raise bad_request(f"'{name}' is not an index of an array of {len(array)}.")
    return int(name)


def _existing(parent: Any, name: str) -> Any:
    if isinstance(parent, list):
        return parent[_index(parent, name, len(parent))]
    if name not in parent:
        raise bad_request(f"The property '{name}' that a patch operation needs does not exist.")
    return parent[name]


def _write(parent: Any, name: str, value: Any, *, inserts: bool) -> None:
    if isinstance(parent, dict):
        parent[name] = value
    elif name == "-":
        parent.append(value)
    elif inserts:
        parent.insert(_index(parent, name, len(parent) + 1), value)
    else:
        parent[_index(parent, name, len(parent))] = value


def _taken(body: dict[str, Any], path: Pointer) -> Any:
    parent, name = _parent(body, path), path[-1]
    value = _existing(parent, name)
    del parent[int(name) if isinstance(parent, list) else name]
    return value


def _increment(parent: Any, name: str, step: Any) -> None:
    if isinstance(parent, dict) and name not in parent:
        parent[name] = step
        return
    value = _existing(parent, name)
    if not is_number(value):
        raise bad_request(f"The patch operation 'incr' cannot change '{name}', which is not a number.")
    if not math.isfinite(float(value) + float(step)):
        raise bad_request(f"The patch operation 'incr' would take '{name}' beyond the range of a number.")
    _write(parent, name, value + step, inserts=False)
