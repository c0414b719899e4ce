"""What is asked of the limits around, and what the answers say: all services at once, and then their machines."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.context.conventions import (
    BACK,
    IN_NAMESPACES,
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
NAMESPACE = "namespace"
_ROWS: Mapping[str, Resource] = {row.name: row for row in RESOURCES}
_CARRIERS = (
    Carrier.PROCESS,
    Carrier.POD,
    Carrier.DEPLOYMENT,
    Carrier.AUTOSCALER,
    Carrier.CONSUMER_GROUP,
    Carrier.UPSTREAM,
)

_Key = tuple[Resource, str, str]
"""Row, name and namespace."""


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
    namespace: str | None = None

    def query(self, times: Times) -> str:
        """The same question asked about that subject and that row alone."""
        return pressures(
            self.resource.carrier,
            [self.asked_as],
            window_seconds=times.rate_seconds,
            backs=(0, times.back),
            label=self.label,
            namespace=self.namespace,
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
            one.carrier,
            list(one.services),
            window_seconds=times.rate_seconds,
            backs=(0, times.back),
            label=one.label,
            apart=(NAMESPACE,) if one.carrier in IN_NAMESPACES else (),
        )
        for one in found
    ]
    asked += [machines(list(one.services)) for one in found if one.carrier is Carrier.POD]
    return " or ".join(asked)


def machines_query(found: Mapping[str, tuple[str, str]], times: Times) -> str:
    """Every row of these machines, now and before; `found` as from `machines_of`."""
    return pressures(Carrier.NODE, list(found), window_seconds=times.rate_seconds, backs=(0, times.back))


def without_namesakes(samples: Sequence[Sample], namespaces: Collection[str]) -> list[Sample]:
    """Where a subject is in these namespaces, it is not one of the same name in another: staging is not production.

    Whether it is there is told by any of its rows: what fails for nobody there must not be looked for elsewhere.
    """
    at_home = {one.labels.get(SUBJECT) for one in samples if one.labels.get(NAMESPACE) in namespaces}
    return [
        one
        for one in samples
        if one.labels.get(NAMESPACE, "") in ("", *namespaces) or one.labels.get(SUBJECT) not in at_home
    ]


def limits_of(samples: Iterable[Sample], found: Iterable[Carried]) -> list[Limit]:
    """What the answer to `limits_query` says, of several namespaces the worst; what is no number says nothing."""
    places = {(one.carrier, name): (service, one.label) for one in found for name, service in one.services.items()}
    worst: dict[tuple[str, str], Limit] = {}
    for (row, name, namespace), values in _values(samples).items():
        place = places.get((row.carrier, name))
        if place is None:
            continue
        service, label = place
        limit = Limit(service, row, name, name, *values, label, namespace or None)
        held = worst.get((row.name, name))
        if held is None or limit.value > held.value:
            worst[row.name, name] = limit
    return list(worst.values())


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
    for (row, name, _), (value, before) in _values(samples).items():
        if name not in found or row.carrier is not Carrier.NODE:
            continue
        node, service = found[name]
        held = worst.get((row.name, node))
        if held is None or value > held.value:
            worst[row.name, node] = Limit(service, row, node, name, value, before)
    return list(worst.values())


def _values(samples: Iterable[Sample]) -> dict[_Key, tuple[float, float | None]]:
    """The value now and before. What is not there any more is not told."""
    now: dict[_Key, float] = {}
    before: dict[_Key, float] = {}
    for sample in samples:
        row, name = _ROWS.get(sample.labels.get(RESOURCE, "")), sample.labels.get(SUBJECT)
        if row is None or not name or not math.isfinite(sample.value):
            continue
        held = now if sample.labels.get(BACK) == "0" else before
        held[row, name, sample.labels.get(NAMESPACE, "")] = sample.value
    return {key: (value, before.get(key)) for key, value in now.items()}
