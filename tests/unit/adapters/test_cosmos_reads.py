"""What the store hands over is checked once more: a document of another tenant never leaves the adapter."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.adapters.cosmos.client import Container, CosmosDatabase
from shared.errors import StoreRejected

FOREIGN = {"id": "a", "tenant_id": "ten-globex", "_etag": '"1"'}


class LeakingContainer:
    """The SDK's shape of a store that ignores partition keys."""

    async def read(self) -> dict[str, Any]:
        return {}

    async def read_item(self, item: str, partition_key: Any) -> dict[str, Any]:
        assert (item, partition_key) == ("a", "ten-acme")
        return FOREIGN

    async def query_items(self, query: str, **options: Any) -> AsyncIterator[dict[str, Any]]:
        assert (query, options["partition_key"]) == ("SELECT * FROM c", "ten-acme")
        yield FOREIGN


class LeakingClient:
    """Leads to the one container."""

    async def __aenter__(self) -> "LeakingClient":
        return self

    async def close(self) -> None:
        pass

    def get_database_client(self, _name: str) -> "LeakingClient":
        return self

    def get_container_client(self, _name: str) -> LeakingContainer:
        return LeakingContainer()


@pytest.fixture
def claims() -> Container:
    return Container(CosmosDatabase(LeakingClient, "any"), "claims")


async def test_a_document_of_another_tenant_is_not_read(claims: Container) -> None:
    with pytest.raises(StoreRejected) as refused:
        await claims.read(("ten-acme",), "a")
    assert refused.value.reason == "foreign_key"


async def test_a_document_of_another_tenant_is_not_listed(claims: Container) -> None:
    with pytest.raises(StoreRejected) as refused:
        await claims.query(("ten-acme",), "SELECT * FROM c")
    assert refused.value.reason == "foreign_key"
