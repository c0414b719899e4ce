"""A tenant's documents and blobs in memory, in containers of their own."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence

from shared.adapters.cosmos.containers import BY_NAME
from shared.adapters.memory.documents import MemoryDocuments
from shared.adapters.writes import require_own_name, require_owner
from shared.errors import AlreadyExists, StoreRejected
from shared.models.base import TenantId
from shared.ports.archive import Stored


class MemoryArchive:
    """Implements TenantArchive."""

    def __init__(self) -> None:
        self._containers: dict[str, MemoryDocuments] = defaultdict(MemoryDocuments)

    async def page(
        self, tenant_id: TenantId, container: str, part: str | None, *, after: str, limit: int
    ) -> Sequence[Stored]:
        """See TenantArchive."""
        own = (tenant_id,) if BY_NAME[container].partition_key_paths[0] == "/tenant_id" else ()
        bodies = [body for body, _ in self._containers[container].partition(own if part is None else (*own, part))]
        mine = [body for body in bodies if body["tenant_id"] == tenant_id and body["id"] > after]
        return sorted(mine, key=lambda body: str(body["id"]))[:limit]

    async def held(self, tenant_id: TenantId, container: str, document: Stored) -> Stored | None:
        """See TenantArchive."""
        require_owner(tenant_id, document)
        found = self._containers[container].read(_key_in(container, document), str(document["id"]))
        return found[0] if found else None

    async def restore(self, tenant_id: TenantId, container: str, document: Stored) -> bool:
        """See TenantArchive."""
        held = await self.held(tenant_id, container, document)
        if held is None:
            self._containers[container].create(_key_in(container, document), dict(document))
        elif held != document:
            raise AlreadyExists("another document is there")
        return held is None


def _key_in(container: str, document: Stored) -> tuple[str, ...]:
    key = tuple(str(document.get(path.removeprefix("/"), "")) for path in BY_NAME[container].partition_key_paths)
    if not all(key):
        raise StoreRejected(f"container {container} needs its full partition key", reason="partial_key")
    return key


class MemoryBlobArchive:
    """Implements BlobArchive."""

    def __init__(self) -> None:
        self._blobs: dict[tuple[str, str], bytes] = {}

    async def names(self, tenant_id: TenantId, container: str) -> AsyncIterator[str]:
        """See BlobArchive."""
        for held, name in sorted(self._blobs):
            if held == container and name.startswith(f"{tenant_id}/"):
                yield name

    async def read(self, tenant_id: TenantId, container: str, name: str) -> bytes | None:
        """See BlobArchive."""
        require_own_name(tenant_id, name)
        return self._blobs.get((container, name))

    async def restore(self, tenant_id: TenantId, container: str, name: str, body: bytes) -> bool:
        """See BlobArchive."""
        require_own_name(tenant_id, name)
        held = self._blobs.get((container, name))
        if held is None:
            self._blobs[container, name] = body
        elif held != body:
            raise AlreadyExists("another blob of this name is there")
        return held is None
