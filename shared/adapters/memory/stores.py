"""The stores in memory."""

import json
from collections.abc import Sequence
from datetime import datetime

from shared.adapters.incident_pages import cursor_after, in_order, is_after, is_asked_for, place_of
from shared.adapters.memory.documents import MemoryDocuments, Write
from shared.adapters.part_pages import TOLD_AT_ONCE, line_of, signals_page, timeline_page, version_of
from shared.adapters.part_pages import in_order as in_timeline_order
from shared.adapters.writes import (
    batch_of,
    cursor_after_letter,
    is_worth_noting,
    of_kind,
    order_values,
    part_pointer,
    place_in_timeline,
    receipt_folder,
    removals_of,
    require_tenant,
)
from shared.models.base import IncidentId, IntegrationId, SignalId, SnapshotId, TenantId
from shared.models.feedback import Feedback, Resolution
from shared.models.hypotheses import HypothesisSet
from shared.models.incidents import Incident, IncidentSummary, TimelineEntry
from shared.models.receipts import DeadLetter, LetterState, ReceiptPart
from shared.models.signals import Signal
from shared.models.snapshots import Snapshot, SnapshotLine
from shared.models.tenants import (
    EntraTenantLookup,
    InboundCredential,
    Integration,
    IntegrationType,
    SlugLookup,
    Tenant,
    User,
)
from shared.ports.listing import PLAIN, IncidentQuery, TimelineOrder
from shared.ports.stores import MAX_LINES, MAX_OPEN, IncidentChange, Page, Versioned


class MemoryIncidents:
    """Incidents in memory: one partition an incident."""

    def __init__(self) -> None:
        self.documents = self._documents = MemoryDocuments()

    async def read(self, tenant_id: TenantId, incident_id: IncidentId) -> Versioned[Incident] | None:
        """See IncidentStore."""
        held = self._documents.read((tenant_id, incident_id), incident_id)
        return Versioned(Incident.from_stored(held[0]), held[1]) if held else None

    async def signals(
        self, tenant_id: TenantId, incident_id: IncidentId, ids: Sequence[SignalId] | None = None
    ) -> list[Versioned[Signal]]:
        """See IncidentStore."""
        found = [
            Versioned(Signal.from_stored(body), etag)
            for body, etag in self._documents.partition((tenant_id, incident_id))
            if body["type"] == "signal" and (ids is None or body["id"] in ids)
        ]
        return sorted(found, key=lambda held: (held.value.timestamp, held.value.id))

    async def timeline(self, tenant_id: TenantId, incident_id: IncidentId) -> list[TimelineEntry]:
        """See IncidentStore."""
        bodies = self._documents.partition((tenant_id, incident_id))
        found = [TimelineEntry.from_stored(body) for body, _ in bodies if body["type"] == "timeline_entry"]
        return sorted(found, key=place_in_timeline)

    async def timeline_entry(
        self, tenant_id: TenantId, incident_id: IncidentId, entry_id: str
    ) -> TimelineEntry | None:
        """See IncidentStore."""
        held = self._documents.read((tenant_id, incident_id), entry_id)
        return of_kind(TimelineEntry, held[0] if held else None)

    async def signal_page(
        self, tenant_id: TenantId, incident_id: IncidentId, *, limit: int, cursor: str | None = None
    ) -> Page[Signal]:
        """See IncidentStore."""
        after = order_values(cursor) if cursor else None
        bodies = [
            body
            for body, _ in self._documents.partition((tenant_id, incident_id))
            if body["type"] == "signal" and (after is None or (body["timestamp"], body["id"]) > after)
        ]
        oldest = sorted(bodies, key=lambda body: (body["timestamp"], body["id"]))
        return signals_page([Signal.from_stored(body) for body in oldest[: limit + 1]], limit)

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
        told = in_timeline_order(await self.timeline(tenant_id, incident_id), order)
        if cursor:
            passed, is_newest_first = version_of(cursor, order), order is TimelineOrder.NEWEST
            told = [
                one
                for one in told
                if one.incident_version != passed and (one.incident_version < passed) == is_newest_first
            ]
        return timeline_page(told[: limit + TOLD_AT_ONCE], limit, order)

    async def snapshot_lines(self, tenant_id: TenantId, incident_id: IncidentId) -> list[SnapshotLine]:
        """See IncidentStore."""
        bodies = self._documents.partition((tenant_id, incident_id))
        lines = [line_of(body, body["body"]) for body, _ in bodies if body["type"] == "snapshot"]
        return sorted(lines, key=lambda line: (line.taken_at, line.id))[:MAX_LINES]

    async def commit(self, tenant_id: TenantId, change: IncidentChange) -> None:
        """See IncidentStore."""
        writes = [Write(body, etag) for body, etag in batch_of(tenant_id, change)]
        self._documents.batch((tenant_id, change.incident.incident_id), writes, removals_of(change))

    async def snapshot(
        self, tenant_id: TenantId, incident_id: IncidentId, snapshot_id: SnapshotId
    ) -> Snapshot | None:
        """See IncidentStore."""
        held = self._documents.read((tenant_id, incident_id), snapshot_id)
        return of_kind(Snapshot, held[0] if held else None)

    async def hypotheses(
        self, tenant_id: TenantId, incident_id: IncidentId, hypotheses_id: str
    ) -> HypothesisSet | None:
        """See IncidentStore."""
        held = self._documents.read((tenant_id, incident_id), hypotheses_id)
        return of_kind(HypothesisSet, held[0] if held else None)

    async def all_hypotheses(self, tenant_id: TenantId, incident_id: IncidentId) -> list[HypothesisSet]:
        """See IncidentStore."""
        bodies = self._documents.partition((tenant_id, incident_id))
        found = [HypothesisSet.from_stored(body) for body, _ in bodies if body["type"] == "hypothesis_set"]
        return sorted(found, key=lambda answer: (answer.created_at, answer.id))

    async def feedback(self, tenant_id: TenantId, incident_id: IncidentId) -> list[Versioned[Feedback]]:
        """See IncidentStore."""
        found = [
            Versioned(Feedback.from_stored(body), etag)
            for body, etag in self._documents.partition((tenant_id, incident_id))
            if body["type"] == "feedback"
        ]
        return sorted(found, key=lambda held: (held.value.given_at, held.value.id))

    async def resolution(self, tenant_id: TenantId, incident_id: IncidentId) -> Versioned[Resolution] | None:
        """See IncidentStore."""
        held = self._documents.read((tenant_id, incident_id), Resolution.id_for(incident_id))
        return Versioned(Resolution.from_stored(held[0]), held[1]) if held else None


class MemoryIncidentList:
    """The list in memory."""

    def __init__(self) -> None:
        self._documents = MemoryDocuments()

    async def put(self, tenant_id: TenantId, summary: IncidentSummary) -> None:
        """See IncidentList."""
        require_tenant(tenant_id, summary)
        held = self._documents.read((tenant_id,), summary.id)
        if held is None or held[0]["source_version"] < summary.source_version:
            self._documents.upsert((tenant_id,), summary.to_stored())

    async def open_ones(self, tenant_id: TenantId) -> list[IncidentSummary]:
        """See IncidentList."""
        bodies = [body for body, _ in self._documents.partition((tenant_id,)) if body["is_open"]]
        newest = sorted(bodies, key=lambda body: (body["detected_at"], body["id"]), reverse=True)[:MAX_OPEN]
        return [IncidentSummary.from_stored(body) for body in reversed(newest)]

    async def page(
        self, tenant_id: TenantId, *, limit: int, cursor: str | None = None, query: IncidentQuery = PLAIN
    ) -> Page[IncidentSummary]:
        """See IncidentList."""
        places = place_of(cursor, query) if cursor else None
        bodies = [body for body, _ in self._documents.partition((tenant_id,)) if is_asked_for(body, query)]
        rest = [body for body in in_order(bodies, query) if places is None or is_after(body, places, query)]
        items = [IncidentSummary.from_stored(body) for body in rest[:limit]]
        return Page(items, cursor_after(items[-1], query) if len(rest) > limit else None)


class MemoryDirectory:
    """The directory in memory."""

    def __init__(self) -> None:
        self.documents = MemoryDocuments()

    async def tenant(self, tenant_id: TenantId) -> Tenant | None:
        """See DirectoryStore."""
        held = self.documents.read((tenant_id,), tenant_id)
        return Tenant.from_stored(held[0]) if held else None

    async def user_by_object_id(self, tenant_id: TenantId, entra_object_id: str) -> User | None:
        """See DirectoryStore."""
        held = self.documents.read((tenant_id,), User.id_of(entra_object_id))
        return of_kind(User, held[0] if held else None)

    async def integration(self, tenant_id: TenantId, integration_id: IntegrationId) -> Integration | None:
        """See DirectoryStore."""
        held = self.documents.read((tenant_id,), integration_id)
        return of_kind(Integration, held[0] if held else None)

    async def integrations(self, tenant_id: TenantId, kind: IntegrationType) -> list[Integration]:
        """See DirectoryStore."""
        bodies = [body for body, _ in self.documents.partition((tenant_id,)) if body["type"] == "integration"]
        found = [Integration.from_stored(body) for body in bodies if body["integration_type"] == kind]
        return sorted((one for one in found if one.is_active), key=lambda one: (one.created_at, one.id))

    async def note_sync(
        self, tenant_id: TenantId, integration_id: IntegrationId, *, at: datetime, error: str | None
    ) -> None:
        """See DirectoryStore."""
        integration = await self.integration(tenant_id, integration_id)
        if integration is not None:
            await self.put(tenant_id, integration.noting_sync(at=at, error=error))

    async def note_delivery(self, tenant_id: TenantId, integration_id: IntegrationId, *, at: datetime) -> None:
        """See DirectoryStore."""
        integration = await self.integration(tenant_id, integration_id)
        if integration is not None and is_worth_noting(integration, at):
            await self.put(tenant_id, integration.model_copy(update={"last_delivery_at": at}))

    async def put(self, tenant_id: TenantId, document: Tenant | User | Integration) -> None:
        """See DirectoryStore."""
        require_tenant(tenant_id, document)
        self.documents.upsert((tenant_id,), document.to_stored())


class MemoryLookups:
    """The lookups in memory: each is alone in its partition."""

    def __init__(self) -> None:
        self._documents = MemoryDocuments()

    async def inbound(self, integration_id: str) -> InboundCredential | None:
        """See LookupStore."""
        key = f"integration:{integration_id}"
        held = self._documents.read((key,), key)
        return InboundCredential.from_stored(held[0]) if held else None

    async def tenant_of_entra(self, entra_tenant_id: str) -> TenantId | None:
        """See LookupStore."""
        key = f"entra:{entra_tenant_id}"
        held = self._documents.read((key,), key)
        return EntraTenantLookup.from_stored(held[0]).tenant_id if held else None

    async def put_inbound(self, credential: InboundCredential) -> None:
        """See LookupStore."""
        held = await self.inbound(credential.integration_id)
        if held is None or held.source_version <= credential.source_version:
            self._documents.upsert((credential.id,), credential.to_stored())

    async def remove_inbound(self, integration_id: str) -> None:
        """See LookupStore."""
        key = InboundCredential.id_for(integration_id)
        held = self._documents.read((key,), key)
        if held is not None:
            self._documents.delete((key,), key, held[1])

    async def put_entra(self, entra_tenant_id: str, tenant_id: TenantId) -> None:
        """See LookupStore."""
        lookup = EntraTenantLookup(id=f"entra:{entra_tenant_id}", tenant_id=tenant_id)
        self._documents.upsert((lookup.id,), lookup.to_stored())

    async def tenant_of_slug(self, slug: str) -> TenantId | None:
        """See LookupStore."""
        key = f"slug:{slug}"
        held = self._documents.read((key,), key)
        return SlugLookup.from_stored(held[0]).tenant_id if held else None

    async def claim_entra(self, entra_tenant_id: str, tenant_id: TenantId) -> TenantId:
        """See LookupStore."""
        return self._claimed(EntraTenantLookup(id=f"entra:{entra_tenant_id}", tenant_id=tenant_id))

    async def claim_slug(self, slug: str, tenant_id: TenantId) -> TenantId:
        """See LookupStore."""
        return self._claimed(SlugLookup(id=f"slug:{slug}", tenant_id=tenant_id))

    def _claimed(self, lookup: EntraTenantLookup | SlugLookup) -> TenantId:
        held = self._documents.read((lookup.id,), lookup.id)
        if held is None:
            self._documents.create((lookup.id,), lookup.to_stored())
        return TenantId(str(held[0]["tenant_id"])) if held else lookup.tenant_id

    async def set_quota(self, tenant_id: TenantId, integration_id: str, alerts_per_minute: int) -> bool:
        """See LookupStore."""
        credential = await self.inbound(integration_id)
        if credential is None or credential.tenant_id != tenant_id:
            return False
        await self.put_inbound(credential.model_copy(update={"alerts_per_minute": alerts_per_minute}))
        return True


class MemoryReceipts:
    """Receipts in memory: parts by the name that a blob would have."""

    def __init__(self) -> None:
        self._parts: dict[str, str] = {}

    async def add_part(self, tenant_id: TenantId, part: ReceiptPart) -> None:
        """See ReceiptStore."""
        self._parts.setdefault(part_pointer(tenant_id, part), part.model_dump_json())

    async def parts(self, tenant_id: TenantId, receipt_id: str) -> list[ReceiptPart]:
        """See ReceiptStore."""
        folder = receipt_folder(tenant_id, receipt_id)
        if folder is None:
            return []
        texts = [text for name, text in self._parts.items() if name.startswith(folder)]
        return [ReceiptPart.from_stored(json.loads(text)) for text in texts]


class MemoryDeadLetters:
    """Dead letters in memory."""

    def __init__(self) -> None:
        self.documents = self._documents = MemoryDocuments()

    async def add(self, tenant_id: TenantId, letter: DeadLetter) -> None:
        """See DeadLetterStore."""
        require_tenant(tenant_id, letter)
        held = await self.read(tenant_id, letter.queue, letter.id)
        kept = held.value.after(letter) if held else letter
        self._documents.upsert((tenant_id, letter.queue), kept.to_stored())

    async def read(self, tenant_id: TenantId, queue: str, letter_id: str) -> Versioned[DeadLetter] | None:
        """See DeadLetterStore."""
        held = self._documents.read((tenant_id, queue), letter_id)
        return Versioned(DeadLetter.from_stored(held[0]), held[1]) if held else None

    async def replace(self, tenant_id: TenantId, letter: DeadLetter, etag: str) -> None:
        """See DeadLetterStore."""
        require_tenant(tenant_id, letter)
        self._documents.replace((tenant_id, letter.queue), letter.to_stored(), etag)

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
        after = order_values(cursor) if cursor else None
        bodies = [
            (body, etag)
            for body, etag in self._documents.partition((tenant_id, queue))
            if (after is None or (body["recorded_at"], body["id"]) < after)
            and (state is None or body["state"] == state)
            and (reason is None or reason in (body["reason"], *body["reasons"]))
        ]
        newest = sorted(bodies, key=lambda held: (held[0]["recorded_at"], held[0]["id"]), reverse=True)
        items = [Versioned(DeadLetter.from_stored(body), etag) for body, etag in newest[:limit]]
        return Page(items, cursor_after_letter(items[-1].value) if len(newest) > limit else None)

    async def letters(self, tenant_id: TenantId, queue: str) -> list[DeadLetter]:
        """Every letter of a queue, oldest first, for who looks into the memory."""
        found = [DeadLetter.from_stored(body) for body, _ in self._documents.partition((tenant_id, queue))]
        return sorted(found, key=lambda letter: (letter.recorded_at, letter.id))
