"""What the ranker looks at: typed series of services and who calls whom, whoever measured and named them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from shared.models.evidence import NodeKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class SeriesKind(StrEnum):
    """What a series is; its unit does not matter, what it says of a service does.

    Latency and errors propagate from callee to caller; what a service runs on is its own; traffic is weak evidence.
    """

    LATENCY = "latency"
    """Seen by the service itself: how long it takes to answer."""
    CLIENT_LATENCY = "client_latency"
    """At the client's side, with the network in it; some instruments count it to the caller, others to the callee."""
    ERRORS = "errors"
    AVAILABILITY = "availability"
    """A share of success: down is bad."""
    TRAFFIC = "traffic"
    CPU = "cpu"
    MEMORY = "memory"
    DISK = "disk"
    NETWORK = "network"
    RESTARTS = "restarts"
    SATURATION = "saturation"
    NODE = "node"
    """Of the machine below, which others share."""
    LOG_ERRORS = "log_errors"
    CALLER_LATENCY = "caller_latency"
    """Of one edge, as the caller measures it."""
    CALLEE_LATENCY = "callee_latency"
    """Of one edge, as the callee measures it: what the caller sees above it is spent on the way."""
    ON_THE_WAY = "on_the_way"
    """Derived: what a caller measures of an edge above what the callee does."""
    CALLS_MADE = "calls_made"
    """Derived: how often a service calls its callees for one request of its own; down is bad."""
    UNANSWERED = "unanswered"
    """Derived: calls that fail at a callee which says nothing of itself."""
    OTHER = "other"
    """Nobody knows; at most a hint."""


@dataclass(frozen=True)
class ObservedSeries:
    """One series of one service. `times` are epoch seconds, ascending; a NaN is a sample that was not taken.

    `earlier` are values from before the trouble (any time, any length): what is normal here.
    """

    service: str
    kind: SeriesKind
    name: str
    """Its own name, to be shown; never decides."""
    times: "Floats"
    values: "Floats"
    earlier: "Floats"
    peer: str | None = None
    """Of an edge's series: the caller, where `service` is the callee."""
    statistic: str = ""
    """`mean`, `p50`, `p95`, …: only the same statistic of two services can be compared."""
    evidence_id: str = ""


@dataclass(frozen=True)
class ObservedChange:
    """Something that was changed at a service, at epoch seconds."""

    service: str
    at: float
    evidence_id: str = ""
    began_at: float | None = None
    """When it was first under way, where that was before `at`."""

    @property
    def effective_from(self) -> float:
        """From when on it may have had an effect."""
        return self.at if self.began_at is None else self.began_at


@dataclass(frozen=True)
class Weighed:
    """One series against its normal; `change` is how much worse it is, in its own unit, at least 0."""

    series: ObservedSeries
    normal: float
    current: float
    change: float
    z: float
    """The same in robust deviations."""
    rarity: float
    """How rarely normal reached it: 1 never, 0 often."""
    strength: float
    """0 to 1."""
    goes_up: bool
    onset: float | None
    """Seconds from `began_at` to the first sample that is clearly off; negative before it."""


@dataclass(frozen=True)
class ObservedCall:
    """What is measured of the calls from one service to another."""

    rate: float | None
    """Per second; None where they are only declared."""
    failed: float | None = None
    """The share that fails."""


@dataclass(frozen=True)
class Observation:
    """One window of trouble, or of none, from `began_at` to `ends_at` in epoch seconds; `target` is who alerted.

    `began_at` is when the alert says that it began; onsets may be a little earlier.
    """

    target: str
    target_kind: SeriesKind
    began_at: float
    ends_at: float
    series: Sequence[ObservedSeries]
    calls: Mapping[str, Sequence[str]]
    """Caller → callees."""
    kinds: Mapping[str, NodeKind] = field(default_factory=dict)
    """What stands at a name, where that is known."""
    changes: Sequence[ObservedChange] = ()
    step: float = 60.0
    """Seconds between two samples."""
    edges: Mapping[tuple[str, str], ObservedCall] = field(default_factory=dict)
    """Caller and callee → their calls, where somebody measures them."""
    weighed: Sequence[Weighed] = ()
    """Series that whoever measured them has compared with normal already."""


@dataclass(frozen=True)
class Suspect:
    """A service that may be the cause, and what speaks for it."""

    service: str
    kind: SeriesKind
    """Of the series that speaks loudest."""
    series: str
    """Its name, or `caller-callee gap` for what is lost on the way."""
    onset: float | None
    """Epoch seconds; None where it cannot be told."""
    goes_up: bool
    score: float
    """Orders, 0 to 1; it is no probability."""
    factors: Mapping[str, float]
    """Everything that the score is made of."""
    change: float
    """How far the series moved, in its own unit."""
    deviations: float = 0.0
    """The same, in robust deviations."""
    is_surge: bool = False
    """Whether it is far more traffic that came in there."""
    evidence_id: str = ""
    change_evidence_id: str = ""
    """Of the last change before the onset, where there was one."""


@dataclass(frozen=True)
class Ranking:
    """Suspects, the likeliest first. Without any, `reason` says why: `no evidence`, or `nothing measured`."""

    suspects: tuple[Suspect, ...]
    reason: str
    """`ranked`, `no evidence` or `nothing measured`."""
