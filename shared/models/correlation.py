"""Why alerts belong together: what a service contributes to an incident, and what its membership rests on."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from pydantic import Field, field_validator

from shared.models.base import Instant, Value

MAX_NODE_LABELS = 12
MAX_NODE_NAMES = 8
MAX_LABEL_VALUES = 3
MAX_STARTS = 12
START_BUCKET = timedelta(minutes=5)


class Joined(StrEnum):
    """Why a signal is in its incident."""

    FIRST_OF_INCIDENT = "first_of_the_incident"
    SAME_SERVICE = "service_is_in_the_incident"
    CORRELATED = "score_above_threshold"
    BY_SENDER = "sender_merged_its_incidents"
    BY_PERSON = "put_here_by_a_person"


class Features(Value):
    """Evidence for a link between two services, each from 0 (against) to 1 (for); None is unknown, which is not 0."""

    time: float | None = None
    labels: float | None = None
    topology: float | None = None
    change: float | None = None
    history: float | None = None


class Membership(Value):
    """The edge from a signal to its incident: the reason, and for a scored link which service it leans on and why."""

    reason: Joined
    score: float | None = None
    leans_on: str | None = None
    """The service it is linked with: the one that explains it or, for a cause that came later, one it explains."""
    features: Features | None = None
    at: Instant


class ServiceNode(Value):
    """One service in an open incident, as far as correlation looks at it."""

    service_name: str
    first_started_at: Instant
    """The earliest start among its alerts, by the sender's clock: independent of the order they arrive in."""
    last_started_at: Instant
    starts: tuple[Instant, ...] = ()
    """The first start in every five minutes in which any of its alerts started, the earliest and the latest of them,
    at most MAX_STARTS; empty for nodes of before they were kept."""
    severity: str
    """The worst of its alerts."""
    labels: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """What its alerts say of where they are from, at most MAX_NODE_LABELS labels. For each label the values they
    name, sorted; none where they name more than MAX_LABEL_VALUES, which says that it is everywhere."""
    names: tuple[str, ...] = ()
    """Names of its alerts, sorted, at most MAX_NODE_NAMES."""
    service_failure: bool = True
    """False when every alert of it only says that a rule could not be evaluated."""
    pinned: bool = False
    """A person put it where it is: correlation does not move it."""

    @field_validator("labels", mode="before")
    @classmethod
    def _as_several(cls, labels: Mapping[str, object]) -> dict[str, object]:
        # Nodes were first kept with one value for each label.
        return {name: (value,) if isinstance(value, str) else value for name, value in labels.items()}


class CorrelationPolicy(Value):
    """A tenant's thresholds; a link is made at or above `link_at`."""

    link_at: float = Field(default=0.55, ge=0.0, le=1.0)
    window_seconds: float = Field(default=900.0, gt=0.0)
    """Starts further apart than this are never linked by score."""
    max_services: int = Field(default=60, ge=1)
    """An incident takes no more services by score."""


class Verdict(StrEnum):
    """What a person said of two services in one incident."""

    TOGETHER = "together"
    APART = "apart"


class Correction(Value):
    """A person's word on two services, kept and listened to from then on; `services` are sorted."""

    services: tuple[str, str]
    verdict: Verdict
    by: str
    at: Instant
