"""From a tenant's active integrations to the sources behind them."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from shared.models.base import IntegrationId, TenantId
from shared.models.tenants import Integration, IntegrationType
from shared.ports.secrets import SecretBox
from shared.ports.stores import DirectoryStore

S = TypeVar("S")

Make = Callable[[TenantId, Integration, str], S | None]
"""From an integration and its opened config to its source, or None where it names no API."""

MAX_CACHED: Final = 256
MAX_SOURCES: Final = 4
"""Of one kind that are asked for one incident: the oldest."""


class OpenedSources(Generic[S]):
    """Sources by tenant. One is kept by its integration's version and sealed config: a changed one is made anew."""

    def __init__(
        self, directory: DirectoryStore, secrets: SecretBox, kinds: Sequence[IntegrationType], make: Make[S]
    ) -> None:
        self._directory = directory
        self._secrets = secrets
        self._kinds = kinds
        self._make = make
        self._made: OrderedDict[tuple[str, str, int, str], S | None] = OrderedDict()

    async def of_tenant(self, tenant_id: TenantId) -> Sequence[S]:
        """The first sources of each kind; raises StoreUnavailable, KeysUnavailable, SecretUnreadable."""
        found: list[S] = []
        for kind in self._kinds:
            listed = await self._directory.integrations(tenant_id, kind)
            active = [one for one in listed if one.is_active and one.config]
            made = [await self._source(tenant_id, one, one.config or "") for one in active[:MAX_SOURCES]]
            found += [source for source in made if source is not None]
        return found

    async def _source(self, tenant_id: TenantId, integration: Integration, sealed: str) -> S | None:
        key = (tenant_id, integration.id, integration.version, sealed)
        if key not in self._made:
            opened = await self._secrets.open(tenant_id, IntegrationId(integration.id), sealed)
            self._made[key] = self._make(tenant_id, integration, opened)
            while len(self._made) > MAX_CACHED:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        return self._made[key]
