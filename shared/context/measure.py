"""Measures services, each series against what is usual there: a first look, and a second one at what moved."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from shared.context.conventions import expression
from shared.context.first_look import first_look
from shared.context.look import Collected, Look
from shared.context.neighbourhood import Neighbour
from shared.context.second_look import BACKS, Measured, looked_again
from shared.context.whereabouts import Whereabouts
from shared.context.window import Window
from shared.models.evidence import SeriesEvidence
from shared.models.measures import MOVING, Baseline, Metric

OF_THE_ALERTING = (*MOVING, Metric.LATENCY_P50, Metric.LATENCY_P99)


async def measure(
    look: Look, where: Whereabouts, services: Mapping[str, Neighbour], metrics: Collection[Metric]
) -> Collected:
    """These metrics of these services, in at most five queries, or six where earlier days could not be asked; raises
    when nothing could be asked, else tells what could not.
    """
    known = where.of(sorted(services))
    first = await first_look(look, known.placed, metrics)
    if first.failed_wholly:
        raise first.failures[0]
    measured, untold = await looked_again(look, first.measured)
    ended = [f"{one.service}: no {one.part.metric.value} since {_clock(one)}" for one in measured if _ended(one)]
    return Collected(
        evidence=tuple(_evidence(one, services[one.service], look.window) for one in measured),
        warnings=(*known.warnings, *first.warnings, *untold, *ended),
        failure=first.failures[0].reason if first.failures else None,
        why_empty="no_known_metrics",
    )


def _evidence(one: Measured, place: Neighbour, window: Window) -> SeriesEvidence:
    """Its query is the same question asked about that service alone, and of earlier days where they were used."""
    part = one.part
    backs = (0, *BACKS) if one.movement.baseline is Baseline.SAME_HOUR else ()
    return SeriesEvidence(
        service=one.service,
        relation=place.relation,
        hops=place.hops,
        metric=part.metric,
        convention=part.binding.name,
        query=expression(part.binding, part.metric, [one.name], window_seconds=window.rate_seconds, backs=backs),
        points=one.points,
        movement=one.movement,
        at_least=one.at_least,
    )


def _ended(one: Measured) -> bool:
    return one.movement.onset_at is not None and one.movement.current is None


def _clock(one: Measured) -> str:
    return datetime.fromtimestamp(one.points[-1][0], UTC).strftime("%H:%M:%S UTC")
