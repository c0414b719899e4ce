"""Directory, lookups and dead letters in Cosmos DB."""

from collections import OrderedDict
from datetime import datetime

from shared.adapters.cosmos.client import Container, CosmosDatabase
from shared.adapters.writes import (
    DELIVERY_NOTED_EVERY,
    cursor_after_letter,
    is_worth_noting,
    of_kind,
    order_values,
    require_tenant,
)
from shared.errors import AlreadyExists, Conflict
from shared.models.base import IntegrationId, TenantId
from shared.models.receipts import DeadLetter, LetterState
from shared.models.tenants import (
    EntraTenantLookup,
    InboundCredential,
    Integration,
    IntegrationType,
    SlugLookup,
    Tenant,
    User,
)
from shared.ports.stores import Page, Versioned

MAX_RACES = 8
MAX_NOTED = 4096


class CosmosDirectory:
    """Implements DirectoryStore."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._container = Container(database, "directory")
        self._noted: OrderedDict[tuple[str, str], datetime] = OrderedDict()

    async def tenant(self, tenant_id: TenantId) -> Tenant | None:
        """See DirectoryStore."""
        found = await self._container.read((tenant_id,), tenant_id)
        return Tenant.from_stored(found) if found else None

    async def user_by_object_id(self, tenant_id: TenantId, entra_object_id: str) -> User | None:
        """See DirectoryStore."""
        return of_kind(User, await self._container.read((tenant_id,), User.id_of(entra_object_id)))

    async def integration(self, tenant_id: TenantId, integration_id: IntegrationId) -> Integration | None:
        """See DirectoryStore."""
        return of_kind(Integration, await self._container.read((tenant_id,), integration_id))

    async def integrations(self, tenant_id: TenantId, kind: IntegrationType) -> list[Integration]:
        """See DirectoryStore."""
        found = await self._container.query(
            (tenant_id,),
            "SELECT * FROM c WHERE c.type = 'integration' AND c.integration_type = @kind",
            {"kind": kind.value},
        )
        active = [one for one in map(Integration.from_stored, found) if one.is_active]
        return sorted(active, key=lambda one: (one.created_at, one.id))

    async def note_sync(
        self, tenant_id: TenantId, integration_id: IntegrationId, *, at: datetime, error: str | None
    ) -> None:
        """See DirectoryStore."""
        for _ in range(MAX_RACES):
            held = await self._container.read((tenant_id,), integration_id)
            integration = of_kind(Integration, held)
            if held is None or integration is None:
                return
            try:
                noted = integration.noting_sync(at=at, error=error).to_stored()
                await self._container.replace((tenant_id,), noted, held["_etag"])
            except Conflict:
                continue
            return
        raise Conflict(f"integration {integration_id} moved {MAX_RACES} times")

    async def note_delivery(self, tenant_id: TenantId, integration_id: IntegrationId, *, at: datetime) -> None:
        """See DirectoryStore."""
        # Remembered here, so that in a storm a delivery costs neither a read nor a write for this.
        known = self._noted.get((tenant_id, integration_id))
        if known is not None and at - known < DELIVERY_NOTED_EVERY:
            return
        await self._note_delivery(tenant_id, integration_id, at)
        self._noted[tenant_id, integration_id] = at
        self._noted.move_to_end((tenant_id, integration_id))
        while len(self._noted) > MAX_NOTED:
            self._noted.popitem(last=False)

    async def _note_delivery(self, tenant_id: TenantId, integration_id: IntegrationId, at: datetime) -> None:
        for _ in range(MAX_RACES):
            held = await self._container.read((tenant_id,), integration_id)
            integration = of_kind(Integration, held)
            if held is None or integration is None or not is_worth_noting(integration, at):
                return
            try:
                noted = integration.model_copy(update={"last_delivery_at": at}).to_stored()
                await self._container.replace((tenant_id,), noted, held["_etag"])
            except Conflict:
                continue
            return
        raise Conflict(f"integration {integration_id} moved {MAX_RACES} times")

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
        key = (credential.id,)
        for _ in range(MAX_RACES):
            held = await self._container.read(key, credential.id)
            if held and InboundCredential.from_stored(held).source_version > credential.source_version:
                return
            try:
                if held is None:
                    await self._container.create(key, credential.to_stored())
                else:
                    await self._container.replace(key, credential.to_stored(), held["_etag"])
            except (AlreadyExists, Conflict):
                continue
            return
        raise Conflict(f"the credential of {credential.integration_id} moved {MAX_RACES} times")

    async def remove_inbound(self, integration_id: str) -> None:
        """See LookupStore."""
        key = InboundCredential.id_for(integration_id)
        held = await self._container.read((key,), key)
        if held is not None:
            await self._container.batch((key,), [], [(key, held["_etag"])])

    async def put_entra(self, entra_tenant_id: str, tenant_id: TenantId) -> None:
        """See LookupStore."""
        lookup = EntraTenantLookup(id=f"entra:{entra_tenant_id}", tenant_id=tenant_id)
        await self._container.upsert((lookup.id,), lookup.to_stored())

    async def tenant_of_slug(self, slug: str) -> TenantId | None:
        """See LookupStore."""
        key = f"slug:{slug}"
        found = await self._container.read((key,), key)
        return SlugLookup.from_stored(found).tenant_id if found else None

    async def claim_entra(self, entra_tenant_id: str, tenant_id: TenantId) -> TenantId:
        """See LookupStore."""
        return await self._claimed(EntraTenantLookup(id=f"entra:{entra_tenant_id}", tenant_id=tenant_id))

    async def claim_slug(self, slug: str, tenant_id: TenantId) -> TenantId:
        """See LookupStore."""
        return await self._claimed(SlugLookup(id=f"slug:{slug}", tenant_id=tenant_id))

    async def _claimed(self, lookup: EntraTenantLookup | SlugLookup) -> TenantId:
        try:
            await self._container.create((lookup.id,), lookup.to_stored())
        except AlreadyExists:
            held = await self._container.read((lookup.id,), lookup.id)
            if held is None:
                raise Conflict(f"{lookup.type} vanished between two reads") from None
            return TenantId(str(held["tenant_id"]))
        return lookup.tenant_id

    async def set_quota(self, tenant_id: TenantId, integration_id: str, alerts_per_minute: int) -> bool:
        """See LookupStore."""
        key = f"integration:{integration_id}"
        for _ in range(MAX_RACES):
            held = await self._container.read((key,), key)
            if held is None or held["tenant_id"] != tenant_id:
                return False
            changed = InboundCredential.from_stored(held).model_copy(update={"alerts_per_minute": alerts_per_minute})
            try:
                await self._container.replace((key,), changed.to_stored(), held["_etag"])
            except Conflict:
                continue
            return True
        raise Conflict(f"the credential of integration {integration_id} moved {MAX_RACES} times")


class CosmosDeadLetters:
    """Implements DeadLetterStore."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._container = Container(database, "deadletters")

    async def add(self, tenant_id: TenantId, letter: DeadLetter) -> None:
        """See DeadLetterStore."""
        require_tenant(tenant_id, letter)
        for _ in range(MAX_RACES):
            try:
                held = await self.read(tenant_id, letter.queue, letter.id)
                if held is None:
                    await self._container.create((tenant_id, letter.queue), letter.to_stored())
                elif (after := held.value.after(letter)) != held.value:
                    await self.replace(tenant_id, after, held.etag)
            except (AlreadyExists, Conflict):
                continue
            return
        raise Conflict(f"dead letter {letter.id} moved {MAX_RACES} times")

    async def read(self, tenant_id: TenantId, queue: str, letter_id: str) -> Versioned[DeadLetter] | None:
        """See DeadLetterStore."""
        found = await self._container.read((tenant_id, queue), letter_id)
        return Versioned(DeadLetter.from_stored(found), str(found["_etag"])) if found else None

    async def replace(self, tenant_id: TenantId, letter: DeadLetter, etag: str) -> None:
        """See DeadLetterStore."""
        require_tenant(tenant_id, letter)
        await self._container.replace((tenant_id, letter.queue), letter.to_stored(), etag)

    async def page(
        self,
        tenant_id: TenantId,
        queue: str,
        *,
        limit: int,
        cursor: str | None = None,
        state: LetterState | None = None,
        reason: str | None = None,
    ) -> Page[Versioned[DeadLetter]]:
        """See DeadLetterStore."""
        conditions, parameters = ["c.type = 'dead_letter'"], {}
        if cursor:
            parameters["at"], parameters["id"] = order_values(cursor)
            conditions.append("(c.recorded_at < @at OR (c.recorded_at = @at AND c.id < @id))")
        if state:
            parameters["state"] = state.value
            conditions.append("c.state = @state")
        if reason:
            parameters["reason"] = reason
            conditions.append("(c.reason = @reason OR ARRAY_CONTAINS(c.reasons, @reason))")
        text = f"SELECT * FROM c WHERE {' AND '.join(conditions)} ORDER BY c.recorded_at DESC, c.id DESC"  # noqa: S608 -- fixed texts, the values are parameters
        found = await self._container.query((tenant_id, queue), text, parameters, limit=limit + 1)
        items = [Versioned(DeadLetter.from_stored(body), str(body["_etag"])) for body in found[:limit]]
        return Page(items, cursor_after_letter(items[-1].value) if len(found) > limit else None)
