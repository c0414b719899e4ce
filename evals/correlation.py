"""Run storms through correlation in several orders of arrival and compare with the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from statistics import mean, median
from typing import Protocol

from evals.bcubed import BCubed, bcubed
from evals.simulation import Simulation
from evals.storms import Delivery, Storm, at_time
from shared.incidents.correlation import Surroundings
from shared.models.correlation import CorrelationPolicy
from shared.models.signals import Source
from shared.signals.sources import parse

MIN_PRECISION, MIN_RECALL, MAX_INCIDENTS = 0.95, 0.85, 12


class Known(StrEnum):
    """What correlation is told beside the alerts."""

    ALL = "calls and changes"
    NO_CALLS = "changes"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Outcome:
    """One storm, in every order."""

    seed: int
    alerts: int
    services: int
    bcubed: BCubed
    incidents: int
    twins_merged: bool
    is_same_in_every_order: bool
    moves: int
    """Services moved from one incident to another, when the deliveries came as they were sent."""

    @property
    def meets_goals(self) -> bool:
        """Whether this storm alone is as good as the goals ask."""
        return (
            self.bcubed.precision >= MIN_PRECISION
            and self.bcubed.recall >= MIN_RECALL
            and self.incidents <= MAX_INCIDENTS
            and not self.twins_merged
            and self.is_same_in_every_order
        )


@dataclass(frozen=True)
class Summary:
    """Many storms. The goals are for the median storm, and for every one where they say never and always."""

    outcomes: Sequence[Outcome]

    def figures(self) -> dict[str, float]:
        """Median, mean and worst of each measure."""
        precisions = [one.bcubed.precision for one in self.outcomes]
        recalls = [one.bcubed.recall for one in self.outcomes]
        incidents = [one.incidents for one in self.outcomes]
        return {
            "storms": len(self.outcomes),
            "precision_median": round(median(precisions), 3),
            "precision_mean": round(mean(precisions), 3),
            "precision_worst": round(min(precisions), 3),
            "recall_median": round(median(recalls), 3),
            "recall_mean": round(mean(recalls), 3),
            "recall_worst": round(min(recalls), 3),
            "incidents_median": median(incidents),
            "incidents_most": max(incidents),
            "twins_merged": sum(one.twins_merged for one in self.outcomes),
            "differing_by_order": sum(not one.is_same_in_every_order for one in self.outcomes),
            "storms_that_meet_all_goals": sum(one.meets_goals for one in self.outcomes),
            "alerts_median": median(one.alerts for one in self.outcomes),
            "services_median": median(one.services for one in self.outcomes),
            "moves_median": median(one.moves for one in self.outcomes),
        }

    @property
    def meets_goals(self) -> bool:
        """Whether correlation is as good as it has to be."""
        figures = self.figures()
        return (
            figures["precision_median"] >= MIN_PRECISION
            and figures["recall_median"] >= MIN_RECALL
            and figures["incidents_median"] <= MAX_INCIDENTS
            and not figures["twins_merged"]
            and not figures["differing_by_order"]
        )


class Played(Protocol):
    """What came of a storm."""

    def incident_of_each(self) -> Mapping[str, str]:
        """The incident of every alert, by fingerprint."""
        ...

    def groups(self) -> frozenset[frozenset[str]]:
        """The services of each incident."""
        ...

    @property
    def moves(self) -> int:
        """How often a service was moved."""
        ...


def surroundings_of(storm: Storm, known: Known = Known.ALL) -> Surroundings:
    """What correlation may know around a storm."""
    changes = tuple((one.service, at_time(one.at), f"deploy-{n}") for n, one in enumerate(storm.deploys))
    return Surroundings(
        calls=storm.estate.known_calls if known is Known.ALL else None,
        changes=None if known is Known.NOTHING else changes,
    )


def orders_of(storm: Storm, orders: int) -> list[list[Delivery]]:
    """The deliveries as they were sent, backwards, and shuffled; times of arrival follow the order."""
    sent = list(storm.deliveries)
    others = [sent[::-1], *(_shuffled(sent, storm.seed, number) for number in range(2, orders))]
    return [sent, *([replace(one, at=float(n)) for n, one in enumerate(order)] for order in others[: orders - 1])]


def simulated(storm: Storm, deliveries: Sequence[Delivery], *, known: Known, policy: CorrelationPolicy) -> Simulation:
    """One order, played by the pure simulation of ingestion."""
    simulation = Simulation(policy, surroundings_of(storm, known))
    for one in deliveries:
        received_at = at_time(one.at)
        simulation.deliver(parse(Source.ALERTMANAGER, one.body, received_at=received_at).alerts, received_at)
    return simulation


def outcome_of(storm: Storm, played: Sequence[Played]) -> Outcome:
    """The measures of a storm that was played in several orders; the first one is as it was sent."""
    first, groups = played[0], {one.groups() for one in played}
    one, other = storm.twins
    return Outcome(
        seed=storm.seed,
        alerts=len(storm.causes),
        services=len(frozenset().union(*first.groups())),
        bcubed=bcubed(first.incident_of_each(), storm.causes),
        incidents=len(first.groups()),
        twins_merged=any(group & one.origins and group & other.origins for every in groups for group in every),
        is_same_in_every_order=len(groups) == 1,
        moves=first.moves,
    )


def measured(
    storm: Storm, *, orders: int, known: Known = Known.ALL, policy: CorrelationPolicy | None = None
) -> Outcome:
    """What the pure simulation makes of a storm."""
    policy = policy or CorrelationPolicy()
    return outcome_of(
        storm, [simulated(storm, order, known=known, policy=policy) for order in orders_of(storm, orders)]
    )


def _shuffled(sent: Sequence[Delivery], seed: int, number: int) -> list[Delivery]:
    return Random(f"{seed}-{number}").sample(sent, len(sent))  # noqa: S311 -- a repeatable order, no secret
