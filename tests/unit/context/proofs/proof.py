"""A proof: series that are written down, and what follows from them.

Everything is sampled once a minute for 40 minutes. What was true in the first 20 is asked for with `back`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

MINUTES, BACK_SECONDS, WINDOW_SECONDS = 40, 1200, 240
_HALF = 20

Values = Mapping[str, float]
Lines = Mapping[str, str]


def counts(before: float, now: float) -> str:
    """A counter that grows by so much a minute, in the first 20 minutes and then."""
    turn = _HALF * before
    return f"0+{before:g}x{_HALF} {turn + now:g}+{now:g}x{_HALF - 1}"


def stands(before: float, now: float) -> str:
    """A gauge that stands at so much, in the first 20 minutes and then."""
    return f"{before:g}x{_HALF} {now:g}x{_HALF - 1}"


def spread(family: str, labels: str, *, middle: str = "0.5", top: str = "1") -> Lines:
    """60 requests a minute: first all faster than `middle`, 12 a minute in sum; then all between the two, 48."""
    return {
        f'{family}_bucket{{{labels},le="{middle}"}}': counts(60, 0),
        f'{family}_bucket{{{labels},le="{top}"}}': counts(60, 60),
        f'{family}_bucket{{{labels},le="+Inf"}}': counts(60, 60),
        f"{family}_sum{{{labels}}}": counts(12 * float(top), 48 * float(top)),
        f"{family}_count{{{labels}}}": counts(60, 60),
    }


# A quantile lies at its share of the way through its bucket: from 0.5 to 1 now, from 0 to 0.5 before.
# The mean is 48 / 60, and 12 / 60 before.
DURATIONS_NOW: Values = {
    "latency_p50": 0.75,
    "latency_p95": 0.975,
    "latency_p99": 0.995,
    "latency_mean": 0.8,
}
DURATIONS_BEFORE: Values = {
    "latency_p50": 0.25,
    "latency_p95": 0.475,
    "latency_p99": 0.495,
    "latency_mean": 0.2,
}


@dataclass(frozen=True)
class Proof:
    """For a binding (`row/label`): what it answers of the service `me`, now and before; nothing where left out."""

    binding: str
    series: Lines
    now: Values
    before: Values = field(default_factory=dict)
    bound: float | None = None
    """The highest finite bucket bound, in seconds."""
    case: str = "me"

    @property
    def service(self) -> str:
        """Each proof has a service of its own, so that they can share series families."""
        return f"{self.case}.{self.binding}"


@dataclass(frozen=True)
class Filled:
    """For a resource: what it answers of the subject, now and before; None is no answer."""

    resource: str
    series: Lines
    before: float | None
    now: float | None
    subject: str = "shop"
