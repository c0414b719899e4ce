"""What is asked of the limits around, and what the answers say: all services at once, and then their machines."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.context.conventions import (
    BACK,
    RESOURCE,
    RESOURCES,
    SUBJECT,
    Asked,
    Carrier,
    Resource,
    can_answer,
    machines,
    pressures,
)
from shared.context.whereabouts import Whereabouts
from shared.ports.metrics import Sample

MAX_MACHINES = 50
_ROWS: Mapping[str, Resource] = {row.name: row for row in RESOURCES}
_CARRIERS = (
    Carrier.PROCESS,
    Carrier.POD,
    Carrier.DEPLOYMENT,
    Carrier.AUTOSCALER,
    Carrier.CONSUMER_GROUP,
    Carrier.UPSTREAM,
)


@dataclass(frozen=True)
class Carried:
    """Services with limits under one carrier, by their names there; `label` carries those of processes."""

    carrier: Carrier
    services: Mapping[str, str]
    label: str = "job"


@dataclass(frozen=True)
class Times:
    """When is now, how many seconds back it was before the trouble began, and over how long rates are taken."""

    at: datetime
    back: int
    rate_seconds: float


@dataclass(frozen=True)
class Limit:
    """How full something of a service is; `asked_as` is the name of the subject in the query."""

    service: str
    resource: Resource
    subject: str
    asked_as: str
    value: float
    before: float | None
    label: str = "job"

    def query(self, times: Times) -> str:
        """The same question asked about that subject and that row alone."""
        return pressures(
            self.resource.carrier,
            [self.asked_as],
            window_seconds=times.rate_seconds,
            backs=(0, times.back),
            label=self.label,
            rows=[self.resource],
        )


def carried(where: Whereabouts, services: Sequence[str]) -> tuple[Carried, ...]:
    """Where each of these services has limits. One's processes are asked for under a single label."""
    found = [
        Carried(carrier, names)
        for (carrier, _), names in where.limited.items()
        if carrier in _CARRIERS and carrier is not Carrier.PROCESS
    ]
    labels = [(label, names) for (carrier, label), names in where.limited.items() if carrier is Carrier.PROCESS]
    labels += [
        (binding.label, names) for binding, names in where.placed.items() if can_answer(binding, Asked.SATURATION)
    ]
    left = set(services)
    processes: dict[str, dict[str, str]] = defaultdict(dict)
    for label, names in labels:
        kept = {name: service for name, service in names.items() if service in left}
        processes[label] |= kept
        left -= set(kept.values())
    return (*(Carried(Carrier.PROCESS, names, label) for label, names in processes.items() if names), *found)


def limits_query(found: Iterable[Carried], times: Times) -> str:
    """Every row of every carrier, now and before; and last, on which machines the pods run."""
    asked = [
        pressures(
            one.carrier, list(one.services), window_seconds=times.rate_seconds, backs=(0, times.back), label=one.label
        )
        for one in found
    ]
    asked += [machines(list(one.services)) for one in found if one.carrier is Carrier.POD]
    return " or ".join(asked)


def machines_query(found: Mapping[str, tuple[str, str]], times: Times) -> str:
    """Every row of these machines, now and before; `found` as from `machines_of`."""
    return pressures(Carrier.NODE, list(found), window_seconds=times.rate_seconds, backs=(0, times.back))


def limits_of(samples: Iterable[Sample], found: Iterable[Carried]) -> list[Limit]:
    """What the answer to `limits_query` says; what is no number says nothing."""
    places = {(one.carrier, name): (service, one.label) for one in found for name, service in one.services.items()}
    limits = []
    for (row, name), values in _values(samples).items():
        place = places.get((row.carrier, name))
        if place is not None:
            service, label = place
            limits.append(Limit(service, row, name, name, *values, label))
    return limits


def machines_of(
    samples: Iterable[Sample], found: Iterable[Carried], services: Sequence[str]
) -> tuple[dict[str, tuple[str, str]], int]:
    """By name and by address: a machine's own name, and the nearest service with a pod there; and how many are left
    out.

    Who measures a machine names it one way or the other.
    """
    names = next((one.services for one in found if one.carrier is Carrier.POD), {})
    ranks = {service: rank for rank, service in enumerate(services)}
    runs: dict[str, set[str]] = defaultdict(set)
    addresses: dict[str, str] = {}
    for sample in samples:
        node, service = sample.labels.get("node"), names.get(sample.labels.get(SUBJECT, ""))
        if node and service in ranks:
            runs[node].add(service)
            addresses[node] = sample.labels.get("host_ip", "")
    nearest = {node: min(there, key=ranks.__getitem__) for node, there in runs.items()}
    kept = sorted(nearest, key=lambda node: (ranks[nearest[node]], node))[:MAX_MACHINES]
    told = {name: (node, nearest[node]) for node in kept for name in (node, addresses[node]) if name}
    return told, len(nearest) - len(kept)


def limits_of_machines(samples: Iterable[Sample], found: Mapping[str, tuple[str, str]]) -> list[Limit]:
    """What the answer to `machines_query` says, of one that is measured twice the worse."""
    worst: dict[tuple[str, str], Limit] = {}
    for (row, name), (value, before) in _values(samples).items():
        if name not in found or row.carrier is not Carrier.NODE:
            continue
        node, service = found[name]
        held = worst.get((row.name, node))
        if held is None or value > held.value:
            worst[row.name, node] = Limit(service, row, node, name, value, before)
    return list(worst.values())


def _values(samples: Iterable[Sample]) -> dict[tuple[Resource, str], tuple[float, float | None]]:
    """By row and name: the value now and before. What is not there any more is not told."""
    now: dict[tuple[Resource, str], float] = {}
    before: dict[tuple[Resource, str], float] = {}
    for sample in samples:
        row, name = _ROWS.get(sample.labels.get(RESOURCE, "")), sample.labels.get(SUBJECT)
        if row is None or not name or not math.isfinite(sample.value):
            continue
        held = now if sample.labels.get(BACK) == "0" else before
        held[row, name] = sample.value
    return {key: (value, before.get(key)) for key, value in now.items()}
