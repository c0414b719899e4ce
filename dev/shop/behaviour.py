"""How a service behaves under its version and the faults upon it: pure decisions, randomness handed in."""

from collections.abc import Iterable
from enum import StrEnum
from random import Random

from dev.shop.contract import (
    MAX_REQUESTS_PER_SECOND,
    Behaviour,
    CpuBurnFault,
    DeadDependencyFault,
    ErrorsFault,
    Fault,
    LatencyFault,
    NetworkDelayFault,
    SurgeFault,
)
from dev.shop.topology import ServiceName

JITTER_SIGMA = 0.35


class CallOutcome(StrEnum):
    """How a request to another service ended, seen by its caller."""

    ANSWERED = "answered"
    FAILED = "failed"
    TIMED_OUT = "timed_out"


# What a caller answers when a call did not succeed; its own faults are 500, so the code names the culprit.
STATUS_AFTER = {CallOutcome.ANSWERED: 200, CallOutcome.FAILED: 502, CallOutcome.TIMED_OUT: 504}


def behaviour_now(version: Behaviour, faults: Iterable[Fault], service: ServiceName) -> Behaviour:
    """The version's own behaviour with every fault on the service added to it."""
    healthy_ratio, latency, cpu = 1 - version.error_ratio, version.latency_seconds, version.cpu_seconds
    for fault in faults:
        match fault:
            case ErrorsFault(service=on, error_ratio=ratio) if on is service:
                healthy_ratio *= 1 - ratio
            case LatencyFault(service=on, latency_seconds=seconds) if on is service:
                latency += seconds
            case CpuBurnFault(service=on, cpu_seconds=seconds) if on is service:
                cpu += seconds
    return Behaviour.model_construct(error_ratio=1 - healthy_ratio, latency_seconds=latency, cpu_seconds=cpu)


def is_dead(faults: Iterable[Fault], service: ServiceName) -> bool:
    """Whether a fault took the service away."""
    return any(isinstance(fault, DeadDependencyFault) and fault.service is service for fault in faults)


def delay_between(faults: Iterable[Fault], caller: ServiceName, callee: ServiceName) -> float:
    """How much longer a call takes on the way, in seconds: there as the caller sends it, back as the callee does."""
    return sum(
        fault.latency_seconds
        for fault in faults
        if isinstance(fault, NetworkDelayFault) and fault.service in (caller, callee)
    )


def load_now(requests_per_second: float, faults: Iterable[Fault]) -> float:
    """The rate at which customers arrive, surges included, within what one machine can generate."""
    for fault in faults:
        if isinstance(fault, SurgeFault):
            requests_per_second *= fault.factor
    return min(requests_per_second, MAX_REQUESTS_PER_SECOND)


def work_seconds(own_seconds: float, behaviour: Behaviour, random: Random) -> float:
    """How long a request's own work takes: most near the usual time, a few far above; added latency is steadier."""
    usual = own_seconds * random.lognormvariate(0, JITTER_SIGMA)
    return usual + behaviour.latency_seconds * random.uniform(0.9, 1.1)


def fails(behaviour: Behaviour, random: Random) -> bool:
    """Whether this request is one of those the service fails itself."""
    return random.random() < behaviour.error_ratio
