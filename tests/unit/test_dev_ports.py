import random
from pathlib import Path

from dev.ports import a_free_base

TESTS = Path(__file__).resolve().parents[1]


def test_two_that_look_for_free_ports_in_the_same_places_do_not_share_them() -> None:
    random.seed(1)
    one = a_free_base()
    random.seed(1)
    assert a_free_base() != one


def test_what_runs_the_whole_stack_is_in_the_folder_that_is_run_for_it() -> None:
    mark = "pytest.mark." + "e2e"
    marked = {file.parent for file in TESTS.rglob("test_*.py") if mark in file.read_text()}
    assert marked == {TESTS / "e2e"}
