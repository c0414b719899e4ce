"""The deterministic ranker: which service moved first and most by itself, and what was changed there before it did.

What a series is decides, never what a service is called. Latency and errors propagate from callee to caller, so what
a callee's change accounts for of a caller's is explained away; what a service runs on is its own; traffic is weak
evidence. Scores order; they are no probabilities.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shared.hypotheses.observation import Observation, ObservedSeries, Ranking, SeriesKind, Suspect
from shared.hypotheses.weigh import Weighed, weigh

EXPLAINS_FROM = 0.3
"""The share of a caller's change from which on a callee explains it: a tiny wobble must not exonerate."""
LEFT_WHEN_EXPLAINED = 0.15
OUTSIDE_CONE = 0.5
"""The graph is never complete, so what lies outside of it is doubted, not excluded."""
OTHER_SYMPTOM = 0.8
LEAST_STRENGTH = 0.45
"""Below, the best of hundreds of series is what chance makes of them."""
RECENT_SECONDS = 900.0
LOOK_BACK_SECONDS = 3600.0
SURGE_RATIO = 1.5

LATENCIES = frozenset({SeriesKind.LATENCY, SeriesKind.CLIENT_LATENCY})
FAILURES = frozenset({SeriesKind.ERRORS, SeriesKind.AVAILABILITY})
PROPAGATING = LATENCIES | FAILURES
WEIGHTS: Mapping[SeriesKind, float] = {
    SeriesKind.LATENCY: 1.0,
    SeriesKind.CLIENT_LATENCY: 0.6,
    SeriesKind.ERRORS: 1.0,
    SeriesKind.AVAILABILITY: 1.0,
    SeriesKind.LOG_ERRORS: 0.9,
    SeriesKind.RESTARTS: 0.9,
    SeriesKind.SATURATION: 0.8,
    SeriesKind.CPU: 0.8,
    SeriesKind.MEMORY: 0.8,
    SeriesKind.DISK: 0.7,
    SeriesKind.NETWORK: 0.3,
    SeriesKind.TRAFFIC: 0.25,
    SeriesKind.NODE: 0.2,
    SeriesKind.OTHER: 0.2,
}


@dataclass(frozen=True)
class _Clue:
    """One series that speaks against one service."""

    weighed: Weighed
    explained: float
    own: float


def rank(observation: Observation) -> Ranking:
    """Suspects, the likeliest first; none, and the reason why, when nothing exceeds normal."""
    weighed = [one for one in weigh(observation, _own(observation)) if one is not None]
    if not weighed:
        return Ranking((), "nothing measured")
    family = _family(observation)
    clues: dict[str, list[_Clue]] = defaultdict(list)
    changes = _changes(weighed)
    for one in weighed:
        clues[one.series.service].append(_clue(observation, one, changes, family))
    for service, clue in _on_the_way(observation):
        clues[service].append(clue)
    suspects = [_suspect(observation, service, found) for service, found in clues.items()]
    loud = [one for one in suspects if one.score >= LEAST_STRENGTH * 0.1]
    if not any(one.factors["own_movement"] >= LEAST_STRENGTH for one in loud):
        return Ranking((), "no evidence")
    return Ranking(tuple(sorted(loud, key=_order)), "ranked")


def _own(observation: Observation) -> list[ObservedSeries]:
    return [one for one in observation.series if one.kind in WEIGHTS]


def _family(observation: Observation) -> frozenset[SeriesKind]:
    return next((one for one in (LATENCIES, FAILURES) if observation.target_kind in one), frozenset())


Changes = Mapping[tuple[str, SeriesKind, str], Weighed]


def _changes(weighed: Sequence[Weighed]) -> dict[tuple[str, SeriesKind, str], Weighed]:
    found: dict[tuple[str, SeriesKind, str], Weighed] = {}
    for one in weighed:
        key = (one.series.service, one.series.kind, one.series.statistic)
        if key not in found or (one.strength, one.change) > (found[key].strength, found[key].change):
            found[key] = one
    return found


def _clue(observation: Observation, one: Weighed, changes: Changes, family: frozenset[SeriesKind]) -> _Clue:
    kind = one.series.kind
    weight = WEIGHTS[kind]
    if kind in PROPAGATING and family and kind not in family:
        weight *= OTHER_SYMPTOM
    explained = _explained(observation, one, changes) if kind in PROPAGATING else 0.0
    return _Clue(one, explained, one.strength * weight * (1.0 - (1.0 - LEFT_WHEN_EXPLAINED) * explained))


def _explained(observation: Observation, one: Weighed, changes: Changes) -> float:
    """How much of a propagating change the callees account for, 0 to 1."""
    if one.change <= 0:
        return 0.0
    kind = SeriesKind.LATENCY if one.series.kind in LATENCIES else one.series.kind
    found = (
        changes.get((callee, kind, one.series.statistic))
        for callee in observation.calls.get(one.series.service, ())
        if callee != one.series.service
    )
    carried = math.fsum(callee.change * min(1.0, callee.strength / LEAST_STRENGTH) for callee in found if callee)
    return min(1.0, carried / one.change / (2 * EXPLAINS_FROM))


def _on_the_way(observation: Observation) -> list[tuple[str, _Clue]]:
    """Of each edge what the caller sees above the callee: it is spent on the way, at one of the two ends."""
    import numpy as np

    callee_side = {
        (one.service, one.peer, one.statistic): one
        for one in observation.series
        if one.kind is SeriesKind.CALLEE_LATENCY
    }
    gaps: list[ObservedSeries] = []
    for one in observation.series:
        other = callee_side.get((one.service, one.peer, one.statistic))
        if one.kind is not SeriesKind.CALLER_LATENCY or other is None or len(one.values) != len(other.values):
            continue
        length = min(len(one.earlier), len(other.earlier))
        earlier = np.asarray(one.earlier)[-length:] - np.asarray(other.earlier)[-length:] if length else np.zeros(0)
        gaps.append(replace(one, values=np.asarray(one.values) - np.asarray(other.values), earlier=earlier))
    ends: dict[str, list[Weighed | None]] = defaultdict(list)
    for gap, weighed in zip(gaps, weigh(observation, gaps), strict=True):
        for end in (gap.service, gap.peer):
            if end:
                ends[end].append(weighed)
    found = []
    for end, pieces in ends.items():
        off = [one for one in pieces if one is not None and one.strength > 0]
        if off:
            share = math.fsum(one.strength for one in off) / len(pieces)
            found.append((end, _Clue(max(off, key=lambda one: one.strength), 0.0, share)))
    return found


def _suspect(observation: Observation, service: str, clues: Sequence[_Clue]) -> Suspect:
    best = max(clues, key=lambda clue: (clue.own, clue.weighed.strength, clue.weighed.change))
    reach = 1.0 if service in cone(observation) else OUTSIDE_CONE
    score = round(reach * best.own, 9)
    one = best.weighed
    factors = {
        "own_movement": round(one.strength, 4),
        "explained_by_callees": round(best.explained, 4),
        "within_reach": reach,
    }
    onset = None if one.onset is None else observation.began_at + one.onset
    return Suspect(service, one.series.kind, one.series.name, onset, one.goes_up, score, factors, one.change)


def cone(observation: Observation) -> set[str]:
    """The target and everything it calls, directly or not: where its cause can lie."""
    reached, waiting = {observation.target}, [observation.target]
    while waiting:
        for callee in observation.calls.get(waiting.pop(), ()):
            if callee not in reached:
                reached.add(callee)
                waiting.append(callee)
    return reached


def _order(one: Suspect) -> tuple[float, float, float]:
    return (-one.score, math.inf if one.onset is None else one.onset, -one.change)
