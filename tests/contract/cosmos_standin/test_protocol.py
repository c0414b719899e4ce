"""The account, databases and containers; signatures, sessions and resource ids."""

from typing import Any

import pytest
from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy, PartitionKey, ThroughputProperties
from azure.cosmos.aio import CosmosClient as AsyncCosmosClient
from azure.cosmos.exceptions import CosmosBatchOperationError
from azure.cosmos.partition_key import PartitionKey as HashedKey

from dev.cosmos.auth import EMULATOR_KEY
from dev.cosmos.epk import effective_partition_key
from dev.cosmos.errors import Refusal
from dev.cosmos.http import Request
from tests.contract.cosmos_standin.running import Standin, a_container, an_item, ids, refused

pytestmark = pytest.mark.integration


def headers_of(container: ContainerProxy) -> dict[str, str]:
    return dict(container.client_connection.last_response_headers)


# Signatures


def test_the_wrong_key_is_refused_with_401(standin: Standin) -> None:
    with refused(401), CosmosClient(standin.endpoint, "AAAA" + EMULATOR_KEY[4:]) as client:
        list(client.list_databases())


def test_a_request_without_a_signature_is_refused_with_401(standin: Standin, container: ContainerProxy) -> None:
    answer = standin.control("GET", f"/dbs/db/colls/{container.id}/docs/")
    assert answer.status_code == 401
    assert answer.json()["code"] == "Unauthorized"


def test_what_is_not_served_is_said_so(container: ContainerProxy) -> None:
    with refused(501):
        container.scripts.create_stored_procedure({"id": "p", "body": "function () {}"})


@pytest.mark.parametrize("body", ['{"id": NaN}', '{"id": "1", "n": 1e999}', "[]", '"text"', '{"id":', "[" * 5000])
def test_a_body_that_is_no_json_object_is_refused(body: str) -> None:
    request = Request("POST", ("dbs", "db", "colls", "c", "docs"), {}, body.encode())
    with pytest.raises(Refusal) as raised:
        request.json_object()
    assert raised.value.status == 400


# Databases and containers


def test_databases_are_created_listed_and_deleted(client: CosmosClient) -> None:
    client.create_database("short-lived")
    with refused(409):
        client.create_database("short-lived")
    assert "short-lived" in ids(client.list_databases())
    assert ids(client.query_databases("SELECT * FROM d WHERE d.id = 'short-lived'")) == ["short-lived"]
    client.delete_database("short-lived")
    with refused(404):
        client.get_database_client("short-lived").read()


async def test_create_if_not_exists_can_be_repeated(async_client: AsyncCosmosClient) -> None:
    for _ in range(2):
        database = await async_client.create_database_if_not_exists("repeated")
        container = await database.create_container_if_not_exists("c", PartitionKey(path="/tenant"))
        await container.upsert_item(an_item())
    assert [each["id"] async for each in database.list_containers()] == ["c"]


def test_a_container_keeps_its_definition(database: DatabaseProxy) -> None:
    composite = [[{"path": "/a", "order": "ascending"}, {"path": "/b", "order": "descending"}]]
    container = a_container(
        database, "/tenant", "/incident", default_ttl=-1, indexing_policy={"compositeIndexes": composite}
    )
    properties = container.read()
    assert properties["partitionKey"] == {"paths": ["/tenant", "/incident"], "kind": "MultiHash", "version": 2}
    assert properties["defaultTtl"] == -1
    assert properties["indexingPolicy"]["compositeIndexes"] == composite
    assert ids(database.query_containers(f"SELECT * FROM c WHERE c.id = '{container.id}'")) == [container.id]


def test_a_containers_ttl_can_be_changed_and_its_key_cannot(
    standin: Standin, database: DatabaseProxy, container: ContainerProxy
) -> None:
    container.create_item(an_item())
    database.replace_container(container, PartitionKey(path="/tenant"), default_ttl=30)
    standin.clock.advance(31)
    assert list(container.read_all_items()) == []
    with refused(400):
        database.replace_container(container, PartitionKey(path="/other"))


@pytest.mark.parametrize("ttl", [0, -2])
def test_a_default_ttl_that_is_none_is_refused(database: DatabaseProxy, ttl: int) -> None:
    with refused(400):
        a_container(database, default_ttl=ttl)


@pytest.mark.parametrize(
    "options",
    [
        {"unique_key_policy": {"uniqueKeys": [{"paths": ["/email"]}]}},
        {"indexing_policy": {"includedPaths": [{"path": "/a/?"}]}},
        {"indexing_policy": {"includedPaths": [{"path": "/*"}, {"path": "/a"}]}},
    ],
)
def test_what_would_be_without_effect_is_refused(database: DatabaseProxy, options: dict[str, Any]) -> None:
    with refused(400):
        a_container(database, **options)


def test_a_key_has_at_most_three_levels(database: DatabaseProxy) -> None:
    with refused(400) as raised:
        a_container(database, "/a", "/b", "/c", "/d")
    assert "Too many partition key paths" in str(raised.value)


def test_a_recreated_container_is_noticed_by_a_client_that_knew_the_old_one(
    standin: Standin, container: ContainerProxy
) -> None:
    container.create_item(an_item())
    with CosmosClient(standin.endpoint, EMULATOR_KEY) as other:
        other.get_database_client("db").delete_container(container.id)
        other.get_database_client("db").create_container(container.id, PartitionKey(path="/tenant"))
    # The first answer is 400/1024; the SDK refreshes what it knows and asks again.
    assert container.create_item(an_item("new"))["id"] == "new"
    assert ids(container.read_all_items()) == ["new"]
    assert standin.counted("create", container.id) == 3


def test_throughput_is_remembered(database: DatabaseProxy) -> None:
    dedicated = a_container(database, offer_throughput=400)
    assert dedicated.get_throughput().offer_throughput == 400
    dedicated.replace_throughput(500)
    assert dedicated.get_throughput().offer_throughput == 500
    scaled = a_container(database, offer_throughput=ThroughputProperties(auto_scale_max_throughput=1000))
    assert scaled.get_throughput().auto_scale_max_throughput == 1000


# Sessions, charges and ranges


def test_each_write_moves_the_session_on_by_one_and_a_batch_as_a_whole(container: ContainerProxy) -> None:
    tokens = []
    container.create_item(an_item("1"))
    tokens.append(headers_of(container)["x-ms-session-token"])
    container.execute_item_batch([("create", (an_item("2"),)), ("create", (an_item("3"),))], "a")
    tokens.append(headers_of(container)["x-ms-session-token"])
    container.read_item("1", "a")
    tokens.append(headers_of(container)["x-ms-session-token"])
    assert tokens == ["0:-1#1", "0:-1#2", "0:-1#2"]


def test_a_failed_batch_does_not_move_the_session(container: ContainerProxy) -> None:
    container.create_item(an_item("1"))
    with pytest.raises(Exception, match="409"):
        container.execute_item_batch([("create", (an_item("2"),)), ("create", (an_item("1"),))], "a")
    container.read_item("1", "a")
    assert headers_of(container)["x-ms-session-token"] == "0:-1#1"


def test_charges_follow_the_formula(container: ContainerProxy) -> None:
    def charge() -> float:
        return float(headers_of(container)["x-ms-request-charge"])

    container.create_item(an_item())
    small_create = charge()
    container.upsert_item(an_item())
    small_replace = charge()
    container.create_item(an_item("big", text="x" * 10_000))
    big_create = charge()
    container.read_item("big", "a")
    assert (small_create, small_replace, big_create, charge()) == (5.3, 10.6, 53.0, 10.0)


def test_operations_are_counted_by_kind_and_container(standin: Standin, container: ContainerProxy) -> None:
    container.create_item(an_item())
    with refused(409):
        container.create_item(an_item())
    list(container.query_items("SELECT * FROM c", partition_key="a"))
    listed = standin.control("GET", "/_operations").json()["operations"]
    mine = {each["operation"]: each for each in listed if each["container"] == container.id}
    assert (mine["create"]["count"], mine["create"]["failed"]) == (2, 1)
    assert mine["create"]["request_charge"] == 6.3
    assert mine["query"]["count"] == 1


def test_the_counters_tell_what_batches_did_and_how_much_queries_returned(
    standin: Standin, container: ContainerProxy
) -> None:
    container.execute_item_batch([("create", (an_item("1"),)), ("create", (an_item("2"),))], partition_key="a")
    container.execute_item_batch([("replace", ("1", an_item("1", text="x")))], partition_key="a")
    with pytest.raises(CosmosBatchOperationError):
        container.execute_item_batch([("create", (an_item("3"),)), ("create", (an_item("1"),))], partition_key="a")
    list(container.query_items("SELECT * FROM c", partition_key="a"))
    listed = standin.control("GET", "/_operations").json()["operations"]
    mine = {each["operation"]: each for each in listed if each["container"] == container.id}
    assert (mine["batch"]["count"], mine["batch"]["failed"]) == (3, 1)
    assert mine["batch"]["parts"] == {"create": 2, "replace": 1}
    assert mine["query"]["parts"] == {"2": 1}


def test_counts_can_be_reset(standin: Standin, container: ContainerProxy) -> None:
    container.create_item(an_item())
    assert standin.control("DELETE", "/_operations").status_code == 204
    assert standin.control("GET", "/_operations").json() == {"operations": [], "request_charge": 0}


def test_a_whole_partition_can_be_deleted(container: ContainerProxy) -> None:
    for tenant in ("a", "b"):
        container.create_item(an_item(tenant=tenant))
    container.delete_all_items_by_partition_key("a")
    assert [item["tenant"] for item in container.read_all_items()] == ["b"]


@pytest.mark.parametrize("components", [["a"], ["tenant-" + "x" * 99], [1.5], [True], [None], [{}], ["ü", 7, False]])
def test_hashes_are_those_of_the_sdk(components: list[Any]) -> None:
    for kind in ("Hash", "MultiHash"):
        ours = effective_partition_key(components, hierarchical=kind == "MultiHash")
        assert ours == HashedKey._get_hashed_partition_key_string(components, kind, 2)
