"""Every container: its partition key, TTL and indexes. The one source that provisioning and the adapter share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TTL_PER_DOCUMENT = -1
"""TTL is on, and a document without a `ttl` of its own stays."""


@dataclass(frozen=True)
class ContainerSpec:
    """One container. Partition keys cannot be changed later."""

    name: str
    partition_key_paths: tuple[str, ...]
    default_ttl: int | None = None
    indexing_policy: Mapping[str, Any] | None = None
    is_append_only: bool = False
    """Whether the product's identity may create and read there, and nothing else."""


def _indexed(*paths: str, composite: tuple[tuple[tuple[str, str], ...], ...] = ()) -> Mapping[str, Any]:
    """Index what is filtered or sorted, and the partition key, which is not indexed by itself; exclude the rest."""
    policy: dict[str, Any] = {
        "indexingMode": "consistent",
        "automatic": True,
        "includedPaths": [{"path": f"{path}/?"} for path in paths],
        "excludedPaths": [{"path": "/*"}, {"path": '/"_etag"/?'}],
    }
    if composite:
        policy["compositeIndexes"] = [
            [{"path": path, "order": order} for path, order in index] for index in composite
        ]
    return policy


OLDEST_FIRST = (("/created_at", "ascending"), ("/id", "ascending"))
NEWEST_FIRST = (("/detected_at", "descending"), ("/id", "descending"))
ENTRIES_NEWEST_FIRST = (("/timestamp", "descending"), ("/id", "descending"))
SIGNALS_OLDEST_FIRST = (("/timestamp", "ascending"), ("/id", "ascending"))
LAST_UPDATED_FIRST = (("/updated_at", "descending"), ("/id", "descending"))
WORST_FIRST = (("/severity_rank", "ascending"), ("/detected_at", "descending"), ("/id", "descending"))
LETTERS_NEWEST_FIRST = (("/recorded_at", "descending"), ("/id", "descending"))
CHANGES_NEWEST_FIRST = (("/at", "descending"), ("/id", "descending"))

CONTAINERS: tuple[ContainerSpec, ...] = (
    ContainerSpec(
        "directory",
        ("/tenant_id",),
        None,
        _indexed(
            *("/tenant_id", "/type", "/created_at", "/integration_type", "/entra_object_id"),
            composite=(OLDEST_FIRST,),
        ),
    ),
    ContainerSpec("lookups", ("/id",), None, _indexed("/id")),
    ContainerSpec("claims", ("/tenant_id",), TTL_PER_DOCUMENT, _indexed("/tenant_id")),
    ContainerSpec(
        "incidents",
        ("/tenant_id", "/incident_id"),
        None,
        _indexed(
            *("/tenant_id", "/incident_id", "/type", "/timestamp", "/incident_version", "/taken_at"),
            composite=(SIGNALS_OLDEST_FIRST,),
        ),
    ),
    ContainerSpec(
        "incident_list",
        ("/tenant_id",),
        None,
        _indexed(
            *("/tenant_id", "/detected_at", "/updated_at", "/is_open", "/merged_into", "/state", "/severity"),
            *("/severity_rank", "/service_names/[]", "/assigned_to"),
            composite=(NEWEST_FIRST, LAST_UPDATED_FIRST, WORST_FIRST),
        ),
    ),
    ContainerSpec(
        "changes",
        ("/tenant_id",),
        TTL_PER_DOCUMENT,
        _indexed("/tenant_id", "/service_name", "/at", composite=(CHANGES_NEWEST_FIRST,)),
    ),
    ContainerSpec("caches", ("/tenant_id",), TTL_PER_DOCUMENT, _indexed("/tenant_id", "/type", "/labelled_at")),
    ContainerSpec("sessions", ("/id",), TTL_PER_DOCUMENT, _indexed("/id")),
    ContainerSpec(
        "audit",
        ("/tenant_id", "/month"),
        TTL_PER_DOCUMENT,
        _indexed(
            *("/tenant_id", "/month", "/type", "/entry_id", "/timestamp"),
            *("/user_id", "/event_type", "/action", "/resource_type", "/resource_id"),
            composite=(ENTRIES_NEWEST_FIRST,),
        ),
        is_append_only=True,
    ),
    ContainerSpec(
        "deadletters",
        ("/tenant_id", "/queue"),
        TTL_PER_DOCUMENT,
        _indexed(
            *("/tenant_id", "/queue", "/recorded_at", "/state", "/reason", "/reasons/[]"),
            composite=(LETTERS_NEWEST_FIRST,),
        ),
    ),
    ContainerSpec("schedule", ("/shard",), None, _indexed("/shard", "/due_at")),
)

BY_NAME: Mapping[str, ContainerSpec] = {spec.name: spec for spec in CONTAINERS}
