"""Who calls the alerting service and whom it calls, up to two hops away, by service-graph metrics."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import replace

from shared.context.conventions import GRAPH_CALLS, GRAPH_FAILED, edge_rate, error_ratio
from shared.context.look import MAX_SERVICE_CHARS, Collected, Look, View, shared_task
from shared.context.neighbourhood import Edge, Neighbourhood, select
from shared.context.window import Window
from shared.errors import CopilotError
from shared.models.evidence import EdgeEvidence
from shared.ports.metrics import Answer, Sample

MAX_EDGES = 300
_ASKED_EDGES = 500


async def collect_topology(view: View) -> Collected:
    """The calls around the alerting service; raises as `find_neighbourhood` does."""
    found = await shared_task(view.finding)
    return Collected(
        evidence=found.edges,
        warnings=found.warnings,
        failure=found.failure,
        why_empty="no_service_graph",
        as_of=found.as_of,
        is_stale=found.is_stale,
    )


async def find_neighbourhood(view: View) -> Neighbourhood:
    """Ask the service graph twice: for the service, then for its neighbours; raises as the source does."""
    look = await view.look()
    near = await _edges(look, [look.service])
    beside = sorted({name for edge in _rates(near) for name in edge} | {look.service})
    # Both are awaited to their end, so that none goes on asking after the other failed.
    far, failed = await asyncio.gather(_edges(look, beside), _failed(look, beside), return_exceptions=True)
    if isinstance(far, BaseException):
        raise far
    match failed:
        case Answer():
            return _neighbourhood(look.service, [near, far], failed)
        case CopilotError():
            known = _neighbourhood(look.service, [near, far], Answer())
            return replace(known, failure=failed.reason)
        case BaseException():
            raise failed


def _neighbourhood(service: str, graph: Sequence[Answer], failed: Answer) -> Neighbourhood:
    calls = {edge: rate for answer in graph for edge, rate in _rates(answer).items()}
    ratios = _rates(failed)
    neighbours, left_out = select(service, calls)
    kept = {service, *neighbours}
    inside = sorted((edge for edge in calls if kept.issuperset(edge)), key=lambda edge: (-calls[edge], edge))
    counts = {
        f"more services around {service} are left out": left_out,
        "calls between services with overlong names are left out": len({e for one in graph for e in _overlong(one)}),
        "less frequent calls between services are left out": len(inside[MAX_EDGES:]),
    }
    return Neighbourhood(
        neighbours=neighbours,
        edges=tuple(
            EdgeEvidence(caller=edge[0], callee=edge[1], calls_per_second=calls[edge], failed_ratio=ratios.get(edge))
            for edge in inside[:MAX_EDGES]
        ),
        warnings=(
            *(warning for answer in (*graph, failed) for warning in answer.warnings),
            *(f"{count} {what}" for what, count in counts.items() if count),
        ),
    )


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
    found = {_edge(sample): sample.value for sample in answer.samples}
    return {
        edge: value
        for edge, value in found.items()
        if all(edge) and edge[0] != edge[1] and not _is_overlong(edge) and math.isfinite(value)
    }


def _overlong(answer: Answer) -> set[Edge]:
    return {edge for edge in map(_edge, answer.samples) if _is_overlong(edge)}


def _is_overlong(edge: Edge) -> bool:
    """Whether a name could not be kept whole; once cut, it might be taken for another."""
    return max(map(len, edge)) > MAX_SERVICE_CHARS


def _edge(sample: Sample) -> Edge:
    return sample.labels.get("client", ""), sample.labels.get("server", "")
