"""Topology (container `caches`), corrections (container `claims`) and changes in Cosmos DB."""

from datetime import UTC, datetime

from shared.adapters.cosmos.client import Container, CosmosDatabase
from shared.adapters.writes import cursor_after_change, order_values, require_tenant
from shared.errors import AlreadyExists, Conflict
from shared.models.base import TenantId
from shared.models.changes import Change
from shared.models.surroundings import Corrections
from shared.models.topology import KnownTopology
from shared.ports.stores import Page, Versioned

MAX_RACES = 8
_BETWEEN = "SELECT * FROM c WHERE c.at >= @start AND c.at <= @end ORDER BY c.at DESC"


class CosmosSurroundings:
    """Implements SurroundingsStore."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._caches = Container(database, "caches")
        # Corrections must not be lost, so they do not lie among the caches.
        self._claims = Container(database, "claims")

    async def topology(self, tenant_id: TenantId) -> Versioned[KnownTopology] | None:
        """See SurroundingsStore."""
        found = await self._caches.read((tenant_id,), KnownTopology.id_for())
        return Versioned(KnownTopology.from_stored(found), found["_etag"]) if found else None

    async def corrections(self, tenant_id: TenantId) -> Versioned[Corrections] | None:
        """See SurroundingsStore."""
        found = await self._claims.read((tenant_id,), Corrections.id_for())
        return Versioned(Corrections.from_stored(found), found["_etag"]) if found else None

    async def keep(self, tenant_id: TenantId, document: KnownTopology | Corrections, etag: str | None) -> None:
        """See SurroundingsStore."""
        require_tenant(tenant_id, document)
        container = self._caches if isinstance(document, KnownTopology) else self._claims
        if etag is not None:
            await container.replace((tenant_id,), document.to_stored(), etag)
            return
        try:
            await container.create((tenant_id,), document.to_stored())
        except AlreadyExists as exc:
            raise Conflict(f"{document.id} is there already") from exc


class CosmosChanges:
    """Implements ChangeStore."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._container = Container(database, "changes")

    async def record(self, tenant_id: TenantId, change: Change) -> bool:
        """See ChangeStore."""
        require_tenant(tenant_id, change)
        key, body = (tenant_id,), change.to_stored()
        for _ in range(MAX_RACES):
            held = await self._container.read(key, change.id)
            stands = Change.from_stored(held) if held else None
            if stands and stands.reported.said_at >= change.reported.said_at:
                return False
            try:
                if held and stands:
                    await self._container.replace(key, change.over(stands).to_stored(), held["_etag"])
                else:
                    await self._container.create(key, body)
            except (AlreadyExists, Conflict):
                continue
            return True
        raise Conflict(f"change {change.id} moved {MAX_RACES} times")

    async def between(self, tenant_id: TenantId, start: datetime, end: datetime, *, limit: int = 200) -> list[Change]:
        """See ChangeStore."""
        limits = {"start": _stored(start), "end": _stored(end)}
        found = await self._container.query((tenant_id,), _BETWEEN, limits, limit=limit)
        return [Change.from_stored(body) for body in found]

    async def page(
        self,
        tenant_id: TenantId,
        start: datetime,
        end: datetime,
        *,
        limit: int,
        cursor: str | None = None,
        service: str | None = None,
    ) -> Page[Change]:
        """See ChangeStore."""
        conditions = ["c.at >= @start", "c.at <= @end"]
        parameters: dict[str, object] = {"start": _stored(start), "end": _stored(end)}
        if service is not None:
            conditions.append("c.service_name = @service")
            parameters["service"] = service
        if cursor:
            parameters["after"], parameters["id"] = order_values(cursor)
            conditions.append("(c.at < @after OR (c.at = @after AND c.id < @id))")
        text = f"SELECT * FROM c WHERE {' AND '.join(conditions)} ORDER BY c.at DESC, c.id DESC"  # noqa: S608 -- fixed texts, the values are parameters
        found = await self._container.query((tenant_id,), text, parameters, limit=limit + 1)
        items = [Change.from_stored(body) for body in found[:limit]]
        return Page(items, cursor_after_change(items[-1]) if len(found) > limit else None)


def _stored(moment: datetime) -> str:
    """As documents keep times, so that the order of texts is the order of times."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
