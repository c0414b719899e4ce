"""Who calls the alerting service and whom it calls, up to two hops away, by service-graph metrics."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass

from shared.context.conventions import GRAPH_CALLS, GRAPH_FAILED, edge_rate, error_ratio
from shared.context.look import Collected, Look
from shared.context.window import Window
from shared.models.evidence import EdgeEvidence, Relation
from shared.ports.metrics import Answer

MAX_SERVICES = 30
MAX_EDGES = 300
HOPS = 2
_ASKED_EDGES = 500

Edge = tuple[str, str]


@dataclass(frozen=True)
class Neighbourhood:
    """The graph around the alerting service; `relations` holds the others, not itself."""

    relations: Mapping[str, Relation]
    edges: tuple[EdgeEvidence, ...]
    warnings: tuple[str, ...] = ()

    def collected(self) -> Collected:
        """The section's evidence."""
        return Collected(evidence=self.edges, warnings=self.warnings, why_empty="no_service_graph")


async def find_neighbourhood(look: Look) -> Neighbourhood:
    """Ask the service graph twice: for the service, then for its neighbours; raises as the source does."""
    near = await _edges(look, [look.service])
    calls = _rates(near)
    beside = sorted({name for edge in calls for name in edge} | {look.service})
    far, failed = await asyncio.gather(_edges(look, beside), _failed(look, beside))
    calls |= _rates(far)
    ratios = _rates(failed)
    relations, left_out = select(look.service, calls)
    kept = {look.service, *relations}
    inside = sorted((edge for edge in calls if kept.issuperset(edge)), key=lambda edge: (-calls[edge], edge))
    warnings = [*near.warnings, *far.warnings, *failed.warnings]
    if left_out:
        warnings.append(f"{left_out} more services around {look.service} are left out")
    return Neighbourhood(
        relations=relations,
        edges=tuple(
            EdgeEvidence(caller=edge[0], callee=edge[1], calls_per_second=calls[edge], failed_ratio=ratios.get(edge))
            for edge in inside[:MAX_EDGES]
        ),
        warnings=tuple(warnings),
    )


def select(service: str, calls: Mapping[Edge, float]) -> tuple[dict[str, Relation], int]:
    """Callees and callers within reach, and how many were left out; the near go first, then the busy."""
    callees = _reach(service, [(caller, callee, rate) for (caller, callee), rate in calls.items()])
    callers = _reach(service, [(callee, caller, rate) for (caller, callee), rate in calls.items()])
    # In a cycle a service is both; as a callee it can be the cause.
    found = {name: (*place, Relation.CALLER) for name, place in callers.items()}
    found |= {name: (*place, Relation.CALLEE) for name, place in callees.items()}
    ordered = sorted(found, key=lambda name: (found[name][0], -found[name][1], name))
    kept = ordered[: MAX_SERVICES - 1]
    return {name: found[name][2] for name in kept}, len(ordered) - len(kept)


def _reach(service: str, links: list[tuple[str, str, float]]) -> dict[str, tuple[int, float]]:
    """By name: how many hops away, and the rate of the calls that lead there."""
    reached: dict[str, tuple[int, float]] = {}
    frontier = {service}
    for hop in range(1, HOPS + 1):
        following: dict[str, float] = {}
        for near, far, rate in links:
            if near in frontier and far != service and far not in reached:
                following[far] = following.get(far, 0.0) + rate
        reached |= {name: (hop, rate) for name, rate in following.items()}
        frontier = set(following)
    return reached


def _graph_seconds(window: Window) -> float:
    return max(window.rate_seconds, min(max(20 * window.scrape_seconds, 60.0), 900.0))


async def _edges(look: Look, names: list[str]) -> Answer:
    """Edges with calls now, and those that had some when the alert began: an outage must not hide its edge."""
    seconds, ago = _graph_seconds(look.window), look.window.seconds_since_reference
    now = edge_rate(GRAPH_CALLS, names, seconds=seconds)
    before = edge_rate(GRAPH_CALLS, names, seconds=seconds, ago=max(1.0, ago))
    return await look.source.query(f"topk({_ASKED_EDGES}, ({now} > 0) or ({before} > 0))", at=look.window.end)


async def _failed(look: Look, names: list[str]) -> Answer:
    """The share of failed calls by edge, over the incident alone as far as that is possible."""
    window = look.window
    seconds = max(window.rate_seconds, min(_graph_seconds(window), window.seconds_since_reference))
    ratio = error_ratio(
        edge_rate(GRAPH_FAILED, names, seconds=seconds), edge_rate(GRAPH_CALLS, names, seconds=seconds)
    )
    return await look.source.query(ratio, at=window.end)


def _rates(answer: Answer) -> dict[Edge, float]:
    found = {
        (sample.labels.get("client", ""), sample.labels.get("server", "")): sample.value for sample in answer.samples
    }
    return {edge: value for edge, value in found.items() if all(edge) and edge[0] != edge[1] and math.isfinite(value)}
