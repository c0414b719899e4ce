"""An observation with everything weighed once, arranged for asking: who changed, who calls whom, how often."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.hypotheses.derive import callers_of, calls_made, on_the_way
from shared.hypotheses.observation import Observation, SeriesKind, Weighed
from shared.hypotheses.weigh import gone, weigh

EVIDENT = 0.3
"""A series as strong is off beyond doubt: its whole change explains."""
SURGE_RATIO = 1.5

LATENCIES = frozenset({SeriesKind.LATENCY, SeriesKind.CLIENT_LATENCY})
FAILURES = frozenset({SeriesKind.ERRORS, SeriesKind.AVAILABILITY})
PROPAGATING = LATENCIES | FAILURES | {SeriesKind.LOG_ERRORS}
OWN_SYMPTOMS = frozenset({SeriesKind.LATENCY, *FAILURES})
INPUT = frozenset(SeriesKind) - {SeriesKind.CALLER_LATENCY, SeriesKind.CALLEE_LATENCY}


class Reach(dict[str, frozenset[str]]):
    """Who is reached from whom, found once for each that is asked."""

    def __init__(self, calls: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self._calls = calls

    def __missing__(self, service: str) -> frozenset[str]:
        self[service] = found = reached_from(self._calls, [service])
        return found


@dataclass(frozen=True)
class Picture:
    """What the ranker asks; nothing in it depends on names or on the order of series."""

    seen: Observation
    weighed: Sequence[Weighed]
    callers: Mapping[str, Sequence[str]]
    calling_on: Mapping[str, frozenset[str]]
    """Caller → its callees that call somebody themselves."""
    changes: Mapping[str, Mapping[tuple[SeriesKind, str], Weighed]]
    """Service → kind and statistic → what moved most."""
    gaps: Mapping[tuple[str | None, str], Weighed]
    """Caller and callee → what is lost between them."""
    gone: Mapping[str, Weighed]
    """Services of which nothing is measured any more."""
    rates: Mapping[str, float]
    """How many requests each service gets, in any unit that they share."""
    family: frozenset[SeriesKind]
    """The kinds of series to which what alerted belongs."""
    cone: frozenset[str] | None
    """Where the target's trouble can come from; None where nobody knows whom it calls."""
    surges: frozenset[str]
    """Entries at which far more requests come in."""
    surged: frozenset[str]
    """Who gets more requests for it."""
    reach: Mapping[str, frozenset[str]]
    """Service → itself and whom it calls, directly or not; found when asked."""

    def of(self, service: str, kind: SeriesKind, statistic: str) -> Weighed | None:
        """A service's series."""
        return self.changes.get(service, {}).get((kind, statistic))

    def is_measured(self, service: str) -> bool:
        """Whether a service has any series of its own."""
        return bool(self.changes.get(service))

    def symptoms_of(self, service: str) -> list[Weighed]:
        """What it shows itself of latency and failures, if it got worse."""
        own = self.changes.get(service, {})
        return [one for (kind, _), one in own.items() if kind in OWN_SYMPTOMS and one.strength > 0]

    @property
    def calls(self) -> Mapping[str, Sequence[str]]:
        """Caller → callees."""
        return self.seen.calls


def picture_of(observation: Observation) -> Picture:
    """Weigh everything, and arrange it."""
    series = [one for one in observation.series if one.kind in INPUT]
    derived = [*on_the_way(observation), *calls_made(observation)]
    weighed = [*weigh(observation, [*series, *derived]), *observation.weighed]
    changes: dict[str, dict[tuple[SeriesKind, str], Weighed]] = defaultdict(dict)
    gaps: dict[tuple[str | None, str], Weighed] = {}
    for one in weighed:
        named = one.series
        if named.kind is SeriesKind.ON_THE_WAY:
            gaps[named.peer, named.service] = _louder(one, gaps.get((named.peer, named.service)))
        elif named.kind is not SeriesKind.CALLS_MADE:
            of_service, key = changes[named.service], (named.kind, named.statistic)
            of_service[key] = _louder(one, of_service.get(key))
    callers, target = callers_of(observation.calls), observation.target
    surges, surged = _surge(observation, callers, weighed)
    return Picture(
        seen=observation,
        weighed=weighed,
        callers=callers,
        calling_on={
            caller: frozenset(callee for callee in callees if observation.calls.get(callee))
            for caller, callees in observation.calls.items()
        },
        changes=changes,
        gaps=gaps,
        gone=gone(observation),
        rates=_rates(weighed),
        family=next((one for one in (LATENCIES, FAILURES) if observation.target_kind in one), frozenset()),
        cone=reached_from(observation.calls, [target]) if observation.calls.get(target) else None,
        surges=surges,
        surged=surged,
        reach=Reach(observation.calls),
    )


def loudness(one: Weighed) -> tuple[float, float, float]:
    """What decides between two series; never a name."""
    return (one.strength, one.z, one.change)


def _louder(one: Weighed, other: Weighed | None) -> Weighed:
    return one if other is None or loudness(one) > loudness(other) else other


def _rates(weighed: Iterable[Weighed]) -> dict[str, float]:
    found: dict[str, float] = {}
    for one in weighed:
        if one.series.kind is SeriesKind.TRAFFIC:
            found[one.series.service] = max(one.normal, found.get(one.series.service, 0.0))
    return found


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
