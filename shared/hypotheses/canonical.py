"""One order for what is observed, whatever order and under whatever names it came.

Between equals a ranking keeps the order that it was given. That order must say nothing, or the same evidence would
be ranked differently under other names or with its columns shuffled.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared.hypotheses.observation import Observation, ObservedSeries

Content = tuple[str, str, bytes, bytes]
Place = tuple[object, ...]


def in_canonical_order(observation: Observation) -> Observation:
    """The same observation, its series ordered by what they are and show, then by where their service stands."""
    contents = [_content(one) for one in observation.series]
    places = _places(observation, contents)
    order = sorted(
        range(len(contents)),
        key=lambda at: (contents[at], places[observation.series[at].service], _peer(places, observation.series[at])),
    )
    return replace(observation, series=[observation.series[at] for at in order])


def _content(one: ObservedSeries) -> Content:
    import numpy as np

    values, earlier = (np.asarray(part, dtype=float).tobytes() for part in (one.values, one.earlier))
    return (one.kind.value, one.statistic, values, earlier)


def _peer(places: Mapping[str, Place], one: ObservedSeries) -> Place:
    return places.get(one.peer, ()) if one.peer else ()


def _places(observation: Observation, contents: Sequence[Content]) -> dict[str, Place]:
    """What can be said of each service without its name: what it shows, who calls it, and whom it calls."""
    shown: dict[str, list[Content]] = defaultdict(list)
    for one, content in zip(observation.series, contents, strict=True):
        shown[one.service].append(content)
    callers: dict[str, list[str]] = defaultdict(list)
    for caller, callees in observation.calls.items():
        for callee in set(callees):
            callers[callee].append(caller)
    services = {*shown, *callers, *observation.calls}
    alone: dict[str, Place] = {
        name: (
            name == observation.target,
            len(callers[name]),
            len(observation.calls.get(name, ())),
            sorted(shown[name]),
        )
        for name in services
    }
    return {
        name: (
            *alone[name],
            sorted(alone[caller] for caller in callers[name]),
            sorted(alone[callee] for callee in set(observation.calls.get(name, ()))),
        )
        for name in services
    }
