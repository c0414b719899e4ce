"""Queries through the SDK: scope, indexes, pages, plans and feeds."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy, PartitionKey
from azure.cosmos.aio import CosmosClient as AsyncCosmosClient

from dev.cosmos.auth import EMULATOR_KEY
from tests.contract.cosmos_standin.running import a_container, an_item, ids, refused, running

pytestmark = pytest.mark.integration

COMPOSITE = {
    "includedPaths": [{"path": "/*"}],
    "excludedPaths": [{"path": "/hidden/*"}],
    "compositeIndexes": [[{"path": "/at", "order": "descending"}, {"path": "/id", "order": "ascending"}]],
}


def filled(container: ContainerProxy, count: int, **more: Any) -> ContainerProxy:
    for number in range(count):
        container.create_item(an_item(f"{number:02d}", at=number % 3, **more))
    return container


def query(container: ContainerProxy, text: str, **options: Any) -> list[Any]:
    parameters = [{"name": f"@{name}", "value": value} for name, value in options.pop("given", {}).items()]
    return list(container.query_items(text, parameters=parameters or None, **options))


def test_a_query_sees_its_own_partition_only(container: ContainerProxy) -> None:
    container.create_item(an_item(tenant="a"))
    container.create_item(an_item(tenant="b"))
    found = query(container, "SELECT * FROM c WHERE c.id = @id", given={"id": "1"}, partition_key="b")
    assert [item["tenant"] for item in found] == ["b"]


@pytest.mark.parametrize("value", ["x", "ünï", 1, 1.5, True, None])
def test_what_sqlite_filters_first_loses_nothing(container: ContainerProxy, value: Any) -> None:
    container.create_item(an_item("match", **{"v": value, "odd name": value}))
    container.create_item(an_item("other", v="other"))
    for condition in ("c.v = @v", "@v = c.v", "c['odd name'] = @v", "c.v IN (@v, 'nothing')", "c.v >= @v"):
        found = query(container, f"SELECT * FROM c WHERE {condition}", given={"v": value}, partition_key="a")
        assert "match" in ids(found), condition
    assert ids(query(container, "SELECT * FROM c WHERE c.v = @v", given={"v": value}, partition_key="a")) == ["match"]


def test_true_is_not_1_even_where_sqlite_says_so(container: ContainerProxy) -> None:
    container.create_item(an_item("number", v=1))
    container.create_item(an_item("boolean", v=True))
    assert ids(query(container, "SELECT * FROM c WHERE c.v = true", partition_key="a")) == ["boolean"]


# Indexes


def test_two_sort_keys_need_a_composite_index(database: DatabaseProxy) -> None:
    container = filled(a_container(database, indexing_policy=COMPOSITE), 6)
    newest_first = query(container, "SELECT VALUE c.id FROM c ORDER BY c.at DESC, c.id ASC", partition_key="a")
    assert newest_first == ["02", "05", "01", "04", "00", "03"]
    oldest_first = query(container, "SELECT VALUE c.id FROM c ORDER BY c.at ASC, c.id DESC", partition_key="a")
    assert oldest_first == newest_first[::-1]
    for order in ("c.at DESC, c.id DESC", "c.id ASC, c.at DESC", "c.at DESC, c.tenant ASC"):
        with refused(400) as raised:
            query(container, f"SELECT * FROM c ORDER BY {order}", partition_key="a")
        assert "does not have a corresponding composite index" in str(raised.value)


def test_an_excluded_path_cannot_be_sorted_by(database: DatabaseProxy) -> None:
    container = a_container(database, indexing_policy=COMPOSITE)
    with refused(400) as raised:
        query(container, "SELECT * FROM c ORDER BY c.hidden.at", partition_key="a")
    assert "order-by item is excluded" in str(raised.value)


def test_with_the_root_excluded_only_what_is_included_can_be_sorted_by(database: DatabaseProxy) -> None:
    policy = {"includedPaths": [{"path": "/at/?"}], "excludedPaths": [{"path": "/*"}]}
    container = filled(a_container(database, indexing_policy=policy), 2)
    for path in ("c.at", "c.id", "c._ts"):
        assert len(query(container, f"SELECT * FROM c ORDER BY {path}", partition_key="a")) == 2
    with refused(400):
        query(container, "SELECT * FROM c ORDER BY c.tenant", partition_key="a")


def test_an_expression_cannot_be_sorted_by(container: ContainerProxy) -> None:
    with refused(400) as raised:
        query(container, "SELECT * FROM c ORDER BY LOWER(c.id)", partition_key="a")
    assert "could not be mapped to a document path" in str(raised.value)


# Pages


def pages_of(container: ContainerProxy, text: str, size: int) -> Iterator[list[Any]]:
    """Each page asked for with a new iterator from the last one's token, as a web client does."""
    token = None
    while True:
        pages = container.query_items(text, partition_key="a", max_item_count=size).by_page(token)
        yield list(next(pages))
        token = pages.continuation_token
        if token is None:
            return


@pytest.mark.parametrize(
    "text",
    [
        "SELECT VALUE c.id FROM c",
        "SELECT VALUE c.id FROM c WHERE c.at > 0",
        "SELECT VALUE c.id FROM c ORDER BY c.at DESC",
        "SELECT VALUE c.id FROM c ORDER BY c.missing",
        "SELECT VALUE c.id FROM c ORDER BY c.at DESC, c.id ASC",
        "SELECT TOP 5 VALUE c.id FROM c ORDER BY c.at",
        "SELECT VALUE c.id FROM c ORDER BY c.at OFFSET 2 LIMIT 5",
        "SELECT VALUE c.id FROM c OFFSET 3 LIMIT 100",
        "SELECT DISTINCT VALUE c.at FROM c",
        "SELECT VALUE t FROM c JOIN t IN c.tags",
        "SELECT c.at, COUNT(1) AS n FROM c GROUP BY c.at",
    ],
)
def test_pages_together_are_the_whole_answer(database: DatabaseProxy, text: str) -> None:
    container = filled(a_container(database, indexing_policy=COMPOSITE), 10, tags=["x", "y", "z"])
    whole = query(container, text, partition_key="a")
    pages = list(pages_of(container, text, 2))
    assert [row for page in pages for row in page] == whole
    assert all(len(page) == 2 for page in pages[:-1])
    assert len(whole) > 2


def test_writes_between_pages_neither_skip_nor_repeat_a_row(container: ContainerProxy) -> None:
    filled(container, 8)
    pages = pages_of(container, "SELECT VALUE c.id FROM c ORDER BY c.id", 3)
    first = next(pages)
    container.delete_item("00", "a")
    container.delete_item("01", "a")
    container.create_item(an_item("005"))
    rest = [row for page in pages for row in page]
    assert first + rest == [f"{number:02d}" for number in range(8)]


def test_a_token_of_another_query_is_refused(container: ContainerProxy) -> None:
    filled(container, 3)
    pages = container.query_items("SELECT * FROM c", partition_key="a", max_item_count=1).by_page()
    next(pages)
    for text, token in (("SELECT c.id FROM c", pages.continuation_token), ("SELECT * FROM c", "nonsense")):
        with refused(400):
            next(container.query_items(text, partition_key="a", max_item_count=1).by_page(token))


# Hierarchical keys


@pytest.fixture
def incidents(database: DatabaseProxy) -> ContainerProxy:
    container = a_container(database, "/tenant", "/incident")
    for tenant in ("a", "b", "ab"):
        for number in range(3):
            container.create_item(an_item(f"{tenant}{number}", tenant, incident=f"i{number}", at=number))
    return container


def test_a_prefix_query_never_sees_another_tenant(incidents: ContainerProxy) -> None:
    for text in ("SELECT VALUE c.id FROM c", "SELECT VALUE c.id FROM c ORDER BY c.at"):
        assert query(incidents, text, partition_key=["a"]) == ["a0", "a1", "a2"]
    assert query(incidents, "SELECT VALUE COUNT(1) FROM c", partition_key=["b"]) == [3]
    assert query(incidents, "SELECT VALUE c.id FROM c", partition_key=["a", "i1"]) == ["a1"]
    assert query(incidents, "SELECT VALUE c.id FROM c", partition_key=["nobody"]) == []


def test_a_prefix_query_has_pages(incidents: ContainerProxy) -> None:
    pages = list(incidents.query_items("SELECT VALUE c.id FROM c", partition_key=["ab"], max_item_count=2).by_page())
    assert [list(page) for page in pages] == [["ab0", "ab1"], ["ab2"]]


async def test_the_async_client_asks_by_prefix_as_well(
    async_client: AsyncCosmosClient, incidents: ContainerProxy
) -> None:
    there = async_client.get_database_client("db").get_container_client(incidents.id)
    found = there.query_items("SELECT VALUE c.id FROM c ORDER BY c.at DESC", partition_key=["a"])
    assert [name async for name in found] == ["a2", "a1", "a0"]


# Across partitions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT VALUE c.id FROM c WHERE c.at = 1", ["a1", "b1", "ab1"]),
        ("SELECT TOP 2 VALUE c.id FROM c ORDER BY c.id", ["a0", "a1"]),
        ("SELECT VALUE c.id FROM c ORDER BY c.id DESC OFFSET 1 LIMIT 2", ["b1", "b0"]),
        ("SELECT DISTINCT VALUE c.tenant FROM c", ["a", "b", "ab"]),
        ("SELECT DISTINCT VALUE c.at FROM c ORDER BY c.at DESC", [2, 1, 0]),
        ("SELECT VALUE COUNT(1) FROM c", [9]),
        ("SELECT VALUE SUM(c.at) FROM c", [9]),
        ("SELECT VALUE AVG(c.at) FROM c", [1]),
    ],
)
async def test_queries_over_all_partitions_go_by_the_plan(
    async_client: AsyncCosmosClient, incidents: ContainerProxy, text: str, expected: list[Any]
) -> None:
    assert query(incidents, text, enable_cross_partition_query=True) == expected
    there = async_client.get_database_client("db").get_container_client(incidents.id)
    assert [row async for row in there.query_items(text)] == expected


def test_a_query_over_all_partitions_must_be_asked_for(incidents: ContainerProxy) -> None:
    with refused(400) as raised:
        query(incidents, "SELECT * FROM c")
    assert "Cross partition query is required but disabled" in str(raised.value)


def test_group_by_over_all_partitions_is_refused(incidents: ContainerProxy) -> None:
    with refused(400):
        query(incidents, "SELECT c.at, COUNT(1) AS n FROM c GROUP BY c.at", enable_cross_partition_query=True)


# Strict mode


@pytest.fixture(scope="module")
def strict_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseProxy]:
    with (
        running(tmp_path_factory.mktemp("strict"), strict=True) as standin,
        CosmosClient(standin.endpoint, EMULATOR_KEY) as client,
    ):
        yield client.create_database("db")


@pytest.mark.parametrize("paths", [("/tenant",), ("/tenant", "/incident")])
def test_strict_mode_refuses_what_could_see_two_tenants(
    strict_database: DatabaseProxy, paths: tuple[str, ...]
) -> None:
    container = a_container(strict_database, *paths)
    container.create_item(an_item(incident="i"))
    key = ["a", "i"][: len(paths)]
    assert len(query(container, "SELECT * FROM c", partition_key=key if len(key) > 1 else "a")) == 1
    for text in ("SELECT * FROM c", "SELECT * FROM c ORDER BY c.id", "SELECT VALUE COUNT(1) FROM c"):
        with refused(403):
            query(container, text, enable_cross_partition_query=True)
    with refused(403):
        list(container.read_all_items())
    with refused(403):
        query(container, "SELECT * FROM c", feed_range=next(iter(container.read_feed_ranges())))


async def test_strict_mode_refuses_a_key_that_is_none(strict_database: DatabaseProxy) -> None:
    container = a_container(strict_database)
    container.create_item(an_item())
    endpoint = strict_database.client_connection.url_connection
    async with AsyncCosmosClient(endpoint, EMULATOR_KEY) as client:
        there = client.get_database_client("db").get_container_client(container.id)
        with refused(403):
            # The SDK takes this for a query over all partitions.
            _ = [item async for item in there.query_items("SELECT * FROM c")]


def test_strict_mode_allows_a_prefix(strict_database: DatabaseProxy) -> None:
    container = a_container(strict_database, "/tenant", "/incident")
    container.create_item(an_item(incident="i"))
    assert ids(query(container, "SELECT * FROM c", partition_key=["a"])) == ["1"]


# Feeds


def test_all_items_can_be_read_page_by_page(container: ContainerProxy) -> None:
    filled(container, 5)
    pages = [ids(list(page)) for page in container.read_all_items(max_item_count=2).by_page()]
    assert pages == [["00", "01"], ["02", "03"], ["04"]]


def test_the_change_feed_shows_each_items_latest_version(container: ContainerProxy) -> None:
    filled(container, 3)
    container.upsert_item(an_item("00", at=9))
    container.delete_item("01", "a")
    changes = list(container.query_items_change_feed(start_time="Beginning"))
    assert [(item["id"], item["at"]) for item in changes] == [("02", 2), ("00", 9)]
    assert changes[0]["_lsn"] < changes[1]["_lsn"]


def test_the_change_feed_goes_on_from_its_token(container: ContainerProxy) -> None:
    filled(container, 2)
    feed = container.query_items_change_feed(start_time="Beginning", max_item_count=1).by_page()
    pages = [ids(list(page)) for page in feed]
    assert [page for page in pages if page] == [["00"], ["01"]]
    token = feed.continuation_token
    container.create_item(an_item("late"))
    assert ids(list(container.query_items_change_feed(continuation=token))) == ["late"]


def test_the_change_feed_from_now_shows_only_what_comes(container: ContainerProxy) -> None:
    filled(container, 2)
    assert list(container.query_items_change_feed(start_time="Now")) == []
    # Of a feed without news the SDK tells the token by the response headers only.
    token = container.client_connection.last_response_headers["etag"]
    container.create_item(an_item("late"))
    assert ids(list(container.query_items_change_feed(continuation=token))) == ["late"]


def test_the_change_feed_of_one_partition_shows_no_other(incidents: ContainerProxy) -> None:
    changes = incidents.query_items_change_feed(start_time="Beginning", partition_key=["a", "i1"])
    assert ids(list(changes)) == ["a1"]


def test_the_index_policy_is_completed_as_cosmos_does(database: DatabaseProxy) -> None:
    policy = {"includedPaths": [{"path": "/*", "indexes": []}], "excludedPaths": []}
    made = database.create_container("completed", PartitionKey(path="/tenant"), indexing_policy=policy)
    stored = made.read()["indexingPolicy"]
    assert stored["includedPaths"] == [{"path": "/*"}]
    assert stored["excludedPaths"] == [{"path": '/"_etag"/?'}]
    assert json.dumps(stored["indexingMode"]) == '"consistent"'
