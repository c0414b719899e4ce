"""A sorted query of one partition is read by its index, in the very order that sorting it afterwards gives."""

import json
from pathlib import Path
from typing import Any

import pytest

from dev.cosmos.catalog import Catalog
from dev.cosmos.http import Request
from dev.cosmos.items import Items
from dev.cosmos.partition_keys import of_header
from dev.cosmos.queries import query_page
from dev.cosmos.sql.values import UNDEFINED, sort_key
from dev.cosmos.storage import Storage

VALUES = [UNDEFINED, None, False, True, -1, 0, 1, 1.5, 10, "", "A", "a", "ä", "\uffff", "\U0001f600", 'x"', "x'y"]
INDEX = [{"path": "/v", "order": "ascending"}, {"path": "/id", "order": "descending"}]


class Sorted:
    """A container with a composite index, and the documents of two tenants."""

    def __init__(self, folder: Path) -> None:
        self.storage = Storage(folder)
        self.catalog = Catalog(self.storage)
        self.catalog.create_database({"id": "d"})
        body: dict[str, Any] = {
            "id": "c",
            "partitionKey": {"paths": ["/t"], "kind": "Hash", "version": 2},
            "indexingPolicy": {"compositeIndexes": [INDEX]},
        }
        self.container = self.catalog.create_container(self.catalog.database("d"), body)
        for tenant in ("a", "b"):
            key = of_header(json.dumps([tenant]), self.container.key)
            assert key is not None
            for number, value in enumerate(VALUES * 2):
                document = {"id": f"{number:02}", "t": tenant} | ({} if value is UNDEFINED else {"v": value})
                self.items.create(key, document)

    @property
    def items(self) -> Items:
        return Items(self.storage, self.container, lambda: 0)

    def asked(self, order: str) -> list[dict[str, Any]]:
        """All pages of a sorted query."""
        body = json.dumps({"query": f"SELECT * FROM c ORDER BY {order}", "parameters": []}).encode()
        found: list[dict[str, Any]] = []
        headers = {"x-ms-documentdb-partitionkey": '["a"]', "x-ms-max-item-count": "5"}
        while True:
            page = query_page(Request("POST", (), headers, body), self.container, self.items, strict=True)
            found += page.documents
            if page.continuation is None:
                return found
            headers = {**headers, "x-ms-continuation": page.continuation}


@pytest.mark.parametrize("is_opposite", [False, True])
def test_the_order_is_that_of_the_values_whatever_their_types(tmp_path: Path, *, is_opposite: bool) -> None:
    found = Sorted(tmp_path).asked("c.v DESC, c.id ASC" if is_opposite else "c.v ASC, c.id DESC")
    assert {one["t"] for one in found} == {"a"}
    by_id = sorted(found, key=lambda one: one["id"], reverse=not is_opposite)
    expected = sorted(by_id, key=lambda one: sort_key(one.get("v", UNDEFINED)), reverse=is_opposite)
    assert [one["id"] for one in found] == [one["id"] for one in expected]
    assert len(found) == 2 * len(VALUES)


def test_the_indexes_follow_the_policy_and_go_with_the_container(tmp_path: Path) -> None:
    kept = Sorted(tmp_path)

    def made() -> int:
        row = kept.storage.row("SELECT count(*) AS n FROM sqlite_master WHERE name LIKE 'sorted_%'")
        return 0 if row is None else int(row["n"])

    assert made() == 1
    properties = kept.container.properties
    replaced = {"id": "c", "partitionKey": properties["partitionKey"], "indexingPolicy": {}}
    kept.container = kept.catalog.replace_container(kept.container, replaced)
    assert made() == 0
    Catalog(kept.storage)
    kept.catalog.delete_container(kept.container)
    assert made() == 0
