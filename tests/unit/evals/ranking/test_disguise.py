"""The same case under other names, orders and times: nothing that a name says is left, and cheating is found."""

from pathlib import Path

import numpy as np

from evals.ranking.disguise import differences, disguised
from evals.ranking.folders import Recorded, case_of, read_folder
from shared.hypotheses.observation import Observation, Ranking, SeriesKind, Suspect
from shared.hypotheses.rank import rank
from tests.unit.evals.ranking.recordings import SERVICES, columns, write_case


def recorded(tmp_path: Path) -> Recorded:
    edge = {"cart_edge": ["cart", "edge_source_p50:front"]}
    graph = {"edges": [["front", "cart"], ["cart", "store"]], "kinds": {"store": "database"}}
    write_case(tmp_path / "one", columns=columns() | edge, graph=graph)
    path = tmp_path / "one" / "metrics.csv"
    head, *lines = path.read_text().splitlines()
    path.write_text("\n".join([head + ",cart_edge", *(line + ",0.5" for line in lines)]))
    return read_folder(tmp_path).cases[0]


def test_no_name_of_a_service_is_left(tmp_path: Path) -> None:
    observation = case_of(disguised(recorded(tmp_path), 1).recorded).observation
    said = repr(
        (observation.target, observation.calls, observation.kinds, [_names(one) for one in observation.series])
    )
    assert not any(service in said for service in SERVICES)


def _names(one: object) -> tuple[object, ...]:
    return tuple(getattr(one, name) for name in ("service", "peer", "name"))


def test_everything_but_names_orders_and_times_stays(tmp_path: Path) -> None:
    case = recorded(tmp_path)
    other = disguised(case, 1)
    here, there = case_of(case).observation, case_of(other.recorded).observation
    assert there.began_at != here.began_at
    assert there.ends_at - there.began_at == here.ends_at - here.began_at
    true = other.true_name
    assert {true[name]: kind for name, kind in there.kinds.items()} == here.kinds
    assert {(true[a], true[b]) for a, callees in there.calls.items() for b in callees} == {
        ("front", "cart"),
        ("cart", "store"),
    }
    values = {(true[one.service], one.kind): one.values for one in there.series}
    for one in here.series:
        np.testing.assert_array_equal(values[one.service, one.kind], one.values)
    (edge,) = (one for one in there.series if one.kind is SeriesKind.CALLER_LATENCY)
    assert true[edge.peer or ""] == "front"


def test_columns_stand_in_another_order(tmp_path: Path) -> None:
    case = recorded(tmp_path)
    other = disguised(case, 1)
    there = [other.true_name[one.service] for one in case_of(other.recorded).observation.series]
    assert there != [one.service for one in case_of(case).observation.series]


def test_the_product_s_ranking_stays_the_same(tmp_path: Path) -> None:
    case = recorded(tmp_path)
    assert [found for seed in range(5) for found in differences(case, rank, seed)] == []


def test_a_ranking_by_names_is_found_out(tmp_path: Path) -> None:
    def by_name(observation: Observation) -> Ranking:
        names = sorted({one.service for one in observation.series})
        return Ranking(tuple(_suspect(name) for name in names), "ranked")

    case = recorded(tmp_path)
    assert any(differences(case, by_name, seed) for seed in range(3))


def _suspect(service: str) -> Suspect:
    return Suspect(service, SeriesKind.CPU, "cpu", None, goes_up=True, score=1.0, factors={}, change=0.0)
