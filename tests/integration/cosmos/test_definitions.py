"""Definitions of containers that cannot be: a 400 that says why, and nothing is created."""

from typing import Any

import pytest
from azure.cosmos import DatabaseProxy, PartitionKey

from tests.contract.cosmos_standin.running import ids, refused

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("path", [None, "", "/", "tenant"])
def test_a_partition_key_path_that_is_none_is_refused(database: DatabaseProxy, path: Any) -> None:
    with refused(400):
        database.create_container("refused", PartitionKey([path]))
    assert "refused" not in [listed["id"] for listed in database.list_containers()]


@pytest.mark.parametrize(
    "composite",
    [
        [{"path": "/a"}],
        ["/a", "/b"],
        [{"path": "/a"}, {"order": "descending"}],
        [{"path": "/a"}, {"path": "/b", "order": "upwards"}],
        [{"path": "a"}, {"path": "/b"}],
    ],
)
def test_a_composite_index_that_is_none_is_refused(database: DatabaseProxy, composite: Any) -> None:
    with refused(400):
        database.create_container("refused", PartitionKey("/t"), indexing_policy={"compositeIndexes": [composite]})


def test_the_order_of_a_composite_index_is_ascending_unless_said(database: DatabaseProxy) -> None:
    policy = {"compositeIndexes": [[{"path": "/a"}, {"path": "/b", "order": "Descending"}]]}
    created = database.create_container("ordered", PartitionKey("/t"), indexing_policy=policy)
    assert created.read()["indexingPolicy"]["compositeIndexes"] == [
        [{"path": "/a", "order": "ascending"}, {"path": "/b", "order": "descending"}]
    ]
    created.create_item({"id": "1", "t": "x", "a": 1, "b": 1})
    ordered = "SELECT * FROM c ORDER BY c.a {}, c.b {}"
    assert ids(created.query_items(ordered.format("DESC", "ASC"), partition_key="x")) == ["1"]
    with refused(400):
        list(created.query_items(ordered.format("ASC", "ASC"), partition_key="x"))
