"""Cases that are made up from a seed: six kinds of trouble in systems of 8 to 40 nodes, and windows without any.

Half of the cases have a decoy: an innocent service that was changed shortly before. The generator shares no constant
with the ranker.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from evals.ranking.cases import Case
from evals.ranking.flow import Flow, flow
from evals.ranking.instruments import Clock, Instruments, make_instruments, measured
from evals.ranking.troubles import Fault, Trouble, make_trouble, no_trouble
from evals.ranking.worlds import World, make_world
from shared.hypotheses.observation import Observation, ObservedChange, SeriesKind
from shared.models.evidence import NodeKind

DATA_SET = "synthetic"
AFTER = {1.0: (90, 240), 15.0: (12, 40), 60.0: (5, 15), 300.0: (3, 5)}
"""Samples of the window after the trouble began, by seconds of a step."""
HISTORIES = ((5, 9), (20, 60), (60, 200))
SHOWN = (2, 5)
"""Samples of the window before the trouble began."""
DECOYS = 0.5
DECOY_SECONDS = (30.0, 1200.0)
ALERTS_FROM_SLOWER = 1.3
ALERTS_FROM_FAILING = 0.02
TRIES = 60
DAY = 86400.0


@dataclass(frozen=True)
class _Scene:
    """A system and its time, before anything goes wrong."""

    world: World
    clock: Clock
    began: int
    load: np.ndarray
    jitter: np.ndarray


def faulty_case(seed: int, number: int) -> Case:
    """Case `number` of a seed; its fault follows from the number, so that all six are equally many."""
    fault = tuple(Fault)[number % len(Fault)]
    rng = np.random.default_rng([seed, number, 1])
    for _ in range(TRIES):
        scene = _scene(rng)
        trouble = make_trouble(fault, scene.world, len(scene.load), scene.began, rng)
        well = flow(scene.world, no_trouble(len(scene.load)), scene.load, scene.jitter)
        ill = flow(scene.world, trouble, scene.load, scene.jitter)
        alerts = _alerts(scene, trouble, well, ill)
        if alerts is not None:
            return _case(f"{seed}-{number}", fault, scene, trouble, run=ill, alerts=alerts, rng=rng)
    raise ValueError(f"no {fault.value} of seed {seed} is felt by anybody")


def normal_case(seed: int, number: int) -> Case:
    """Window `number` of a seed in which nothing is wrong."""
    rng = np.random.default_rng([seed, number, 2])
    scene = _scene(rng)
    trouble = no_trouble(len(scene.load))
    run = flow(scene.world, trouble, scene.load, scene.jitter)
    kind = SeriesKind.LATENCY if rng.random() < 0.5 else SeriesKind.ERRORS
    return _case(f"{seed}-n{number}", None, scene, trouble, run=run, alerts=(scene.world.entries[0], kind), rng=rng)


def synthetic_cases(seed: int, cases: int, normal_windows: int) -> Iterator[Case]:
    """So many cases of a seed, then so many normal windows; the same ones whenever they are asked for."""
    yield from (faulty_case(seed, number) for number in range(cases))
    yield from (normal_case(seed, number) for number in range(normal_windows))


def _scene(rng: np.random.Generator) -> _Scene:
    world = make_world(rng)
    step = float(rng.choice(list(AFTER)))
    history = int(rng.integers(*HISTORIES[int(rng.choice(len(HISTORIES), p=[0.25, 0.35, 0.4]))]))
    shown, after = int(rng.integers(*SHOWN)), int(rng.integers(*AFTER[step]))
    steps = history + shown + after
    times = 1.7e9 + float(rng.integers(0, 10_000_000)) + step * np.arange(steps)
    if rng.random() < 0.3:
        times[:history] -= float(rng.integers(1, 49)) * 3600.0
    return _Scene(
        world=world,
        clock=Clock(times, history, step),
        began=history + shown,
        load=_load(times, rng),
        jitter=np.exp(rng.normal(0, 1, (len(world.names), steps)) * rng.uniform(0.02, 0.12, (len(world.names), 1))),
    )


def _load(times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Traffic by the time of day, with noise that lasts for a few samples."""
    daily = 1 + rng.uniform(0, 0.35) * np.sin(2 * np.pi * times / DAY + rng.uniform(0, 2 * np.pi))
    noise, kept = rng.normal(0, rng.uniform(0.01, 0.06), len(times)), 0.6
    for place in range(1, len(noise)):
        noise[place] += kept * noise[place - 1]
    load: np.ndarray = np.maximum(daily * (1 + noise), 0.05)
    return load


def _alerts(scene: _Scene, trouble: Trouble, well: Flow, ill: Flow) -> tuple[int, SeriesKind] | None:
    """Which entry feels the trouble most, and how; None where nobody would be paged."""
    after = slice(scene.began, None)
    felt: list[tuple[float, int, SeriesKind]] = []
    for entry in scene.world.entries:
        if entry not in scene.world.above(trouble.node):
            continue
        slower = float(np.median(ill.mean[entry, after] / well.mean[entry, after]))
        failing = float(np.mean(ill.errors[entry, after] - well.errors[entry, after]))
        if failing >= ALERTS_FROM_FAILING:
            felt.append((1 + failing * 20, entry, SeriesKind.ERRORS))
        if slower >= ALERTS_FROM_SLOWER:
            felt.append((slower, entry, SeriesKind.LATENCY))
    return max(felt)[1:] if felt else None


def _case(
    name: str,
    fault: Fault | None,
    scene: _Scene,
    trouble: Trouble,
    *,
    run: Flow,
    alerts: tuple[int, SeriesKind],
    rng: np.random.Generator,
) -> Case:
    world, began_at = scene.world, float(scene.clock.times[scene.began])
    by = make_instruments(rng, sees_the_way=fault is Fault.NETWORK)
    truth = _truth(scene, fault, trouble)
    changes, decoys = _changes(scene, fault, truth, began_at, rng)
    target, kind = alerts
    if kind is SeriesKind.ERRORS and by.counts_success:
        kind = SeriesKind.AVAILABILITY
    late = float(rng.uniform(0, min(60.0, scene.clock.step)))
    observation = Observation(
        target=world.names[target],
        target_kind=kind,
        began_at=began_at + late,
        ends_at=float(scene.clock.times[-1]),
        series=measured(world, trouble, run, by=by, clock=scene.clock, rng=rng),
        calls=_calls(world),
        kinds=dict(zip(world.names, world.kinds, strict=True)),
        changes=changes,
        step=scene.clock.step,
    )
    named = frozenset(world.names[node] for node in truth)
    return Case(name, DATA_SET, _scenario(scene.clock, by), fault or "none", observation, named, decoys)


def _truth(scene: _Scene, fault: Fault | None, trouble: Trouble) -> frozenset[int]:
    """The node that is struck; of a surge, where it enters and what it fills up first are both right."""
    if fault is None:
        return frozenset()
    if fault is not Fault.SURGE:
        return frozenset({trouble.node})
    return frozenset({trouble.node, scene.world.narrowest_below(trouble.node)})


def _changes(
    scene: _Scene, fault: Fault | None, truth: frozenset[int], began_at: float, rng: np.random.Generator
) -> tuple[tuple[ObservedChange, ...], frozenset[str]]:
    names, kinds = scene.world.names, scene.world.kinds
    changes, decoys = [], []
    if fault is Fault.BAD_DEPLOY:
        changes += [ObservedChange(names[one], began_at - float(rng.uniform(0, 90)), "c0") for one in truth]
    if rng.random() < DECOYS:
        innocent = [n for n, kind in enumerate(kinds) if kind is NodeKind.SERVICE and n not in truth]
        decoy = names[int(rng.choice(innocent))]
        changes.append(ObservedChange(decoy, began_at - float(rng.uniform(*DECOY_SECONDS)), "c1"))
        decoys.append(decoy)
    return tuple(changes), frozenset(decoys)


def _calls(world: World) -> dict[str, tuple[str, ...]]:
    calls: dict[str, list[str]] = {}
    for caller, callee in world.known:
        calls.setdefault(world.names[caller], []).append(world.names[callee])
    return {caller: tuple(callees) for caller, callees in calls.items()}


def _scenario(clock: Clock, by: Instruments) -> str:
    history = "short history" if clock.history < 10 else "history"
    return f"{clock.step:g} s, {history}, {'local series' if by.local else 'requests alone'}"
