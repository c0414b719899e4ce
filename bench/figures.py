"""Figures of a run: percentiles of acknowledgements, rates, and whether a goal is met."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.sending import Sent


@dataclass(frozen=True)
class Acknowledged:
    """How fast deliveries were taken."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    webhooks_per_second: float
    alerts_per_second: float
    refused: int
    """Tries that were not answered with 202; each was repeated until it was."""

    @classmethod
    def of(cls, sent: Sequence[Sent]) -> "Acknowledged":
        """The figures of these deliveries."""
        times = [one.seconds * 1000 for one in sent]
        ended = max(one.began + one.seconds for one in sent)
        seconds = ended - min(one.began for one in sent)
        alerts = sum(len(one.delivery.fingerprints) for one in sent)
        p50, p95, p99, highest = (round(percentile(times, part), 1) for part in (50, 95, 99, 100))
        return cls(
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
            max_ms=highest,
            webhooks_per_second=round(len(sent) / seconds, 1),
            alerts_per_second=round(alerts / seconds, 1),
            refused=sum(one.refusals for one in sent),
        )

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest value that at least so many percent of all do not exceed."""
    ordered = sorted(values)
    at = -(-len(ordered) * part // 100)
    return ordered[max(0, int(at) - 1)]


@dataclass(frozen=True)
class Goal:
    """What is asked of a figure; `must` marks those whose miss fails the bench."""

    name: str
    value: float
    limit: float
    at_least: bool = False
    must: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the figure is within its limit."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def verdict(self) -> str:
        """The same as a word that is easy to find."""
        return "met" if self.is_met else "MISSED"

    @property
    def asked(self) -> str:
        """The limit in words."""
        return f"{'at least' if self.at_least else 'at most'} {self.limit:g}"


def no_loss(*, lost: int, twice: int) -> list[Goal]:
    """The goals that every command has."""
    return [Goal("lost", lost, 0, must=True), Goal("twice", twice, 0, must=True)]
