"""What a row of the table is. Rows are data: PromQL with places, and what its answer means in plain words.

Places: `$of` the matchers for the services, `$by` the label that carries the service, `$window` over how long rates
are taken, `$back` an offset into the past (mostly empty). Every selector of a row has `$of` and `$back`.
"""

from dataclasses import dataclass
from enum import StrEnum

SERVICE_LABELS = ("service", "job", "app")


class Family(StrEnum):
    """Which kind of instrumentation a row is of; within one, a service is sampled at one pace."""

    HTTP = "http"
    RPC = "rpc"
    SPANS = "spans"
    MESH = "mesh"
    CLIENT_SIDE = "client_side"


@dataclass(frozen=True)
class Durations:
    """A family of durations: a classic histogram (`_bucket`, `_sum`, `_count`), a summary, or a native histogram."""

    name: str
    matchers: str = ""
    """What else its series must match, with a comma before it."""
    seconds_per_unit: float = 1.0


@dataclass(frozen=True)
class Convention:
    """How one kind of instrumentation names things."""

    name: str
    family: Family
    meaning: str
    """Whose metrics these are, in plain words."""
    present: str
    """The series that show that a service is instrumented this way, with `$of`."""
    service_labels: tuple[str, ...]
    """Labels that may carry the service, the likeliest first."""
    requests: str
    """Requests a second."""
    errors: str
    """Those that failed through the service's own fault."""
    durations: tuple[Durations, ...]
    """Where its latency may be found; the first that answers counts."""
    note: str = ""


@dataclass(frozen=True)
class Binding:
    """A convention together with the label that carries the service here."""

    convention: Convention
    label: str

    @property
    def name(self) -> str:
        """What tells it from the others in an answer."""
        return f"{self.convention.name}/{self.label}"


class Carrier(StrEnum):
    """What a limit belongs to, and so how it is known to be a service's."""

    PROCESS = "process"
    """By the label that carries the service."""
    POD = "pod"
    """By the pod's name: its workload's, and what Kubernetes adds."""
    DEPLOYMENT = "deployment"
    AUTOSCALER = "autoscaler"
    CONSUMER_GROUP = "consumer_group"
    UPSTREAM = "upstream"
    """The cluster that Envoy proxies send requests to."""
    NODE = "node"
    """By the name or address of the machine; which pods run there is another question."""


@dataclass(frozen=True)
class Resource:
    """Something that runs full: a row whose answer is judged by its worst series."""

    name: str
    carrier: Carrier
    unit: str
    """`ratio` is 0 to 1 of a limit; anything else counts from 0, which is good."""
    meaning: str
    present: str
    """A metric that is there when this can be asked."""
    expression: str
