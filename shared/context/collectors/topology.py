"""Who calls the alerting service and whom it calls, up to two hops away, by everybody who tells of calls."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from shared.context.edges.asking import calls_around, failures_around
from shared.context.edges.graph import Asked, Joined, joined, neighbourhood
from shared.context.edges.kept import Kept, kept_of
from shared.context.edges.reading import read
from shared.context.look import Collected, Look, NotConfigured, View, shared_task
from shared.context.neighbourhood import Edge, Neighbourhood, select
from shared.context.window import Window
from shared.errors import CopilotError, SourceUnavailable
from shared.models.conventions import ServiceNames
from shared.models.topology import DeclaredTopology
from shared.ports.metrics import Answer
from shared.ports.stores import Versioned

PATIENCE_SECONDS = 4.0
"""How long Prometheus may take where the graph is known from before: others wait for it."""
LEAST_AGO_SECONDS = 150.0
"""What was so "before" lies at least this far back: the source's clock, or its scrapes, may be two minutes behind."""


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


async def find_neighbourhood(view: View, *, patience_seconds: float = PATIENCE_SECONDS) -> Neighbourhood:
    """What is measured now, with what is known from before and declared; or, where nobody can be asked, those alone.

    Raises as the source does, and NotConfigured, where nothing is known at all.
    """
    kept = await _kept(view)
    try:
        async with asyncio.timeout(patience_seconds if kept.knows(view.service) else None):
            found = await _measured(view, kept)
    except (CopilotError, TimeoutError) as exc:
        if not kept.knows(view.service):
            raise
        found = _unmeasured(view, kept, exc)
    return replace(found, warnings=(*kept.warnings, *found.warnings))


async def _kept(view: View) -> Kept:
    """What the stores know. One that fails costs the memory alone."""
    records = view.services.records
    known, declared, named = await asyncio.gather(
        view.services.surroundings.topology(view.tenant_id),
        records.read(view.tenant_id, DeclaredTopology, DeclaredTopology.id_for()),
        records.read(view.tenant_id, ServiceNames, ServiceNames.id_for()),
        return_exceptions=True,
    )
    read_ones = (("kept topology", known), ("declared topology", declared), ("names of services", named))
    troubles = [
        f"the {what} could not be read: {_reason(one)}" for what, one in read_ones if isinstance(one, BaseException)
    ]
    kept = kept_of(
        known.value if isinstance(known, Versioned) else None,
        declared.value if isinstance(declared, Versioned) else None,
        [view.service],
        now=view.now,
        named=named.value if isinstance(named, Versioned) else None,
    )
    return replace(kept, warnings=tuple(troubles))


async def _measured(view: View, kept: Kept) -> Neighbourhood:
    """Three questions; two where the graph was measured of late, and only how it does now has to be asked for."""
    look = await view.look()
    is_fresh = kept.is_fresh(now=view.now)
    near = [] if is_fresh else [await _calls(look, kept.every_name([view.service]))]
    beside = _beside(joined(kept, _asked(look, kept, near, Answer(), [view.service]) if near else None), view.service)
    names = kept.every_name(beside)
    # Both are awaited to their end, so that none goes on asking after the other failed.
    far, failed = await asyncio.gather(_calls(look, names), _failures(look, names), return_exceptions=True)
    failure = None
    if isinstance(failed, BaseException):
        failure, failed = _reason(failed), Answer()
    if isinstance(far, BaseException):
        if not near:
            raise far
        failure, asked = _reason(far), _asked(look, kept, near, failed, [view.service])
    else:
        asked = _asked(look, kept, [*near, far], failed, beside)
    if not asked.reading.edges and kept.has_measured(view.service):
        raise SourceUnavailable("nobody tells of any call though some were known", reason="no_calls_measured")
    found = neighbourhood(view.service, joined(kept, asked), kept.kinds)
    told = replace(found, warnings=(*asked.reading.warnings, *found.warnings), failure=failure)
    return _fetched(told, view.now, as_of=kept.looked_at) if is_fresh else told


def _unmeasured(view: View, kept: Kept, trouble: CopilotError | TimeoutError) -> Neighbourhood:
    """The graph as it was when it was last measured. To declare it is enough for whom nothing is connected."""
    found = neighbourhood(view.service, joined(kept), kept.kinds)
    measured = [edge.seen_at for edge in found.edges if edge.seen_at]
    if not measured and isinstance(trouble, NotConfigured):
        return found
    reason = trouble.reason if isinstance(trouble, CopilotError) else "timeout"
    told = replace(found, failure=reason, is_stale=bool(measured))
    return _fetched(told, view.now, as_of=max(measured, default=None))


def _fetched(found: Neighbourhood, now: datetime, *, as_of: datetime | None) -> Neighbourhood:
    """The graph is of another time than its calls: each says of itself when it was fetched."""
    edges = (
        edge.model_copy(update={"fetched_at": edge.seen_at if found.is_stale and edge.seen_at else now})
        for edge in found.edges
    )
    return replace(found, edges=tuple(edges), as_of=as_of)


def _beside(edges: Mapping[Edge, Joined], service: str) -> list[str]:
    """The service and those next to it, as many as will be looked at."""
    neighbours, _ = select(service, {edge: one.calls_per_second for edge, one in edges.items()})
    return [service, *sorted(name for name, place in neighbours.items() if place.hops == 1)]


def _asked(look: Look, kept: Kept, answers: list[Answer], failed: Answer, services: list[str]) -> Asked:
    window, seconds = look.window, _seconds(look.window)
    reading = read(answers, failed, look.service, seconds=seconds, aliases=kept.aliases)
    then = window.end - timedelta(seconds=_ago(window))
    return Asked(look.service, reading, frozenset(services), window.end, then, seconds)


def _seconds(window: Window) -> float:
    return max(window.rate_seconds, min(max(20 * window.scrape_seconds, 60.0), 900.0))


def _ago(window: Window) -> float:
    return max(LEAST_AGO_SECONDS, window.seconds_since_reference)


async def _calls(look: Look, names: list[str]) -> Answer:
    """Edges with calls now, and those that had some when the alert began: an outage must not hide its edge."""
    promql = calls_around(names, seconds=_seconds(look.window), ago=_ago(look.window))
    return await look.source.query(promql, at=look.window.end)


async def _failures(look: Look, names: list[str]) -> Answer:
    """The share of failed calls by edge, over the incident alone as far as that is possible."""
    window = look.window
    seconds = max(window.rate_seconds, min(_seconds(window), window.seconds_since_reference))
    return await look.source.query(failures_around(names, seconds=seconds), at=window.end)


def _reason(trouble: BaseException) -> str:
    """What a source says of its failure; what is none of that is raised."""
    if isinstance(trouble, CopilotError):
        return trouble.reason
    raise trouble
