"""Made-up systems for the ranker's evaluation: layers of services, their stores and queues, and who calls whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from shared.models.evidence import NodeKind

SERVICES = (8, 40)
STORE_SHARE = (0.15, 0.35)
LAYERS = (2, 5)
CYCLE_SHARE = 0.15
MISSING_CALLS = 0.05
STALE_CALLS = 0.03
VIEWED_SHARE = 0.12
"""How many calls go by way of something that only its callers see, where a system has that at all."""
CALLS_PER_REQUEST = (0.1, 0.3, 0.5, 1.0, 1.0, 1.0, 2.0)
BUSY, NARROWEST = (0.1, 0.28), (0.42, 0.55)
"""How full nodes are at their usual traffic."""
_T = TypeVar("_T")
_LETTERS = "bcdfghjklmnpqrstvwxz"


@dataclass(frozen=True)
class Call:
    """A caller makes `per_request` calls to a callee for each request it serves itself."""

    caller: int
    callee: int
    per_request: float
    network_seconds: float
    timeout_seconds: float
    retries: int
    fallback: float
    """The share of failed calls that the caller bears without failing itself."""


@dataclass(frozen=True)
class World:
    """A system; places in the sequences are its nodes, callers before callees."""

    names: Sequence[str]
    kinds: Sequence[NodeKind]
    calls: Sequence[Call]
    """In the order of their callers."""
    entries: Sequence[int]
    entry_rate: float
    own_seconds: np.ndarray
    own_errors: np.ndarray
    busy: np.ndarray
    """How full each node is at its usual traffic, 0 to 1."""
    machine_of: np.ndarray
    known: Sequence[tuple[int, int]]
    """Who is said to call whom: some calls are missing, some are made no more, some close a circle."""
    views: Sequence[tuple[int, int]]
    """(a client-side view, what it is a view of)."""

    def narrowest_below(self, node: int) -> int:
        """Of a node and everything that its requests may lead to, the one that is fullest at its usual traffic."""
        views = {view for view, _ in self.views}
        return max(_below(node, self.calls) - views, key=lambda one: float(self.busy[one]))

    def above(self, node: int) -> set[int]:
        """A node and all whose requests may lead to it."""
        found = {node}
        for call in reversed(self.calls):
            if call.callee in found:
                found.add(call.caller)
        return found


def make_world(rng: np.random.Generator) -> World:
    """A system drawn from a seeded source."""
    count = int(rng.integers(SERVICES[0], SERVICES[1] + 1))
    layer = _layers(count, rng)
    stores = np.flatnonzero(layer == layer.max())
    pairs = _pairs(layer, rng)
    calls = [_call(caller, callee, rng) for caller, callee in pairs]
    kinds = [NodeKind.SERVICE] * count
    for store in stores:
        kinds[store] = _one_of((NodeKind.DATABASE, NodeKind.DATABASE, NodeKind.DATABASE, NodeKind.QUEUE), rng)
    calls, views = _viewed(calls, count, rng) if rng.random() < 0.4 else (calls, [])
    kinds += [NodeKind.CLIENT_VIEW] * len(views)
    everything = len(kinds)
    return World(
        names=_names(everything, rng),
        kinds=tuple(kinds),
        calls=tuple(sorted(calls, key=lambda one: (layer[one.caller] if one.caller < count else 99, one.caller))),
        entries=tuple(int(one) for one in np.flatnonzero(layer == 0)),
        entry_rate=float(np.exp(rng.uniform(np.log(2), np.log(300)))),
        own_seconds=np.exp(rng.uniform(np.log(0.002), np.log(0.08), everything)),
        own_errors=np.where(rng.random(everything) < 0.5, 0.0, rng.uniform(0, 0.003, everything)),
        busy=_busy(calls, views, layer, everything, rng),
        machine_of=rng.integers(0, max(2, everything // 4), everything),
        known=_known(calls, views, layer, rng),
        views=tuple(views),
    )


def _layers(count: int, rng: np.random.Generator) -> np.ndarray:
    """The layer of each node, ascending: the entries, services, and last the stores."""
    stores = max(2, round(count * rng.uniform(*STORE_SHARE)))
    entries = 1 if count < 20 else int(rng.integers(1, 3))
    depth = int(rng.integers(LAYERS[0], LAYERS[1] + 1))
    between = np.sort(rng.integers(1, depth, count - stores - entries)) if depth > 1 else np.array([], dtype=int)
    return np.concatenate([np.zeros(entries, dtype=int), between, np.full(stores, depth)])


def _pairs(layer: np.ndarray, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Everything is called by somebody of a layer above it; many things by several."""
    pairs: set[tuple[int, int]] = set()
    for callee in np.flatnonzero(layer > 0):
        above = np.flatnonzero(layer < layer[callee])
        near = above[layer[above] == layer[above].max()]
        for _ in range(int(rng.choice([1, 1, 2, 3]))):
            pairs.add((int(rng.choice(near if rng.random() < 0.75 else above)), int(callee)))
    return sorted(pairs)


def _call(caller: int, callee: int, rng: np.random.Generator) -> Call:
    return Call(
        caller,
        callee,
        per_request=_one_of(CALLS_PER_REQUEST, rng),
        network_seconds=float(rng.uniform(0.0003, 0.003)),
        timeout_seconds=_one_of((1.0, 2.0, 5.0, 10.0), rng),
        retries=_one_of((0, 0, 1, 2), rng),
        fallback=_one_of((0.0, 0.0, 0.0, 0.3, 0.7), rng),
    )


def _one_of(these: Sequence[_T], rng: np.random.Generator) -> _T:
    return these[int(rng.integers(len(these)))]


def _viewed(calls: list[Call], count: int, rng: np.random.Generator) -> tuple[list[Call], list[tuple[int, int]]]:
    """Some calls, each seen once more at a node of its own: between the two, or beside them."""
    seen = [number for number in range(len(calls)) if rng.random() < VIEWED_SHARE]
    kept, views = list(calls), []
    for place, number in enumerate(seen):
        call, view = calls[number], count + place
        views.append((view, call.callee))
        kept.append(Call(call.caller, view, call.per_request, 0.0, call.timeout_seconds, 0, 1.0))
    return kept, views


def _busy(
    calls: Sequence[Call],
    views: Sequence[tuple[int, int]],
    layer: np.ndarray,
    everything: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Every system has a place that fills up well before all others, below each entry."""
    busy = rng.uniform(*BUSY, everything)
    for entry in np.flatnonzero(layer == 0):
        below = _below(int(entry), calls) - {view for view, _ in views}
        busy[_one_of(sorted(below), rng)] = rng.uniform(*NARROWEST)
    return busy


def _below(node: int, calls: Sequence[Call]) -> set[int]:
    """A node and everything that its requests may lead to."""
    found = {node}
    for call in sorted(calls, key=lambda one: one.caller):
        if call.caller in found:
            found.add(call.callee)
    return found


def _known(
    calls: Sequence[Call], views: Sequence[tuple[int, int]], layer: np.ndarray, rng: np.random.Generator
) -> tuple[tuple[int, int], ...]:
    known = [(one.caller, one.callee) for one in calls if rng.random() >= MISSING_CALLS]
    known += [view for view in views if rng.random() < 0.5]
    count = len(layer)
    for _ in range(round(len(calls) * STALE_CALLS)):
        caller, callee = (int(one) for one in rng.choice(count, 2, replace=False))
        known.append((caller, callee))
    if rng.random() < CYCLE_SHARE:
        deepest = np.flatnonzero(layer == layer[layer < layer.max()].max())
        known.append((int(rng.choice(deepest)), int(rng.choice(np.flatnonzero(layer == 0)))))
    return tuple(dict.fromkeys(pair for pair in known if pair[0] != pair[1]))


def _names(count: int, rng: np.random.Generator) -> tuple[str, ...]:
    letters = rng.choice(list(_LETTERS), (count, 6))
    return tuple(f"{''.join(row)}-{number}" for number, row in enumerate(letters))
