"""The patch operation `incr` at the ends of what a number can be."""

from typing import Any

import pytest

from dev.cosmos.errors import Refusal
from dev.cosmos.patches import parse_patch


def incremented(value: Any, step: Any) -> Any:
    patch = parse_patch({"operations": [{"op": "incr", "path": "/n", "value": step}]})
    return patch.applied_to({"id": "1", "n": value})["n"]


@pytest.mark.parametrize(("value", "step", "sum_"), [(1, 2, 3), (1, -2, -1), (1, 0.5, 1.5), (2**53, 1, 2**53 + 1)])
def test_an_increment_adds(value: Any, step: Any, sum_: Any) -> None:
    assert incremented(value, step) == sum_


@pytest.mark.parametrize("step", [1e308, 10**308])
def test_an_increment_beyond_the_range_of_a_number_is_refused(step: Any) -> None:
    with pytest.raises(Refusal) as raised:
        incremented(1e308, step)
    assert raised.value.status == 400


@pytest.mark.parametrize("value", ["1", None, True, [1]])
def test_only_a_number_can_be_incremented(value: Any) -> None:
    with pytest.raises(Refusal) as raised:
        incremented(value, 1)
    assert "not a number" in raised.value.message
