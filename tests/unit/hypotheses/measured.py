"""Random systems as they would be measured: counted requests, rates over four scrapes, onsets found in them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from shared.context.deviation import movement_of
from shared.models.evidence import ChangeEvidence, EdgeEvidence, SeriesEvidence
from shared.models.measures import Metric, Relation
from shared.models.snapshots import SectionName, SnapshotBody
from tests.builders import NOON
from tests.unit.hypotheses.scenes import a_body

STEP_SECONDS = 15
SAMPLES_BEFORE = 80
SMEAR = 4
USUAL_LATENCY = 0.05


class Fault(StrEnum):
    """What is wrong with the root."""

    ERRORS = "errors"
    LATENCY = "latency"
    DEAD = "dead"


@dataclass
class Service:
    """What a service would show without noise, before the onset and since."""

    rate: float
    errors: float
    onset: int = SAMPLES_BEFORE
    added_errors: float = 0.0
    added_latency: float = 0.0
    rate_factor: float = 1.0
    is_silent: bool = False


@dataclass
class System:
    """A graph of services, callers before callees, with the share of a caller's requests that make each call."""

    chance: random.Random
    calls: dict[str, dict[str, float]] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    deploys: list[tuple[str, datetime]] = field(default_factory=list)
    unmeasured: set[str] = field(default_factory=set)
    alerting: str = ""

    @property
    def samples(self) -> int:
        """How many samples the look sees: it comes a few after the onset."""
        return SAMPLES_BEFORE + 9

    def body(self) -> SnapshotBody:
        """The snapshot that the look would freeze."""
        heard = [name for name, one in self.services.items() if not one.is_silent and name not in self.unmeasured]
        evidence = {
            SectionName.TRAFFIC: self._series([self.alerting]),
            SectionName.TOPOLOGY: self._edges(),
            SectionName.DEPENDENCIES: self._series([name for name in heard if name != self.alerting]),
            SectionName.CHANGES: [
                ChangeEvidence(service=name, version="2", previous_version="1", at=at, seconds_before_onset=None)
                for name, at in self.deploys
            ],
        }
        body = a_body(self.alerting, evidence)
        return body.model_copy(update={"step_seconds": float(STEP_SECONDS)})

    def _series(self, names: Sequence[str]) -> list[SeriesEvidence]:
        return [
            SeriesEvidence(
                service=name,
                relation=Relation.SELF if name == self.alerting else Relation.CALLEE,
                metric=metric,
                query=f'{metric.value}{{service="{name}"}}',
                points=points[-3:],
                movement=movement_of(points, metric=metric, reference=NOON, smear_samples=SMEAR),
            )
            for name in names
            for metric, points in self._measured(self.services[name]).items()
        ]

    def _measured(self, one: Service) -> dict[Metric, tuple[tuple[float, float], ...]]:
        requests, failed, slowness = [], [], []
        for at in range(self.samples + SMEAR):
            since = at >= one.onset
            usual = one.rate * STEP_SECONDS * (one.rate_factor if since else 1.0)
            count = max(1.0, self.chance.gauss(usual, usual**0.5))
            share = min(1.0, one.errors + (one.added_errors if since else 0.0))
            requests.append(count)
            failed.append(
                min(count, max(0.0, self.chance.gauss(count * share, (count * share * (1 - share)) ** 0.5)))
            )
            slowness.append(USUAL_LATENCY * self.chance.gauss(1, 0.08) + (one.added_latency if since else 0.0))
        windows = [slice(at, at + SMEAR) for at in range(1, self.samples + 1)]
        times = [when(at) for at in range(self.samples)]
        shown = {
            Metric.REQUEST_RATE: [sum(requests[over]) / SMEAR / STEP_SECONDS for over in windows],
            Metric.ERROR_RATIO: [sum(failed[over]) / sum(requests[over]) for over in windows],
            Metric.LATENCY_P95: [sum(slowness[over]) / SMEAR for over in windows],
        }
        return {metric: tuple(zip(times, values, strict=True)) for metric, values in shown.items()}

    def _edges(self) -> list[EdgeEvidence]:
        return [
            EdgeEvidence(
                caller=caller,
                callee=callee,
                calls_per_second=self.services[caller].rate * share,
                failed_ratio=1.0 if self.services[callee].is_silent else None,
            )
            for caller, callees in self.calls.items()
            for callee, share in callees.items()
        ]


def when(sample: int) -> float:
    """The time of a sample; the alert fires five after the onset, at noon."""
    return (NOON + timedelta(seconds=STEP_SECONDS * (sample - SAMPLES_BEFORE - 5))).timestamp()


def a_system(seed: int) -> System:
    """Six to twelve healthy services with some errors of their own, and two deploys that do no harm."""
    chance = random.Random(seed)
    names = [f"s{number}" for number in range(chance.randrange(6, 13))]
    chance.shuffle(names)
    made = System(chance, {name: {} for name in names}, alerting=names[0])
    made.services[names[0]] = Service(chance.uniform(20, 60), 0.0)
    for at, name in enumerate(names[1:], start=1):
        for caller in chance.sample(names[:at], k=min(at, chance.choice((1, 1, 2)))):
            made.calls[caller][name] = chance.uniform(0.2, 1.0)
        rate = sum(made.services[caller].rate * made.calls[caller].get(name, 0.0) for caller in names[:at])
        made.services[name] = Service(rate, chance.choice((0.0, 0.0, 0.002, 0.01)))
    for name in chance.sample(names, k=2):
        made.deploys.append((name, onset() - timedelta(seconds=chance.uniform(5, 300))))
    return made


def onset() -> datetime:
    """When a fault begins."""
    return datetime.fromtimestamp(when(SAMPLES_BEFORE), UTC)


def break_one(system: System, fault: Fault) -> str | None:
    """Break a service, let the damage travel up to its callers with loss and delay; None if nobody would be paged."""
    chance = system.chance
    called = [name for name in system.services if any(name in callees for callees in system.calls.values())]
    root = chance.choice(called if fault is Fault.DEAD else list(system.services))
    broken = system.services[root]
    broken.is_silent = fault is Fault.DEAD
    broken.added_errors = {Fault.ERRORS: chance.uniform(0.15, 0.9), Fault.DEAD: 1.0}.get(fault, 0.0)
    broken.added_latency = chance.uniform(0.2, 2.0) if fault is Fault.LATENCY else 0.0
    if fault is Fault.ERRORS and chance.random() < 0.5:
        _starve(system, root, 1 - broken.added_errors)
    _climb(system, root)
    paged = [
        name
        for name, one in system.services.items()
        if not one.is_silent and (one.added_errors >= 0.05 or one.added_latency >= USUAL_LATENCY)
    ]
    if not paged:
        return None
    system.alerting = chance.choice(paged)
    if chance.random() < 0.5:
        system.deploys.append((root, onset() - timedelta(seconds=chance.uniform(0, 60))))
    return root


def _climb(system: System, root: str) -> None:
    waiting, reached = [root], {root}
    while waiting:
        callee = waiting.pop(0)
        source = system.services[callee]
        for caller, callees in system.calls.items():
            if callee in callees and caller not in reached:
                kept = system.chance.uniform(0.8, 1.0)
                one = system.services[caller]
                one.added_errors = source.added_errors * callees[callee] * kept
                one.added_latency = source.added_latency * kept
                one.onset = source.onset + system.chance.choice((0, 0, 1))
                reached.add(caller)
                waiting.append(caller)


def _starve(system: System, root: str, share: float) -> None:
    """Whoever fails before it calls sends less to those it calls."""
    for callee, calls in system.calls[root].items():
        fed = system.services[root].rate * calls / system.services[callee].rate
        system.services[callee].rate_factor = 1 - fed * (1 - share)
