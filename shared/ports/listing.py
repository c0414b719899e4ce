"""Which incidents a list shows, and in which order."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from shared.models.incidents import IncidentState
from shared.models.signals import Severity

NOBODY = "none"
"""The assignee of what is assigned to nobody; no object id looks like it."""


class IncidentOrder(StrEnum):
    """How a list is sorted; what is equal by it is told apart by its id."""

    NEWEST = "newest"
    """Newest detection first."""
    UPDATED = "updated"
    """Last changed first."""
    SEVERITY = "severity"
    """Worst first, and of one severity the newest detection."""


class TimelineOrder(StrEnum):
    """From which end a timeline is read."""

    OLDEST = "oldest"
    NEWEST = "newest"


@dataclass(frozen=True)
class IncidentQuery:
    """What a list is asked for; what is left out is not looked at. Merged incidents are in no list."""

    order: IncidentOrder = IncidentOrder.NEWEST
    states: frozenset[IncidentState] = frozenset()
    severities: frozenset[Severity] = frozenset()
    service: str | None = None
    assignee: str | None = None
    """An Entra object id, or NOBODY."""
    detected_from: datetime | None = None
    detected_to: datetime | None = None
    """Exclusive, so that two ranges that meet share nothing."""
    is_open: bool | None = None

    @property
    def mark(self) -> str | None:
        """What a cursor carries, so that it goes on with the same question only; None for the plain list."""
        if self == PLAIN:
            return None
        asked = [
            self.order,
            sorted(self.states),
            sorted(self.severities),
            self.service,
            self.assignee,
            self.detected_from.timestamp() if self.detected_from else None,
            self.detected_to.timestamp() if self.detected_to else None,
            self.is_open,
        ]
        return sha256(json.dumps(asked).encode()).hexdigest()[:16]


PLAIN = IncidentQuery()
