"""`python -m evals rank`: its exit codes, and what it prints."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evals.__main__ import app
from tests.unit.evals.ranking.recordings import BEGAN, STEP, write_case, write_table


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["rank", *arguments])
    return result.exit_code, result.output


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_table(tmp_path / "_normal" / "quiet.csv", [BEGAN - 1_000_000 + STEP * n for n in range(80)], seed=2)
    write_case(tmp_path / "one", normal_csv="../_normal/quiet.csv")
    write_case(tmp_path / "two", normal_csv="../_normal/quiet.csv", dataset="petshop", root="store")
    return tmp_path


def test_a_folder_is_reported_by_data_set(data: Path) -> None:
    code, said = run("--data", str(data))
    assert code == 0
    for expected in ("== shop", "== petshop", "top-1", "silent in normal windows", "processor time", "goal"):
        assert expected in said


def test_the_report_can_be_read_by_machines(data: Path) -> None:
    code, said = run("--data", str(data), "--json")
    assert code == 0
    (petshop, shop) = json.loads(said)["data_sets"]
    assert (petshop["data_set"], shop["data_set"]) == ("petshop", "shop")
    assert shop["groups"][0]["places"]["top1"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 1}
    assert {goal["name"] for goal in petshop["goals"]} == {"top1", "top3", "silence", "p95 in ms"}
    assert shop["silence"]["n"] > 0


def test_a_miss_is_printed_with_its_reason(tmp_path: Path) -> None:
    write_case(tmp_path / "one", root_service="nobody")
    _, said = run("--data", str(tmp_path))
    assert "miss one (cpu): " in said
    assert "nothing is measured of it" in said


def test_nothing_to_evaluate_fails(tmp_path: Path) -> None:
    code, said = run("--data", str(tmp_path))
    assert code == 1
    assert "nothing was evaluated" in said


def test_a_folder_that_is_not_there_fails(tmp_path: Path) -> None:
    code, said = run("--data", str(tmp_path / "none"))
    assert code == 2
    assert "there is no folder" in said


def test_a_case_that_cannot_be_read_fails_and_the_others_are_still_reported(data: Path) -> None:
    (data / "two" / "metrics.csv").unlink()
    code, said = run("--data", str(data))
    assert code == 1
    assert "case two could not be read: there is no metrics.csv" in said
    assert "== shop" in said


def test_the_gate_fails_when_a_goal_is_missed(tmp_path: Path) -> None:
    write_case(tmp_path / "one", dataset="petshop", root_service="nobody")
    assert run("--data", str(tmp_path))[0] == 0
    assert run("--data", str(tmp_path), "--gate")[0] == 1


def test_other_names_give_the_same_ranking(data: Path) -> None:
    code, said = run("--data", str(data), "--anonymise", "3")
    assert (code, said.strip()) == (0, "identical on 2 of 2")


def test_a_simple_ranker_can_be_measured_beside_and_is_never_silent(data: Path) -> None:
    code, said = run("--data", str(data), "--ranker", "robust-z", "--without-kinds", "--json")
    assert code == 0
    assert [one["silence"]["value"] for one in json.loads(said)["data_sets"]] == [0.0, 0.0]


def test_nothing_is_written(data: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    run("--data", str(data))
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == before


def test_made_up_cases_are_reported_with_their_decoys() -> None:
    code, said = run("--synthetic", "3", "--cases", "6")
    assert code == 0
    for expected in ("== synthetic", "fault memory_leak", "decoys blamed", "of 2 windows"):
        assert expected in said


@pytest.mark.parametrize(
    "arguments", [(), ("--data", ".", "--synthetic", "1"), ("--synthetic", "1", "--anonymise", "1")]
)
def test_arguments_that_do_not_go_together_are_refused(arguments: tuple[str, ...]) -> None:
    assert run(*arguments)[0] == 2
