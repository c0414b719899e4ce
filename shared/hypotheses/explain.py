"""What a service's callees account for of its change, by what is measured of them and of the calls between."""

import math
from collections.abc import Iterable

from shared.hypotheses.observation import SeriesKind, Weighed
from shared.hypotheses.picture import EVIDENT, FAILURES, LATENCIES, Picture
from shared.models.evidence import NodeKind

EXPLAINS_FROM = 0.3
"""The share of a caller's change from which on a callee explains half of it: a tiny wobble must not exonerate."""
DEAD_FROM = 0.5
"""From this share of failed calls on, a callee that says nothing of itself is taken for dead."""
HANGS_FROM = 20.0
"""From this many times its usual latency on, callers give up on a callee and count errors of their own."""
TAILS = {"p75": 0.25, "p90": 0.1, "p95": 0.05, "p99": 0.01, "p999": 0.001}
"""The share of requests that makes up what lies above a quantile."""


def explained(picture: Picture, one: Weighed) -> float:
    """How much of a propagating change the callees account for, 0 to 1."""
    if one.strength <= 0 or one.change <= 0:
        return 0.0
    callees = set(picture.calls.get(one.series.service, ())) - {one.series.service}
    covered = math.fsum(_carried(picture, one, callee) for callee in callees) if callees else _behind(picture, one)
    return min(1.0, covered / one.change / (2 * EXPLAINS_FROM))


def is_dead(picture: Picture, caller: str, callee: str) -> bool:
    """Whether calls fail while the callee itself is silent, or gets far fewer requests than it did."""
    edge = picture.seen.edges.get((caller, callee))
    if edge is None or (edge.failed or 0.0) < DEAD_FROM:
        return False
    traffic = [one for (kind, _), one in picture.changes.get(callee, {}).items() if kind is SeriesKind.TRAFFIC]
    return not traffic or any(one.strength > 0 and not one.goes_up for one in traffic)


def _carried(picture: Picture, one: Weighed, callee: str) -> float:
    if one.series.kind is SeriesKind.LOG_ERRORS:
        return _logged(picture, one, callee)
    if one.series.kind in FAILURES and (callee in picture.gone or _hangs(picture, callee)):
        return one.change
    return _through(
        picture, one, (one.series.service, callee), _calls(picture, one.series.service, callee), frozenset()
    )


def _hangs(picture: Picture, callee: str) -> bool:
    """Whether a callee takes so long that its callers give up: far longer than any of them can be used to."""
    return any(
        one.strength >= EVIDENT and one.current >= HANGS_FROM * one.normal > 0
        for one in picture.symptoms_of(callee)
        if one.series.kind in LATENCIES
    )


def _logged(picture: Picture, one: Weighed, callee: str) -> float:
    """What a caller logs of a callee's failures: about as many as the callee logs, or all while it fails."""
    if callee in picture.gone:
        return one.change
    logged = picture.of(callee, SeriesKind.LOG_ERRORS, one.series.statistic)
    if logged is not None and logged.change <= one.change and one.series.service in picture.reach[callee]:
        logged = None
    failures = [each.strength for each in picture.symptoms_of(callee) if each.series.kind in FAILURES]
    failing = min(1.0, max(failures, default=0.0) / one.strength) * one.change * (2 * EXPLAINS_FROM)
    circular = one.series.service in picture.reach[callee]
    return max(_evident(picture, logged, one), 0.0 if circular else failing)


def _through(
    picture: Picture, one: Weighed, edge: tuple[str, str], calls: float | None, passed: frozenset[str]
) -> float:
    """What a callee's change adds to one request of the service of `one`, which makes that many calls to it."""
    caller, callee = edge
    kind = SeriesKind.LATENCY if one.series.kind in LATENCIES else one.series.kind
    measured = picture.of(callee, kind, one.series.statistic)
    carried = _evident(picture, measured, one) * _in_each(calls, one.series.statistic)
    if measured is not None and measured.change <= one.change and one.series.service in picture.reach[callee]:
        # Of those that call each other in a circle, who changed most is not explained by the others.
        carried = 0.0
    if kind is SeriesKind.LATENCY:
        carried += _evident(picture, picture.gaps.get(edge), one)
    if kind is SeriesKind.ERRORS and edge in picture.seen.edges:
        got_worse = measured is not None and measured.strength > 0
        if got_worse or is_dead(picture, caller, callee):
            carried = max(carried, (picture.seen.edges[edge].failed or 0.0) * (1.0 if calls is None else calls))
    if not picture.is_measured(callee) and callee not in passed:
        passed |= {callee}
        carried = max(
            carried,
            math.fsum(
                _through(picture, one, (callee, below), _joined(calls, _calls(picture, callee, below)), passed)
                for below in set(picture.calls.get(callee, ())) - passed
            ),
        )
    return carried


def _evident(picture: Picture, callee: Weighed | None, caller: Weighed) -> float:
    """The change of a callee, as far as it is beyond doubt; of one that moved later, nothing."""
    if callee is None:
        return 0.0
    if caller.onset is not None and callee.onset is not None and callee.onset > caller.onset + slack(picture):
        return 0.0
    return callee.change * min(1.0, callee.strength / EVIDENT)


def slack(picture: Picture) -> float:
    """Onsets closer than this are a tie: two samples, as two services are not measured at the same moment."""
    return 2 * picture.seen.step + 2


def _calls(picture: Picture, caller: str, callee: str) -> float | None:
    """How many calls one request of the caller makes; None where nobody can tell.

    Where the calls themselves are not counted, all callers of a callee are taken to call it equally often.
    """
    edge = picture.seen.edges.get((caller, callee))
    if edge is not None:
        rate = picture.rates.get(caller) or _rate_into(picture, caller)
        return edge.rate / rate if edge.rate and rate else None
    rates = [picture.rates.get(one, 0.0) for one in picture.callers[callee]]
    own = picture.rates.get(callee, 0.0)
    return own / math.fsum(sorted(rates)) if own and all(rates) else None


def _rate_into(picture: Picture, service: str) -> float:
    """How often a service is called that does not tell itself."""
    edges = (picture.seen.edges.get((caller, service)) for caller in picture.callers.get(service, ()))
    return math.fsum(edge.rate or 0.0 for edge in edges if edge)


def _joined(calls: float | None, below: float | None) -> float | None:
    return below if calls is None else calls if below is None else calls * below


def _in_each(calls: float | None, statistic: str) -> float:
    """How much of a callee's change one request of its caller shows.

    Of a mean, as much as there are calls. A 95th percentile shows the callee whole once one request in twenty waits
    for it, and as often as a request calls it.
    """
    if calls is None:
        return 1.0
    tail = TAILS.get(statistic)
    return max(calls, min(1.0, calls / tail)) if tail else calls


def _behind(picture: Picture, one: Weighed) -> float:
    """Of a leaf, what a sibling that calls on accounts for: the leaf may be its caller's view of the sibling.

    A view is of some of the requests only, so that its mean may show what is a tail of all of them.
    """
    service = one.series.service
    if picture.seen.kinds.get(service, NodeKind.CLIENT_VIEW) is not NodeKind.CLIENT_VIEW:
        return 0.0
    # Of a sibling that reaches the leaf, the leaf is rather the cause.
    siblings = {
        sibling
        for caller in picture.callers.get(service, ())
        for sibling in picture.calling_on[caller]
        if sibling != service and service not in picture.reach[sibling]
    }
    kinds = LATENCIES if one.series.kind in LATENCIES else frozenset({one.series.kind})
    return max((_share(picture, one, each) for each in _of_any(picture, siblings, kinds)), default=0.0)


def _share(picture: Picture, one: Weighed, each: Weighed) -> float:
    ratio = picture.rates.get(each.series.service, 0.0) / (picture.rates.get(one.series.service) or math.inf)
    return each.change * min(1.0, 2 * each.strength / one.strength) * max(1.0, ratio)


def _of_any(picture: Picture, services: Iterable[str], kinds: frozenset[SeriesKind]) -> Iterable[Weighed]:
    for service in services:
        yield from (one for (kind, _), one in picture.changes.get(service, {}).items() if kind in kinds)


def is_material(picture: Picture, one: Weighed) -> float:
    """Whether a change is large enough to make up the target's own in the same statistic, 0 to 1: a wobble is not."""
    hurt = picture.of(picture.seen.target, one.series.kind, one.series.statistic)
    if hurt is None or hurt.series.service == one.series.service or hurt.strength < EVIDENT:
        return 1.0
    here, there = picture.rates.get(picture.seen.target), picture.rates.get(one.series.service)
    calls = max(1.0, there / here) if here and there else 1.0
    return min(1.0, calls * one.change / (EXPLAINS_FROM * hurt.change))
