"""What the SDK keeps of its own accord, as long as the answers do not tell it that things have changed."""

import pytest
from azure.cosmos import ContainerProxy, DatabaseProxy
from azure.cosmos.aio import CosmosClient as AsyncCosmosClient

from tests.contract.cosmos_standin.running import Standin, a_container, an_item, ids

pytestmark = pytest.mark.integration


def used_once_in_each_way(container: ContainerProxy) -> None:
    container.upsert_item(an_item())
    container.patch_item("1", "a", [{"op": "set", "path": "/n", "value": 1}])
    container.execute_item_batch([("upsert", (an_item("2"),))], "a")
    container.read_item("1", "a")
    assert ids(container.query_items("SELECT * FROM c", partition_key="a")) == ["1", "2"]


def test_a_client_that_knows_a_container_asks_for_its_items_only(standin: Standin, database: DatabaseProxy) -> None:
    container = a_container(database)
    used_once_in_each_way(container)
    known = standin.counted("metadata", container.id)
    for _ in range(3):
        used_once_in_each_way(container)
    assert standin.counted("metadata", container.id) == known


async def test_so_does_the_async_client(
    standin: Standin, container: ContainerProxy, async_client: AsyncCosmosClient
) -> None:
    there = async_client.get_database_client("db").get_container_client(container.id)
    await there.create_item(an_item())
    await there.read_item("1", "a")
    known = standin.counted("metadata", container.id)
    for _ in range(3):
        await there.upsert_item(an_item())
        await there.read_item("1", "a")
        assert [item["id"] async for item in there.query_items("SELECT * FROM c", partition_key="a")] == ["1"]
    assert standin.counted("metadata", container.id) == known
