"""Correlation on labelled storms, a few of them: `python -m evals correlation` runs more."""

import json
from functools import cache

import pytest

from evals.correlation import MAX_INCIDENTS, Known, Summary, measured, orders_of, simulated
from evals.faults import Kind
from evals.storms import make_storm
from evals.through_pipeline import ingested
from shared.models.correlation import CorrelationPolicy
from shared.models.signals import Source
from shared.signals.sources import parse
from tests.builders import NOON

# A sweep: what it runs is covered by the tests of single cases, and measuring would make it slower.
pytestmark = pytest.mark.no_cover

SEEDS = range(1, 8)


@cache
def summary() -> Summary:
    return Summary([measured(make_storm(seed), orders=2) for seed in SEEDS])


def test_the_same_seed_makes_the_same_storm() -> None:
    assert make_storm(3) == make_storm(3)
    assert make_storm(3).deliveries != make_storm(4).deliveries


def test_a_storm_is_what_it_is_said_to_be() -> None:
    for seed in SEEDS:
        storm = make_storm(seed)
        one, other = storm.twins
        assert len(storm.estate.services) == 40
        assert {fault.kind for fault in storm.faults} == set(Kind)
        assert abs(one.began - other.began) <= 45
        assert not storm.estate.above(one.origins) & other.origins
        assert not storm.estate.above(other.origins) & one.origins
        assert {name for name in storm.causes.values() if name.startswith("noise")} == {
            f"noise-{n}" for n in range(5)
        }


def test_the_bodies_of_a_storm_hold_exactly_its_alerts() -> None:
    storm = make_storm(2)
    bodies = [json.loads(one.body) for one in storm.deliveries]
    assert {alert["fingerprint"] for body in bodies for alert in body["alerts"]} == set(storm.causes)
    for one in storm.deliveries:
        assert not parse(Source.ALERTMANAGER, one.body, received_at=NOON).rejected


def test_correlation_is_not_told_all_calls_and_is_told_some_wrong_ones() -> None:
    estate = make_storm(1).estate
    edges = {(caller, callee) for caller, callees in estate.calls.items() for callee in callees}
    known = {(caller, callee) for caller, callees in estate.known_calls.items() for callee in callees}
    assert edges - known
    assert known - edges


def test_unrelated_faults_that_begin_together_are_never_merged() -> None:
    assert [one.seed for one in summary().outcomes if one.twins_merged] == []


def test_the_order_of_arrival_makes_no_difference() -> None:
    assert [one.seed for one in summary().outcomes if not one.is_same_in_every_order] == []


def test_a_storm_becomes_few_incidents_that_are_mostly_right() -> None:
    assert summary().meets_goals, summary().figures()
    assert max(one.incidents for one in summary().outcomes) <= MAX_INCIDENTS + 1


def test_without_known_calls_nothing_wrong_is_merged() -> None:
    blind = measured(make_storm(1), orders=1, known=Known.NO_CALLS)
    assert blind.bcubed.precision >= 0.95
    assert not blind.twins_merged


async def test_the_pipeline_ends_where_the_simulation_does_in_any_order() -> None:
    storm, policy = make_storm(1), CorrelationPolicy()
    decided = simulated(storm, storm.deliveries, known=Known.ALL, policy=policy)
    # In the third order services split off, come back and split off once more.
    for deliveries in (orders_of(storm, 3)[0], orders_of(storm, 3)[2]):
        stored = await ingested(storm, deliveries, known=Known.ALL, policy=policy)
        assert stored.groups() == decided.groups()
        assert stored.incident_of_each().keys() == storm.causes.keys()
