"""What is known around incidents of a tenant and outlives them: who calls whom, and what people corrected."""

from typing import Literal

from pydantic import Field

from shared.models.audit import AuditedDocument
from shared.models.base import Document, Instant, Value
from shared.models.claims import NEVER_EXPIRES
from shared.models.correlation import Correction

MAX_EDGES = 4000
MAX_CORRECTIONS = 500
TOPOLOGY_TTL_SECONDS = 7 * 24 * 3600


class Call(Value):
    """One service calls another; `seen_at` is when that was last measured."""

    caller: str
    callee: str
    seen_at: Instant


class KnownTopology(Document):
    """Every call that was measured in the last days, the latest MAX_EDGES of them."""

    type: Literal["known_topology"] = "known_topology"
    calls: tuple[Call, ...] = Field(default=(), max_length=MAX_EDGES)
    updated_at: Instant
    ttl: int = TOPOLOGY_TTL_SECONDS

    @staticmethod
    def id_for() -> str:
        """A tenant has one."""
        return "known-topology"


class Corrections(AuditedDocument):
    """What people corrected, the latest MAX_CORRECTIONS, one for each pair of services."""

    type: Literal["corrections"] = "corrections"
    corrections: tuple[Correction, ...] = Field(default=(), max_length=MAX_CORRECTIONS)
    ttl: int = NEVER_EXPIRES

    @staticmethod
    def id_for() -> str:
        """A tenant has one."""
        return "corrections"

    def with_correction(self, correction: Correction) -> "Corrections":
        """These and one more, which replaces an earlier one of the same pair."""
        others = [one for one in self.corrections if one.services != correction.services]
        return self.model_copy(update={"corrections": (*others, correction)[-MAX_CORRECTIONS:]})
