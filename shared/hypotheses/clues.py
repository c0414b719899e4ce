"""What speaks against each service: a clue for each kind of its series, for the calls it makes, and for its edges."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.hypotheses.explain import explained, is_dead, is_material
from shared.hypotheses.observation import ObservedSeries, SeriesKind, Weighed
from shared.hypotheses.picture import PROPAGATING, Picture, loudness

LEFT_WHEN_EXPLAINED = 0.15
OTHER_SYMPTOM = 0.6
"""Of what propagates, where it is not of the kind that alerted."""
NO_CALLS_KNOWN = 0.6
"""Of what propagates, where nobody knows who calls whom: it may be anybody's."""
LEFT_UNDER_SURGE = 0.5
SURGE_WEIGHT = 0.7
ALERTED_TRAFFIC = 0.6
"""Of traffic, where it is what alerted: weak evidence of a cause, but the symptom itself."""
A_PATTERN = 2
"""Fewer may be chance, or the other end's fault."""
HEAVIER_UNDER_LOAD = frozenset(
    {SeriesKind.LATENCY, SeriesKind.CLIENT_LATENCY, SeriesKind.SATURATION, SeriesKind.CPU, SeriesKind.MEMORY}
)
WEIGHTS: Mapping[SeriesKind, float] = {
    SeriesKind.LATENCY: 1.0,
    SeriesKind.ON_THE_WAY: 1.0,
    SeriesKind.ERRORS: 1.0,
    SeriesKind.AVAILABILITY: 1.0,
    SeriesKind.UNANSWERED: 1.0,
    SeriesKind.CPU: 1.0,
    SeriesKind.MEMORY: 0.9,
    SeriesKind.LOG_ERRORS: 0.9,
    SeriesKind.RESTARTS: 0.9,
    SeriesKind.SATURATION: 0.8,
    SeriesKind.CALLS_MADE: 0.7,
    SeriesKind.DISK: 0.6,
    SeriesKind.CLIENT_LATENCY: 0.8,
    SeriesKind.NETWORK: 0.25,
    SeriesKind.TRAFFIC: 0.15,
    SeriesKind.NODE: 0.25,
    SeriesKind.OTHER: 0.2,
}


@dataclass(frozen=True)
class Clue:
    """What one kind of series says against one service."""

    weighed: Weighed
    """The one that speaks loudest."""
    strength: float
    explained: float
    """How much of it callees account for."""
    own: float
    """What is left, by what such series are worth."""


def clues_of(picture: Picture) -> Mapping[str, Sequence[Clue]]:
    """Every clue, by service."""
    found: dict[str, list[Clue]] = defaultdict(list)
    for service, clue in [
        *_of_series(picture),
        *_of_edges(picture),
        *_of_calls(picture),
        *_of_the_dead(picture),
        *_of_the_gone(picture),
    ]:
        found[service].append(clue)
    return found


def _of_series(picture: Picture) -> Iterable[tuple[str, Clue]]:
    alike: dict[tuple[str, SeriesKind], list[Weighed]] = defaultdict(list)
    for one in picture.weighed:
        if one.series.kind not in (SeriesKind.ON_THE_WAY, SeriesKind.CALLS_MADE):
            alike[one.series.service, one.series.kind].append(one)
    for (service, kind), found in alike.items():
        loudest = _louder_half(found)
        shares = [explained(picture, one) if kind in PROPAGATING else 0.0 for one in loudest]
        left = [1.0 - (1.0 - LEFT_WHEN_EXPLAINED) * share for share in shares]
        own = _mean(one.strength * part * _weight(picture, one) for one, part in zip(loudest, left, strict=True))
        yield service, Clue(loudest[0], _mean(one.strength for one in loudest), _mean(shares), own)


def _louder_half(found: Sequence[Weighed]) -> list[Weighed]:
    """Of several statistics of one thing at least half must say so: one of them alone is rather chance."""
    return sorted(found, key=loudness, reverse=True)[: (len(found) + 1) // 2]


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return math.fsum(listed) / len(listed)


def _weight(picture: Picture, one: Weighed) -> float:
    kind, service = one.series.kind, one.series.service
    if kind is SeriesKind.TRAFFIC and service in picture.surges:
        return SURGE_WEIGHT
    if kind is picture.seen.target_kind is SeriesKind.TRAFFIC and service == picture.seen.target:
        return ALERTED_TRAFFIC
    weight = WEIGHTS[kind]
    if kind in PROPAGATING and kind is not SeriesKind.LOG_ERRORS:
        weight *= OTHER_SYMPTOM if picture.family and kind not in picture.family else 1.0
        weight *= 1.0 if picture.callers else NO_CALLS_KNOWN
        weight *= is_material(picture, one)
    return weight * (LEFT_UNDER_SURGE if kind in HEAVIER_UNDER_LOAD and service in picture.surged else 1.0)


def _of_edges(picture: Picture) -> Iterable[tuple[str, Clue]]:
    """What is lost on the way speaks against the end at which all edges show it."""
    into: dict[str, list[Weighed]] = defaultdict(list)
    out: dict[str, list[Weighed]] = defaultdict(list)
    for (caller, callee), one in picture.gaps.items():
        into[callee].append(one)
        if caller:
            out[caller].append(one)
    for ends, least in ((into, 1), (out, A_PATTERN)):
        for service, found in ends.items():
            if len(found) >= least:
                share = _mean(one.strength for one in found)
                yield service, Clue(max(found, key=loudness), share, 0.0, WEIGHTS[SeriesKind.ON_THE_WAY] * share)


def _of_calls(picture: Picture) -> Iterable[tuple[str, Clue]]:
    """Who calls fewer of its callees for each of its requests fails, or answers, before it does.

    Only callees count that nobody else calls, and of those at least half; a single one may itself be the reason.
    """
    alone: dict[str, list[Weighed]] = defaultdict(list)
    for one in picture.weighed:
        if one.series.kind is SeriesKind.CALLS_MADE and len(picture.callers[one.series.service]) == 1:
            alone[picture.callers[one.series.service][0]].append(one)
    for caller, found in alone.items():
        if len(found) >= A_PATTERN:
            loudest = _louder_half(found)
            share = _mean(one.strength for one in loudest)
            yield caller, Clue(loudest[0], share, 0.0, WEIGHTS[SeriesKind.CALLS_MADE] * share)


def _of_the_dead(picture: Picture) -> Iterable[tuple[str, Clue]]:
    """Who does not answer, and says nothing of it. Who still calls others is not dead: what fails may be below."""
    dead: dict[str, list[str]] = defaultdict(list)
    for caller, callee in picture.seen.edges:
        if is_dead(picture, caller, callee):
            dead[callee].append(caller)
    for service, callers in dead.items():
        if picture.symptoms_of(service):
            continue
        edges = picture.seen.edges
        failed = max(edges[caller, service].failed or 0.0 for caller in callers)
        below = [edges.get((service, callee)) for callee in picture.calls.get(service, ())]
        share = max((edge.failed or 0.0 for edge in below if edge), default=0.0)
        hurt = [one for caller in callers if (one := picture.of(caller, SeriesKind.ERRORS, "")) and one.strength > 0]
        onset = min((one.onset for one in hurt if one.onset is not None), default=None)
        yield service, Clue(_unanswered(service, failed, onset), failed, share, failed * (1.0 - share))


def _of_the_gone(picture: Picture) -> Iterable[tuple[str, Clue]]:
    for service, one in picture.gone.items():
        unanswered = _unanswered(service, one.strength, one.onset)
        yield service, Clue(unanswered, one.strength, 0.0, one.strength)


def _unanswered(service: str, failed: float, onset: float | None) -> Weighed:
    import numpy as np

    nothing = np.zeros(0)
    series = ObservedSeries(service, SeriesKind.UNANSWERED, "unanswered calls", nothing, nothing, nothing)
    return Weighed(series, 0.0, failed, failed, 0.0, 1.0, failed, goes_up=True, onset=onset)
