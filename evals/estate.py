"""A made-up company's systems: forty services in layers, who calls whom, and on which nodes they run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

ZONES = ("a", "b", "c")
NODES_PER_ZONE = 8
MISSING_CALLS = 0.1
"""The part of all calls that nobody has measured."""
STALE_CALLS = 0.03
"""Calls that were measured once and are made no more, as a part of all calls."""
UNMEASURED_SERVICES = 2
"""Services none of whose calls are measured."""


class Tier(StrEnum):
    """How far from the customer."""

    EDGE = "edge"
    FRONTEND = "frontend"
    MID = "mid"
    LEAF = "leaf"
    WORKER = "worker"
    STORE = "store"
    EXTERNAL = "external"


NAMES: Mapping[Tier, Sequence[str]] = {
    Tier.EDGE: ("edge-web", "edge-api"),
    Tier.FRONTEND: ("storefront", "account-bff", "search-bff", "checkout-bff", "admin-bff", "mobile-bff"),
    Tier.MID: (
        *("cart", "checkout", "catalog", "search", "orders"),
        *("customer", "recommendation", "promotion", "shipping", "reviews"),
    ),
    Tier.LEAF: (
        *("payment", "ledger", "inventory", "pricing", "tax"),
        *("fraud", "notification", "identity", "media", "geo"),
    ),
    Tier.WORKER: ("mailer", "order-projector", "search-indexer"),
    Tier.STORE: (
        *("orders-db", "customer-db", "catalog-db", "session-cache"),
        *("price-cache", "events-queue", "jobs-queue"),
    ),
    Tier.EXTERNAL: ("card-network", "carrier-api"),
}
QUEUES = ("events-queue", "jobs-queue")
_CALLEES: Mapping[Tier, Sequence[tuple[Tier, int, int]]] = {
    Tier.EDGE: ((Tier.FRONTEND, 3, 4),),
    Tier.FRONTEND: ((Tier.MID, 2, 4),),
    Tier.MID: ((Tier.LEAF, 1, 3), (Tier.MID, 0, 1), (Tier.STORE, 0, 1)),
    Tier.LEAF: ((Tier.STORE, 1, 2),),
}
"""Whom a service of each tier calls, at least and at most."""


@dataclass(frozen=True)
class Service:
    """One service and where it runs."""

    name: str
    tier: Tier
    namespace: str
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

    def above(self, name: str) -> frozenset[str]:
        """Every service whose calls lead to this one, and itself."""
        found, waiting = {name}, [name]
        while waiting:
            new = [caller for caller in self.callers(waiting.pop()) if caller not in found]
            found.update(new)
            waiting += new
        return frozenset(found)


def make_estate(random: Random) -> Estate:
    """A company drawn from a seeded source."""
    services = {
        name: Service(name, tier, random.choice(("shop", "core", "platform")), _nodes(tier, random))
        for tier, names in NAMES.items()
        for name in names
    }
    calls = _calls(random)
    return Estate(services, calls, _measured(calls, random))


def zone_of(node: str) -> str:
    """The zone that a node stands in."""
    return node.split("-")[1]


def _nodes(tier: Tier, random: Random) -> tuple[str, ...]:
    if tier is Tier.EXTERNAL:
        return ()
    # Services stand where there was room: not evenly, and small ones on few nodes.
    nodes = [f"node-{zone}-{number}" for zone in ZONES for number in range(NODES_PER_ZONE)]
    return tuple(sorted(random.sample(nodes, 1 if tier is Tier.STORE else random.randint(2, 6))))


def _calls(random: Random) -> dict[str, frozenset[str]]:
    calls: dict[str, set[str]] = {}
    for tier, wanted in _CALLEES.items():
        for place, name in enumerate(NAMES[tier]):
            calls[name] = set()
            for callee_tier, least, most in wanted:
                # A tier that calls itself does so in one direction, so that calls make no circle.
                pool = NAMES[callee_tier][place + 1 :] if callee_tier is tier else NAMES[callee_tier]
                calls[name].update(random.sample(pool, min(len(pool), random.randint(least, most))))
    for worker in NAMES[Tier.WORKER]:
        calls[worker] = {random.choice(QUEUES), random.choice(NAMES[Tier.LEAF])}
    for external in NAMES[Tier.EXTERNAL]:
        for caller in random.sample(NAMES[Tier.LEAF], random.randint(2, 3)):
            calls[caller].add(external)
    _reach_everything(calls, random)
    return {caller: frozenset(callees) for caller, callees in calls.items()}


def _reach_everything(calls: dict[str, set[str]], random: Random) -> None:
    """Nothing runs that nobody calls, apart from edges and workers."""
    for callee, caller in (
        (Tier.FRONTEND, Tier.EDGE),
        (Tier.MID, Tier.FRONTEND),
        (Tier.LEAF, Tier.MID),
        (Tier.STORE, Tier.LEAF),
    ):
        for name in NAMES[callee]:
            if not any(name in callees for callees in calls.values()):
                calls[random.choice(NAMES[caller])].add(name)


def _measured(calls: Mapping[str, frozenset[str]], random: Random) -> dict[str, frozenset[str]]:
    edges = sorted((caller, callee) for caller, callees in calls.items() for callee in callees)
    names = sorted({name for edge in edges for name in edge})
    unmeasured = set(random.sample(names, UNMEASURED_SERVICES))
    kept = [edge for edge in edges if random.random() >= MISSING_CALLS and not unmeasured.intersection(edge)]
    stale = [tuple(random.sample(names, 2)) for _ in range(round(len(edges) * STALE_CALLS))]
    found: dict[str, set[str]] = {}
    for caller, callee in (*kept, *(edge for edge in stale if not unmeasured.intersection(edge))):
        found.setdefault(caller, set()).add(callee)
    return {caller: frozenset(callees) for caller, callees in found.items()}
