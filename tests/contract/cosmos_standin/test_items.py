"""Items through the SDK: points, etags, TTL, patches and batches."""

import concurrent.futures
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.cosmos import ContainerProxy, DatabaseProxy, exceptions
from azure.cosmos.aio import CosmosClient as AsyncCosmosClient
from azure.cosmos.partition_key import NonePartitionKeyValue

from tests.contract.cosmos_standin.running import Standin, a_container, an_item, ids, refused

pytestmark = pytest.mark.integration


def test_an_item_comes_back_as_it_was_written(container: ContainerProxy) -> None:
    written = an_item(text='héllo 🚀 " \\', nested={"list": [1, 2.5, None, True]}, big=2**60)
    created = container.create_item(written)
    read = container.read_item("1", "a")
    assert read == created
    assert {name: read[name] for name in written} == written
    assert {"_rid", "_self", "_etag", "_ts", "_attachments"} <= read.keys()


def test_a_second_create_is_a_conflict(container: ContainerProxy) -> None:
    container.create_item(an_item())
    with pytest.raises(exceptions.CosmosResourceExistsError, match="Conflict"):
        container.create_item(an_item())


def test_the_same_id_lives_in_two_partitions(container: ContainerProxy) -> None:
    container.create_item(an_item(tenant="a", value=1))
    container.create_item(an_item(tenant="b", value=2))
    assert container.read_item("1", "b")["value"] == 2


def test_a_missing_item_is_not_found(container: ContainerProxy) -> None:
    with pytest.raises(exceptions.CosmosResourceNotFoundError):
        container.read_item("nobody", "a")
    with pytest.raises(exceptions.CosmosResourceNotFoundError):
        container.delete_item("nobody", "a")


def test_an_item_in_a_missing_container_says_that_its_owner_is_missing(database: DatabaseProxy) -> None:
    with refused(404):
        database.get_container_client("nothing").read_item("1", "a")


def test_upsert_creates_and_then_replaces(container: ContainerProxy) -> None:
    container.upsert_item(an_item(value=1))
    container.upsert_item(an_item(value=2))
    assert container.read_item("1", "a")["value"] == 2


def test_replace_with_another_id_renames_the_item(container: ContainerProxy) -> None:
    container.create_item(an_item("old"))
    container.replace_item("old", an_item("new"))
    assert container.read_item("new", "a")["id"] == "new"
    with refused(404):
        container.read_item("old", "a")


def test_an_item_may_be_addressed_by_itself(container: ContainerProxy) -> None:
    item = container.create_item(an_item())
    assert container.read_item(item, "a") == item
    container.delete_item(item, "a")
    assert ids(container.read_all_items()) == []


@pytest.mark.parametrize("name", ["with space", "ünï", "per%cent", "a+b", "q&a=1", "x" * 255, "semi;colon"])
def test_ids_of_all_kinds_survive_the_path(container: ContainerProxy, name: str) -> None:
    container.create_item(an_item(name))
    assert container.read_item(name, "a")["id"] == name


@pytest.mark.parametrize("body", [{"tenant": "a"}, {"id": "", "tenant": "a"}])
def test_an_item_without_a_proper_id_is_refused(container: ContainerProxy, body: dict[str, Any]) -> None:
    with refused(400):
        container.create_item(body)


def test_more_than_2_mb_is_refused_with_413(container: ContainerProxy) -> None:
    with refused(413):
        container.create_item(an_item(text="x" * (2 * 1024 * 1024)))


def test_a_stale_etag_is_refused_with_412(container: ContainerProxy) -> None:
    first = container.create_item(an_item())
    container.upsert_item(an_item(value=2))
    stale = {"etag": first["_etag"], "match_condition": MatchConditions.IfNotModified}
    with pytest.raises(exceptions.CosmosAccessConditionFailedError):
        container.replace_item("1", an_item(value=3), **stale)
    with refused(412):
        container.upsert_item(an_item(value=3), **stale)
    with refused(412):
        container.delete_item("1", "a", **stale)
    assert container.read_item("1", "a")["value"] == 2


def test_the_current_etag_is_accepted(container: ContainerProxy) -> None:
    first = container.create_item(an_item())
    replaced = container.replace_item(
        "1", an_item(value=2), etag=first["_etag"], match_condition=MatchConditions.IfNotModified
    )
    assert replaced["_etag"] != first["_etag"]


def test_an_upsert_that_must_not_meet_an_item_is_refused_with_412(container: ContainerProxy) -> None:
    container.create_item(an_item())
    with refused(412):
        container.upsert_item(an_item(), match_condition=MatchConditions.IfMissing)


def test_no_response_brings_no_body(container: ContainerProxy) -> None:
    answer = container.create_item(an_item(), no_response=True)
    assert dict(answer) == {}
    assert answer.get_response_headers()["etag"] == container.read_item("1", "a")["_etag"]


def test_concurrent_increments_under_etags_lose_none(container: ContainerProxy) -> None:
    container.create_item(an_item(value=0))

    def increment(_: int) -> None:
        while True:
            item = container.read_item("1", "a")
            item["value"] += 1
            try:
                container.replace_item("1", item, etag=item["_etag"], match_condition=MatchConditions.IfNotModified)
            except exceptions.CosmosAccessConditionFailedError:
                continue
            return

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(increment, range(24)))
    assert container.read_item("1", "a")["value"] == 24


# Partition keys


def test_1_and_1_0_are_the_same_partition_key(container: ContainerProxy) -> None:
    container.create_item(an_item(tenant=1))
    assert container.read_item("1", 1.0)["tenant"] == 1


@pytest.mark.parametrize("value", [None, True, 1.5, "", "ü/'\""])
def test_partition_keys_of_every_type(container: ContainerProxy, value: Any) -> None:
    container.create_item(an_item(tenant=value))
    assert container.read_item("1", value)["tenant"] == value


def test_a_missing_key_is_not_the_null_key(container: ContainerProxy) -> None:
    container.create_item({"id": "1"})
    assert container.read_item("1", NonePartitionKeyValue)["id"] == "1"
    with refused(404):
        container.read_item("1", None)


def test_a_key_of_the_wrong_length_is_refused(database: DatabaseProxy) -> None:
    container = a_container(database, "/tenant", "/incident")
    container.create_item(an_item(incident="i"))
    with refused(400):
        container.read_item("1", ["a"])
    assert container.read_item("1", ["a", "i"])["incident"] == "i"


def test_a_quoted_key_path_may_hold_a_slash(database: DatabaseProxy) -> None:
    container = a_container(database, '/"a/b"')
    container.create_item({"id": "1", "a/b": "x"})
    assert container.read_item("1", "x")["id"] == "1"


# Time to live


def test_an_expired_item_is_gone_and_can_be_created_again(standin: Standin, database: DatabaseProxy) -> None:
    container = a_container(database, default_ttl=60)
    container.create_item(an_item("default"))
    container.create_item(an_item("own", ttl=200))
    container.create_item(an_item("forever", ttl=-1))
    standin.clock.advance(61)
    assert ids(container.query_items("SELECT * FROM c", partition_key="a")) == ["own", "forever"]
    with refused(404):
        container.replace_item("default", an_item("default"))
    assert container.create_item(an_item("default"))["id"] == "default"
    standin.clock.advance(150)
    assert ids(container.read_all_items()) == ["forever"]


def test_an_items_ttl_means_nothing_without_a_default(standin: Standin, container: ContainerProxy) -> None:
    container.create_item(an_item(ttl=1))
    standin.clock.advance(10)
    assert container.read_item("1", "a")["ttl"] == 1


@pytest.mark.parametrize("ttl", [0, None, -10, 1.5, "1", True])
def test_a_ttl_that_is_none_is_refused(container: ContainerProxy, ttl: Any) -> None:
    with refused(400):
        container.create_item(an_item(ttl=ttl))


# Patches


def a_patch(op: str, path: str, value: Any = None) -> dict[str, Any]:
    return {"op": op, "path": path} if op == "remove" else {"op": op, "path": path, "value": value}


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([a_patch("set", "/x", 1)], {"x": 1, "n": 5, "list": ["p", "q"], "o": {"k": 1}}),
        ([a_patch("add", "/list/1", "new")], {"n": 5, "list": ["p", "new", "q"], "o": {"k": 1}}),
        ([a_patch("add", "/list/-", "end")], {"n": 5, "list": ["p", "q", "end"], "o": {"k": 1}}),
        ([a_patch("set", "/list/0", "P")], {"n": 5, "list": ["P", "q"], "o": {"k": 1}}),
        ([a_patch("replace", "/o/k", 2)], {"n": 5, "list": ["p", "q"], "o": {"k": 2}}),
        ([a_patch("remove", "/n")], {"list": ["p", "q"], "o": {"k": 1}}),
        ([a_patch("incr", "/n", -2), a_patch("incr", "/m", 3)], {"n": 3, "m": 3, "list": ["p", "q"], "o": {"k": 1}}),
        ([{"op": "move", "from": "/o/k", "path": "/moved"}], {"n": 5, "list": ["p", "q"], "o": {}, "moved": 1}),
    ],
)
def test_patch_operations(
    container: ContainerProxy, operations: list[dict[str, Any]], expected: dict[str, Any]
) -> None:
    container.create_item(an_item(n=5, list=["p", "q"], o={"k": 1}))
    patched = container.patch_item("1", "a", operations)
    own = {name: value for name, value in patched.items() if not name.startswith("_")}
    assert own == an_item(**expected)
    assert container.read_item("1", "a") == patched


@pytest.mark.parametrize(
    "operations",
    [
        [],
        [a_patch("set", "/x", 1)] * 11,
        [a_patch("replace", "/missing", 1)],
        [a_patch("remove", "/missing")],
        [a_patch("add", "/no/such/parent", 1)],
        [a_patch("add", "/list/9", 1)],
        [a_patch("incr", "/text", 1)],
        [a_patch("incr", "/n", "1")],
        [a_patch("set", "/tenant", "b")],
        [a_patch("set", "/_ts", 1)],
        [a_patch("set", "/id", "2")],
        [a_patch("unknown", "/n", 1)],
    ],
)
def test_patches_that_do_not_fit_are_refused_whole(
    container: ContainerProxy, operations: list[dict[str, Any]]
) -> None:
    before = container.create_item(an_item(n=5, list=["p"], text="t"))
    with refused(400):
        container.patch_item("1", "a", [*operations[:10], *([a_patch("set", "/n", 6)] if operations else [])][:11])
    assert container.read_item("1", "a") == before


def test_a_patch_whose_condition_fails_is_refused_with_412(container: ContainerProxy) -> None:
    container.create_item(an_item(state="open"))
    acknowledge = [a_patch("set", "/state", "acknowledged")]
    container.patch_item("1", "a", acknowledge, filter_predicate="from c where c.state = 'open'")
    with pytest.raises(exceptions.CosmosAccessConditionFailedError):
        container.patch_item("1", "a", acknowledge, filter_predicate="from c where c.state = 'open'")


# Batches


def test_a_batch_writes_everything(container: ContainerProxy) -> None:
    container.create_item(an_item("old"))
    results = container.execute_item_batch(
        [
            ("create", (an_item("new"),)),
            ("upsert", (an_item("other"),)),
            ("replace", ("old", an_item("old", value=2))),
            ("patch", ("new", [a_patch("set", "/value", 1)])),
            ("read", ("new",)),
            ("delete", ("other",)),
        ],
        "a",
    )
    assert [result["statusCode"] for result in results] == [201, 201, 200, 200, 200, 204]
    assert results[4]["resourceBody"]["value"] == 1
    assert results[4]["eTag"] == container.read_item("new", "a")["_etag"]
    assert ids(container.read_all_items()) == ["old", "new"]


def test_a_batch_that_fails_writes_nothing(container: ContainerProxy) -> None:
    container.create_item(an_item("taken"))
    operations = [("create", (an_item("new"),)), ("create", (an_item("taken"),)), ("delete", ("taken",))]
    with pytest.raises(exceptions.CosmosBatchOperationError) as raised:
        container.execute_item_batch(operations, "a")
    assert raised.value.error_index == 1
    assert [result["statusCode"] for result in raised.value.operation_responses] == [424, 409, 424]
    assert ids(container.read_all_items()) == ["taken"]


def test_a_stale_etag_fails_a_batch(container: ContainerProxy) -> None:
    stale = container.create_item(an_item())["_etag"]
    container.upsert_item(an_item(value=2))
    operations = [("create", (an_item("2"),)), ("replace", ("1", an_item()), {"if_match_etag": stale})]
    with pytest.raises(exceptions.CosmosBatchOperationError) as raised:
        container.execute_item_batch(operations, "a")
    assert [result["statusCode"] for result in raised.value.operation_responses] == [424, 412]


def test_a_batch_does_not_reach_another_partition(container: ContainerProxy) -> None:
    with pytest.raises(exceptions.CosmosBatchOperationError) as raised:
        container.execute_item_batch([("create", (an_item(tenant="b"),))], "a")
    assert raised.value.operation_responses[0]["statusCode"] == 400


@pytest.mark.parametrize("count", [0, 101])
def test_a_batch_has_1_to_100_operations(container: ContainerProxy, count: int) -> None:
    with refused(400):
        container.execute_item_batch([("create", (an_item(str(number)),)) for number in range(count)], "a")


async def test_the_async_client_does_the_same(async_client: AsyncCosmosClient, container: ContainerProxy) -> None:
    there = async_client.get_database_client("db").get_container_client(container.id)
    created = await there.create_item(an_item(value=1))
    with pytest.raises(exceptions.CosmosResourceExistsError):
        await there.create_item(an_item())
    await there.patch_item("1", "a", [a_patch("incr", "/value", 1)])
    with pytest.raises(exceptions.CosmosAccessConditionFailedError):
        await there.replace_item("1", an_item(), etag=created["_etag"], match_condition=MatchConditions.IfNotModified)
    await there.execute_item_batch([("create", (an_item("2"),)), ("delete", ("1",))], "a")
    assert [item["id"] async for item in there.query_items("SELECT * FROM c", partition_key="a")] == ["2"]
