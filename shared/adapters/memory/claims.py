"""Claims in memory."""

from collections.abc import Sequence

from shared.adapters.memory.documents import MemoryDocuments
from shared.adapters.writes import of_kind, require_tenant
from shared.errors import AlreadyExists
from shared.models.base import TenantId
from shared.models.claims import EpisodeClaim, OpenIncidentClaim, ServiceRoster
from shared.models.requests import RequestClaim
from shared.ports.stores import Claim, Versioned


class MemoryClaims:
    """Implements ClaimStore."""

    def __init__(self) -> None:
        self._documents = MemoryDocuments()

    async def episodes(self, tenant_id: TenantId, claim_ids: Sequence[str]) -> dict[str, Versioned[EpisodeClaim]]:
        """See ClaimStore."""
        claims: dict[str, Versioned[EpisodeClaim]] = {}
        for claim_id in claim_ids:
            body, etag = self._documents.read((tenant_id,), claim_id) or (None, "")
            claim = of_kind(EpisodeClaim, body)
            if claim:
                claims[claim_id] = Versioned(claim, etag)
        return claims

    async def take(self, tenant_id: TenantId, claims: Sequence[EpisodeClaim]) -> dict[str, Versioned[EpisodeClaim]]:
        """See ClaimStore."""
        for claim in claims:
            require_tenant(tenant_id, claim)
            try:
                self._documents.create((tenant_id,), claim.to_stored())
            except AlreadyExists:
                continue
        return await self.episodes(tenant_id, [claim.id for claim in claims])

    async def open_incidents(
        self, tenant_id: TenantId, services: Sequence[str]
    ) -> dict[str, Versioned[OpenIncidentClaim]]:
        """See ClaimStore."""
        found: dict[str, Versioned[OpenIncidentClaim]] = {}
        for service in services:
            held = self._documents.read((tenant_id,), OpenIncidentClaim.id_for(service))
            if held:
                found[service] = Versioned(OpenIncidentClaim.from_stored(held[0]), held[1])
        return found

    async def roster(self, tenant_id: TenantId) -> Versioned[ServiceRoster] | None:
        """See ClaimStore."""
        held = self._documents.read((tenant_id,), ServiceRoster.id_for())
        return Versioned(ServiceRoster.from_stored(held[0]), held[1]) if held else None

    async def request(self, tenant_id: TenantId, claim_id: str) -> Versioned[RequestClaim] | None:
        """See ClaimStore."""
        held = self._documents.read((tenant_id,), claim_id)
        claim = of_kind(RequestClaim, held[0]) if held else None
        return Versioned(claim, held[1]) if held and claim else None

    async def create(self, tenant_id: TenantId, claim: Claim) -> str:
        """See ClaimStore."""
        require_tenant(tenant_id, claim)
        return self._documents.create((tenant_id,), claim.to_stored())

    async def replace(self, tenant_id: TenantId, claim: Claim, etag: str) -> str:
        """See ClaimStore."""
        require_tenant(tenant_id, claim)
        return self._documents.replace((tenant_id,), claim.to_stored(), etag)
