"""Folders of recorded cases: what is read of them, what is refused, and what never reaches the ranker."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evals.ranking.folders import Recorded, case_of, read_folder
from evals.ranking.tables import Unreadable, read_table
from shared.hypotheses.observation import SeriesKind
from shared.models.evidence import NodeKind
from tests.unit.evals.ranking.recordings import BEGAN, STEP, columns, write_case, write_table


def only(root: Path) -> Recorded:
    found = read_folder(root)
    assert not found.unreadable
    (case,) = found.cases
    return case


def why(root: Path) -> str:
    found = read_folder(root)
    assert not found.cases
    (reason,) = found.unreadable.values()
    return reason


def test_a_root_a_data_set_and_a_case_can_all_be_given(tmp_path: Path) -> None:
    case = write_case(tmp_path / "shop" / "one")
    for given in (tmp_path, tmp_path / "shop", case):
        assert only(given).meta.target_service == "front"


def test_a_case_becomes_typed_series_and_the_alert(tmp_path: Path) -> None:
    write_case(tmp_path / "one")
    observation = case_of(only(tmp_path)).observation
    kinds = {(one.service, one.name): one.kind for one in observation.series}
    assert kinds["cart", "cpu"] is SeriesKind.CPU
    assert kinds["front", "error_rate"] is SeriesKind.ERRORS
    assert observation.target_kind is SeriesKind.LATENCY
    assert observation.calls == {"front": ["cart"], "cart": ["store"]}
    assert (observation.began_at, observation.step) == (BEGAN, STEP)


def test_the_truth_does_not_reach_the_ranker(tmp_path: Path) -> None:
    write_case(tmp_path / "one", fault="secret-fault", root_metric="secret-metric", split="secret-split")
    case = case_of(only(tmp_path))
    assert case.truth == {"cart"}
    assert "secret" not in repr(case.observation)


def test_several_services_can_be_right(tmp_path: Path) -> None:
    write_case(tmp_path / "one", root_service=None, root_services=["cart", "store"])
    assert case_of(only(tmp_path)).truth == {"cart", "store"}


def test_samples_after_the_window_are_not_shown(tmp_path: Path) -> None:
    write_case(tmp_path / "one", window_end=BEGAN + STEP)
    assert max(case_of(only(tmp_path)).observation.series[0].times) == BEGAN + STEP


def test_the_reference_is_what_was_normal_before(tmp_path: Path) -> None:
    write_table(tmp_path / "_normal" / "quiet.csv", [BEGAN - 100_000 + STEP * n for n in range(50)])
    write_case(tmp_path / "one", normal_csv="../_normal/quiet.csv")
    assert len(case_of(only(tmp_path)).observation.series[0].earlier) == 50


def test_the_window_itself_is_no_reference(tmp_path: Path) -> None:
    write_table(tmp_path / "_normal" / "quiet.csv", [BEGAN + STEP * n for n in range(-10, 10)])
    write_case(tmp_path / "one", normal_csv="../_normal/quiet.csv")
    assert len(case_of(only(tmp_path)).observation.series[0].earlier) == 14


def test_a_case_without_a_graph_is_read(tmp_path: Path) -> None:
    (write_case(tmp_path / "one") / "graph.json").unlink()
    assert case_of(only(tmp_path)).observation.calls == {}


def test_kinds_come_from_the_graph_or_from_a_type_in_the_name(tmp_path: Path) -> None:
    edges = [["front", "cart"], ["front", "cart.example_remote"]]
    write_case(tmp_path / "one", graph={"edges": edges, "kinds": {"cart": "queue", "front": "nonsense"}})
    kinds = case_of(only(tmp_path)).observation.kinds
    assert kinds == {"cart": NodeKind.QUEUE, "cart.example_remote": NodeKind.CLIENT_VIEW}


def test_columns_that_nobody_explains_are_left_out_and_noted(tmp_path: Path) -> None:
    known = {name: said for name, said in columns().items() if not name.startswith("store")}
    write_case(tmp_path / "one", columns=known)
    case = only(tmp_path)
    assert {one.service for one in case_of(case).observation.series} == {"front", "cart"}
    assert case.notes == ("3 columns that meta.json does not name were left out",)


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ({"target_service": None}, "target_service"),
        ({"inject_time": None}, "inject_time"),
        ({"inject_time": "soon"}, "inject_time"),
        ({"columns": None}, "columns"),
        ({"columns": {"cart_cpu": "cart"}}, "columns"),
        ({"columns": {"other": ["a", "b"]}}, "none of the columns"),
        ({"root_service": None}, "no root_service"),
        ({"inject_time": BEGAN + 10_000, "window_end": None}, "no sample between"),
        ({"normal_csv": "../none.csv"}, "there is no ../none.csv"),
        ({"normal_csv": "../../outside.csv"}, "outside of the folder"),
        ({"normal_csv": "/etc/hostname"}, "outside of the folder"),
        ({"normal_csv": "\0"}, "no path"),
    ],
)
def test_a_case_that_cannot_be_judged_is_refused_with_its_reason(
    tmp_path: Path, meta: dict[str, Any], said: str
) -> None:
    write_table(tmp_path / "outside.csv", [BEGAN])
    write_case(tmp_path / "data" / "one", **meta)
    assert said in why(tmp_path / "data")


def test_a_link_that_leaves_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = write_table(tmp_path / "outside.csv", [BEGAN])
    case = write_case(tmp_path / "data" / "one")
    (case / "metrics.csv").unlink()
    (case / "metrics.csv").symlink_to(outside)
    assert "outside of the folder" in why(tmp_path / "data")


def test_one_case_alone_goes_without_a_reference_beside_it(tmp_path: Path) -> None:
    write_table(tmp_path / "_normal" / "quiet.csv", [BEGAN - 1000])
    case = only(write_case(tmp_path / "one", normal_csv="../_normal/quiet.csv"))
    assert case.normal is None
    assert "was not read" in case.notes[0]


@pytest.mark.parametrize(("file", "body"), [("meta.json", "[1"), ("meta.json", "[" * 100_000), ("graph.json", "3")])
def test_broken_json_is_refused(tmp_path: Path, file: str, body: str) -> None:
    (write_case(tmp_path / "one") / file).write_text(body, encoding="utf-8")
    assert file in why(tmp_path)


@pytest.mark.parametrize("edges", [[["a"]], [["a", 3]], ["ab"], {"a": "b"}])
def test_a_graph_that_is_none_is_refused(tmp_path: Path, edges: object) -> None:
    (write_case(tmp_path / "one") / "graph.json").write_text(json.dumps({"edges": edges}), encoding="utf-8")
    assert "graph.json" in why(tmp_path)


def test_one_broken_case_does_not_hide_the_others(tmp_path: Path) -> None:
    write_case(tmp_path / "good")
    (write_case(tmp_path / "bad") / "metrics.csv").unlink()
    found = read_folder(tmp_path)
    assert [one.name for one in found.cases] == ["good"]
    assert found.unreadable == {"bad": "there is no metrics.csv"}


def table(tmp_path: Path, body: str) -> Any:
    path = tmp_path / "metrics.csv"
    path.write_text(body, encoding="utf-8")
    return read_table(path)


def test_cells_that_are_no_number_are_samples_that_were_not_taken(tmp_path: Path) -> None:
    found = table(tmp_path, "time,a,b\n1,,NaN\n2,x,inf\n3,4\n")
    np.testing.assert_array_equal(found.columns["a"], [np.nan, np.nan, 4.0])
    np.testing.assert_array_equal(found.columns["b"], [np.nan] * 3)


def test_times_are_put_in_order_and_the_last_of_equal_ones_counts(tmp_path: Path) -> None:
    found = table(tmp_path, "a,time\n30,3\n10,1\n,\n31,3\n")
    assert (list(found.times), list(found.columns["a"])) == ([1.0, 3.0], [10.0, 31.0])


@pytest.mark.parametrize("body", ["", "time,a\n", "a,b\n1,2\n", "time,a\nx,1\n"])
def test_a_table_without_a_sample_is_refused(tmp_path: Path, body: str) -> None:
    with pytest.raises(Unreadable):
        table(tmp_path, body)
