"""Series that follow from two that are measured: what is lost on the way, and calls that are not made any more."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.hypotheses.observation import Observation, ObservedSeries, SeriesKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def on_the_way(observation: Observation) -> list[ObservedSeries]:
    """Of each edge that is measured at both ends, the caller's duration minus the callee's."""
    import numpy as np

    at_callee = {
        (one.service, one.peer, one.statistic): one
        for one in observation.series
        if one.kind is SeriesKind.CALLEE_LATENCY
    }
    found = []
    for one in observation.series:
        other = at_callee.get((one.service, one.peer, one.statistic))
        if one.kind is SeriesKind.CALLER_LATENCY and other is not None and _fit(one, other):
            with np.errstate(over="ignore", invalid="ignore"):
                values, earlier = one.values - other.values, one.earlier - other.earlier
            found.append(replace(one, kind=SeriesKind.ON_THE_WAY, values=values, earlier=earlier))
    return found


def calls_made(observation: Observation) -> list[ObservedSeries]:
    """Of each callee, its requests for one of its callers'. `peer` is None: all its callers have a part in it."""
    import numpy as np

    traffic: dict[str, ObservedSeries] = {}
    for one in observation.series:
        # Of several the busiest, so that the order of columns decides nothing.
        if one.kind is SeriesKind.TRAFFIC and _busier(one, traffic.get(one.service)):
            traffic[one.service] = one
    found = []
    for callee, callers in callers_of(observation.calls).items():
        known = [traffic[caller] for caller in callers if caller in traffic]
        made = traffic.get(callee)
        if made is None or len(known) != len(callers) or not all(_fit(made, one) for one in known):
            continue
        values = _sum([one.values for one in known])
        earlier = _sum([one.earlier for one in known])
        with np.errstate(all="ignore"):
            found.append(
                replace(
                    made,
                    kind=SeriesKind.CALLS_MADE,
                    values=np.where(values > 0, made.values / values, np.nan),
                    earlier=np.where(earlier > 0, made.earlier / earlier, np.nan),
                )
            )
    return found


def callers_of(calls: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Callee → who calls it, itself left out."""
    found: dict[str, list[str]] = defaultdict(list)
    for caller, callees in calls.items():
        for callee in set(callees):
            if callee != caller:
                found[callee].append(caller)
    return found


def _busier(one: ObservedSeries, other: ObservedSeries | None) -> bool:
    return other is None or _total(one) > _total(other)


def _total(one: ObservedSeries) -> float:
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.nansum(np.sort(one.values)))


def _fit(one: ObservedSeries, other: ObservedSeries) -> bool:
    return len(one.values) == len(other.values) and len(one.earlier) == len(other.earlier)


def _sum(rows: Sequence["Floats"]) -> "Floats":
    """A sum that does not depend on the order of its terms."""
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.sort(np.stack(rows), axis=0).sum(axis=0))
