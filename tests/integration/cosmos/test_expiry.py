"""An expired item is as good as deleted, for every operation."""

from collections.abc import Callable
from typing import Any

import pytest
from azure.cosmos import ContainerProxy, DatabaseProxy

from tests.contract.cosmos_standin.running import Standin, a_container, an_item, ids, refused

pytestmark = pytest.mark.integration

Operation = Callable[[ContainerProxy], Any]


@pytest.fixture
def expired(standin: Standin, database: DatabaseProxy) -> ContainerProxy:
    """A container whose item `1` has expired and whose item `2` lives for ever."""
    container = a_container(database, default_ttl=30)
    container.create_item(an_item("1"))
    container.create_item(an_item("2", ttl=-1))
    standin.clock.advance(31)
    return container


@pytest.mark.parametrize(
    "operation",
    [
        lambda container: container.read_item("1", "a"),
        lambda container: container.replace_item("1", an_item("1")),
        lambda container: container.delete_item("1", "a"),
        lambda container: container.patch_item("1", "a", [{"op": "set", "path": "/n", "value": 1}]),
    ],
)
def test_an_expired_item_is_not_found(expired: ContainerProxy, operation: Operation) -> None:
    with refused(404):
        operation(expired)


def test_an_expired_item_is_in_no_query_feed_or_count(expired: ContainerProxy) -> None:
    assert ids(expired.query_items("SELECT * FROM c", partition_key="a")) == ["2"]
    assert ids(expired.read_all_items()) == ["2"]
    assert list(expired.query_items("SELECT COUNT(1) AS n FROM c", partition_key="a")) == [{"n": 1}]
    assert ids(expired.query_items_change_feed(start_time="Beginning")) == ["2"]


def test_another_item_may_take_the_id_of_an_expired_one(expired: ContainerProxy) -> None:
    renamed = expired.replace_item("2", an_item("1", ttl=-1))
    assert renamed["id"] == "1"
    assert ids(expired.read_all_items()) == ["1"]


def test_an_upsert_over_an_expired_item_is_a_new_item(expired: ContainerProxy) -> None:
    old_rid = expired.read_item("2", "a")["_rid"]
    assert expired.upsert_item(an_item("2"))["_rid"] == old_rid
    new = expired.upsert_item(an_item("1", n=1))
    assert expired.read_item("1", "a") == new


def test_a_batch_may_create_an_expired_item_again(expired: ContainerProxy) -> None:
    results = expired.execute_item_batch([("create", (an_item("1"),)), ("create", (an_item("3"),))], "a")
    assert [result["statusCode"] for result in results] == [201, 201]
    assert ids(expired.read_all_items()) == ["2", "1", "3"]


def test_a_write_starts_the_time_anew(standin: Standin, expired: ContainerProxy) -> None:
    expired.create_item(an_item("1"))
    standin.clock.advance(20)
    expired.patch_item("1", "a", [{"op": "set", "path": "/n", "value": 1}])
    standin.clock.advance(20)
    assert expired.read_item("1", "a")["n"] == 1
