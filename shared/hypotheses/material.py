"""Which evidence a model is shown, in which order, and how much of it: a storm makes a prompt no longer. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any

from shared.hypotheses.fences import line_of
from shared.hypotheses.rendering import Shown, alerts, grouped, moment, moved, number, related, shown, steady
from shared.hypotheses.tokens import estimated_tokens
from shared.hypotheses.wording import plain
from shared.models.evidence import (
    AlertEvidence,
    EdgeEvidence,
    Evidence,
    LimitEvidence,
    RelatedEvidence,
    RunbookEvidence,
    SeriesEvidence,
)
from shared.models.hypotheses import HypothesisSet
from shared.models.measures import Direction, Pressure
from shared.models.snapshots import SectionStatus, SnapshotBody

MAX_STABLE_TOKENS = 2_300
MAX_MATERIAL_TOKENS = 2_900
MAX_SUSPECTS, MAX_CITED, MAX_FIRST = 5, 4, 3
MAX_IN_FULL = 6
"""Series that moved most are shown whole; of the others, how they were and are."""
MAX_WITH_QUERY, MAX_QUERY_CHARS = 2, 400
FAILS_FROM = 0.001
"""A call of which less fails says nothing that the topology does not."""
_A_TURN = {"series": 6, "change": 3, "edge": 3, "alert": 3, "limit": 3}
"""How many of a kind are shown before the next ones of the other kinds."""


def stable_lines(body: SnapshotBody) -> list[str]:
    """What is the same for the next incident of the same service: who calls whom, and what runbooks say of it.

    No number that is measured is in it, and its order is that of names: a prefix that a provider can keep.
    """
    edges = {(plain(one.caller), plain(one.callee)): one for one in body.evidence() if isinstance(one, EdgeEvidence)}
    calls: dict[str, list[str]] = defaultdict(list)
    for caller, callee in _nearest_first(body.service, edges):
        calls[caller].append(callee)
    books = sorted((one for one in body.evidence() if isinstance(one, RunbookEvidence)), key=lambda one: one.id)
    topology = [_calls_of(caller, calls[caller], edges) for caller in sorted(calls)]
    return _within(MAX_STABLE_TOKENS, [line_of(one) for one in (*topology, *map(shown, books))])


def _calls_of(caller: str, callees: list[str], edges: Mapping[tuple[str, str], EdgeEvidence]) -> Shown:
    rows = [[edges[caller, callee].id, callee, edges[caller, callee].callee_kind.value] for callee in sorted(callees)]
    return {"kind": "calls", "trust": "measured", "caller": caller, "callees": rows}


def _nearest_first(service: str, edges: Mapping[tuple[str, str], EdgeEvidence]) -> Iterator[tuple[str, str]]:
    """The calls in the order in which a walk from the service meets them, as far as the prompt has room."""
    waiting, met, told = [plain(service)], {plain(service)}, set()
    around: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for edge in sorted(edges):
        around[edge[0]].append(edge)
        around[edge[1]].append(edge)
    while waiting:
        for edge in around[waiting.pop(0)]:
            if edge not in told:
                told.add(edge)
                yield edge
            for end in edge:
                if end not in met:
                    met.add(end)
                    waiting.append(end)
    yield from (edge for edge in sorted(edges) if edge not in told)


def material_lines(body: SnapshotBody, ranked: HypothesisSet) -> list[str]:
    """This incident: what is known of it, what our code suspects, and the evidence, the most telling first."""
    return _within(MAX_MATERIAL_TOKENS, [line_of(head(body, ranked)), *map(line_of, _most_telling_first(body))])


def head(body: SnapshotBody, ranked: HypothesisSet) -> Mapping[str, Any]:
    """What the incident is about, in our own words and numbers."""
    unknown = {one.name.value: one.status.value for one in body.sections if one.status is not SectionStatus.OK}
    return {
        "kind": "incident",
        "trust": "measured",
        "alerting_service": plain(body.service),
        "onset_at": moment(body.onset_at),
        "window": [moment(body.window_start), moment(body.window_end)],
        "alerts": sum(isinstance(one, AlertEvidence) for one in body.evidence()),
        "sections_not_ok": unknown,
        "first_movers": [list(group[:MAX_FIRST]) for group in body.first_movers[:MAX_FIRST]],
        "suspects": [
            {
                "service": one.suspected_service,
                "change": one.suspected_change,
                "score": number(one.score),
                "supporting": list(one.supporting[:MAX_CITED]),
            }
            for one in ranked.hypotheses[:MAX_SUSPECTS]
        ],
    }


def _most_telling_first(body: SnapshotBody) -> list[Shown]:
    """What has to be left out for length is what moved least, and the last of each kind: a hundred alerts, or edges
    with long questions, must not take the place of what was measured.
    """
    of_kind: dict[str, int] = defaultdict(int)
    turns: list[tuple[int, Shown]] = []
    for one in _told(body):
        kind = one["kind"]
        turns.append((of_kind[kind] // _A_TURN.get(kind, 1), one))
        of_kind[kind] += 1
    return [one for _, one in sorted(turns, key=itemgetter(0))]


def _told(body: SnapshotBody) -> Iterator[Shown]:
    pieces = list(body.evidence())
    series = [one for one in pieces if isinstance(one, SeriesEvidence)]
    departed = [one for one in series if one.movement.direction is not Direction.STEADY]
    departed.sort(key=lambda one: -one.movement.score)
    yield from map(_with_query, departed[:MAX_WITH_QUERY])
    yield from map(shown, departed[MAX_WITH_QUERY:MAX_IN_FULL])
    yield from map(alerts, grouped(one for one in pieces if isinstance(one, AlertEvidence)))
    yield from (shown(one) for one in pieces if _is_told_alone(one))
    still = [one for one in series if one.movement.direction is Direction.STEADY]
    if departed[MAX_IN_FULL:]:
        yield moved(departed[MAX_IN_FULL:])
    if still:
        yield steady(still)
    yield from map(related, grouped(one for one in pieces if isinstance(one, RelatedEvidence)))


def _with_query(piece: SeriesEvidence) -> Shown:
    """A series and how it was asked for: what a check can be written after. A query cut in two would be none."""
    is_short = piece.query is not None and len(piece.query) <= MAX_QUERY_CHARS
    return {**shown(piece), "query": piece.query if is_short else None}


def _is_told_alone(piece: Evidence) -> bool:
    match piece:
        case SeriesEvidence() | AlertEvidence() | RelatedEvidence() | RunbookEvidence():
            return False
        case EdgeEvidence():
            return (piece.failed_ratio or 0.0) >= FAILS_FROM or piece.is_silent
        case LimitEvidence():
            return piece.pressure is not Pressure.BELOW
        case _:
            return True


def _within(tokens: int, lines: Iterable[str]) -> list[str]:
    """The lines as far as there is room. One that is too long must not hide all that come after it."""
    kept = []
    for line in lines:
        cost = estimated_tokens(line) + 1
        if cost <= tokens:
            kept.append(line)
            tokens -= cost
    return kept
