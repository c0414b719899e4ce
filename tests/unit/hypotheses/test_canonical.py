"""The order of what is observed depends on what it is and shows, never on names or on the order it came in."""

from dataclasses import replace
from random import Random

import numpy as np

from shared.hypotheses.canonical import in_canonical_order
from shared.hypotheses.observation import Observation, ObservedSeries, SeriesKind

TIMES = np.arange(3.0)


def series(
    service: str, *values: float, peer: str | None = None, kind: SeriesKind = SeriesKind.CPU
) -> ObservedSeries:
    return ObservedSeries(service, kind, "a name", TIMES, np.array(values), np.zeros(2), peer)


def seen(calls: dict[str, list[str]], *found: ObservedSeries) -> Observation:
    return Observation("front", SeriesKind.LATENCY, 1.0, 2.0, found, calls)


def services(observation: Observation) -> list[str]:
    return [one.service for one in in_canonical_order(observation).series]


def test_any_order_becomes_one() -> None:
    found = [series("a", 1, 2, 3), series("b", 1, 2, 4), series("c", 0, 2, 3), series("d", np.nan, 2, 3)]
    observation = seen({"a": ["b"]}, *found)
    orders = {tuple(services(replace(observation, series=Random(n).sample(found, 4)))) for n in range(10)}
    assert len(orders) == 1


def test_names_decide_nothing() -> None:
    before = services(seen({"front": ["a", "b"]}, series("a", 1, 2, 3), series("b", 1, 2, 4)))
    after = services(seen({"front": ["z", "b"]}, series("z", 1, 2, 3), series("b", 1, 2, 4)))
    assert ["z" if name == "a" else name for name in before] == after


def test_of_services_that_show_the_same_the_place_decides() -> None:
    calls = {"front": ["a", "b"], "b": ["c"]}
    one, other = series("a", 1, 2, 3), series("b", 1, 2, 3)
    assert services(seen(calls, one, other)) == services(seen(calls, other, one))


def test_of_edges_that_show_the_same_the_caller_s_place_decides() -> None:
    calls = {"front": ["c"], "b": ["c"]}
    edges = [series("c", 1, 2, 3, peer=peer, kind=SeriesKind.CALLER_LATENCY) for peer in ("front", "b")]
    found = [in_canonical_order(seen(calls, *order)).series[0].peer for order in (edges, edges[::-1])]
    assert found[0] == found[1]
