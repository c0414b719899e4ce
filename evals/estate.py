"""A made-up company's systems: forty services in layers and domains, who calls whom, and on which nodes they run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

ZONES = ("a", "b", "c")
NODES_PER_ZONE = 20
REPLICAS = (4, 16)
CROSSING = 0.12
"""The part of all calls that leave their domain."""
MISSING_CALLS = 0.05
"""The part of all calls that nobody has measured."""
STALE_CALLS = 0.03
"""Calls that were measured once and are made no more, as a part of all calls."""
UNMEASURED_SERVICES = (0, 1)
"""How many services have no measured calls at all."""


class Tier(StrEnum):
    """How far from the customer."""

    EDGE = "edge"
    FRONTEND = "frontend"
    MID = "mid"
    LEAF = "leaf"
    WORKER = "worker"
    STORE = "store"
    EXTERNAL = "external"


COMMON = "platform"
DOMAINS: Mapping[str, Mapping[Tier, Sequence[str]]] = {
    COMMON: {Tier.EDGE: ("edge-web", "edge-api")},
    "shop": {
        Tier.FRONTEND: ("storefront", "mobile-bff"),
        Tier.MID: ("cart", "catalog", "promotion"),
        Tier.LEAF: ("pricing", "inventory", "media"),
        Tier.STORE: ("catalog-db", "price-cache"),
    },
    "payments": {
        Tier.FRONTEND: ("checkout-bff",),
        Tier.MID: ("checkout", "orders"),
        Tier.LEAF: ("payment", "ledger", "tax"),
        Tier.STORE: ("orders-db", "events-queue"),
        Tier.WORKER: ("order-projector",),
        Tier.EXTERNAL: ("card-network",),
    },
    "customers": {
        Tier.FRONTEND: ("account-bff", "admin-bff"),
        Tier.MID: ("customer", "reviews"),
        Tier.LEAF: ("identity", "notification"),
        Tier.STORE: ("customer-db", "session-cache", "jobs-queue"),
        Tier.WORKER: ("mailer",),
    },
    "discovery": {
        Tier.FRONTEND: ("search-bff",),
        Tier.MID: ("search", "recommendation", "shipping"),
        Tier.LEAF: ("geo", "fraud"),
        Tier.STORE: (),
        Tier.WORKER: ("search-indexer",),
        Tier.EXTERNAL: ("carrier-api",),
    },
}
QUEUES = ("events-queue", "jobs-queue")
_CALLEES: Mapping[Tier, Sequence[tuple[Tier, int, int]]] = {
    Tier.EDGE: ((Tier.FRONTEND, 3, 4),),
    Tier.FRONTEND: ((Tier.MID, 2, 3),),
    Tier.MID: ((Tier.LEAF, 1, 3), (Tier.STORE, 0, 1)),
    Tier.LEAF: ((Tier.STORE, 1, 1),),
    Tier.WORKER: ((Tier.LEAF, 1, 1),),
}
"""Whom a service of each tier calls, at least and at most."""
_CALLED_BY: Mapping[Tier, Tier] = {
    Tier.FRONTEND: Tier.EDGE,
    Tier.MID: Tier.FRONTEND,
    Tier.LEAF: Tier.MID,
    Tier.STORE: Tier.LEAF,
    Tier.EXTERNAL: Tier.LEAF,
}
"""Nothing runs that nobody calls."""


@dataclass(frozen=True)
class Service:
    """One service and where it runs."""

    name: str
    tier: Tier
    domain: str
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Estate:
    """Everything there is, and what was measured of it."""

    services: Mapping[str, Service]
    calls: Mapping[str, frozenset[str]]
    known_calls: Mapping[str, frozenset[str]]

    def callers(self, name: str) -> list[str]:
        """Who really calls a service, sorted."""
        return sorted(caller for caller, callees in self.calls.items() if name in callees)

    def of_tier(self, *tiers: Tier) -> list[str]:
        """The services of some tiers, sorted."""
        return sorted(one.name for one in self.services.values() if one.tier in tiers)

    def above(self, names: frozenset[str]) -> frozenset[str]:
        """These services and every one whose calls lead to them, also by calls that are only thought to be made."""
        found, waiting = set(names), list(names)
        while waiting:
            callee = waiting.pop()
            for calls in (self.calls, self.known_calls):
                new = {caller for caller, callees in calls.items() if callee in callees} - found
                found |= new
                waiting += sorted(new)
        return frozenset(found)


def make_estate(random: Random) -> Estate:
    """A company drawn from a seeded source."""
    services = {
        name: Service(name, tier, domain, _nodes(tier, random))
        for domain, tiers in DOMAINS.items()
        for tier, names in tiers.items()
        for name in names
    }
    calls = _calls(services, random)
    return Estate(services, calls, _measured(calls, random))


def zone_of(node: str) -> str:
    """The zone that a node stands in."""
    return node.split("-")[1]


def _nodes(tier: Tier, random: Random) -> tuple[str, ...]:
    if tier is Tier.EXTERNAL:
        return ()
    nodes = [f"node-{zone}-{number}" for zone in ZONES for number in range(NODES_PER_ZONE)]
    return tuple(sorted(random.sample(nodes, 1 if tier is Tier.STORE else random.randint(*REPLICAS))))


def _calls(services: Mapping[str, Service], random: Random) -> dict[str, frozenset[str]]:
    calls: dict[str, set[str]] = {name: set() for name in services}
    for service in services.values():
        for tier, least, most in _CALLEES.get(service.tier, ()):
            for _ in range(random.randint(least, most)):
                calls[service.name].add(_other(service, tier, services, random))
        if service.tier is Tier.WORKER:
            calls[service.name].add(random.choice(QUEUES))
    for callee in services.values():
        if callee.tier in _CALLED_BY:
            needed = 2 if callee.tier is Tier.EXTERNAL else 1
            while sum(callee.name in callees for callees in calls.values()) < needed:
                calls[_other(callee, _CALLED_BY[callee.tier], services, random)].add(callee.name)
    return {name: frozenset(callees) for name, callees in calls.items() if callees}


def _other(service: Service, tier: Tier, services: Mapping[str, Service], random: Random) -> str:
    """Some service of a tier, mostly of the same domain."""
    everywhere = [one.name for one in services.values() if one.tier is tier and one.name not in QUEUES]
    near = [name for name in everywhere if services[name].domain == service.domain]
    return random.choice(near if near and random.random() >= CROSSING else everywhere)


def _measured(calls: Mapping[str, frozenset[str]], random: Random) -> dict[str, frozenset[str]]:
    edges = sorted((caller, callee) for caller, callees in calls.items() for callee in callees)
    names = sorted({name for edge in edges for name in edge})
    unmeasured = set(random.sample(names, random.randint(*UNMEASURED_SERVICES)))
    kept = [edge for edge in edges if random.random() >= MISSING_CALLS]
    stale = [tuple(random.sample(names, 2)) for _ in range(round(len(edges) * STALE_CALLS))]
    found: dict[str, set[str]] = {}
    for caller, callee in (*kept, *stale):
        if caller not in unmeasured and callee not in unmeasured:
            found.setdefault(caller, set()).add(callee)
    return {caller: frozenset(callees) for caller, callees in found.items()}
