"""Incidents in Cosmos DB: everything of one incident under one full key."""

import asyncio
from collections.abc import Sequence
from typing import Any

from shared.adapters.cosmos.client import Container, CosmosDatabase
from shared.adapters.incident_pages import cursor_after, question
from shared.adapters.part_pages import TOLD_AT_ONCE, line_of, signals_page, timeline_page, version_of
from shared.adapters.writes import (
    batch_of,
    of_kind,
    order_values,
    place_in_timeline,
    removals_of,
    require_tenant,
)
from shared.errors import AlreadyExists, Conflict
from shared.models.base import IncidentId, SignalId, SnapshotId, TenantId
from shared.models.feedback import Feedback, Resolution
from shared.models.hypotheses import HypothesisSet
from shared.models.incidents import Incident, IncidentSummary, TimelineEntry
from shared.models.signals import Signal
from shared.models.snapshots import Snapshot, SnapshotLine
from shared.ports.listing import PLAIN, IncidentQuery, TimelineOrder
from shared.ports.stores import MAX_LINES, MAX_OPEN, IncidentChange, Page, Versioned

MAX_RACES = 8
POINT_READS = 3
"""A query costs three request units at least, a point read one."""

_FIRST_SIGNALS = "SELECT * FROM c WHERE c.type = 'signal' ORDER BY c.timestamp ASC, c.id ASC"
_NEXT_SIGNALS = (
    "SELECT * FROM c WHERE c.type = 'signal' AND (c.timestamp > @at OR (c.timestamp = @at AND c.id > @id)) "
    "ORDER BY c.timestamp ASC, c.id ASC"
)
_TOLD = {
    TimelineOrder.OLDEST: (
        "SELECT * FROM c WHERE c.type = 'timeline_entry' AND c.incident_version > @version "
        "ORDER BY c.incident_version ASC"
    ),
    TimelineOrder.NEWEST: (
        "SELECT * FROM c WHERE c.type = 'timeline_entry' AND c.incident_version < @version "
        "ORDER BY c.incident_version DESC"
    ),
}
_MAX_VERSION = 2**53
# With the fields that tell whose it is, as every document that is read must say that.
_SNAPSHOT_LINES = (
    "SELECT c.id, c.tenant_id, c.incident_id, c.taken_at, c.elapsed_seconds, c.sha256, c.body.service, "
    "c.body.onset_at FROM c WHERE c.type = 'snapshot' ORDER BY c.taken_at ASC"
)
_OPEN = "SELECT * FROM c WHERE c.is_open = true ORDER BY c.detected_at DESC, c.id DESC"


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
        found = await self._signal_bodies((tenant_id, incident_id), ids)
        signals = [Versioned(Signal.from_stored(body), str(body["_etag"])) for body in found]
        return sorted(signals, key=lambda held: (held.value.timestamp, held.value.id))

    async def _signal_bodies(self, key: tuple[str, str], ids: Sequence[SignalId] | None) -> list[dict[str, Any]]:
        if ids is not None and len(ids) <= POINT_READS:
            read = await asyncio.gather(*(self._container.read(key, one) for one in ids))
            return [body for body in read if body and body["type"] == "signal"]
        text = "SELECT * FROM c WHERE c.type = 'signal'"
        if ids is None:
            return await self._container.query(key, text)
        return await self._container.query(key, f"{text} AND ARRAY_CONTAINS(@ids, c.id)", {"ids": list(ids)})

    async def timeline(self, tenant_id: TenantId, incident_id: IncidentId) -> list[TimelineEntry]:
        """See IncidentStore."""
        found = await self._container.query(
            (tenant_id, incident_id), "SELECT * FROM c WHERE c.type = 'timeline_entry'"
        )
        entries = [TimelineEntry.from_stored(body) for body in found]
        return sorted(entries, key=place_in_timeline)

    async def timeline_entry(
        self, tenant_id: TenantId, incident_id: IncidentId, entry_id: str
    ) -> TimelineEntry | None:
        """See IncidentStore."""
        return of_kind(TimelineEntry, await self._container.read((tenant_id, incident_id), entry_id))

    async def signal_page(
        self, tenant_id: TenantId, incident_id: IncidentId, *, limit: int, cursor: str | None = None
    ) -> Page[Signal]:
        """See IncidentStore."""
        text, parameters = _FIRST_SIGNALS, {}
        if cursor:
            started_at, signal_id = order_values(cursor)
            text, parameters = _NEXT_SIGNALS, {"at": started_at, "id": signal_id}
        found = await self._container.query((tenant_id, incident_id), text, parameters, limit=limit + 1)
        return signals_page([Signal.from_stored(body) for body in found], limit)

    async def timeline_page(
        self,
        tenant_id: TenantId,
        incident_id: IncidentId,
        *,
        limit: int,
        cursor: str | None = None,
        order: TimelineOrder = TimelineOrder.OLDEST,
    ) -> Page[TimelineEntry]:
        """See IncidentStore."""
        beyond = _MAX_VERSION if order is TimelineOrder.NEWEST else 0
        parameters = {"version": version_of(cursor, order) if cursor else beyond}
        key, most = (tenant_id, incident_id), limit + TOLD_AT_ONCE
        found = await self._container.query(key, _TOLD[order], parameters, limit=most)
        return timeline_page([TimelineEntry.from_stored(body) for body in found], limit, order)

    async def snapshot_lines(self, tenant_id: TenantId, incident_id: IncidentId) -> list[SnapshotLine]:
        """See IncidentStore."""
        found = await self._container.query((tenant_id, incident_id), _SNAPSHOT_LINES, limit=MAX_LINES)
        lines = [line_of(body, body) for body in found]
        return sorted(lines, key=lambda line: (line.taken_at, line.id))

    async def commit(self, tenant_id: TenantId, change: IncidentChange) -> None:
        """See IncidentStore."""
        key = (tenant_id, change.incident.incident_id)
        await self._container.batch(key, batch_of(tenant_id, change), removals_of(change))

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

    async def feedback(self, tenant_id: TenantId, incident_id: IncidentId) -> list[Versioned[Feedback]]:
        """See IncidentStore."""
        found = await self._container.query((tenant_id, incident_id), "SELECT * FROM c WHERE c.type = 'feedback'")
        given = [Versioned(Feedback.from_stored(body), str(body["_etag"])) for body in found]
        return sorted(given, key=lambda held: (held.value.given_at, held.value.id))

    async def resolution(self, tenant_id: TenantId, incident_id: IncidentId) -> Versioned[Resolution] | None:
        """See IncidentStore."""
        found = await self._container.read((tenant_id, incident_id), Resolution.id_for(incident_id))
        return Versioned(Resolution.from_stored(found), str(found["_etag"])) if found else None


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

    async def open_ones(self, tenant_id: TenantId) -> list[IncidentSummary]:
        """See IncidentList."""
        found = await self._container.query((tenant_id,), _OPEN, limit=MAX_OPEN)
        return [IncidentSummary.from_stored(body) for body in reversed(found)]

    async def page(
        self, tenant_id: TenantId, *, limit: int, cursor: str | None = None, query: IncidentQuery = PLAIN
    ) -> Page[IncidentSummary]:
        """See IncidentList."""
        text, parameters = question(query, cursor)
        found, has_more = await self._container.query_page((tenant_id,), text, parameters, limit=limit)
        items = [IncidentSummary.from_stored(body) for body in found]
        return Page(items, cursor_after(items[-1], query) if has_more and items else None)
