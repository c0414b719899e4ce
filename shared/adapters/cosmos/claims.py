"""Claims in Cosmos DB: point reads for a few, one query for many; taken in batches, one by one after a conflict."""

import asyncio
from collections.abc import Sequence
from typing import Any

from shared.adapters.cosmos.client import Container, CosmosDatabase
from shared.adapters.writes import MAX_BATCH, of_kind, require_tenant
from shared.errors import AlreadyExists, Conflict
from shared.models.base import TenantId
from shared.models.claims import EpisodeClaim, OpenIncidentClaim, ServiceRoster
from shared.models.requests import RequestClaim
from shared.ports.stores import Claim, Versioned

POINT_READS = 3
"""A query costs three request units at least, a point read one."""
IDS_PER_QUERY = 200
_BY_IDS = "SELECT * FROM c WHERE ARRAY_CONTAINS(@ids, c.id)"


class CosmosClaims:
    """Implements ClaimStore."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._container = Container(database, "claims")

    async def episodes(self, tenant_id: TenantId, claim_ids: Sequence[str]) -> dict[str, Versioned[EpisodeClaim]]:
        """See ClaimStore."""
        found = await self._bodies(tenant_id, claim_ids)
        claims = [(of_kind(EpisodeClaim, body), str(body["_etag"])) for body in found]
        return {claim.id: Versioned(claim, etag) for claim, etag in claims if claim}

    async def take(self, tenant_id: TenantId, claims: Sequence[EpisodeClaim]) -> dict[str, Versioned[EpisodeClaim]]:
        """See ClaimStore."""
        taken: dict[str, Versioned[EpisodeClaim]] = {}
        for start in range(0, len(claims), MAX_BATCH):
            taken |= await self._take(tenant_id, claims[start : start + MAX_BATCH])
        return taken

    async def _take(self, tenant_id: TenantId, claims: Sequence[EpisodeClaim]) -> dict[str, Versioned[EpisodeClaim]]:
        for claim in claims:
            require_tenant(tenant_id, claim)
        if len(claims) > 1:
            try:
                etags = await self._container.batch((tenant_id,), [(claim.to_stored(), None) for claim in claims])
            except Conflict:
                pass
            else:
                return {claim.id: Versioned(claim, etag) for claim, etag in zip(claims, etags, strict=True)}
        made = await asyncio.gather(*(self._take_one(tenant_id, claim) for claim in claims))
        return {held.value.id: held for held in made}

    async def _take_one(self, tenant_id: TenantId, claim: EpisodeClaim) -> Versioned[EpisodeClaim]:
        try:
            return Versioned(claim, await self._container.create((tenant_id,), claim.to_stored()))
        except AlreadyExists:
            held = (await self.episodes(tenant_id, [claim.id])).get(claim.id)
        if held is None:
            raise Conflict("a claim vanished between two reads")
        return held

    async def open_incidents(
        self, tenant_id: TenantId, services: Sequence[str]
    ) -> dict[str, Versioned[OpenIncidentClaim]]:
        """See ClaimStore."""
        found = await self._bodies(tenant_id, [OpenIncidentClaim.id_for(service) for service in services])
        claims = [(OpenIncidentClaim.from_stored(body), str(body["_etag"])) for body in found]
        return {claim.service_name: Versioned(claim, etag) for claim, etag in claims}

    async def roster(self, tenant_id: TenantId) -> Versioned[ServiceRoster] | None:
        """See ClaimStore."""
        found = await self._container.read((tenant_id,), ServiceRoster.id_for())
        return Versioned(ServiceRoster.from_stored(found), found["_etag"]) if found else None

    async def request(self, tenant_id: TenantId, claim_id: str) -> Versioned[RequestClaim] | None:
        """See ClaimStore."""
        found = await self._container.read((tenant_id,), claim_id)
        claim = of_kind(RequestClaim, found)
        return Versioned(claim, str(found["_etag"])) if found and claim else None

    async def create(self, tenant_id: TenantId, claim: Claim) -> str:
        """See ClaimStore."""
        require_tenant(tenant_id, claim)
        return await self._container.create((tenant_id,), claim.to_stored())

    async def replace(self, tenant_id: TenantId, claim: Claim, etag: str) -> str:
        """See ClaimStore."""
        require_tenant(tenant_id, claim)
        return await self._container.replace((tenant_id,), claim.to_stored(), etag)

    async def _bodies(self, tenant_id: TenantId, ids: Sequence[str]) -> list[dict[str, Any]]:
        """The documents with these ids that are there."""
        if len(ids) <= POINT_READS:
            read = await asyncio.gather(*(self._container.read((tenant_id,), one) for one in ids))
            return [body for body in read if body]
        found: list[dict[str, Any]] = []
        for start in range(0, len(ids), IDS_PER_QUERY):
            group = list(ids[start : start + IDS_PER_QUERY])
            found += await self._container.query((tenant_id,), _BY_IDS, {"ids": group})
        return found
