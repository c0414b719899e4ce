"""What Bicep makes in Azure: database, containers, queues and the blob containers of the local stack."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from shared.messages import QueueName

BLOB_CONTAINERS: Mapping[str, int | None] = {"raw": 7, "receipts": 30, "snapshots": None}
"""How many days a blob lives in Azure, by container; None as long as its incident."""


def provision_storage(connection_string: str) -> None:
    """Create the queues, their poison queues and the blob containers, where they are missing."""
    from azure.core.exceptions import ResourceExistsError
    from azure.storage.blob import BlobServiceClient
    from azure.storage.queue import QueueServiceClient

    with QueueServiceClient.from_connection_string(connection_string) as queues:
        there = {queue.name for queue in queues.list_queues()}
        for name in [name for queue in QueueName for name in (queue.value, queue.poison)]:
            if name not in there:
                queues.create_queue(name)
    with BlobServiceClient.from_connection_string(connection_string) as blobs:
        for name in BLOB_CONTAINERS:
            with suppress(ResourceExistsError):
                blobs.create_container(name)


def provision_cosmos(endpoint: str, key: str, database: str) -> None:
    """Create the database and every container of the table where they are missing, and bring indexes up to it."""
    from azure.cosmos import CosmosClient

    from shared.adapters.cosmos.containers import CONTAINERS

    client = CosmosClient(endpoint, key)
    made = client.create_database_if_not_exists(database)
    for spec in CONTAINERS:
        key_of, wanted = _key(spec.partition_key_paths), _plain(spec.indexing_policy)
        container = made.create_container_if_not_exists(
            spec.name, key_of, indexing_policy=wanted, default_ttl=spec.default_ttl
        )
        if wanted and _indexes(container.read()["indexingPolicy"]) != _indexes(wanted):
            made.replace_container(spec.name, key_of, indexing_policy=wanted, default_ttl=spec.default_ttl)


def _indexes(policy: Mapping[str, Any]) -> tuple[list[str], list[Any]]:
    """What a policy indexes, however it is spelt."""
    return sorted(one["path"] for one in policy["includedPaths"]), policy.get("compositeIndexes", [])


def _key(paths: Sequence[str]) -> Any:
    """The SDK's own kind of partition key; its stubs call it a text."""
    from azure.cosmos import PartitionKey

    return PartitionKey(path=list(paths), kind="MultiHash") if len(paths) > 1 else PartitionKey(path=paths[0])


def _plain(policy: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if policy is None else dict(policy)
