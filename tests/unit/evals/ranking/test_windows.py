"""Normal windows: as long as the cases' own, with only earlier samples as history, and no sample in two of them."""

from itertools import pairwise
from pathlib import Path

from evals.ranking.cases import Case
from evals.ranking.folders import read_folder
from evals.ranking.windows import LEAST_HISTORY, MOST_WINDOWS, Cut, normal_windows
from tests.unit.evals.ranking.recordings import BEGAN, STEP, write_case, write_table

AFTER = 5


def cut(root: Path) -> Cut:
    return normal_windows(read_folder(root).cases)


def with_reference(tmp_path: Path, times: list[int]) -> Cut:
    write_table(tmp_path / "_normal" / "quiet.csv", times)
    write_case(tmp_path / "one", before=2, after=AFTER, normal_csv="../_normal/quiet.csv")
    return cut(tmp_path)


def samples_since(window: Case) -> set[float]:
    observation = window.observation
    return {float(time) for time in observation.series[0].times if time >= observation.began_at}


def test_windows_are_as_long_as_the_cases_and_share_no_sample(tmp_path: Path) -> None:
    windows = with_reference(tmp_path, [STEP * n for n in range(100)]).windows
    assert len(windows) >= 10
    taken = [samples_since(one) for one in windows]
    assert sum(map(len, taken)) == len(set().union(*taken))
    for one in windows:
        assert one.observation.ends_at - one.observation.began_at == STEP * AFTER


def test_history_is_earlier_than_the_window_and_enough(tmp_path: Path) -> None:
    for one in with_reference(tmp_path, [STEP * n for n in range(100)]).windows:
        series = one.observation.series[0]
        before = len(series.times) - len(samples_since(one))
        assert len(series.earlier) >= LEAST_HISTORY
        assert len(series.earlier) + before == int(min(samples_since(one)) // STEP)


def test_a_window_knows_of_no_cause(tmp_path: Path) -> None:
    windows = with_reference(tmp_path, [STEP * n for n in range(60)]).windows
    assert {(one.truth, one.fault) for one in windows} == {(frozenset(), "none")}


def test_a_window_never_spans_a_gap(tmp_path: Path) -> None:
    times = [STEP * n for n in range(120) if n % 9 < 7]
    for one in with_reference(tmp_path, times).windows:
        since = sorted(samples_since(one))
        assert all(later - earlier == STEP for earlier, later in pairwise(since))


def test_of_a_long_reference_windows_are_taken_evenly(tmp_path: Path) -> None:
    windows = with_reference(tmp_path, [STEP * n for n in range(2000)]).windows
    assert len(windows) == MOST_WINDOWS
    assert windows[-1].observation.began_at > STEP * 1900


def test_without_a_reference_the_time_before_the_trouble_is_cut(tmp_path: Path) -> None:
    write_case(tmp_path / "one", before=60, after=AFTER)
    (window,) = cut(tmp_path).windows
    assert window.observation.ends_at < BEGAN
    assert len(samples_since(window)) == AFTER


def test_a_window_that_had_to_be_shorter_is_said_to_be(tmp_path: Path) -> None:
    write_case(tmp_path / "one", before=60, after=50)
    found = cut(tmp_path)
    assert len(samples_since(found.windows[0])) == 20
    assert "1 of them shorter" in found.how


def test_too_little_time_makes_no_window(tmp_path: Path) -> None:
    write_case(tmp_path / "one", before=10)
    assert not cut(tmp_path).windows
    assert not with_reference(tmp_path / "other", [STEP * n for n in range(15)]).windows
