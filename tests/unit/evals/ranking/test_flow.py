"""How trouble spreads in a made-up system, against values worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from evals.ranking.flow import flow
from evals.ranking.troubles import Trouble, no_trouble
from evals.ranking.worlds import Call, World
from shared.models.evidence import NodeKind

pytestmark = pytest.mark.no_cover

STEPS, BEGAN = 6, 3
FRONT, CART, STORE, VIEW = range(4)
ON = (np.arange(STEPS) >= BEGAN).astype(float)
LOAD, JITTER = np.ones(STEPS), np.ones((4, STEPS))


def call(caller: int, callee: int, **changed: float) -> Call:
    usual = {"per_request": 1.0, "network_seconds": 0.0, "timeout_seconds": 10.0, "retries": 0, "fallback": 0.0}
    return Call(caller, callee, **{**usual, **changed})  # type: ignore[arg-type]  # the values are all of the fields' kinds


def world(*calls: Call) -> World:
    return World(
        names=("front", "cart", "store", "store seen by cart"),
        kinds=(NodeKind.SERVICE, NodeKind.SERVICE, NodeKind.DATABASE, NodeKind.CLIENT_VIEW),
        calls=calls or (call(FRONT, CART), call(CART, STORE, per_request=0.5)),
        entries=(FRONT,),
        entry_rate=10.0,
        own_seconds=np.array([0.1, 0.1, 0.1, 0.0]),
        own_errors=np.zeros(4),
        busy=np.full(4, 0.2),
        machine_of=np.zeros(4, dtype=int),
        known=(),
        views=((VIEW, STORE),),
    )


def trouble(node: int, **changed: np.ndarray) -> Trouble:
    return replace(no_trouble(STEPS), node=node, **changed)  # type: ignore[arg-type]  # the values are all of the fields' kinds


def test_load_goes_down_by_the_calls_of_a_request() -> None:
    run = flow(world(), no_trouble(STEPS), LOAD, JITTER)
    assert run.rate[:3, 0] == pytest.approx([10.0, 10.0, 5.0])


def test_a_slow_callee_makes_its_callers_slower_by_what_they_call_it() -> None:
    run = flow(world(), trouble(STORE, slower=1 + 4 * ON), LOAD, JITTER)
    assert run.mean[:3, 0] == pytest.approx([0.25, 0.15, 0.1])
    assert run.mean[:3, -1] == pytest.approx([0.45, 0.35, 0.5])


def test_a_slow_caller_does_not_make_its_callee_slower() -> None:
    run = flow(world(), trouble(CART, slower=1 + 4 * ON), LOAD, JITTER)
    assert run.mean[STORE, -1] == pytest.approx(run.mean[STORE, 0])
    assert run.mean[FRONT, -1] > run.mean[FRONT, 0]


def test_errors_climb_by_the_share_of_requests_that_call() -> None:
    run = flow(world(), trouble(STORE, failing=0.8 * ON), LOAD, JITTER)
    assert run.errors[:3, -1] == pytest.approx([0.4, 0.4, 0.8])
    assert run.errors[:3, 0] == pytest.approx([0.0, 0.0, 0.0])


def test_a_fallback_bears_its_share_and_a_retry_what_fails_by_chance() -> None:
    borne = world(call(FRONT, CART), call(CART, STORE, fallback=0.5))
    assert flow(borne, trouble(STORE, failing=0.8 * ON), LOAD, JITTER).errors[CART, -1] == pytest.approx(0.4)
    again = world(call(FRONT, CART), call(CART, STORE, retries=1))
    run = flow(again, trouble(STORE, failing=0.5 * ON), LOAD, JITTER)
    assert run.errors[CART, -1] == pytest.approx(0.25)
    assert run.rate[STORE, -1] == pytest.approx(15.0)


def test_who_does_not_answer_in_time_has_failed_and_is_waited_for_no_longer() -> None:
    hasty = world(call(FRONT, CART), call(CART, STORE, timeout_seconds=1.0))
    run = flow(hasty, trouble(STORE, slower=1 + 99 * ON), LOAD, JITTER)
    assert run.errors[CART, -1] == pytest.approx(1.0)
    assert run.mean[CART, -1] == pytest.approx(1.1)


def test_a_slow_network_is_seen_by_callers_and_not_by_the_callee() -> None:
    run = flow(world(), trouble(CART, network_seconds=0.3 * ON), LOAD, JITTER)
    assert run.on_the_way[CART, -1] == pytest.approx(0.3)
    assert run.mean[STORE, -1] == pytest.approx(run.mean[STORE, 0])
    assert run.edge_caller[0, -1] - run.edge_callee[0, -1] == pytest.approx(0.3)


def test_more_traffic_than_a_node_bears_makes_it_slow_and_turns_requests_away() -> None:
    run = flow(world(), trouble(FRONT, traffic=1 + 4 * ON), LOAD, JITTER)
    assert run.rate[STORE, -1] == pytest.approx(25.0)
    assert run.mean[STORE, -1] > 10 * run.mean[STORE, 0]
    assert run.errors[STORE, -1] > 0.1


def test_a_client_side_view_shows_what_is_behind_it() -> None:
    seen = world(call(FRONT, CART), call(CART, STORE), call(CART, VIEW, fallback=1.0))
    run = flow(seen, trouble(STORE, slower=1 + 4 * ON), LOAD, JITTER)
    np.testing.assert_allclose(run.mean[VIEW], run.mean[STORE])
    assert run.mean[CART, -1] == pytest.approx(0.6)
