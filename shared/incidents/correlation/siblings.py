"""Services that fell ill together because of one that all of them call and that has no alerts of its own.

A third party that nobody monitors is such a one. Much is called by several and ails, so this is asked last, and only
of a callee that calls nobody, when every known caller of it is ill and nothing else explains any of them.
"""

from collections.abc import Iterator, Mapping, Set
from itertools import combinations

from shared.incidents.correlation.features import change_of, illness_of, score_of, time_between
from shared.incidents.correlation.links import Link, Surroundings, best_first
from shared.incidents.correlation.relations import CALLEE_FAR, CallGraph
from shared.models.correlation import CorrelationPolicy, Features, ServiceNode


def siblings_among(
    unexplained: Set[str], nodes: Mapping[str, ServiceNode], around: Surroundings, policy: CorrelationPolicy
) -> list[Link]:
    """The links that the tenant's threshold allows, the best first: who fell ill later leans on who did before."""
    if around.calls is None:
        return []
    changes = around.changes_of_each()
    puzzling = {
        name for name in unexplained if nodes[name].service_failure and change_of(nodes[name], changes) is None
    }
    found = {}
    for callers in _all_ill(CallGraph(around.calls), puzzling, nodes.keys()):
        in_order = sorted((nodes[name] for name in callers), key=lambda one: (one.first_started_at, one.service_name))
        for cause, effect in combinations(in_order, 2):
            link = _link(effect, cause, policy)
            if link and link.score >= policy.link_at:
                found[link.effect, link.cause] = link
    return best_first(found.values(), nodes)


def _all_ill(graph: CallGraph, puzzling: Set[str], alerting: Set[str]) -> Iterator[frozenset[str]]:
    """The callers of each silent callee all of whose callers puzzle us."""
    for callee, callers in graph.callers.items():
        is_silent_end = callee not in alerting and callee not in graph.callees
        if is_silent_end and len(callers) > 1 and callers <= puzzling:
            yield callers


def _link(effect: ServiceNode, cause: ServiceNode, policy: CorrelationPolicy) -> Link | None:
    time = time_between(effect, cause, window_seconds=policy.window_seconds)
    if time is None:
        return None
    features = Features(time=time, topology=CALLEE_FAR)
    score = score_of(features, illness=min(illness_of(effect), illness_of(cause)))
    return Link(effect.service_name, cause.service_name, score, features)
