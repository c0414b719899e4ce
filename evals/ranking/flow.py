"""How requests flow through a made-up system: load goes down from caller to callee, waiting and failing come back up.

A node waits longer the fuller it is (1 / (1 - utilisation), as in a queue with one server), calls add their callees'
time, failed calls are made again as often as the caller retries, and what takes longer than a timeout fails.
"""

from dataclasses import dataclass

import numpy as np

from evals.ranking.troubles import Trouble
from evals.ranking.worlds import Call, World

FULLEST = 0.97
TAIL = 2.2
"""How much longer than the mean the slowest twentieth takes, at one node."""
MEDIAN = 0.85
SEEN_IN_TAIL = 0.05
SEEN_IN_MEDIAN = 0.5


@dataclass(frozen=True)
class Flow:
    """Nodes by steps: requests a second, seconds an answer takes, the share that fails; edges by steps likewise."""

    rate: np.ndarray
    mean: np.ndarray
    p50: np.ndarray
    p95: np.ndarray
    errors: np.ndarray
    edge_caller: np.ndarray
    edge_callee: np.ndarray
    on_the_way: np.ndarray
    """Nodes by steps: seconds that a call spends between its caller and the node."""


def flow(world: World, trouble: Trouble, load: np.ndarray, jitter: np.ndarray) -> Flow:
    """One run. `load` is the entries' traffic by step (1 is usual), `jitter` nodes by steps of noise on own time."""
    capacity = np.maximum(_usual_rates(world), 1e-9) / world.busy
    first = _answers(world, trouble, _rates(world, trouble, load, None), capacity, jitter)
    if trouble.node < 0:
        return first
    # Retries need to know what fails, and load more onto what is failing: one more round is close enough.
    return _answers(world, trouble, _rates(world, trouble, load, first.errors), capacity, jitter)


def _usual_rates(world: World) -> np.ndarray:
    rate = np.zeros(len(world.names))
    rate[list(world.entries)] = world.entry_rate
    for call in world.calls:
        rate[call.callee] += rate[call.caller] * call.per_request
    return rate


def _rates(world: World, trouble: Trouble, load: np.ndarray, errors: np.ndarray | None) -> np.ndarray:
    rate = np.zeros((len(world.names), len(load)))
    for entry in world.entries:
        rate[entry] = world.entry_rate * load * (trouble.traffic if entry == trouble.node else 1.0)
    for call in world.calls:
        made = rate[call.caller] * call.per_request
        if errors is not None and call.retries:
            made *= 1 + call.retries * errors[call.callee]
        if trouble.fails_early and call.caller == trouble.node:
            made *= 1 - trouble.failing
        rate[call.callee] += made
    return rate


def _answers(world: World, trouble: Trouble, rate: np.ndarray, capacity: np.ndarray, jitter: np.ndarray) -> Flow:
    filled = np.minimum(rate / capacity[:, None], FULLEST)
    queueing = (1 - world.busy[:, None]) / (1 - filled)
    own = world.own_seconds[:, None] * queueing * jitter
    if trouble.node >= 0:
        own[trouble.node] *= trouble.slower
    views = dict(world.views)
    for view in views:
        own[view] = 0.0
    failing = np.repeat(world.own_errors[:, None], rate.shape[1], axis=1)
    if trouble.node >= 0:
        failing[trouble.node] = np.maximum(failing[trouble.node], trouble.failing)
    failing += np.maximum(filled - 0.9, 0.0) * 3  # what is full turns requests away
    mean, p50, p95, passed = own.copy(), MEDIAN * own, TAIL * own, 1 - np.clip(failing, 0, 1)
    edge_caller, edge_callee = (np.zeros((len(world.calls), rate.shape[1])) for _ in range(2))
    on_the_way, arriving = np.zeros(rate.shape), np.full(rate.shape, 1e-12)
    for number in range(len(world.calls) - 1, -1, -1):
        call = world.calls[number]
        seen = views.get(call.callee, call.callee)
        delay = call.network_seconds + (trouble.network_seconds if trouble.node in (seen, call.caller) else 0.0)
        if seen != call.callee:
            mean[call.callee], p50[call.callee], p95[call.callee] = (one[seen] + delay for one in (mean, p50, p95))
            passed[call.callee] = passed[seen]
            continue
        weight = rate[call.caller] * call.per_request
        on_the_way[seen] += weight * delay
        arriving[seen] += weight
        edge_callee[number] = p50[seen]
        edge_caller[number] = _climb(call, delay, mean, p50, p95)
        failed = _failed(call, mean[seen] + delay, 1 - passed[seen])
        passed[call.caller] *= 1 - min(1.0, call.per_request) * failed * (1 - call.fallback)
    return Flow(rate, mean, p50, p95, 1 - passed, edge_caller, edge_callee, on_the_way / arriving)


def _climb(call: Call, delay: np.ndarray | float, mean: np.ndarray, p50: np.ndarray, p95: np.ndarray) -> np.ndarray:
    """Add a callee's time to its caller's; what a caller sees of a call, at the median."""
    wait = np.minimum(mean[call.callee] + delay, call.timeout_seconds)
    mean[call.caller] += call.per_request * wait
    median: np.ndarray = np.minimum(p50[call.callee] + delay, call.timeout_seconds)
    if call.per_request >= SEEN_IN_MEDIAN:
        p50[call.caller] += call.per_request * median
    if call.per_request >= SEEN_IN_TAIL:
        p95[call.caller] += max(1.0, call.per_request) * np.minimum(p95[call.callee] + delay, call.timeout_seconds)
    return median


def _failed(call: Call, seconds: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """The share of calls that fail for good: refused or too late, after all retries."""
    late = np.clip((seconds / call.timeout_seconds - 0.5) / 1.0, 0, 1)
    failed: np.ndarray = (1 - (1 - errors) * (1 - late)) ** (1 + call.retries)
    return failed
