"""Partition keys: the definition of a container, the value of a request, the value in a document."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dev.cosmos.epk import UNDEFINED_COMPONENT, effective_partition_key
from dev.cosmos.errors import PARTITION_KEY_MISMATCH, bad_request
from dev.cosmos.paths import segments_of

_MAX_LEVELS = 3
_MAX_KEY_BYTES = 2048


@dataclass(frozen=True)
class KeyDefinition:
    """Where the partition key lies in a document."""

    paths: tuple[tuple[str, ...], ...]
    hierarchical: bool


@dataclass(frozen=True)
class PartitionKey:
    """A full partition key value in its one canonical form: 1 and 1.0 are the same."""

    canonical: str
    epk: str


def parse_definition(definition: Any) -> KeyDefinition:
    """Check a container's partition key definition."""
    if not isinstance(definition, dict) or not isinstance(paths := definition.get("paths"), list) or not paths:
        raise bad_request("The partition key definition of a container is required and has at least one path.")
    if definition.get("version", 1) != 2:
        raise bad_request("This stand-in knows version 2 of the partition key hash only.")
    hierarchical = definition.get("kind", "Hash") == "MultiHash"
    if len(paths) > (_MAX_LEVELS if hierarchical else 1):
        raise bad_request(f"Too many partition key paths: {len(paths)}.")
    return KeyDefinition(tuple(segments_of(path) for path in paths), hierarchical)


def _component(value: Any) -> Any:
    """One component in canonical form; an object or array counts as undefined."""
    if isinstance(value, dict | list):
        return UNDEFINED_COMPONENT
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _partition_key(components: list[Any], definition: KeyDefinition) -> PartitionKey:
    canonical = json.dumps(components, separators=(",", ":"))
    if len(canonical) > _MAX_KEY_BYTES:
        raise bad_request("The partition key is too large.")
    return PartitionKey(canonical, effective_partition_key(components, hierarchical=definition.hierarchical))


def of_document(document: Mapping[str, Any], definition: KeyDefinition) -> PartitionKey:
    """The partition key that a document lies under."""
    components = []
    for path in definition.paths:
        value: Any = document
        for name in path:
            value = value.get(name, UNDEFINED_COMPONENT) if isinstance(value, dict) else UNDEFINED_COMPONENT
        components.append(_component(value))
    return _partition_key(components, definition)


def of_header(header: str | None, definition: KeyDefinition) -> PartitionKey | None:
    """The full partition key that a request names; None without the header, 400 when it is not a full one."""
    if header is None:
        return None
    try:
        values = json.loads(header)
    except ValueError as exc:
        raise bad_request(f"Partition key {header} is invalid.") from exc
    if not isinstance(values, list) or len(values) != len(definition.paths):
        raise bad_request(
            "Partition key provided either doesn't correspond to definition in the collection or doesn't match"
            " partition key field values specified in the document."
        )
    return _partition_key([_component(value) for value in values], definition)


def needed(key: PartitionKey | None) -> PartitionKey:
    """The key, or the 400 for an operation on one item without it."""
    if key is None:
        raise bad_request("PartitionKey value must be supplied for this operation.")
    return key


def refuse_mismatch(document: Mapping[str, Any], key: PartitionKey, definition: KeyDefinition) -> None:
    """400/1001 when a document does not lie under the key that the request names."""
    if of_document(document, definition).canonical != key.canonical:
        raise bad_request(
            "PartitionKey extracted from document doesn't match the one specified in the header",
            PARTITION_KEY_MISMATCH,
        )
