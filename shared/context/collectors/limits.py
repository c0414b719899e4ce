"""What runs full, or fails for it, of the services around: containers, replicas, pools, queues and machines."""

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta

from shared.context.fullness import is_worth_showing, pressure_of
from shared.context.limits_asked import (
    Carried,
    Limit,
    Times,
    carried,
    limits_of,
    limits_of_machines,
    limits_query,
    machines_of,
    machines_query,
    without_namesakes,
)
from shared.context.look import Collected, Look, View
from shared.context.neighbourhood import Neighbour
from shared.context.window import Window
from shared.errors import CopilotError
from shared.models.evidence import LimitEvidence
from shared.models.measures import Pressure, Relation
from shared.ports.metrics import Answer, Sample

MAX_LIMITS = 40
_NAMESPACE_LABELS = ("namespace", "exported_namespace", "kubernetes_namespace")
RATE_SECONDS = 240.0
"""Four scrapes of containers and machines, which are seldom scraped as often as a service is."""
MAX_SERIES = 2_500
"""Of one answer: two for each row of each of 30 services, and the machines of their pods."""


async def collect_limits(view: View) -> Collected:
    """What is near its limit, at it, or has changed since before the trouble; raises as the source does.

    Two queries: what limits all services have, and how their machines do. Nothing is asked where no name of what runs
    them is known.
    """
    look = await view.look()
    services, warnings = await view.around()
    where = await view.whereabouts()
    found = carried(where, services)
    known = (*where.warnings, *warnings)
    if not found:
        return Collected(warnings=known, why_empty="no_known_limits")
    times = _times(look.window)
    answer = await _ask(look, limits_query(found, times), times)
    samples = without_namesakes(answer.samples, _namespaces(view))
    machines, untold, failure = await _machines(look, samples, found, services, times)
    limits = [*limits_of(samples, found), *machines]
    # By now it is known, or will not be asked about.
    around = (await view.neighbourhood_in_time(patience_seconds=0)).neighbours
    evidence = [
        _evidence(one, around, times) for one in limits if is_worth_showing(one.resource, one.value, one.before)
    ]
    nearest = sorted(evidence, key=_rank)
    left_out = len(nearest) - MAX_LIMITS
    more = [f"{left_out} more limits are left out"] if left_out > 0 else []
    return Collected(
        evidence=tuple(nearest[:MAX_LIMITS]),
        warnings=(*known, *answer.warnings, *untold, *more),
        failure=failure,
        why_empty="within_limits" if limits else "no_known_limits",
    )


def _namespaces(view: View) -> set[str]:
    """Those that the incident's alerts name."""
    labels = (one.normalized_data.labels for one in view.signals)
    return {one[name] for one in labels for name in _NAMESPACE_LABELS if one.get(name)}


def _times(window: Window) -> Times:
    """As of the newest scrape: a rate over the minutes since would be empty."""
    at = window.end - timedelta(seconds=math.ceil(window.lag_seconds))
    seconds = int((at - window.start).total_seconds())
    return Times(at, back=seconds, rate_seconds=max(window.rate_seconds, RATE_SECONDS))


async def _ask(look: Look, promql: str, times: Times) -> Answer:
    return await look.source.query(promql, at=times.at, max_series=MAX_SERIES)


async def _machines(
    look: Look, samples: Sequence[Sample], found: Sequence[Carried], services: Sequence[str], times: Times
) -> tuple[list[Limit], list[str], str | None]:
    """How the machines do on which the pods run, what limits that, and why they could not be asked about."""
    there, left_out = machines_of(samples, found, services)
    if not there:
        return [], [], None
    try:
        answer = await _ask(look, machines_query(there, times), times)
    except CopilotError as exc:
        return [], [f"the machines could not be asked about: {exc.reason}"], exc.reason
    more = [f"{left_out} more machines are not looked at"] if left_out else []
    return limits_of_machines(answer.samples, there), [*answer.warnings, *more], None


def _evidence(one: Limit, around: Mapping[str, Neighbour], times: Times) -> LimitEvidence:
    place = around.get(one.service, Neighbour(Relation.SELF, hops=0))
    return LimitEvidence(
        service=one.service,
        relation=place.relation,
        hops=place.hops,
        resource=one.resource.name,
        carrier=one.resource.carrier.value,
        subject=one.subject,
        namespace=one.namespace,
        value=one.value,
        value_before=one.before,
        pressure=pressure_of(one.resource, one.value),
        unit=one.resource.unit,
        query=one.query(times),
        window_end=times.at,
    )


def _rank(piece: LimitEvidence) -> tuple[int, int, str, str, str]:
    """What is over its limit and near goes first."""
    return list(Pressure).index(piece.pressure), piece.hops, piece.service, piece.resource, piece.subject
