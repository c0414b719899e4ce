"""What lowers a score, and says why."""

from datetime import timedelta
from typing import Any

import pytest

from shared.hypotheses.caps import AT_MOST, UNRANKED_SCORE, Cap, capped, caps_of
from shared.hypotheses.index import EvidenceIndex
from shared.models.changes import ChangeKind
from shared.models.evidence import EVERYWHERE, ChangeEvidence
from shared.models.measures import Metric
from tests.builders import NOON
from tests.unit.hypotheses.scenes import World

SHOP = {"gateway": {"checkout": 10.0}, "checkout": {"payment": 10.0}, "payment": {"ledger": 5.0}}
"""Slack is 6 s."""


def a_world(calls: dict[str, dict[str, float]] | None = None) -> World:
    return World("checkout", SHOP if calls is None else calls).errors("checkout", 0.5, at=0)


def caps(world: World, service: str, change: str | None = None, *, is_suspected: bool = True) -> tuple[Cap, ...]:
    return caps_of(EvidenceIndex.of(world.body()), service, change, is_suspected=is_suspected)


def with_change(world: World, service: str, at: float, **fields: Any) -> tuple[Cap, ...]:
    body = world.changed(service, at, **fields).body()
    changes = [one for one in body.evidence() if isinstance(one, ChangeEvidence)]
    return caps_of(EvidenceIndex.of(body), "payment", changes[-1].id, is_suspected=True)


@pytest.mark.parametrize(("seconds", "is_capped"), [(-30, False), (0, False), (6, False), (7, True), (60, True)])
def test_who_moved_after_the_symptom_did_not_cause_it(seconds: float, is_capped: bool) -> None:
    found = caps(a_world().errors("payment", 0.5, at=seconds), "payment")
    assert (Cap.LATER_THAN_SYMPTOM in found) is is_capped


@pytest.mark.parametrize(("seconds", "is_capped"), [(-30, False), (6, False), (7, True)])
def test_nor_did_a_change_that_came_after_it(seconds: float, is_capped: bool) -> None:
    found = with_change(a_world().errors("payment", 0.5, at=-10), "payment", seconds)
    assert found == ((Cap.LATER_THAN_SYMPTOM,) if is_capped else ())


def test_a_change_counts_from_when_it_was_under_way() -> None:
    under_way = {"began_at": NOON - timedelta(seconds=10)}
    assert with_change(a_world().errors("payment", 0.5, at=0), "payment", 60, **under_way) == ()


def test_one_bad_metric_before_the_symptom_is_enough_not_to_be_later() -> None:
    world = a_world().errors("payment", 0.5, at=60).move("payment", Metric.LATENCY_P95, 0.05, 1.0, at=-5)
    assert caps(world, "payment") == ()


def test_fewer_requests_after_the_symptom_are_its_consequence_and_cap_nothing() -> None:
    assert caps(a_world().move("payment", Metric.REQUEST_RATE, 10, 2, at=40), "payment") == ()


def test_a_wobble_of_the_alerting_service_before_its_trouble_is_not_its_symptom() -> None:
    world = a_world().move("checkout", Metric.LATENCY_P95, 0.05, 0.056, at=-600).errors("payment", 0.5, at=-5)
    assert caps(world, "payment") == ()


def test_the_alerting_service_is_never_later_than_itself() -> None:
    assert caps(a_world().move("checkout", Metric.LATENCY_P95, 0.05, 1.0, at=300), "checkout") == ()


def test_who_is_not_called_directly_or_not_has_no_path() -> None:
    world = a_world({**SHOP, "other": {"island": 1.0}})
    assert caps(world, "ledger") == ()
    assert caps(world, "island") == (Cap.NO_DEPENDENCY_PATH,)
    assert caps(world, "gateway") == (Cap.NO_DEPENDENCY_PATH,)


def test_a_caller_that_sends_a_surge_has_one() -> None:
    assert caps(a_world().move("gateway", Metric.REQUEST_RATE, 10, 100, at=-5), "gateway") == ()


def test_where_nobody_knows_the_graph_no_path_is_missing() -> None:
    assert caps(a_world({}).errors("payment", 0.4), "payment") == ()


def test_circles_and_self_calls_end() -> None:
    circle = {"checkout": {"checkout": 1.0, "payment": 1.0}, "payment": {"checkout": 1.0}, "island": {"island": 1.0}}
    assert caps(a_world(circle), "payment") == ()
    assert caps(a_world(circle), "island") == (Cap.NO_DEPENDENCY_PATH,)


def test_who_the_ranker_does_not_suspect_says_so() -> None:
    assert caps(a_world(), "payment", is_suspected=False) == (Cap.NOT_SUSPECTED,)


@pytest.mark.parametrize(
    ("service", "fields", "is_capped"),
    [
        ("payment", {}, False),
        ("payment", {"change": ChangeKind.CONFIG}, False),
        ("payment", {"change": ChangeKind.OTHER}, True),
        ("ledger", {}, True),
        (EVERYWHERE, {}, False),
        (EVERYWHERE, {"change": ChangeKind.OTHER}, True),
    ],
)
def test_a_change_has_to_be_its_own_and_of_a_kind_that_causes_something(
    service: str, fields: dict[str, Any], is_capped: bool
) -> None:
    assert with_change(a_world(), service, -20, **fields) == ((Cap.CHANGE_NO_CAUSE,) if is_capped else ())


def test_a_change_that_does_not_exist_caps() -> None:
    assert caps(a_world(), "payment", "E999") == (Cap.CHANGE_NO_CAUSE,)


def test_the_lowest_cap_counts_none_lifts_and_none_sinks_below_who_is_not_suspected() -> None:
    assert capped(0.9, (Cap.NO_ASSERTIONS, Cap.LATER_THAN_SYMPTOM)) == 0.15
    assert capped(0.1, (Cap.NO_ASSERTIONS,)) == 0.1
    assert capped(0.9, ("a_cap_of_a_later_release",)) == 0.9
    assert min(AT_MOST.values()) == UNRANKED_SCORE
    assert set(AT_MOST) == set(Cap)
