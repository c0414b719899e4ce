"""Made-up cases: the same ones for a seed, all six faults, felt by whoever alerts, and honest about their truth."""

from functools import cache

import numpy as np
import pytest

from evals.ranking.cases import Case
from evals.ranking.labels import labelled
from evals.ranking.synthetic import faulty_case, normal_case
from evals.ranking.troubles import Fault

# Made-up systems: what they run in the ranker is covered by its own tests, and measuring would make it slower.
pytestmark = pytest.mark.no_cover


@cache
def cases() -> tuple[Case, ...]:
    return tuple(faulty_case(7, number) for number in range(12))


def test_the_same_seed_makes_the_same_case() -> None:
    one, other = faulty_case(7, 3), cases()[3]
    assert one.truth == other.truth
    for here, there in zip(one.observation.series, other.observation.series, strict=True):
        np.testing.assert_array_equal(here.values, there.values)
        np.testing.assert_array_equal(here.earlier, there.earlier)


def test_another_seed_makes_another_case() -> None:
    assert faulty_case(8, 3).observation.calls != cases()[3].observation.calls


def test_all_six_faults_are_equally_many() -> None:
    assert sorted(case.fault for case in cases()) == sorted([*Fault, *Fault])


def test_the_truth_is_a_service_of_the_case_and_never_a_decoy() -> None:
    for case in cases():
        assert case.truth <= case.observation.kinds.keys()
        assert not case.truth & case.decoys


def test_a_decoy_was_changed_before_the_trouble_began() -> None:
    assert any(case.decoys for case in cases())
    for case in cases():
        changed = {one.service: one.at for one in case.observation.changes}
        assert all(changed[decoy] < case.observation.began_at for decoy in case.decoys)


def test_a_normal_window_has_no_truth() -> None:
    assert normal_case(7, 0).truth == frozenset()


def test_history_is_from_before_the_window() -> None:
    for case in cases():
        for series in case.observation.series:
            assert len(series.times) == len(series.values)
            assert series.times[-1] <= case.observation.ends_at
            assert len(series.earlier) >= 5


def test_labels_say_of_each_suspect_whether_it_is_right() -> None:
    found = list(labelled(7, 5))
    assert [bool(one.truth) for one in found] == [True, True, True, True, False]
    for one in found:
        assert len(one.was_right) == len(one.ranking.suspects)
        assert sum(one.was_right) <= len(one.truth)
    assert found[0].observation.target == next(iter(labelled(7, 1))).observation.target
