"""Where documents live. Every method takes the tenant first; every one may raise StoreUnavailable."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from shared.models.base import IncidentId, IntegrationId, SignalId, SnapshotId, TenantId
from shared.models.claims import EpisodeClaim, OpenIncidentClaim, ServiceRoster
from shared.models.feedback import Feedback, Resolution
from shared.models.hypotheses import HypothesisSet
from shared.models.incidents import Incident, IncidentSummary, TimelineEntry
from shared.models.receipts import DeadLetter, LetterState, ReceiptPart
from shared.models.requests import RequestClaim
from shared.models.signals import Signal
from shared.models.snapshots import Snapshot, SnapshotLine
from shared.models.tenants import InboundCredential, Integration, IntegrationType, Tenant, User
from shared.ports.listing import PLAIN, IncidentQuery, TimelineOrder

T = TypeVar("T")

MAX_LINES = 500
MAX_OPEN = 200
"""Open incidents of one tenant that correlation looks at; those beyond are the oldest."""


@dataclass(frozen=True)
class Versioned(Generic[T]):
    """A document and the etag it was read with."""

    value: T
    etag: str


@dataclass(frozen=True)
class IncidentChange:
    """All that one decision writes to one incident, in one atomic batch.

    `etag` is the one the incident was read with; None creates it. At most 98 signals and timeline entries.
    """

    incident: Incident
    etag: str | None
    created_signals: Sequence[Signal] = ()
    changed_signals: Sequence[Versioned[Signal]] = ()
    removed_signals: Sequence[Versioned[Signal]] = ()
    """Signals that another incident holds by now."""
    timeline: Sequence[TimelineEntry] = ()
    snapshots: Sequence[Snapshot] = ()
    hypotheses: Sequence[HypothesisSet] = ()
    said: Sequence[Feedback | Resolution] = ()
    """What a person says for the first time."""
    said_anew: Sequence[Versioned[Feedback] | Versioned[Resolution]] = ()
    """What a person says instead of what they said."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some of a list and, when there is more, the opaque cursor to go on with."""

    items: Sequence[T] = field(default_factory=tuple)
    cursor: str | None = None


Claim = EpisodeClaim | OpenIncidentClaim | ServiceRoster | RequestClaim


class ClaimStore(Protocol):
    """Create-once claims of a tenant."""

    async def episodes(self, tenant_id: TenantId, claim_ids: Sequence[str]) -> dict[str, Versioned[EpisodeClaim]]:
        """The claims among these ids that exist, by id."""
        ...

    async def take(self, tenant_id: TenantId, claims: Sequence[EpisodeClaim]) -> dict[str, Versioned[EpisodeClaim]]:
        """Take every claim that nobody has; return all of them as they then stand, by id, whoever has them."""
        ...

    async def open_incidents(
        self, tenant_id: TenantId, services: Sequence[str]
    ) -> dict[str, Versioned[OpenIncidentClaim]]:
        """The claims that name the current incidents of services, by service."""
        ...

    async def roster(self, tenant_id: TenantId) -> Versioned[ServiceRoster] | None:
        """The services that the tenant's plan covers so far."""
        ...

    async def request(self, tenant_id: TenantId, claim_id: str) -> Versioned[RequestClaim] | None:
        """What is kept of a request that came with an Idempotency-Key."""
        ...

    async def create(self, tenant_id: TenantId, claim: Claim) -> str:
        """Take a claim and return its etag; raises AlreadyExists when somebody has it."""
        ...

    async def replace(self, tenant_id: TenantId, claim: Claim, etag: str) -> str:
        """Move a claim on and return its new etag; raises Conflict when the etag is stale."""
        ...


class IncidentStore(Protocol):
    """Incidents of one tenant with all that belongs to them."""

    async def read(self, tenant_id: TenantId, incident_id: IncidentId) -> Versioned[Incident] | None:
        """The incident as it stands."""
        ...

    async def signals(
        self, tenant_id: TenantId, incident_id: IncidentId, ids: Sequence[SignalId] | None = None
    ) -> list[Versioned[Signal]]:
        """Its signals (or those of them with these ids), oldest first."""
        ...

    async def timeline(self, tenant_id: TenantId, incident_id: IncidentId) -> list[TimelineEntry]:
        """What happened, oldest first."""
        ...

    async def timeline_entry(
        self, tenant_id: TenantId, incident_id: IncidentId, entry_id: str
    ) -> TimelineEntry | None:
        """One thing that happened."""
        ...

    async def signal_page(
        self, tenant_id: TenantId, incident_id: IncidentId, *, limit: int, cursor: str | None = None
    ) -> Page[Signal]:
        """Its signals, oldest first; raises Malformed on a cursor that is not ours."""
        ...

    async def timeline_page(
        self,
        tenant_id: TenantId,
        incident_id: IncidentId,
        *,
        limit: int,
        cursor: str | None = None,
        order: TimelineOrder = TimelineOrder.OLDEST,
    ) -> Page[TimelineEntry]:
        """What happened, in this order; a page ends with a write, so it may be a few entries longer than its limit.

        Raises Malformed on a cursor that is not ours.
        """
        ...

    async def snapshot_lines(self, tenant_id: TenantId, incident_id: IncidentId) -> list[SnapshotLine]:
        """Its snapshots without what they hold, oldest first, at most MAX_LINES of them."""
        ...

    async def commit(self, tenant_id: TenantId, change: IncidentChange) -> None:
        """Write it all or nothing; raises Conflict when the incident moved or something to create exists."""
        ...

    async def snapshot(
        self, tenant_id: TenantId, incident_id: IncidentId, snapshot_id: SnapshotId
    ) -> Snapshot | None:
        """A frozen snapshot."""
        ...

    async def hypotheses(
        self, tenant_id: TenantId, incident_id: IncidentId, hypotheses_id: str
    ) -> HypothesisSet | None:
        """One answer."""
        ...

    async def all_hypotheses(self, tenant_id: TenantId, incident_id: IncidentId) -> list[HypothesisSet]:
        """Every answer given for the incident, oldest first."""
        ...

    async def feedback(self, tenant_id: TenantId, incident_id: IncidentId) -> list[Versioned[Feedback]]:
        """What people said of its answers, oldest first."""
        ...

    async def resolution(self, tenant_id: TenantId, incident_id: IncidentId) -> Versioned[Resolution] | None:
        """What a person said was its cause."""
        ...


class IncidentList(Protocol):
    """The summaries that lists read; they may lag behind the incidents."""

    async def put(self, tenant_id: TenantId, summary: IncidentSummary) -> None:
        """Keep this summary unless one of a newer incident version is there."""
        ...

    async def open_ones(self, tenant_id: TenantId) -> list[IncidentSummary]:
        """The incidents that alerts may still join, oldest first, at most MAX_OPEN of them (the newest)."""
        ...

    async def page(
        self, tenant_id: TenantId, *, limit: int, cursor: str | None = None, query: IncidentQuery = PLAIN
    ) -> Page[IncidentSummary]:
        """Those that are asked for, without merged ones; raises Malformed on a cursor of another question or of none.

        It reads as many documents as it answers with, and one more.
        """
        ...


class DirectoryStore(Protocol):
    """The tenant itself, its users and integrations."""

    async def tenant(self, tenant_id: TenantId) -> Tenant | None:
        """The tenant's record."""
        ...

    async def user_by_object_id(self, tenant_id: TenantId, entra_object_id: str) -> User | None:
        """The user with this Entra object id (`User.id_of`): a point read, for every request makes it."""
        ...

    async def integration(self, tenant_id: TenantId, integration_id: IntegrationId) -> Integration | None:
        """One integration, active or not."""
        ...

    async def integrations(self, tenant_id: TenantId, kind: IntegrationType) -> list[Integration]:
        """Active integrations of a kind, oldest first."""
        ...

    async def note_sync(
        self, tenant_id: TenantId, integration_id: IntegrationId, *, at: datetime, error: str | None
    ) -> None:
        """Note how asking an integration's source went, beside what its operator wrote; raises Conflict."""
        ...

    async def note_delivery(self, tenant_id: TenantId, integration_id: IntegrationId, *, at: datetime) -> None:
        """Note when an integration's sender last delivered, to within five minutes; raises Conflict."""
        ...

    async def put(self, tenant_id: TenantId, document: Tenant | User | Integration) -> None:
        """Create or replace an operator's record; for onboarding and seeding, not for requests."""
        ...


class LookupStore(Protocol):
    """From an id that comes in from outside to the tenant it belongs to; the only reads without a tenant."""

    async def inbound(self, integration_id: str) -> InboundCredential | None:
        """What the webhook of this integration accepts."""
        ...

    async def tenant_of_entra(self, entra_tenant_id: str) -> TenantId | None:
        """The tenant of an Entra ID directory."""
        ...

    async def put_inbound(self, credential: InboundCredential) -> None:
        """Create or replace what a webhook accepts, unless one of a newer version of its integration is there.

        Raises Conflict when others write it too.
        """
        ...

    async def remove_inbound(self, integration_id: str) -> None:
        """Forget what a webhook accepted; nothing happens when there is nothing."""
        ...

    async def put_entra(self, entra_tenant_id: str, tenant_id: TenantId) -> None:
        """Tie a directory to a tenant."""
        ...

    async def tenant_of_slug(self, slug: str) -> TenantId | None:
        """The tenant that holds a slug."""
        ...

    async def claim_entra(self, entra_tenant_id: str, tenant_id: TenantId) -> TenantId:
        """Tie a directory that belongs to nobody to a tenant; return whose it then is."""
        ...

    async def claim_slug(self, slug: str, tenant_id: TenantId) -> TenantId:
        """Give a slug that nobody holds to a tenant; return who then holds it."""
        ...

    async def set_quota(self, tenant_id: TenantId, integration_id: str, alerts_per_minute: int) -> bool:
        """Change only the quota of what a tenant's webhook accepts; False when it has none. Raises Conflict."""
        ...


class ReceiptStore(Protocol):
    """What became of deliveries; both methods may raise BlobUnavailable."""

    async def add_part(self, tenant_id: TenantId, part: ReceiptPart) -> None:
        """Keep a part; one that is there already stands. Raises StoreRejected for ids that cannot be kept."""
        ...

    async def parts(self, tenant_id: TenantId, receipt_id: str) -> list[ReceiptPart]:
        """The parts of a receipt, in no particular order; none for an id that cannot be."""
        ...


class DeadLetterStore(Protocol):
    """What could not be processed."""

    async def add(self, tenant_id: TenantId, letter: DeadLetter) -> None:
        """Keep a dead letter; one that is there already becomes what `DeadLetter.after` makes of it."""
        ...

    async def read(self, tenant_id: TenantId, queue: str, letter_id: str) -> Versioned[DeadLetter] | None:
        """One dead letter of a queue."""
        ...

    async def replace(self, tenant_id: TenantId, letter: DeadLetter, etag: str) -> None:
        """Keep what was decided of a letter; raises Conflict when it moved or is gone."""
        ...

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
        """The letters of a queue, newest first, in this state and with this reason among theirs.

        Raises Malformed on a cursor that is not ours.
        """
        ...
