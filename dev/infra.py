"""The tables that Bicep loads as JSON, made from the product's own: containers, keys, indexes, queues, blobs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dev.provision import BLOB_CONTAINERS
from shared.adapters.cosmos.containers import CONTAINERS, ContainerSpec
from shared.messages import QueueName

GENERATED = Path(__file__).resolve().parents[1] / "infra" / "generated"
DATABASE = "srecopilot"


def documents() -> dict[str, Mapping[str, Any]]:
    """The generated files by name."""
    return {"cosmos.json": _cosmos(), "storage.json": _storage()}


def write(folder: Path = GENERATED) -> list[str]:
    """Write what is not there as it should be, and return the names of the files that changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed: list[str] = []
    for name, document in documents().items():
        text = json.dumps(document, indent=2) + "\n"
        file = folder / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


def _cosmos() -> Mapping[str, Any]:
    return {
        "database": DATABASE,
        "containers": [{"name": one.name, "resource": _resource(one)} for one in CONTAINERS],
        "appendOnly": [one.name for one in CONTAINERS if one.is_append_only],
        "written": [one.name for one in CONTAINERS if not one.is_append_only],
    }


def _resource(spec: ContainerSpec) -> Mapping[str, Any]:
    """A container as ARM spells it; without `defaultTtl` nothing in it expires."""
    paths = list(spec.partition_key_paths)
    resource: dict[str, Any] = {
        "id": spec.name,
        "partitionKey": {"paths": paths, "kind": "MultiHash" if len(paths) > 1 else "Hash", "version": 2},
    }
    if spec.indexing_policy is not None:
        resource["indexingPolicy"] = spec.indexing_policy
    if spec.default_ttl is not None:
        resource["defaultTtl"] = spec.default_ttl
    return resource


def _storage() -> Mapping[str, Any]:
    return {
        "queues": [name for queue in QueueName for name in (queue.value, queue.poison)],
        "blobContainers": list(BLOB_CONTAINERS),
        "lifecycle": [
            {"container": name, "days": days} for name, days in BLOB_CONTAINERS.items() if days is not None
        ],
    }
