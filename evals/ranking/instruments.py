"""What is measured of a made-up system: noisy, with gaps, and never everything."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from evals.ranking.flow import Flow
from evals.ranking.troubles import Trouble
from evals.ranking.worlds import World
from shared.hypotheses.observation import ObservedSeries, SeriesKind
from shared.models.evidence import NodeKind

STATISTICS = (("mean",), ("p95",), ("p50", "p95"), ("mean", "p50", "p95"))
LOCAL = (SeriesKind.CPU, SeriesKind.MEMORY, SeriesKind.RESTARTS, SeriesKind.DISK, SeriesKind.NETWORK)
STORES = (NodeKind.DATABASE, NodeKind.QUEUE)
SPIKES = 0.002
LOGGED = 0.6
LOGGED_ANYWAY = 0.0005


@dataclass(frozen=True)
class Instruments:
    """Which series a system has, and how well they are measured."""

    statistics: tuple[str, ...]
    counts_success: bool
    local: frozenset[SeriesKind]
    has_client_side: bool
    has_edges: bool
    has_logs: bool
    has_machines: bool
    stores_are_silent: bool
    """What stores answer is measured by their callers alone."""
    noise: float
    missing: float


@dataclass(frozen=True)
class Clock:
    """Samples in the order of time; the first `history` of them are from before the window."""

    times: np.ndarray
    history: int
    step: float


def make_instruments(rng: np.random.Generator, *, sees_the_way: bool) -> Instruments:
    """Instruments drawn from a seeded source; `sees_the_way` of those that measure what happens between two nodes."""
    has_local = rng.random() < 0.75
    edges, client = bool(rng.random() < 0.4), bool(rng.random() < 0.5)
    return Instruments(
        statistics=STATISTICS[int(rng.integers(len(STATISTICS)))],
        counts_success=bool(rng.random() < 0.4),
        local=frozenset(kind for kind in LOCAL if has_local and (kind in LOCAL[:2] or rng.random() < 0.7)),
        has_client_side=client or (sees_the_way and not edges),
        has_edges=edges,
        has_logs=bool(rng.random() < 0.4),
        has_machines=bool(rng.random() < 0.3),
        stores_are_silent=bool(rng.random() < 0.25),
        noise=float(rng.uniform(0.02, 0.12)),
        missing=float(rng.choice([0.0, 0.0, 0.01, 0.05])),
    )


def measured(
    world: World, trouble: Trouble, run: Flow, *, by: Instruments, clock: Clock, rng: np.random.Generator
) -> list[ObservedSeries]:
    """Every series of every node, and of calls where they are measured."""
    found = [
        *_requests(run, by, clock, rng),
        *(_local(world, trouble, run, by, rng) if by.local else ()),
    ]
    series = [
        _series(world, clock, kind, statistic, node, row)
        for kind, statistic, rows in found
        for node, row in enumerate(_with_gaps(rows, trouble, by, rng))
        if _is_measured(world.kinds[node], kind, by)
    ]
    return [*series, *(_edges(world, run, by, clock, rng) if by.has_edges else ())]


Rows = tuple[SeriesKind, str, np.ndarray]


def _requests(run: Flow, by: Instruments, clock: Clock, rng: np.random.Generator) -> Iterator[Rows]:
    seconds = {"mean": run.mean, "p50": run.p50, "p95": run.p95}
    for statistic in by.statistics:
        yield SeriesKind.LATENCY, statistic, _noisy(seconds[statistic], by.noise, rng)
        if by.has_client_side or by.stores_are_silent:
            yield SeriesKind.CLIENT_LATENCY, statistic, _noisy(seconds[statistic] + run.on_the_way, by.noise, rng)
    requests = np.maximum(run.rate * clock.step, 1e-9)
    counted = np.minimum(requests, 1e6)
    share = np.where(requests < 1, np.nan, rng.poisson(np.clip(run.errors, 0, 1) * counted) / counted)
    share = np.minimum(share, 1.0)
    if by.counts_success:
        yield SeriesKind.AVAILABILITY, "mean", 1 - share
    else:
        yield SeriesKind.ERRORS, "", share
    yield SeriesKind.TRAFFIC, "sum", _noisy(run.rate, by.noise / 2, rng)
    if by.has_logs:
        lines = requests * (LOGGED * run.errors + LOGGED_ANYWAY)
        yield SeriesKind.LOG_ERRORS, "", rng.poisson(np.minimum(lines, 1e7)) / clock.step


def _local(world: World, trouble: Trouble, run: Flow, by: Instruments, rng: np.random.Generator) -> Iterator[Rows]:
    shape = run.rate.shape
    usual = np.maximum(run.rate[:, :1], 1e-9)
    cpu = np.minimum(0.05 + world.busy[:, None] * run.rate / usual, 1.2)
    walk = np.cumsum(rng.normal(0, 0.0015, shape), axis=1)
    memory = rng.uniform(5e7, 4e9, (shape[0], 1)) * np.exp(walk)
    restarts = np.zeros(shape)
    if trouble.node >= 0:
        cpu[trouble.node] = np.minimum(cpu[trouble.node] * trouble.cpu, 2.0)
        memory[trouble.node] *= trouble.memory
        restarts[trouble.node] = trouble.restarts
    rows = {
        SeriesKind.CPU: _noisy(cpu, by.noise, rng),
        SeriesKind.MEMORY: memory,
        SeriesKind.RESTARTS: restarts,
        SeriesKind.DISK: _noisy(np.repeat(rng.uniform(1e3, 1e7, (shape[0], 1)), shape[1], axis=1), 0.2, rng),
        SeriesKind.NETWORK: _noisy(run.rate * rng.uniform(500, 50000, (shape[0], 1)), by.noise, rng),
    }
    yield from ((kind, "", rows[kind]) for kind in LOCAL if kind in by.local)
    if by.has_machines:
        machines = np.stack([cpu[world.machine_of == one].mean(axis=0) for one in world.machine_of])
        yield SeriesKind.NODE, "", _noisy(machines, by.noise, rng)


def _edges(
    world: World, run: Flow, by: Instruments, clock: Clock, rng: np.random.Generator
) -> Iterator[ObservedSeries]:
    views = dict(world.views)
    for number, call in enumerate(world.calls):
        if call.callee in views:
            continue
        for kind, row in (
            (SeriesKind.CALLER_LATENCY, run.edge_caller[number]),
            (SeriesKind.CALLEE_LATENCY, run.edge_callee[number]),
        ):
            yield _series(
                world, clock, kind, "p50", call.callee, _noisy(row, by.noise, rng), peer=world.names[call.caller]
            )


def _is_measured(node: NodeKind, kind: SeriesKind, by: Instruments) -> bool:
    if kind is SeriesKind.CLIENT_LATENCY:
        return node is not NodeKind.CLIENT_VIEW and (by.has_client_side or node in STORES)
    if node is NodeKind.CLIENT_VIEW:
        return kind in (SeriesKind.LATENCY, SeriesKind.ERRORS, SeriesKind.AVAILABILITY, SeriesKind.TRAFFIC)
    return not (by.stores_are_silent and node in STORES and kind in (SeriesKind.LATENCY, SeriesKind.LOG_ERRORS))


def _noisy(rows: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Rows with log-normal noise, and rarely a spike."""
    noise = np.exp(rng.normal(0, sigma, rows.shape))
    spikes = np.where(rng.random(rows.shape) < SPIKES, rng.uniform(1.5, 3.0, rows.shape), 1.0)
    noisy: np.ndarray = rows * noise * spikes
    return noisy


def _with_gaps(rows: np.ndarray, trouble: Trouble, by: Instruments, rng: np.random.Generator) -> np.ndarray:
    if by.missing:
        rows = np.where(rng.random(rows.shape) < by.missing, np.nan, rows)
    if trouble.is_silent.any():
        rows = rows.copy()
        rows[trouble.node, trouble.is_silent] = np.nan
    return rows


def _series(
    world: World, clock: Clock, kind: SeriesKind, statistic: str, node: int, row: np.ndarray, peer: str | None = None
) -> ObservedSeries:
    return ObservedSeries(
        service=world.names[node],
        kind=kind,
        name=f"{kind.value}_{statistic}" if statistic else kind.value,
        times=clock.times[clock.history :],
        values=row[clock.history :],
        earlier=row[: clock.history],
        peer=peer,
        statistic=statistic,
    )
