"""Work that falls due later: kept in shards, so that all of it is found without a query across partitions."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Literal

from pydantic import Field

from shared.models.base import Document, Instant, TenantId, document_id
from shared.models.calibration import REFIT_EVERY

SHARDS = tuple(f"shard-{number:02}" for number in range(16))
RECONCILE_EVERY = timedelta(minutes=5)
HEALTH_EVERY = timedelta(minutes=5)
CHECK_AGAIN_AFTER = timedelta(minutes=15)
"""A check that has not told by then when it is due again is sent once more: it may have been lost."""
MAX_MISSING = 2000


class WorkKind(StrEnum):
    """What is to be done."""

    AUTO_RESOLVE = "auto_resolve"
    RECONCILE = "reconcile"
    COMPLETE_MOVE = "complete_move"
    """Bring a move of services out of an incident to its end; asked for once, and not kept as due work."""
    SEAL_AUDIT = "seal_audit"
    """Copy what was audited with a change into the trail; asked for once as well."""
    END_MAINTENANCE = "end_maintenance"
    """Look at an incident that a maintenance window keeps back, until none does."""
    HEALTH = "health"
    """Ask a system that a tenant connected whether it can be used."""
    SETTLE_INTEGRATION = "settle_integration"
    """Bring what derives from an integration in line with it; asked for once with each change of it."""
    RECALIBRATE = "recalibrate"
    """Fit a tenant's calibration of confidence to what its people said since."""


_EVERY = {
    WorkKind.RECONCILE: RECONCILE_EVERY,
    WorkKind.END_MAINTENANCE: RECONCILE_EVERY,
    WorkKind.HEALTH: HEALTH_EVERY,
    WorkKind.RECALIBRATE: REFIT_EVERY,
}


class DueWork(Document):
    """One thing to look at again and again until it is done; create-once, as its id derives from what it is about."""

    type: Literal["due_work"] = "due_work"
    shard: str
    kind: WorkKind
    subject: str
    """The incident, or the integration."""
    due_at: Instant
    every_seconds: float = Field(gt=0.0)
    """How much later it is due again when nobody says otherwise."""
    missing: Mapping[str, Instant] = Field(default_factory=dict)
    """Signals that the source did not list as firing, and since when; only of reconciliation."""
    created_at: Instant

    @classmethod
    def of(
        cls, tenant_id: TenantId, kind: WorkKind, subject: str, *, turn: int = 0, due_at: datetime, now: datetime
    ) -> "DueWork":
        """The work on a subject; another `turn` of the same subject is other work."""
        work_id = document_id("due", tenant_id, kind, subject, str(turn))
        every = _EVERY.get(kind, CHECK_AGAIN_AFTER)
        return cls(
            id=work_id,
            tenant_id=tenant_id,
            shard=shard_of(work_id),
            kind=kind,
            subject=subject,
            due_at=due_at,
            every_seconds=every.total_seconds(),
            created_at=now,
        )

    def due_again(self, *, now: datetime) -> "DueWork":
        """The same work, due after its usual while."""
        return self.model_copy(update={"due_at": now + timedelta(seconds=self.every_seconds)})


def shard_of(work_id: str) -> str:
    """Where the work with this id lies."""
    return SHARDS[sha256(work_id.encode()).digest()[0] % len(SHARDS)]
