"""Reading many items by id, which the SDK turns into point reads and queries of its own making."""

import pytest
from azure.cosmos import ContainerProxy, DatabaseProxy

from tests.contract.cosmos_standin.running import a_container, an_item, ids

pytestmark = pytest.mark.integration


def test_items_of_several_partitions_are_read_at_once(container: ContainerProxy) -> None:
    names = [(f"{number}", tenant) for tenant in "ab" for number in range(3)]
    for name, tenant in names:
        container.create_item(an_item(name, tenant))
    found = container.read_items([*names, ("missing", "a")])
    assert sorted((item["id"], item["tenant"]) for item in found) == sorted(names)


def test_items_under_a_hierarchical_key_are_read_at_once(database: DatabaseProxy) -> None:
    container = a_container(database, "/tenant", "/incident")
    for tenant in "ab":
        for name in "12":
            container.create_item(an_item(name, tenant, incident="i"))
    found = container.read_items([("1", ["a", "i"]), ("2", ["a", "i"]), ("1", ["b", "i"])])
    assert sorted((item["tenant"], item["id"]) for item in found) == [("a", "1"), ("a", "2"), ("b", "1")]


def test_a_property_with_a_foreign_name_can_be_asked_for(container: ContainerProxy) -> None:
    container.create_item(an_item("match", größe=5))
    container.create_item(an_item("other", größe=6))
    assert ids(container.query_items("SELECT * FROM c WHERE c['größe'] = 5", partition_key="a")) == ["match"]
