"""Provisioning a store that an older version made brings its indexes up to what the code asks for."""

import pytest
from azure.cosmos import CosmosClient, PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

from dev.cosmos.server import EMULATOR_KEY
from dev.provision import provision_cosmos

pytestmark = pytest.mark.integration

SORTED = "SELECT * FROM c ORDER BY c.updated_at DESC, c.id DESC"


def test_an_older_container_gets_its_indexes_and_keeps_its_documents(cosmos_endpoint: str) -> None:
    made = CosmosClient(cosmos_endpoint, EMULATOR_KEY).create_database_if_not_exists("older")
    older = made.create_container("incident_list", PartitionKey("/tenant_id"))
    for number in range(3):
        older.create_item({"id": f"inc-{number}", "tenant_id": "t", "updated_at": str(number)})
    with pytest.raises(CosmosHttpResponseError):
        list(older.query_items(SORTED, partition_key="t"))
    provision_cosmos(cosmos_endpoint, EMULATOR_KEY, "older")
    found = [one["id"] for one in older.query_items(SORTED, partition_key="t")]
    assert found == ["inc-2", "inc-1", "inc-0"]
    etag = older.read()["_etag"]
    provision_cosmos(cosmos_endpoint, EMULATOR_KEY, "older")
    assert older.read()["_etag"] == etag
