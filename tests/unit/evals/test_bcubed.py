"""Precision and recall of a partition, against figures worked out by hand."""

import pytest

from evals.bcubed import BCubed, bcubed


def test_the_truth_itself_is_perfect() -> None:
    truth = {"a": "x", "b": "x", "c": "y"}
    assert bcubed(truth, truth) == BCubed(1.0, 1.0)


def test_everything_in_one_group_loses_precision_only() -> None:
    found = bcubed(dict.fromkeys("abc", "all"), {"a": "x", "b": "x", "c": "y"})
    assert found.precision == pytest.approx((2 / 3 + 2 / 3 + 1 / 3) / 3)
    assert found.recall == 1.0


def test_everything_alone_loses_recall_only() -> None:
    found = bcubed({"a": "1", "b": "2", "c": "3"}, {"a": "x", "b": "x", "c": "y"})
    assert found.precision == 1.0
    assert found.recall == pytest.approx((1 / 2 + 1 / 2 + 1) / 3)


def test_groups_of_other_items_than_the_truth_are_refused() -> None:
    with pytest.raises(ValueError, match="different items"):
        bcubed({"a": "1"}, {"b": "1"})
