"""A tenant's documents in Cosmos DB, read and restored as they are."""

from collections.abc import Mapping
from typing import Any

from shared.adapters.cosmos.client import WRITE_ID, Container, CosmosDatabase
from shared.adapters.cosmos.containers import BY_NAME
from shared.adapters.writes import require_owner
from shared.errors import AlreadyExists
from shared.models.base import TenantId
from shared.ports.archive import Stored

# In `schedule` tenants share partitions. Everywhere else the key says the same, and saying it twice costs nothing.
_PAGE = "SELECT * FROM c WHERE c.tenant_id = @tenant AND c.id > @after ORDER BY c.id ASC"


class CosmosArchive:
    """Implements TenantArchive."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._containers = {name: Container(database, name) for name in BY_NAME}

    async def page(
        self, tenant_id: TenantId, container: str, part: str | None, *, after: str, limit: int
    ) -> list[Stored]:
        """See TenantArchive."""
        parameters = {"tenant": tenant_id, "after": after}
        key = _key(tenant_id, container, part)
        found = await self._containers[container].query(key, _PAGE, parameters, limit=limit)
        return [_plain(body) for body in found]

    async def held(self, tenant_id: TenantId, container: str, document: Stored) -> Stored | None:
        """See TenantArchive."""
        require_owner(tenant_id, document)
        found = await self._containers[container].read(_key_in(container, document), str(document["id"]))
        return _plain(found) if found else None

    async def restore(self, tenant_id: TenantId, container: str, document: Stored) -> bool:
        """See TenantArchive."""
        require_owner(tenant_id, document)
        try:
            await self._containers[container].create(_key_in(container, document), dict(document))
        except AlreadyExists:
            if await self.held(tenant_id, container, document) != document:
                raise
            return False
        return True


def _key(tenant_id: TenantId, container: str, part: str | None) -> tuple[str, ...]:
    paths = BY_NAME[container].partition_key_paths
    own = (tenant_id,) if paths[0] == "/tenant_id" else ()
    return own if part is None else (*own, part)


def _key_in(container: str, document: Stored) -> tuple[str, ...]:
    return tuple(str(document.get(path.removeprefix("/"), "")) for path in BY_NAME[container].partition_key_paths)


def _plain(body: Mapping[str, Any]) -> dict[str, Any]:
    """Without what the store adds, all of which it names with an underscore, and without the mark of our create."""
    return {name: value for name, value in body.items() if not name.startswith("_") and name != WRITE_ID}
