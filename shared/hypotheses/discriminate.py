"""The next query when the suspects cannot be told apart: what was not looked at, and would come out differently.

A suspect predicts that itself and whoever calls it, directly or not, show the trouble, and that nobody else does. A
query is only ever made of a query that the snapshot's own evidence was found by, so its metrics are known to exist.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

from shared.hypotheses.wording import plain
from shared.models.evidence import EdgeEvidence, EdgeSource, SeriesEvidence
from shared.models.hypotheses import Hypothesis, NextQuery
from shared.models.measures import Direction, Metric
from shared.models.quantities import clock
from shared.models.snapshots import SectionName, SnapshotBody

MAX_SUSPECTS = 3
MAX_QUERY_CHARS = 1000
MAX_SENTENCE_CHARS = 400
PROPAGATING = (Metric.ERROR_RATIO, Metric.LATENCY_P95)
NOT_LOOKED_AT, WAY_BETWEEN, ORDER_OF_ONSETS = 1.0, 0.8, 0.5
"""How surely the outcomes differ: a healthy service excludes a suspect; onsets may be too close even then."""

_WORDS = {Metric.ERROR_RATIO: "share of errors", Metric.LATENCY_P95: "95th percentile of the latency"}
_SAFE_NAME = re.compile(r"[A-Za-z0-9_./:-]{1,119}")
"""Shorter than `plain` cuts: half a name is nobody's."""
_CLIENTS_VIEW = (
    # Both proxies of a call report it, under the same name; and a service graph has a histogram of either end.
    (EdgeSource.ISTIO, 'reporter="destination"', 'reporter="source"'),
    (EdgeSource.SERVICE_GRAPH, "_request_server_seconds", "_request_client_seconds"),
)
_NOW_OF_MANY = re.compile(r'label_replace\((?P<now>.*?), "back", "0", "", ""\)', re.DOTALL)


@dataclass(frozen=True)
class _Known:
    """What the snapshot holds that predictions are made from."""

    onset: str
    is_blind: bool
    """Whether some services could not be measured, so that one more question may be answered now."""
    series: dict[tuple[str, Metric], SeriesEvidence]
    edges: dict[tuple[str, str], EdgeEvidence]
    hurt_by: dict[str, frozenset[str]]
    """By service: itself and everybody who calls it, directly or not."""

    @property
    def services(self) -> list[str]:
        """Everybody who calls or is called."""
        return sorted({name for edge in self.edges for name in edge})


def next_query(body: SnapshotBody, suspects: Sequence[Hypothesis]) -> NextQuery:
    """The most discriminating question about these suspects, the likeliest first."""
    likeliest: dict[str, float] = {}
    for one in sorted(suspects, key=lambda one: (-(one.confidence or 0.0), one.rank)):
        likeliest.setdefault(one.suspected_service, one.confidence or 0.0)
    names = list(likeliest)[:MAX_SUSPECTS]
    known = _known(body, names)
    if len(names) == 1:
        return _about(names[0], known)
    asked = [
        (weight * min(likeliest[first], likeliest[second]), -at, question)
        for at, (first, second) in enumerate(combinations(names, 2))
        for weight, question in _between(first, second, known)
    ]
    return max(asked, key=lambda one: one[:2])[2] if asked else _by_logs(names[0], names[1], known)


def sentence(asked: NextQuery) -> str:
    """The question as a next step; without its query where that does not fit whole, as half of one cannot be run."""
    told = f"{asked.look_at} Run: {asked.query}"
    return told if asked.query and len(told) <= MAX_SENTENCE_CHARS else asked.look_at


def _known(body: SnapshotBody, names: Sequence[str]) -> _Known:
    series: dict[tuple[str, Metric], SeriesEvidence] = {}
    edges: dict[tuple[str, str], EdgeEvidence] = {}
    for piece in body.evidence():
        match piece:
            case SeriesEvidence() if piece.metric in PROPAGATING:
                series.setdefault((plain(piece.service), piece.metric), piece)
            case EdgeEvidence():
                edges.setdefault((plain(piece.caller), plain(piece.callee)), piece)
    callers: dict[str, set[str]] = defaultdict(set)
    for caller, callee in edges:
        callers[callee].add(caller)
    looked = [body.section(name) for name in (SectionName.TRAFFIC, SectionName.DEPENDENCIES)]
    return _Known(
        onset=clock(body.onset_at),
        is_blind=any(one is None or not one.status.is_known for one in looked),
        series=series,
        edges=edges,
        hurt_by={name: _reached(name, callers) for name in names},
    )


def _reached(name: str, callers: dict[str, set[str]]) -> frozenset[str]:
    reached, waiting = {name}, [name]
    while waiting:
        for caller in callers.get(waiting.pop(), set()) - reached:
            reached.add(caller)
            waiting.append(caller)
    return frozenset(reached)


def _between(first: str, second: str, known: _Known) -> Iterator[tuple[float, NextQuery]]:
    """Questions whose outcome differs for two suspects, with how surely it does."""
    for metric in PROPAGATING:
        yield from ((NOT_LOOKED_AT, one) for one in _not_looked_at(first, second, metric, known))
    yield from ((WAY_BETWEEN, one) for one in _way_between(first, second, known))
    yield from ((ORDER_OF_ONSETS, one) for one in _order_of_onsets(first, second, known))


def _not_looked_at(first: str, second: str, metric: Metric, known: _Known) -> Iterator[NextQuery]:
    """A service that one suspect predicts to be ill and the other to be well, and that nobody measured."""
    # Where everybody was asked for, who has no series has none.
    asked_of = _asked_of_another(metric, known) if known.is_blind else None
    if asked_of is None:
        return
    # The suspects themselves first.
    for service in dict.fromkeys((first, second, *known.services)):
        ill = {name: service in known.hurt_by[name] for name in (first, second)}
        is_news = (service, metric) not in known.series and _SAFE_NAME.fullmatch(service)
        query = asked_of(service)
        if is_news and ill[first] is not ill[second] and len(query) <= MAX_QUERY_CHARS:
            worse, usual = f"{service} is worse than usual since {known.onset}", f"{service} is as usual"
            yield _question(
                f"Ask for the {_WORDS[metric]} of {service}, which could not be measured.",
                {name: worse if is_ill else usual for name, is_ill in ill.items()},
                query,
            )


def _asked_of_another(metric: Metric, known: _Known) -> Callable[[str], str] | None:
    """How this metric was asked for of one service, for any other; None where nobody's is known."""
    for (name, found), piece in sorted(known.series.items()):
        asked = _query_of(piece)
        if found is metric and asked and f'"{name}"' in asked:
            return partial(_instead, asked, name)
    return None


def _instead(asked: str, name: str, other: str) -> str:
    return asked.replace(f'"{name}"', f'"{other}"')


def _way_between(first: str, second: str, known: _Known) -> Iterator[NextQuery]:
    """What a caller waits beyond what the callee says it took: spent at the caller, or on the way."""
    for caller, callee in ((first, second), (second, first)):
        edge, piece = known.edges.get((caller, callee)), known.series.get((callee, Metric.LATENCY_P95))
        servers = _query_of(piece) if piece and _is_worse(piece) else None
        if edge is None or servers is None:
            continue
        for source, server, client in _CLIENTS_VIEW:
            query = f"({servers.replace(server, client)}) - ({servers})"
            if source in edge.told_by and server in servers and len(query) <= MAX_QUERY_CHARS:
                yield _question(
                    f"Compare how long {caller} waits for {callee} with how long {callee} says it takes.",
                    {
                        caller: f"{caller} waits longer than {callee} takes since {known.onset}",
                        callee: f"the difference is as usual: {callee} itself takes longer",
                    },
                    query,
                )


def _order_of_onsets(first: str, second: str, known: _Known) -> Iterator[NextQuery]:
    """Two that moved: finely enough looked at, the cause moved first."""
    for metric in PROPAGATING:
        one, other = known.series.get((first, metric)), known.series.get((second, metric))
        if one is None or other is None or not (_is_worse(one) and _is_worse(other)):
            continue
        query, also = _query_of(one), _query_of(other)
        both = f"({query}) or ({also})"
        if query and also and len(both) <= MAX_QUERY_CHARS:
            yield _question(
                f"Draw the {_WORDS[metric]} of both around {known.onset}, at the shortest step there is.",
                {first: f"{first} rises before {second}", second: f"{second} rises before {first}"},
                both,
            )


def _about(name: str, known: _Known) -> NextQuery:
    """Of a lone suspect: whether what is held against it is unusual at all."""
    worse = [piece for (service, _), piece in sorted(known.series.items()) if service == name and _is_worse(piece)]
    query = next((asked for piece in worse if (asked := _query_of(piece))), None)
    if query is None:
        expected = f"errors or slow work of its own that were not there before {known.onset}"
        return _question(f"Look at the logs of {name} since {known.onset}.", {name: expected})
    return _question(
        f"Draw it over the last day and week: was {name} ever like this before?",
        {name: f"it was steady for days and left that at {known.onset}"},
        query,
    )


def _by_logs(first: str, second: str, known: _Known) -> NextQuery:
    pairs = ((first, second), (second, first))
    return _question(
        f"Look at the logs of {first} and of {second} since {known.onset}.",
        {
            one: f"{one} tells of errors or slow work of its own, {other} only of failing calls"
            for one, other in pairs
        },
    )


def _question(look_at: str, expected: Mapping[str, str], query: str | None = None) -> NextQuery:
    return NextQuery(query=query, look_at=look_at[:400], distinguishes=tuple(expected), expected=expected)


def _is_worse(piece: SeriesEvidence) -> bool:
    return piece.movement.direction is Direction.UP


def _query_of(piece: SeriesEvidence) -> str | None:
    """By which query a series was found, of now alone; None where that is not known, or too long to show."""
    asked = piece.query or ""
    of_many = _NOW_OF_MANY.match(asked)
    query = of_many["now"] if of_many else asked
    return query if 0 < len(query) <= MAX_QUERY_CHARS else None
