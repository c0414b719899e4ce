"""Which cases are played and in which order: all of it follows from a seed."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from dev.shop.topology import ServiceName

SERVICES = tuple(name for name in ServiceName if name is not ServiceName.FRONTEND)
"""The five that are broken. Customers arrive at the sixth, and everything is seen there."""
WINDOWS = 10
EARLIEST_DECOY_SECONDS, LATEST_DECOY_SECONDS = 8, 40
"""So long before the fault a decoy is deployed: near enough to be suspected by who looks at the clock alone."""


class FaultKind(StrEnum):
    """What is done to a service; six things that shops have."""

    BAD_DEPLOY_ERRORS = "bad_deploy_errors"
    """A new version fails a third to two thirds of its requests."""
    BAD_DEPLOY_LATENCY = "bad_deploy_latency"
    """A new version takes 0.6 to 0.9 s longer."""
    DOWN = "down"
    """Nothing listens any more: callers and Prometheus find nobody."""
    CPU_SATURATION = "cpu_saturation"
    """Requests need more CPU than there is: they queue for it, and its container is at its limit."""
    FEATURE_FLAG = "feature_flag"
    """Somebody turns a feature flag, which is reported as a change, and a third to two thirds of requests fail."""
    NETWORK_DELAY = "network_delay"
    """What the service sends is 0.55 to 0.7 s late, as with `tc netem` on one pod: its callers see it, it may not."""


@dataclass(frozen=True)
class Case:
    """One window of the shop: a fault on a service, or nothing, and maybe a harmless deploy elsewhere before it."""

    number: int
    fault: FaultKind | None
    service: ServiceName | None
    size: float
    """Where in its range the fault's size lies, 0 to 1."""
    decoy: ServiceName | None
    decoy_seconds_before: int

    @property
    def name(self) -> str:
        """What it is called in reports."""
        what = f"{self.fault} on {self.service}" if self.fault else "no fault"
        return f"{what}, decoy {self.decoy}" if self.decoy else what


def cases_of(seed: int) -> list[Case]:
    """All thirty faults and ten windows without one, half of both with a decoy, shuffled: a few are a fair sample."""
    random = Random(seed)
    wanted: list[tuple[FaultKind | None, ServiceName | None]] = [
        (fault, on) for fault in FaultKind for on in SERVICES
    ]
    wanted += [(None, None)] * WINDOWS
    # Alternating, so that each fault has two or three decoys, and each service three.
    paired = [(fault, on, at % 2 == 0) for at, (fault, on) in enumerate(wanted)]
    random.shuffle(paired)
    return [
        Case(
            number=number,
            fault=fault,
            service=on,
            size=round(random.random(), 3),
            decoy=random.choice([name for name in ServiceName if name is not on]) if with_decoy else None,
            decoy_seconds_before=random.randint(EARLIEST_DECOY_SECONDS, LATEST_DECOY_SECONDS),
        )
        for number, (fault, on, with_decoy) in enumerate(paired, start=1)
    ]


def between(case: Case, least: float, most: float) -> float:
    """The size of a case's fault within a range."""
    return round(least + case.size * (most - least), 3)
