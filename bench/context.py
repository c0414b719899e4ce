"""`bench context`: how long a snapshot takes, by section, on the real Prometheus with estates of three sizes."""

import asyncio
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from bench.estate import ALERTING, BROKEN_FOR, STEP, an_estate, write_estate
from bench.figures import Goal, percentile
from bench.report import Report
from dev.backfilled import backfilled
from shared.adapters.guarded_http import GuardedHttp, GuardedResponse
from shared.adapters.memory.services import services_in_memory
from shared.adapters.memory.sources import MemoryAnnotations
from shared.adapters.prometheus import Connection, PrometheusSource
from shared.context.snapshot import collect
from shared.models.base import IncidentId, SnapshotId, TenantId
from shared.models.incidents import Incident, IncidentState
from shared.models.signals import Severity
from shared.models.snapshots import SectionName, Snapshot
from shared.ports.annotations import Annotations

SIZES = (5, 50, 500)
MAX_SECONDS, MAX_QUERIES, MAX_TIMES = 3.0, 25, 1.5
SLOW_SECONDS = 2.0
WORTH_COMPARING = 0.005
"""Seconds; of less a ratio says nothing but noise."""
MOVED_AT_MOST = 1.25
"""What a slow source may do to the median of another section: no more than chance does."""
TENANT = TenantId("ten-bench")


class CountedHttp(GuardedHttp):
    """The guarded client, which counts what it was asked and what came back."""

    asked = 0
    received = 0

    async def request(self, method: str, url: str, **how: Any) -> GuardedResponse:
        """See GuardedHttp."""
        self.asked += 1
        answer = await super().request(method, url, **how)
        self.received += len(answer.body)
        return answer


class SlowAnnotations:
    """A Grafana that takes its time."""

    integration_id = "int-slow"

    async def between(self, *_: object, **__: object) -> Annotations:
        """Nothing, late."""
        await asyncio.sleep(SLOW_SECONDS)
        return Annotations()


@dataclass
class Taken:
    """Snapshots of one kind: seconds in all and by section, and what each asked of the Prometheus."""

    seconds: list[float] = field(default_factory=list)
    by_section: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    asked: list[int] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    statuses: dict[str, str] = field(default_factory=dict)

    def add(self, snapshot: Snapshot, seconds: float, asked: int, received: int) -> None:
        """One more."""
        self.seconds.append(seconds)
        self.asked.append(asked)
        self.received.append(received)
        for one in snapshot.body.sections:
            self.by_section[one.name.value].append(one.elapsed_seconds)
            self.statuses[one.name.value] = one.status.value

    def ms(self, part: float, section: str | None = None) -> float:
        """Within how many milliseconds so many percent were taken."""
        return round(percentile(self.by_section[section] if section else self.seconds, part) * 1000, 1)


class Kind(StrEnum):
    """How a snapshot is taken."""

    COLD = "cold"
    """Nothing is kept from before."""
    WARM = "warm"
    """Topology and conventions are kept."""
    SLOW = "slow"
    """Cold, beside a Grafana that takes two seconds."""


async def run_context(repeats: int, seed: int) -> int:
    """Snapshots of every kind in turn, so that what else the machine does falls on all of them alike."""
    report = Report("context", seed, beside="warm")
    end = int(time.time()) // STEP * STEP - STEP
    with ExitStack() as running:
        estates = {size: _running(size, end, seed, running) for size in SIZES}
        http = CountedHttp(allow_private=True)
        try:
            found = await _taken(estates, datetime.fromtimestamp(end, UTC), repeats, http)
        finally:
            await http.aclose()
    for size, (_, series) in estates.items():
        _add(report, size, series, found[size, Kind.COLD], found[size, Kind.WARM])
    _add_goals(report, found)
    return report.finish()


def _running(size: int, end: int, seed: int, running: ExitStack) -> tuple[str, int]:
    """The URL of a Prometheus with an estate of this size, and how many series it has."""
    home = Path(running.enter_context(tempfile.TemporaryDirectory()))
    series = write_estate(an_estate(size, end, seed=seed), home / "estate.om")
    return running.enter_context(backfilled(home / "estate.om", home)), series


Found = dict[tuple[int, Kind], Taken]


async def _taken(estates: Mapping[int, tuple[str, int]], at: datetime, repeats: int, http: CountedHttp) -> Found:
    found: Found = {(size, kind): Taken() for size in estates for kind in Kind}
    kept = {size: services_in_memory() for size in estates}
    sources = {size: PrometheusSource(http, Connection(url)) for size, (url, _) in estates.items()}
    for number in range(repeats + 1):
        for size, kind in found:
            services = kept[size] if kind is Kind.WARM else services_in_memory()
            if kind is Kind.SLOW:
                services = replace(services, annotations=MemoryAnnotations({TENANT: [SlowAnnotations()]}))
            http.asked = http.received = 0
            began = time.perf_counter()
            snapshot = await collect(
                _incident(at), [], services, sources[size], snapshot_id=SnapshotId(f"snap-{number}"), now=at
            )
            if number:
                # The first one opens connections and imports, which a worker does once.
                found[size, kind].add(snapshot, time.perf_counter() - began, http.asked, http.received)
    return found


def _incident(at: datetime) -> Incident:
    began = at - timedelta(seconds=BROKEN_FOR - 2 * STEP)
    return Incident(
        id="inc-bench", incident_id=IncidentId("inc-bench"), tenant_id=TENANT, title="bench", service_name=ALERTING,
        state=IncidentState.DETECTED, severity=Severity.CRITICAL, detected_at=began, created_at=began, updated_at=at,
    )  # fmt: skip


def _add(report: Report, size: int, series: int, cold: Taken, warm: Taken) -> None:
    report.section(f"{size} services, {series:,} series: cold, and warm")
    report.add("p50 ms", cold.ms(50), warm.ms(50))
    report.add("p95 ms", cold.ms(95), warm.ms(95))
    report.add("queries", max(cold.asked), max(warm.asked))
    report.add("kB received", max(cold.received) / 1000, max(warm.received) / 1000)
    for name in cold.by_section:
        report.add(f"{name} ({cold.statuses[name]}), p95 ms", cold.ms(95, name), warm.ms(95, name))
    kinds = {"cold": cold, "warm": warm}
    report.figures[f"services_{size}"] = {
        kind: {"p50_ms": one.ms(50), "p95_ms": one.ms(95), "queries": max(one.asked), "bytes": max(one.received)}
        for kind, one in kinds.items()
    }


def _add_goals(report: Report, found: Found) -> None:
    largest, middle = SIZES[-1], SIZES[1]
    measured = {key: one for key, one in found.items() if key[1] is not Kind.SLOW}
    slowest = max(one.ms(95) for (size, _), one in measured.items() if size == largest) / 1000
    most = max(max(one.asked) for one in measured.values())
    times = found[largest, Kind.COLD].ms(50) / found[middle, Kind.COLD].ms(50)
    beside = _beside(found[largest, Kind.COLD], found[largest, Kind.SLOW])
    report.figures["beside_a_slow_source"] = {name: round(value, 2) for name, value in beside.items()}
    report.goals += [
        Goal(f"p95 at {largest} services, s", slowest, MAX_SECONDS),
        Goal("queries of one snapshot", most, MAX_QUERIES),
        Goal(f"median at {largest} services, times that at {middle}", round(times, 2), MAX_TIMES),
        Goal("a section beside a slow source, times without", round(max(beside.values()), 2), MOVED_AT_MOST),
    ]


def _beside(alone: Taken, slow: Taken) -> dict[str, float]:
    """By section: its median beside the slow source, divided by its median without; the source's own is left out."""
    told = [name for name, seconds in alone.by_section.items() if percentile(seconds, 50) >= WORTH_COMPARING]
    return {name: slow.ms(50, name) / alone.ms(50, name) for name in told if name != SectionName.CHANGES.value}
