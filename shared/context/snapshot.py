"""Looks at everything at once, under one deadline, and freezes what came back in time."""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from shared.context.collectors.alerts import collect_alerts
from shared.context.collectors.changes import collect_changes
from shared.context.collectors.dependencies import collect_dependencies
from shared.context.collectors.topology import Neighbourhood, find_neighbourhood
from shared.context.collectors.traffic import collect_traffic
from shared.context.conventions import paces
from shared.context.freeze import freeze
from shared.context.look import Collected, Look
from shared.context.window import DEFAULT_SCRAPE_SECONDS, Window, detect_window, onset_reference, window_for
from shared.errors import CopilotError, SourceUnavailable
from shared.models.base import SnapshotId
from shared.models.evidence import Section, SectionName, SectionStatus, Snapshot, digest
from shared.models.incidents import Incident
from shared.models.signals import Signal
from shared.ports.metrics import MetricsSource
from shared.telemetry import logger

log = logger(__name__)

Clock = Callable[[], float]
T = TypeVar("T")

MEASURED = (SectionName.TRAFFIC, SectionName.TOPOLOGY, SectionName.DEPENDENCIES, SectionName.CHANGES)
"""The sections that need a metrics source."""


async def collect(
    incident: Incident,
    signals: Sequence[Signal],
    source: MetricsSource | None,
    *,
    snapshot_id: SnapshotId,
    now: datetime,
    deadline_seconds: float = 10,
    source_trouble: str | None = None,
    clock: Clock = time.monotonic,
) -> Snapshot:
    """A frozen snapshot, whatever fails: each section says ok, empty, failed or not configured. Never raises for
    what a source does. `source_trouble` is why a configured source cannot be asked at all.
    """
    began = clock()
    reference = onset_reference(incident, signals, now)
    window = window_for(reference, now, DEFAULT_SCRAPE_SECONDS)
    sections = [await _section(SectionName.ALERTS, _at_once(collect_alerts(signals)), clock)]
    if source is None:
        sections += [_not_asked(name, source_trouble) for name in MEASURED]
    else:
        asked = _Asked(source, incident.service_name, reference, now, clock)
        found, measured = await asked.within(deadline_seconds)
        window = found or window
        sections += measured
    body = freeze(incident.service_name, window, sections)
    return Snapshot(
        id=snapshot_id,
        tenant_id=incident.tenant_id,
        incident_id=incident.incident_id,
        taken_at=now,
        elapsed_seconds=round(clock() - began, 3),
        body=body,
        sha256=digest(body),
    )


@dataclass
class _Asked:
    """The questions that are under way. The window comes first, and the topology before what depends on it."""

    source: MetricsSource
    service: str
    reference: datetime
    now: datetime
    clock: Clock
    look: "asyncio.Task[Look]" = field(init=False)
    topology: "asyncio.Task[Neighbourhood]" = field(init=False)

    async def within(self, seconds: float) -> tuple[Window | None, list[Section]]:
        """What came back in time; the rest has failed by the deadline. The window is None when nobody told it."""
        self.look = asyncio.create_task(self._look())
        self.topology = asyncio.create_task(self._topology())
        questions: dict[SectionName, Awaitable[Collected]] = {
            SectionName.TRAFFIC: self._traffic(),
            SectionName.TOPOLOGY: self._edges(),
            SectionName.DEPENDENCIES: self._dependencies(),
            SectionName.CHANGES: self._changes(),
        }
        tasks = {
            name: asyncio.create_task(_section(name, question, self.clock)) for name, question in questions.items()
        }
        everything = [self.look, self.topology, *tasks.values()]
        try:
            await asyncio.wait(everything, timeout=seconds)
            late = {name for name, task in tasks.items() if not task.done()}
        finally:
            for task in everything:
                task.cancel()
            await asyncio.gather(*everything, return_exceptions=True)
        window = self.look.result().window if _succeeded(self.look) else None
        return window, [
            _failed(name, "deadline", seconds) if name in late else task.result() for name, task in tasks.items()
        ]

    async def _look(self) -> Look:
        window = await detect_window(self.source, paces(self.service), reference=self.reference, now=self.now)
        return Look(source=self.source, service=self.service, window=window)

    async def _topology(self) -> Neighbourhood:
        return await find_neighbourhood(await _of(self.look))

    async def _traffic(self) -> Collected:
        return await collect_traffic(await _of(self.look))

    async def _edges(self) -> Collected:
        return (await _of(self.topology)).collected()

    async def _dependencies(self) -> Collected:
        look = await _of(self.look)
        await asyncio.wait([self.topology])
        if not _succeeded(self.topology):
            raise SourceUnavailable("without the topology nobody knows whom to ask about", reason="no_topology")
        return await collect_dependencies(look, self.topology.result())

    async def _changes(self) -> Collected:
        """Deploys around the service; of the service alone when the topology failed, which is better than none."""
        look = await _of(self.look)
        await asyncio.wait([self.topology])
        if not _succeeded(self.topology):
            return await collect_changes(look, [look.service], ["the topology failed: only this service was asked"])
        return await collect_changes(look, {look.service, *self.topology.result().relations})


async def _of(task: "asyncio.Task[T]") -> T:
    """The result of a shared task. Waiting for it must not cancel it for the others."""
    return await asyncio.shield(task)


def _succeeded(task: "asyncio.Task[Look] | asyncio.Task[Neighbourhood]") -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


async def _at_once(collected: Collected) -> Collected:
    return collected


async def _section(name: SectionName, question: Awaitable[Collected], clock: Clock) -> Section:
    """One section's answer. What a collector raises is data here: an outage must never read as health."""
    began = clock()
    try:
        collected = await question
    except CopilotError as exc:
        log.warning("collector_failed", extra={"section": name.value, "reason": exc.reason})
        return _failed(name, exc.reason, clock() - began)
    except Exception as exc:  # noqa: BLE001 -- the one place: a collector's bug must not cost the other sections
        # Its message may hold what a source or a sender wrote, so the log gets the type and the place alone.
        reason = f"bug_{type(exc).__name__}"
        log.error("collector_bug", extra={"section": name.value, "reason": reason, "at": _place(exc)})
        return _failed(name, reason, clock() - began)
    if collected.failure:
        status, why = SectionStatus.FAILED, collected.failure
    elif collected.evidence:
        status, why = SectionStatus.OK, None
    else:
        status, why = SectionStatus.EMPTY, collected.why_empty
    return Section(
        name=name,
        status=status,
        reason=why,
        warnings=collected.warnings,
        elapsed_seconds=round(clock() - began, 3),
        evidence=collected.evidence,
    )


def _place(exc: Exception) -> str:
    frame = traceback.extract_tb(exc.__traceback__)[-1]
    return f"{frame.name}:{frame.lineno}"


def _failed(name: SectionName, reason: str, seconds: float) -> Section:
    return Section(name=name, status=SectionStatus.FAILED, reason=reason, elapsed_seconds=round(seconds, 3))


def _not_asked(name: SectionName, trouble: str | None) -> Section:
    status = SectionStatus.FAILED if trouble else SectionStatus.NOT_CONFIGURED
    return Section(name=name, status=status, reason=trouble)
