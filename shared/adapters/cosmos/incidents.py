"""Incidents in Cosmos DB: everything of one incident under one full key."""

from collections.abc import Sequence

from shared.adapters.cosmos.client import Container, CosmosDatabase
from shared.adapters.writes import batch_of, cursor_after, of_kind, order_values, place_in_timeline, require_tenant
from shared.errors import AlreadyExists, Conflict
from shared.models.base import IncidentId, SignalId, SnapshotId, TenantId
from shared.models.evidence import Snapshot
from shared.models.hypotheses import HypothesisSet
from shared.models.incidents import Incident, IncidentSummary, TimelineEntry
from shared.models.signals import Signal
from shared.ports.stores import IncidentChange, Page, Versioned

MAX_RACES = 8

_FIRST_PAGE = "SELECT * FROM c ORDER BY c.detected_at DESC, c.id DESC"
_NEXT_PAGE = (
    "SELECT * FROM c WHERE c.detected_at < @at OR (c.detected_at = @at AND c.id < @id) "
    "ORDER BY c.detected_at DESC, c.id DESC"
)


class CosmosIncidents:
    """Implements IncidentStore."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._container = Container(database, "incidents")

    async def read(self, tenant_id: TenantId, incident_id: IncidentId) -> Versioned[Incident] | None:
        """See IncidentStore."""
        found = await self._container.read((tenant_id, incident_id), incident_id)
        return Versioned(Incident.from_stored(found), found["_etag"]) if found else None

    async def signals(
        self, tenant_id: TenantId, incident_id: IncidentId, ids: Sequence[SignalId] | None = None
    ) -> list[Versioned[Signal]]:
        """See IncidentStore."""
        text, parameters = "SELECT * FROM c WHERE c.type = 'signal'", {}
        if ids is not None:
            text, parameters = f"{text} AND ARRAY_CONTAINS(@ids, c.id)", {"ids": list(ids)}
        found = await self._container.query((tenant_id, incident_id), text, parameters)
        signals = [Versioned(Signal.from_stored(body), str(body["_etag"])) for body in found]
        return sorted(signals, key=lambda held: (held.value.timestamp, held.value.id))

    async def timeline(self, tenant_id: TenantId, incident_id: IncidentId) -> list[TimelineEntry]:
        """See IncidentStore."""
        found = await self._container.query(
            (tenant_id, incident_id), "SELECT * FROM c WHERE c.type = 'timeline_entry'"
        )
        entries = [TimelineEntry.from_stored(body) for body in found]
        return sorted(entries, key=place_in_timeline)

    async def commit(self, tenant_id: TenantId, change: IncidentChange) -> None:
        """See IncidentStore."""
        key = (tenant_id, change.incident.incident_id)
        await self._container.batch(key, batch_of(tenant_id, change))

    async def snapshot(
        self, tenant_id: TenantId, incident_id: IncidentId, snapshot_id: SnapshotId
    ) -> Snapshot | None:
        """See IncidentStore."""
        return of_kind(Snapshot, await self._container.read((tenant_id, incident_id), snapshot_id))

    async def hypotheses(
        self, tenant_id: TenantId, incident_id: IncidentId, hypotheses_id: str
    ) -> HypothesisSet | None:
        """See IncidentStore."""
        return of_kind(HypothesisSet, await self._container.read((tenant_id, incident_id), hypotheses_id))

    async def all_hypotheses(self, tenant_id: TenantId, incident_id: IncidentId) -> list[HypothesisSet]:
        """See IncidentStore."""
        found = await self._container.query(
            (tenant_id, incident_id), "SELECT * FROM c WHERE c.type = 'hypothesis_set'"
        )
        answers = [HypothesisSet.from_stored(body) for body in found]
        return sorted(answers, key=lambda answer: (answer.created_at, answer.id))


class CosmosIncidentList:
    """Implements IncidentList."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._container = Container(database, "incident_list")

    async def put(self, tenant_id: TenantId, summary: IncidentSummary) -> None:
        """See IncidentList."""
        require_tenant(tenant_id, summary)
        key, body = (tenant_id,), summary.to_stored()
        for _ in range(MAX_RACES):
            try:
                held = await self._container.read(key, summary.id)
                if held is None:
                    await self._container.create(key, body)
                elif held["source_version"] < summary.source_version:
                    await self._container.replace(key, body, held["_etag"])
            except (AlreadyExists, Conflict):
                continue
            return
        raise Conflict(f"the summary of {summary.id} moved {MAX_RACES} times")

    async def page(self, tenant_id: TenantId, *, limit: int, cursor: str | None = None) -> Page[IncidentSummary]:
        """See IncidentList."""
        text, parameters = _FIRST_PAGE, {}
        if cursor:
            detected_at, summary_id = order_values(cursor)
            text, parameters = _NEXT_PAGE, {"at": detected_at, "id": summary_id}
        found = await self._container.query((tenant_id,), text, parameters, limit=limit + 1)
        items = [IncidentSummary.from_stored(body) for body in found[:limit]]
        return Page(items, cursor_after(items[-1]) if len(found) > limit else None)
