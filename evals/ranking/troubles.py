"""Six kinds of trouble for made-up systems: what each does to the node it strikes, step by step."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from evals.ranking.worlds import World
from shared.models.evidence import NodeKind


class Fault(StrEnum):
    """What goes wrong."""

    CPU = "cpu_latency"
    LEAK = "memory_leak"
    BAD_DEPLOY = "bad_deploy"
    DOWN = "dependency_down"
    NETWORK = "network_delay"
    SURGE = "traffic_surge"


class Dying(StrEnum):
    """How something that is down looks to its callers."""

    REFUSES = "refuses"
    HANGS = "hangs"
    SILENT = "silent"
    """It refuses, and nothing is measured of it any more."""


@dataclass(frozen=True)
class Trouble:
    """What happens at one node, as factors and sums by step; ones and zeros where nothing is wrong."""

    node: int
    slower: np.ndarray
    failing: np.ndarray
    network_seconds: np.ndarray
    """Added to every call that enters or leaves the node."""
    cpu: np.ndarray
    memory: np.ndarray
    restarts: np.ndarray
    traffic: np.ndarray
    """Of a surge: the factor on what enters the system at the node."""
    fails_early: bool = False
    """A failing request makes no calls of its own."""
    is_silent: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))


def no_trouble(steps: int) -> Trouble:
    """What a normal window has."""
    ones, zeros = np.ones(steps), np.zeros(steps)
    return Trouble(-1, ones, zeros, zeros, ones, ones, zeros, ones, is_silent=np.zeros(steps, dtype=bool))


def make_trouble(fault: Fault, world: World, steps: int, began: int, rng: np.random.Generator) -> Trouble:
    """A fault that begins with step `began`."""
    node = int(rng.choice(_places(fault, world)))
    on = (np.arange(steps) >= began).astype(float)
    match fault:
        case Fault.CPU:
            return _trouble(node, steps, slower=1 + on * np.exp(rng.uniform(1, 3.7)), cpu=1 + on * rng.uniform(1, 5))
        case Fault.LEAK:
            return _leak(node, steps, began, rng)
        case Fault.BAD_DEPLOY:
            slower = 1 + on * rng.uniform(0.5, 3) if rng.random() < 0.3 else np.ones(steps)
            early = bool(rng.random() < 0.5)
            return _trouble(node, steps, failing=on * rng.uniform(0.08, 0.8), slower=slower, fails_early=early)
        case Fault.DOWN:
            return _down(node, on, Dying(rng.choice(list(Dying), p=[0.5, 0.3, 0.2])), rng)
        case Fault.NETWORK:
            delay = rng.choice([0.05, 0.1, 0.2, 0.5])
            return _trouble(node, steps, network_seconds=on * delay * rng.uniform(0.8, 1.2, steps))
        case Fault.SURGE:
            # As much as the narrowest place below can just not bear, or a third more.
            narrowest = float(world.busy[world.narrowest_below(node)])
            return _trouble(node, steps, traffic=1 + on * (rng.uniform(0.95, 1.3) / narrowest - 1))


def _places(fault: Fault, world: World) -> list[int]:
    at = {kind: [n for n, one in enumerate(world.kinds) if one is kind] for kind in NodeKind}
    match fault:
        case Fault.SURGE:
            return list(world.entries)
        case Fault.DOWN:
            return [*at[NodeKind.DATABASE], *at[NodeKind.QUEUE]]
        case Fault.CPU:
            return [*at[NodeKind.SERVICE], *at[NodeKind.DATABASE]]
        case Fault.NETWORK:
            return [n for n in at[NodeKind.SERVICE] if n not in world.entries] or at[NodeKind.DATABASE]
        case Fault.LEAK | Fault.BAD_DEPLOY:
            return at[NodeKind.SERVICE]


def _trouble(node: int, steps: int, *, fails_early: bool = False, **changed: np.ndarray) -> Trouble:
    usual = no_trouble(steps)
    fields = {
        name: changed.get(name, getattr(usual, name))
        for name in ("slower", "failing", "network_seconds", "cpu", "memory", "restarts", "traffic", "is_silent")
    }
    return Trouble(node, fails_early=fails_early, **fields)


def _leak(node: int, steps: int, began: int, rng: np.random.Generator) -> Trouble:
    """Memory fills, collecting garbage takes time; where it is killed it begins anew, and fails meanwhile."""
    after = steps - began
    filled = np.zeros(steps)
    filled[began:] = np.linspace(0.25, 1.0, after)
    restarts, failing = np.zeros(steps), np.zeros(steps)
    if rng.random() < 0.6:
        every = max(1, after // int(rng.integers(1, 4)))
        killed = np.arange(began + every - 1, steps, every)
        restarts[killed] = 1.0
        for one in killed:
            failing[one : one + 2] = rng.uniform(0.2, 0.9)
        filled[began:] = 0.2 + 0.8 * ((np.arange(after) % every) + 1) / every
    most, slowest = rng.uniform(0.4, 2.0), np.exp(rng.uniform(0.7, 3.0))
    return _trouble(
        node,
        steps,
        memory=1 + most * filled,
        slower=1 + slowest * filled,
        cpu=1 + 0.4 * filled,
        restarts=restarts,
        failing=failing,
    )


def _down(node: int, on: np.ndarray, dying: Dying, rng: np.random.Generator) -> Trouble:
    steps = len(on)
    if dying is Dying.HANGS:
        return _trouble(node, steps, slower=1 + on * rng.uniform(100, 600), failing=on * rng.uniform(0, 0.3))
    silent = on.astype(bool) if dying is Dying.SILENT else np.zeros(steps, dtype=bool)
    failing = on * rng.uniform(0.6, 1.0)
    return _trouble(node, steps, failing=failing, slower=1 - 0.7 * on, cpu=1 - 0.6 * on, is_silent=silent)
