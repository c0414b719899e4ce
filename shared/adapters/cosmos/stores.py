"""Claims, directory, lookups, receipts and dead letters in Cosmos DB."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from shared.adapters.cosmos.client import Container, CosmosDatabase
from shared.adapters.writes import of_kind, require_tenant
from shared.errors import AlreadyExists
from shared.models.base import TenantId
from shared.models.claims import EpisodeClaim, OpenIncidentClaim
from shared.models.receipts import DeadLetter, ReceiptPart
from shared.models.tenants import (
    EntraTenantLookup,
    InboundCredential,
    Integration,
    IntegrationType,
    Tenant,
    User,
)
from shared.ports.stores import Versioned

READS_AT_ONCE = 16


class CosmosClaims:
    """Implements ClaimStore."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._container = Container(database, "claims")

    async def episodes(self, tenant_id: TenantId, claim_ids: Sequence[str]) -> dict[str, Versioned[EpisodeClaim]]:
        """See ClaimStore."""
        gate = asyncio.Semaphore(READS_AT_ONCE)

        async def read(claim_id: str) -> Versioned[EpisodeClaim] | None:
            async with gate:
                found = await self._container.read((tenant_id,), claim_id)
            claim = of_kind(EpisodeClaim, found)
            return Versioned(claim, found["_etag"]) if found and claim else None

        found = await asyncio.gather(*(read(claim_id) for claim_id in claim_ids))
        return {held.value.id: held for held in found if held}

    async def open_incident(self, tenant_id: TenantId, service_name: str) -> Versioned[OpenIncidentClaim] | None:
        """See ClaimStore."""
        found = await self._container.read((tenant_id,), OpenIncidentClaim.id_for(service_name))
        return Versioned(OpenIncidentClaim.from_stored(found), found["_etag"]) if found else None

    async def create(self, tenant_id: TenantId, claim: EpisodeClaim | OpenIncidentClaim) -> str:
        """See ClaimStore."""
        require_tenant(tenant_id, claim)
        return await self._container.create((tenant_id,), claim.to_stored())

    async def replace(self, tenant_id: TenantId, claim: EpisodeClaim | OpenIncidentClaim, etag: str) -> str:
        """See ClaimStore."""
        require_tenant(tenant_id, claim)
        return await self._container.replace((tenant_id,), claim.to_stored(), etag)


class CosmosDirectory:
    """Implements DirectoryStore."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._container = Container(database, "directory")

    async def tenant(self, tenant_id: TenantId) -> Tenant | None:
        """See DirectoryStore."""
        found = await self._container.read((tenant_id,), tenant_id)
        return Tenant.from_stored(found) if found else None

    async def user_by_object_id(self, tenant_id: TenantId, entra_object_id: str) -> User | None:
        """See DirectoryStore."""
        found = await self._container.query(
            (tenant_id,),
            "SELECT * FROM c WHERE c.type = 'user' AND c.entra_object_id = @oid",
            {"oid": entra_object_id},
            limit=1,
        )
        return User.from_stored(found[0]) if found else None

    async def integrations(self, tenant_id: TenantId, kind: IntegrationType) -> list[Integration]:
        """See DirectoryStore."""
        found = await self._container.query(
            (tenant_id,),
            "SELECT * FROM c WHERE c.type = 'integration' AND c.integration_type = @kind",
            {"kind": kind.value},
        )
        active = [one for one in map(Integration.from_stored, found) if one.is_active]
        return sorted(active, key=lambda one: (one.created_at, one.id))

    async def put(self, tenant_id: TenantId, document: Tenant | User | Integration) -> None:
        """See DirectoryStore."""
        require_tenant(tenant_id, document)
        await self._container.upsert((tenant_id,), document.to_stored())


class CosmosLookups:
    """Implements LookupStore. Each lookup is alone in its partition: its id is the key."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._container = Container(database, "lookups")

    async def inbound(self, integration_id: str) -> InboundCredential | None:
        """See LookupStore."""
        key = f"integration:{integration_id}"
        found = await self._container.read((key,), key)
        return InboundCredential.from_stored(found) if found else None

    async def tenant_of_entra(self, entra_tenant_id: str) -> TenantId | None:
        """See LookupStore."""
        key = f"entra:{entra_tenant_id}"
        found = await self._container.read((key,), key)
        return EntraTenantLookup.from_stored(found).tenant_id if found else None

    async def put_inbound(self, credential: InboundCredential) -> None:
        """See LookupStore."""
        await self._container.upsert((credential.id,), credential.to_stored())

    async def put_entra(self, entra_tenant_id: str, tenant_id: TenantId) -> None:
        """See LookupStore."""
        lookup = EntraTenantLookup(id=f"entra:{entra_tenant_id}", tenant_id=tenant_id)
        await self._container.upsert((lookup.id,), lookup.to_stored())


class CosmosReceipts:
    """Implements ReceiptStore."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._container = Container(database, "receipts")

    async def add_part(self, tenant_id: TenantId, part: ReceiptPart) -> None:
        """See ReceiptStore."""
        require_tenant(tenant_id, part)
        with suppress(AlreadyExists):
            await self._container.create((tenant_id, part.receipt_id), part.to_stored())

    async def parts(self, tenant_id: TenantId, receipt_id: str) -> list[ReceiptPart]:
        """See ReceiptStore."""
        found = await self._container.query((tenant_id, receipt_id), "SELECT * FROM c")
        return [ReceiptPart.from_stored(body) for body in found]


class CosmosDeadLetters:
    """Implements DeadLetterStore."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._container = Container(database, "deadletters")

    async def add(self, tenant_id: TenantId, letter: DeadLetter) -> None:
        """See DeadLetterStore."""
        require_tenant(tenant_id, letter)
        with suppress(AlreadyExists):
            await self._container.create((tenant_id, letter.queue), letter.to_stored())

    async def letters(self, tenant_id: TenantId, queue: str) -> list[DeadLetter]:
        """See DeadLetterStore."""
        found = await self._container.query((tenant_id, queue), "SELECT * FROM c")
        return sorted(map(DeadLetter.from_stored, found), key=lambda letter: (letter.recorded_at, letter.id))
