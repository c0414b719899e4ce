"""Every link between two services that is good enough, scored from what is known around them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.incidents.correlation.features import change_of, illness_of, score_of, time_between
from shared.incidents.correlation.places import SAME_PLACE, places_of, same_owner
from shared.incidents.correlation.relations import NOTHING, CallGraph
from shared.models.correlation import CorrelationPolicy, Features, ServiceNode, Verdict


@dataclass(frozen=True)
class Surroundings:
    """What is known beside the alerts; None is unknown."""

    calls: Mapping[str, frozenset[str]] | None = None
    changes: Sequence[tuple[str, datetime, str]] | None = None
    history: Mapping[frozenset[str], Verdict] | None = None

    def changes_of_each(self) -> Mapping[str, Sequence[datetime]]:
        """When each service was changed, as far as that is known."""
        found: dict[str, list[datetime]] = defaultdict(list)
        for service, at, _ in self.changes or ():
            found[service].append(at)
        return found


@dataclass(frozen=True)
class Link:
    """One service leans on another."""

    effect: str
    cause: str
    score: float
    features: Features


def links_between(nodes: Mapping[str, ServiceNode], around: Surroundings, policy: CorrelationPolicy) -> list[Link]:
    """The links that the tenant's threshold allows, the best first; equal ones by who began first, then by name."""
    scorer = _Scorer(nodes, around, policy)
    return best_first([link for link in scorer.links() if link.score >= policy.link_at], nodes)


def best_first(links: Iterable[Link], nodes: Mapping[str, ServiceNode]) -> list[Link]:
    """The order in which links are taken, the same for the same links."""
    return sorted(links, key=lambda one: (-one.score, nodes[one.cause].first_started_at, one.cause, one.effect))


class _Scorer:
    """Looks only at pairs that something relates: of all pairs those are few."""

    def __init__(self, nodes: Mapping[str, ServiceNode], around: Surroundings, policy: CorrelationPolicy) -> None:
        self._nodes = nodes
        self._window = policy.window_seconds
        self._graph = CallGraph(around.calls) if around.calls is not None else None
        self._places = places_of(list(nodes.values()))
        self._changes = around.changes_of_each()
        self._confirmed = frozenset(self._sharing())

    def links(self) -> Iterator[Link]:
        causes: dict[str, set[str]] = defaultdict(set)
        for effect, cause in self._places:
            causes[effect].add(cause)
        for effect, node in self._nodes.items():
            related = self._related(node)
            for cause in causes[effect].union(related):
                link = self._link(node, self._nodes[cause], related.get(cause, NOTHING))
                if link:
                    yield link

    def _sharing(self) -> Iterator[str]:
        """Who names the very place that another one names that fell ill then: neither of their warnings is alone."""
        for (effect, cause), value in self._places.items():
            both = self._nodes[effect], self._nodes[cause]
            if value == SAME_PLACE and all(one.service_failure for one in both) and self._time(*both) is not None:
                yield from (effect, cause)

    def _related(self, effect: ServiceNode) -> dict[str, float]:
        if self._graph is None:
            return {}
        name = effect.service_name
        near = [
            one for one in self._graph.around(name) if one in self._nodes and self._time(effect, self._nodes[one])
        ]
        return self._graph.explaining(name, frozenset(near))

    def _time(self, effect: ServiceNode, cause: ServiceNode) -> float | None:
        return time_between(effect, cause, window_seconds=self._window)

    def _link(self, effect: ServiceNode, cause: ServiceNode, relation: float) -> Link | None:
        time = self._time(effect, cause)
        # A rule that could not be evaluated explains nothing.
        if time is None or not cause.service_failure:
            return None
        pair = (effect.service_name, cause.service_name)
        features = Features(
            time=time,
            topology=relation if self._knows(*pair) else None,
            labels=self._places.get(pair) or same_owner(effect, cause),
            change=change_of(cause, self._changes),
        )
        illness = min(illness_of(effect, self._confirmed), illness_of(cause, self._confirmed))
        return Link(*pair, score_of(features, illness=illness), features)

    def _knows(self, effect: str, cause: str) -> bool:
        return self._graph is not None and self._graph.knows(effect) and self._graph.knows(cause)
