"""Six kinds of trouble: whom each hits directly, and how it climbs from callee to caller."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from evals.estate import QUEUES, ZONES, Estate, Tier, zone_of

CLIMBS = (0.8, 0.6, 0.45, 0.3)
"""How likely trouble reaches a caller, by how many calls it climbed already."""
HOP_SECONDS = (5.0, 75.0)
PROBED = 0.7
HIT_ON_NODE = 0.85
FAILING_CALLERS = 0.6
"""How many callers fail; the others become slow."""


class Kind(StrEnum):
    """What went wrong."""

    BAD_DEPLOY = "bad_deploy"
    DATABASE = "database_saturated"
    NODE = "node_failed"
    QUEUE = "queue_lags"
    ZONE = "zone_network"
    THIRD_PARTY = "third_party_down"


POINT_FAULTS = (Kind.BAD_DEPLOY, Kind.DATABASE, Kind.QUEUE, Kind.THIRD_PARTY)
"""Those that begin at one place, so that it is clear whether two of them are unrelated."""


class Harm(StrEnum):
    """What a service suffers, which decides what alerts about it."""

    FAILING = "failing"
    SLOW = "slow"
    CRASHING = "crashing"
    SATURATED = "saturated"
    UNREADY = "unready"
    LAGGING = "lagging"
    PROBED = "probed"


@dataclass(frozen=True)
class Hit:
    """A service suffers from `at` on, in seconds of the storm."""

    service: str
    at: float
    harm: Harm
    nodes: frozenset[str] = frozenset()
    """Where only its replicas there suffer."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What its alerts say beside the usual."""


@dataclass(frozen=True)
class Fault:
    """One cause with everything it hits; `origins` are hit by itself and not through another service."""

    kind: Kind
    began: float
    origins: frozenset[str]
    hits: tuple[Hit, ...]


@dataclass(frozen=True)
class _Site:
    estate: Estate
    random: Random
    began: float
    suffering: frozenset[str]


def make_fault(
    kind: Kind,
    estate: Estate,
    random: Random,
    *,
    began: float,
    at: str | None = None,
    suffering: frozenset[str] = frozenset(),
) -> Fault:
    """A fault of this kind; `at` names the place where it begins.

    Services that suffer already raise nothing new, and what happens to them reaches nobody else.
    """
    site = _Site(estate, random, began, suffering)
    everywhere = places(kind, estate)
    well = [name for name in everywhere if name not in suffering]
    direct = [
        hit for hit in _DIRECT[kind](site, at or random.choice(well or everywhere)) if hit.service not in suffering
    ]
    hits = (*direct, *_climbing(site, direct))
    return Fault(kind, began, frozenset(hit.service for hit in direct), hits)


def places(kind: Kind, estate: Estate) -> list[str]:
    """Where a fault of this kind may begin."""
    match kind:
        case Kind.BAD_DEPLOY:
            return estate.of_tier(Tier.LEAF, Tier.MID)
        case Kind.DATABASE:
            return [name for name in estate.of_tier(Tier.STORE) if name not in QUEUES]
        case Kind.QUEUE:
            return [name for name in QUEUES if _consumers(estate, name)]
        case Kind.THIRD_PARTY:
            return estate.of_tier(Tier.EXTERNAL)
        case Kind.NODE:
            return sorted({node for one in estate.services.values() for node in one.nodes})
        case Kind.ZONE:
            return list(ZONES)


def hit_directly(kind: Kind, estate: Estate, place: str) -> frozenset[str]:
    """Everything that a point fault at this place may hit by itself."""
    match kind:
        case Kind.QUEUE:
            return frozenset({place, *_consumers(estate, place)})
        case Kind.THIRD_PARTY:
            return frozenset({place, *estate.callers(place)})
        case _:
            return frozenset({place})


def _consumers(estate: Estate, queue: str) -> list[str]:
    return [name for name in estate.callers(queue) if estate.services[name].tier is Tier.WORKER]


def _deploy(site: _Site, place: str) -> list[Hit]:
    return [Hit(place, site.began, site.random.choice((Harm.CRASHING, Harm.FAILING)))]


def _database(site: _Site, place: str) -> list[Hit]:
    return [Hit(place, site.began, Harm.SATURATED, labels={"database": place})]


def _queue(site: _Site, place: str) -> list[Hit]:
    consumers = [
        Hit(name, site.began + site.random.uniform(10, 150), Harm.LAGGING, labels={"queue": place})
        for name in _consumers(site.estate, place)
    ]
    return [Hit(place, site.began, Harm.SATURATED, labels={"queue": place}), *consumers]


def _third_party(site: _Site, place: str) -> list[Hit]:
    """An expired certificate, say. Where nobody probes the third party it never alerts itself."""
    callers = [
        Hit(name, site.began + site.random.uniform(0, 40), Harm.FAILING) for name in site.estate.callers(place)
    ]
    probed = [Hit(place, site.began, Harm.PROBED)] if site.random.random() < PROBED else []
    return [*probed, *callers]


def _node(site: _Site, place: str) -> list[Hit]:
    there = [one for one in site.estate.services.values() if place in one.nodes]
    suffering = [one for one in there if site.random.random() < HIT_ON_NODE] or there[:1]
    return [
        Hit(one.name, site.began + site.random.uniform(0, 30), Harm.UNREADY, frozenset({place})) for one in suffering
    ]


def _zone(site: _Site, place: str) -> list[Hit]:
    there = [
        (one.name, frozenset(node for node in one.nodes if zone_of(node) == place))
        for one in site.estate.services.values()
    ]
    near = [(name, nodes) for name, nodes in there if nodes]
    suffering = site.random.sample(near, min(len(near), site.random.randint(5, 9)))
    return [
        Hit(name, site.began + site.random.uniform(0, 60), Harm.SLOW, nodes, {"zone": place})
        for name, nodes in suffering
    ]


_DIRECT: Mapping[Kind, Callable[[_Site, str], list[Hit]]] = {
    Kind.BAD_DEPLOY: _deploy,
    Kind.DATABASE: _database,
    Kind.NODE: _node,
    Kind.QUEUE: _queue,
    Kind.ZONE: _zone,
    Kind.THIRD_PARTY: _third_party,
}


def _climbing(site: _Site, direct: Iterable[Hit]) -> list[Hit]:
    kind_hits = list(direct)
    reached = {hit.service for hit in kind_hits} | site.suffering
    waiting = [(hit, 0) for hit in kind_hits]
    found = []
    while waiting:
        hit, climbed = waiting.pop(0)
        for caller in site.estate.callers(hit.service):
            likely = CLIMBS[climbed] * _damping(hit)
            if caller in reached or site.random.random() >= likely:
                continue
            harm = Harm.FAILING if site.random.random() < FAILING_CALLERS else Harm.SLOW
            next_hit = Hit(caller, hit.at + site.random.uniform(*HOP_SECONDS), harm)
            reached.add(caller)
            found.append(next_hit)
            if climbed + 1 < len(CLIMBS):
                waiting.append((next_hit, climbed + 1))
    return found


def _damping(hit: Hit) -> float:
    """What hits only some replicas, or only what is done later, reaches fewer callers."""
    return {Harm.UNREADY: 0.4, Harm.LAGGING: 0.5}.get(hit.harm, 0.4 if hit.nodes else 1.0)
