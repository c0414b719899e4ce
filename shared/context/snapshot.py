"""Looks at everything at once, under one deadline, and freezes what came back in time."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from shared.context.budget import Budgeted
from shared.context.collectors.alerts import collect_alerts
from shared.context.collectors.changes import collect_changes
from shared.context.collectors.dependencies import collect_dependencies
from shared.context.collectors.expression import collect_expression
from shared.context.collectors.limits import collect_limits
from shared.context.collectors.related import collect_related
from shared.context.collectors.runbooks import collect_runbooks
from shared.context.collectors.similar import collect_similar
from shared.context.collectors.slo import collect_slo
from shared.context.collectors.topology import collect_topology, find_neighbourhood
from shared.context.collectors.traffic import collect_traffic
from shared.context.conventions import paces
from shared.context.freeze import freeze
from shared.context.look import Collected, Look, NotConfigured, View
from shared.context.sections import Clock, doubted, failed, section_of
from shared.context.window import DEFAULT_SCRAPE_SECONDS, Window, detect_window, onset_reference, window_for
from shared.errors import SourceUnavailable
from shared.models.base import SnapshotId
from shared.models.incidents import Incident
from shared.models.signals import Signal
from shared.models.snapshots import Section, SectionName, Snapshot, SnapshotBody, digest
from shared.ports.metrics import MetricsSource
from shared.ports.services import Services

Collector = Callable[[View], Awaitable[Collected]]

COLLECTORS: Mapping[SectionName, Collector] = {
    SectionName.ALERTS: collect_alerts,
    SectionName.EXPRESSION: collect_expression,
    SectionName.TRAFFIC: collect_traffic,
    SectionName.TOPOLOGY: collect_topology,
    SectionName.DEPENDENCIES: collect_dependencies,
    SectionName.LIMITS: collect_limits,
    SectionName.CHANGES: collect_changes,
    SectionName.SLO: collect_slo,
    SectionName.RELATED: collect_related,
    SectionName.RUNBOOKS: collect_runbooks,
    SectionName.SIMILAR: collect_similar,
}
"""Who answers each question. A new one is a line here and a file beside the others."""


async def collect(
    incident: Incident,
    signals: Sequence[Signal],
    services: Services,
    source: MetricsSource | None,
    *,
    snapshot_id: SnapshotId,
    now: datetime,
    deadline_seconds: float = 10,
    source_trouble: str | None = None,
    clock: Clock = time.monotonic,
) -> Snapshot:
    """A frozen snapshot, whatever fails: each section says how far it was answered. Never raises for what a source
    does. `source` is the tenant's Prometheus, `source_trouble` why a configured one cannot be asked at all.
    """
    began = clock()
    view = View(incident, signals, services, onset_reference(incident, signals, now), now)
    view.looking = asyncio.create_task(_look(view, source, source_trouble))
    view.finding = asyncio.create_task(find_neighbourhood(view))
    sections = await _within(deadline_seconds, view, clock, began)
    if _is_partial(view):
        sections = [doubted(section) for section in sections]
    # Sorting, redacting and spelling some hundred series takes a while: other incidents must not wait for it.
    body, sha256 = await asyncio.to_thread(_frozen, incident.service_name, _window(view), sections)
    return Snapshot(
        id=snapshot_id,
        tenant_id=incident.tenant_id,
        incident_id=incident.incident_id,
        taken_at=now,
        elapsed_seconds=round(clock() - began, 3),
        body=body,
        sha256=sha256,
    )


def _frozen(service: str, window: Window, sections: Sequence[Section]) -> tuple[SnapshotBody, str]:
    body = freeze(service, window, sections)
    return body, digest(body)


async def _within(seconds: float, view: View, clock: Clock, began: float) -> list[Section]:
    """What came back in time; the rest has failed by the deadline."""
    for name, ask in COLLECTORS.items():
        question = section_of(name, ask(view), clock=clock, began=began, now=view.now)
        view.sections[name] = asyncio.create_task(question)
    tasks = view.sections
    try:
        await asyncio.wait(tasks.values(), timeout=seconds)
        late = {name for name, task in tasks.items() if not task.done()}
    finally:
        everything = view.under_way
        for one in everything:
            one.cancel()
        await asyncio.gather(*everything, return_exceptions=True)
    return [failed(name, "deadline", seconds) if name in late else task.result() for name, task in tasks.items()]


async def _look(view: View, source: MetricsSource | None, trouble: str | None) -> Look:
    if source is None:
        if trouble:
            raise SourceUnavailable("the connected Prometheus cannot be asked", reason=trouble)
        raise NotConfigured("no Prometheus is connected", reason="no_prometheus")
    budgeted = Budgeted(source)
    window = await detect_window(budgeted, paces(view.service), reference=view.reference, now=view.now)
    return Look(source=budgeted, service=view.service, window=window)


def _looked(view: View) -> Look | None:
    task = view.looking
    return task.result() if task.done() and not task.cancelled() and task.exception() is None else None


def _is_partial(view: View) -> bool:
    """Whether the tenant's Prometheus said that it could not read everything it was asked for."""
    look = _looked(view)
    return look is not None and isinstance(look.source, Budgeted) and look.source.is_partial


def _window(view: View) -> Window:
    """The window that suits the source, or the usual one when nobody told its pace."""
    if look := _looked(view):
        return look.window
    return window_for(view.reference, view.now, DEFAULT_SCRAPE_SECONDS)
