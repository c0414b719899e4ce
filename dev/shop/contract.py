"""What the control endpoint accepts and answers, checked on both sides of the wire."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from dev.shop.topology import ServiceName

MAX_REQUESTS_PER_SECOND = 400.0

Ratio = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=30)]


class Strict(BaseModel):
    """A frozen body in which an unknown key is an error, so that a misspelt fault is noticed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Behaviour(Strict):
    """How a service deviates from health: all zero is a good version."""

    error_ratio: Ratio = 0.0
    latency_seconds: Seconds = 0.0
    cpu_seconds: Seconds = 0.0


class Deploy(Strict):
    """A new version of one service; a bad version is one that misbehaves."""

    service: ServiceName
    version: str = Field(min_length=1, max_length=64)
    revision: str | None = Field(default=None, min_length=1, max_length=64)
    behaviour: Behaviour = Behaviour()


class LatencyFault(Strict):
    """Every request of the service takes this much longer."""

    kind: Literal["latency"] = "latency"
    service: ServiceName
    latency_seconds: Seconds = 0.5


class ErrorsFault(Strict):
    """This share of the service's requests fails with 500."""

    kind: Literal["errors"] = "errors"
    service: ServiceName
    error_ratio: Ratio = 0.4


class CpuBurnFault(Strict):
    """Every request of the service needs this much of its one core, so that requests queue for it."""

    kind: Literal["cpu_burn"] = "cpu_burn"
    service: ServiceName
    cpu_seconds: Seconds = 0.1


class DeadDependencyFault(Strict):
    """The service is gone: nothing listens on its port."""

    kind: Literal["dead_dependency"] = "dead_dependency"
    service: ServiceName = ServiceName.ORDERS_DB


class NetworkDelayFault(Strict):
    """Whatever the service sends arrives this much later: its calls to others, and its answers to its callers.

    So a service that calls nothing looks well to itself, and only its callers see it. Customers are not delayed.
    """

    kind: Literal["network_delay"] = "network_delay"
    service: ServiceName
    latency_seconds: Seconds = 0.6


class SurgeFault(Strict):
    """The load is multiplied; it can only arrive where customers do."""

    kind: Literal["surge"] = "surge"
    service: Literal[ServiceName.FRONTEND] = ServiceName.FRONTEND
    factor: float = Field(default=3.0, gt=0, le=10)


Fault = LatencyFault | ErrorsFault | CpuBurnFault | DeadDependencyFault | NetworkDelayFault | SurgeFault
FAULT: TypeAdapter[Fault] = TypeAdapter(Annotated[Fault, Field(discriminator="kind")])


class Load(Strict):
    """How many customers arrive at the frontend each second."""

    requests_per_second: float = Field(ge=0, le=MAX_REQUESTS_PER_SECOND)


class ServiceState(Strict):
    """One service now: counts are those of the running version, as its counters start again with each deploy."""

    version: str
    revision: str
    behaviour: Behaviour
    started_at: float
    listening: bool
    requests: int
    failed: int


class LoadState(Strict):
    """The load generator now: what was sent, what failed for the customer, what it was too busy to send."""

    requests_per_second: float
    sent: int
    failed: int
    dropped: int


class ShopState(Strict):
    """Everything about the shop that an operator can ask for."""

    services: dict[ServiceName, ServiceState]
    faults: list[Annotated[Fault, Field(discriminator="kind")]]
    load: LoadState
