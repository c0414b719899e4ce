"""The deterministic ranker: which service moved first and most by itself, and what was changed there before it did.

What a series is decides, never what a service is called. Latency and errors propagate from callee to caller, so what
a callee's change accounts for of a caller's is explained away; what a service runs on is its own; traffic is weak
evidence. Scores order; they are no probabilities.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from shared.hypotheses.canonical import in_canonical_order
from shared.hypotheses.derive import callers_of, calls_made, on_the_way
from shared.hypotheses.observation import Observation, ObservedChange, Ranking, SeriesKind, Suspect
from shared.hypotheses.weigh import Weighed, weigh

EXPLAINS_FROM = 0.3
"""The share of a caller's change from which on a callee explains half of it: a tiny wobble must not exonerate."""
LEFT_WHEN_EXPLAINED = 0.15
OUTSIDE_CONE = 0.5
"""The graph is never complete, so what lies outside of it is doubted, not excluded."""
OTHER_SYMPTOM = 0.6
EVIDENT = 0.3
"""A series as strong is off beyond doubt: its whole change explains."""
LEAST = 0.25
"""Below, the best of hundreds of series is what chance makes of them."""
UNSEEN = 0.7
"""What counts of evidence while the service that alerted is as ever."""
NO_CALLS_KNOWN = 0.6
"""Of what propagates, where nobody knows who calls whom: it may be anybody's."""
LATE_STEPS = 4.0
"""Onsets two steps apart are a tie, as two services are not measured at once; this many later counts nothing."""
RECENT_SECONDS = 900.0
LOOK_BACK_SECONDS = 3600.0
ORDER_SHARE, CHANGE_SHARE = 0.15, 0.25
SURGE_RATIO = 1.5
SURGE_WEIGHT = 0.7
LEFT_UNDER_SURGE = 0.5
SECOND_VOICE = 0.5
"""Of the next kind of series of the same service: it need not be independent."""
A_PATTERN = 2
TAILS = {"p75": 0.25, "p90": 0.1, "p95": 0.05, "p99": 0.01, "p999": 0.001}

LATENCIES = frozenset({SeriesKind.LATENCY, SeriesKind.CLIENT_LATENCY})
HEAVIER_UNDER_LOAD = frozenset(
    {SeriesKind.LATENCY, SeriesKind.CLIENT_LATENCY, SeriesKind.SATURATION, SeriesKind.CPU, SeriesKind.MEMORY}
)
FAILURES = frozenset({SeriesKind.ERRORS, SeriesKind.AVAILABILITY})
PROPAGATING = LATENCIES | FAILURES
WEIGHTS: Mapping[SeriesKind, float] = {
    SeriesKind.LATENCY: 1.0,
    SeriesKind.ON_THE_WAY: 1.0,
    SeriesKind.CLIENT_LATENCY: 0.5,
    SeriesKind.ERRORS: 1.0,
    SeriesKind.AVAILABILITY: 1.0,
    SeriesKind.LOG_ERRORS: 0.9,
    SeriesKind.RESTARTS: 0.9,
    SeriesKind.SATURATION: 0.8,
    SeriesKind.CPU: 1.0,
    SeriesKind.MEMORY: 0.9,
    SeriesKind.CALLS_MADE: 0.7,
    SeriesKind.DISK: 0.6,
    SeriesKind.NETWORK: 0.25,
    SeriesKind.TRAFFIC: 0.25,
    SeriesKind.NODE: 0.25,
    SeriesKind.OTHER: 0.2,
}


@dataclass(frozen=True)
class _Clue:
    """What one kind of series says against one service."""

    weighed: Weighed
    """The one that speaks loudest."""
    strength: float
    explained: float
    own: float


@dataclass(frozen=True)
class _Scene:
    """An observation with everything weighed once."""

    seen: Observation
    callers: Mapping[str, Sequence[str]]
    changes: Mapping[str, Mapping[tuple[SeriesKind, str], Weighed]]
    gaps: Mapping[tuple[str | None, str], Weighed]
    """Caller and callee → what is lost between them."""
    rates: Mapping[str, float]
    """How many requests each service usually gets, in any unit."""
    family: frozenset[SeriesKind]
    cone: frozenset[str] | None
    surges: frozenset[str]
    """Entries at which far more requests come in."""
    surged: frozenset[str]
    """Who gets more requests for it."""


def rank(observation: Observation) -> Ranking:
    """Suspects, the likeliest first; none, and the reason why, when nothing exceeds normal."""
    observation = in_canonical_order(observation)
    measured = [one for one in observation.series if one.kind in WEIGHTS]
    gaps, made = on_the_way(observation), calls_made(observation)
    everything = [*measured, *gaps, *made]
    weighed = [one for one in weigh(observation, everything) if one is not None]
    if not weighed:
        return Ranking((), "nothing measured")
    scene = _scene(observation, weighed)
    clues: dict[str, list[_Clue]] = defaultdict(list)
    for service, clue in [*_of_services(scene, weighed), *_of_edges(scene), *_of_calls(scene, weighed)]:
        clues[service].append(clue)
    found = [_suspect(scene, service, voices) for service, voices in clues.items()]
    least = LEAST if _seen_by_target(scene) else LEAST / UNSEEN
    evident = [one.onset for one in found if one.onset is not None and one.factors["own_movement"] >= least]
    if not any(one.factors["own_movement"] >= least for one in found):
        return Ranking((), "no evidence")
    earliest = min(evident, default=observation.began_at)
    scored = [_scored(observation, one, earliest) for one in found]
    return Ranking(tuple(sorted((one for one in scored if one.score > 0), key=_order)), "ranked")


def _scene(observation: Observation, weighed: Sequence[Weighed]) -> _Scene:
    changes: dict[str, dict[tuple[SeriesKind, str], Weighed]] = defaultdict(dict)
    gaps: dict[tuple[str | None, str], Weighed] = {}
    for one in weighed:
        series = one.series
        if series.kind is SeriesKind.ON_THE_WAY:
            gaps[series.peer, series.service] = _louder(one, gaps.get((series.peer, series.service)))
        else:
            of_service, key = changes[series.service], (series.kind, series.statistic)
            of_service[key] = _louder(one, of_service.get(key))
    callers = callers_of(observation.calls)
    surges, surged = _surge(observation, callers, weighed)
    return _Scene(
        seen=observation,
        callers=callers,
        changes=changes,
        gaps=gaps,
        rates=_rates(weighed),
        family=next((one for one in (LATENCIES, FAILURES) if observation.target_kind in one), frozenset()),
        # Of who calls nobody as far as is known, nobody knows where its trouble comes from.
        cone=reached_from(observation.calls, [observation.target])
        if observation.calls.get(observation.target)
        else None,
        surges=surges,
        surged=surged,
    )


def _rates(weighed: Iterable[Weighed]) -> dict[str, float]:
    found: dict[str, float] = {}
    for one in weighed:
        if one.series.kind is SeriesKind.TRAFFIC:
            found[one.series.service] = max(one.normal, found.get(one.series.service, 0.0))
    return found


def _louder(one: Weighed, other: Weighed | None) -> Weighed:
    return one if other is None or _loudness(one) > _loudness(other) else other


def _loudness(one: Weighed) -> tuple[float, float, float]:
    return (one.strength, one.z, one.change)


def _of_services(scene: _Scene, weighed: Iterable[Weighed]) -> Iterable[tuple[str, _Clue]]:
    """One clue for each kind of series of each service: what at least half of its statistics say."""
    alike: dict[tuple[str, SeriesKind], list[Weighed]] = defaultdict(list)
    for one in weighed:
        if one.series.kind not in (SeriesKind.ON_THE_WAY, SeriesKind.CALLS_MADE):
            alike[one.series.service, one.series.kind].append(one)
    for (service, kind), found in alike.items():
        loudest = sorted(found, key=_loudness, reverse=True)[: (len(found) + 1) // 2]
        explained = [_explained(scene, one) if kind in PROPAGATING else 0.0 for one in loudest]
        strength = math.fsum(one.strength for one in loudest) / len(loudest)
        unexplained = math.fsum(
            one.strength * (1.0 - (1.0 - LEFT_WHEN_EXPLAINED) * share)
            for one, share in zip(loudest, explained, strict=True)
        ) / len(loudest)
        own = unexplained * _weight(scene, loudest[0])
        yield service, _Clue(loudest[0], strength, math.fsum(explained) / len(explained), own)


def _weight(scene: _Scene, one: Weighed) -> float:
    kind = one.series.kind
    weight = WEIGHTS[kind]
    if kind in PROPAGATING:
        weight *= OTHER_SYMPTOM if scene.family and kind not in scene.family else 1.0
        weight *= 1.0 if scene.callers else NO_CALLS_KNOWN
    if kind is SeriesKind.TRAFFIC and one.series.service in scene.surges:
        return SURGE_WEIGHT
    if kind in HEAVIER_UNDER_LOAD and one.series.service in scene.surged:
        weight *= LEFT_UNDER_SURGE
    return weight


def _explained(scene: _Scene, one: Weighed) -> float:
    """How much of a propagating change the callees account for, 0 to 1."""
    if one.strength <= 0:
        return 0.0
    callees = set(scene.seen.calls.get(one.series.service, ())) - {one.series.service}
    carried = math.fsum(_carried(scene, one, callee) for callee in callees) if callees else _behind(scene, one)
    return min(1.0, carried / one.change / (2 * EXPLAINS_FROM))


def _carried(scene: _Scene, one: Weighed, callee: str) -> float:
    """What a callee's change adds to one request of the service of `one`."""
    kind = SeriesKind.LATENCY if one.series.kind in LATENCIES else one.series.kind
    measured = scene.changes.get(callee, {}).get((kind, one.series.statistic))
    if measured and one.onset is not None and (measured.onset or 0.0) > one.onset + 2 * scene.seen.step:
        measured = None
    carried = _evident(measured) * _in_each(scene, callee, one.series.statistic)
    if kind is SeriesKind.LATENCY:
        carried += _evident(scene.gaps.get((one.series.service, callee)))
    return carried


def _evident(one: Weighed | None) -> float:
    return one.change * min(1.0, one.strength / EVIDENT) if one else 0.0


def _in_each(scene: _Scene, callee: str, statistic: str) -> float:
    """How much of a callee's change one request of its callers shows.

    Of a mean, as much as there are calls. A 95th percentile shows the callee whole once one request in twenty waits
    for it, and as often as a request calls it.
    """
    rates = [scene.rates.get(caller, 0.0) for caller in scene.callers[callee]]
    own = scene.rates.get(callee, 0.0)
    if not own or not all(rates):
        return 1.0
    calls = own / math.fsum(sorted(rates))
    tail = TAILS.get(statistic)
    return max(calls, min(1.0, calls / tail)) if tail else calls


def _behind(scene: _Scene, one: Weighed) -> float:
    """Of a leaf, what a sibling that calls on accounts for: the leaf may be its caller's view of the sibling."""
    service = one.series.service
    siblings = {
        sibling
        for caller in scene.callers.get(service, ())
        for sibling in scene.seen.calls.get(caller, ())
        if sibling != service and scene.seen.calls.get(sibling)
    }
    kinds = LATENCIES if one.series.kind in LATENCIES else (one.series.kind,)
    # A view is of some of the requests only, so that its mean may show what is a tail of all of them.
    return max(
        (
            each.change
            * min(1.0, 2 * each.strength / one.strength)
            * max(1.0, scene.rates.get(sibling, 0.0) / (scene.rates.get(service) or math.inf))
            for sibling in siblings
            for (kind, _), each in scene.changes.get(sibling, {}).items()
            if kind in kinds
        ),
        default=0.0,
    )


def _of_edges(scene: _Scene) -> Iterable[tuple[str, _Clue]]:
    """What is lost on the way speaks against the callee where its edges show it, else against the caller."""
    into: dict[str, list[Weighed]] = defaultdict(list)
    out: dict[str, list[Weighed]] = defaultdict(list)
    for (caller, callee), one in scene.gaps.items():
        into[callee].append(one)
        if caller:
            out[caller].append(one)
    for ends, least in ((into, 1), (out, A_PATTERN)):
        for service, found in ends.items():
            if len(found) >= least:
                share = math.fsum(one.strength for one in found) / len(found)
                yield service, _Clue(max(found, key=_loudness), share, 0.0, WEIGHTS[SeriesKind.ON_THE_WAY] * share)


def _of_calls(scene: _Scene, weighed: Iterable[Weighed]) -> Iterable[tuple[str, _Clue]]:
    """Who calls fewer of its callees for each of its requests fails, or answers, before it does.

    Only callees count that nobody else calls, and of those at least half; a single one may itself be the reason.
    """
    alone: dict[str, list[Weighed]] = defaultdict(list)
    for one in weighed:
        if one.series.kind is SeriesKind.CALLS_MADE and len(scene.callers[one.series.service]) == 1:
            alone[scene.callers[one.series.service][0]].append(one)
    for caller, found in alone.items():
        if len(found) < A_PATTERN:
            continue
        loudest = sorted(found, key=_loudness, reverse=True)[: (len(found) + 1) // 2]
        share = math.fsum(one.strength for one in loudest) / len(loudest)
        yield caller, _Clue(loudest[0], share, 0.0, WEIGHTS[SeriesKind.CALLS_MADE] * share)


def _seen_by_target(scene: _Scene) -> bool:
    """Whether the service that alerted shows any symptom itself."""
    kinds = PROPAGATING - {SeriesKind.CLIENT_LATENCY}
    own = scene.changes.get(scene.seen.target, {})
    return any(one.strength > 0 for (kind, _), one in own.items() if kind in kinds)


def _suspect(scene: _Scene, service: str, clues: Sequence[_Clue]) -> Suspect:
    voices = sorted(clues, key=lambda clue: (clue.own, *_loudness(clue.weighed)), reverse=True)
    best = voices[0]
    second = voices[1].own if len(voices) > 1 else 0.0
    one = best.weighed
    reach = 1.0 if scene.cone is None or service in scene.cone | scene.surges else OUTSIDE_CONE
    return Suspect(
        service=service,
        kind=one.series.kind,
        series=one.series.name,
        onset=None if one.onset is None else scene.seen.began_at + one.onset,
        goes_up=one.goes_up,
        score=0.0,
        factors={
            "own_movement": 1.0 - (1.0 - best.own) * (1.0 - SECOND_VOICE * second),
            "strength": best.strength,
            "rarity": one.rarity,
            "second_voice": second,
            "explained_by_callees": best.explained,
            "within_reach": reach,
        },
        change=one.change,
        deviations=one.z,
        evidence_id=one.series.evidence_id,
    )


def _scored(observation: Observation, one: Suspect, earliest: float) -> Suspect:
    """The suspect with its place in time: whether it moved first, and soon after something was changed there."""
    first, changed, cause = 0.0, 0.0, None
    if one.onset is not None:
        late = max(0.0, one.onset - earliest - 2 * observation.step)
        first = max(0.0, 1.0 - late / (LATE_STEPS * observation.step))
        cause = change_before(observation, one.service, one.onset)
        changed = math.exp(-max(0.0, one.onset - cause.at) / RECENT_SECONDS) if cause else 0.0
    timing = 1.0 - ORDER_SHARE * (1.0 - first) - CHANGE_SHARE * (1.0 - changed)
    factors = {**one.factors, "moved_first": first, "recent_change": changed}
    score = one.factors["within_reach"] * one.factors["own_movement"] * timing
    return replace(
        one,
        score=round(float(min(1.0, score)), 6),
        factors={name: round(float(value), 6) for name, value in factors.items()},
        change_evidence_id=cause.evidence_id if cause else "",
    )


def change_before(observation: Observation, service: str, onset: float) -> ObservedChange | None:
    """The last change of a service that can have caused what began at `onset`."""
    slack = 2 * observation.step
    fit = [
        one
        for one in observation.changes
        if one.service == service and one.at <= onset + slack and onset - one.at <= LOOK_BACK_SECONDS
    ]
    return max(fit, key=lambda one: one.at, default=None)


def reached_from(calls: Mapping[str, Sequence[str]], start: Iterable[str]) -> frozenset[str]:
    """The given services and everything that they call, directly or not."""
    waiting = list(start)
    reached = set(waiting)
    while waiting:
        for callee in calls.get(waiting.pop(), ()):
            if callee not in reached:
                reached.add(callee)
                waiting.append(callee)
    return frozenset(reached)


def _surge(
    observation: Observation, callers: Mapping[str, Sequence[str]], weighed: Iterable[Weighed]
) -> tuple[frozenset[str], frozenset[str]]:
    """Entries where traffic rose far and rarely, and whoever below them it rose with."""
    rose = {
        one.series.service
        for one in weighed
        if one.series.kind is SeriesKind.TRAFFIC
        and one.goes_up
        and one.strength >= EVIDENT
        and one.current >= SURGE_RATIO * one.normal
    }
    entries = frozenset(service for service in rose if not callers.get(service)) if callers else frozenset()
    return entries, frozenset(rose & reached_from(observation.calls, entries))


def _order(one: Suspect) -> tuple[float, float, float]:
    return (-one.score, math.inf if one.onset is None else one.onset, -one.deviations)
