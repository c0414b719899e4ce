"""What people corrected of a tenant's incidents; it outlives them."""

from typing import Literal

from pydantic import Field

from shared.models.audit import AuditedDocument
from shared.models.claims import NEVER_EXPIRES
from shared.models.correlation import Correction

MAX_CORRECTIONS = 500


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
