"""Calibration: monotone, never certain, fitted to enough labels only, and sane whatever the labels say."""

import random
from collections.abc import Sequence
from datetime import timedelta

import pytest

from shared.hypotheses.answer import ranked_set
from shared.hypotheses.calibration import LEAST, MOST, calibrated, fitted, own_curve, shipped
from shared.models.calibration import LABELS_FOR_OWN, Curve, Origin
from shared.models.feedback import Label
from tests.builders import NOON, a_calibration, a_label
from tests.unit.hypotheses.scenes import World, a_snapshot_of

GRID = [at / 50 for at in range(51)]


def labels(number: int, *, right: Sequence[bool] = (True, False), raw: float | None = None) -> list[Label]:
    return [
        a_label(
            id=f"label-{at}",
            raw_confidence=(at % 20) / 20 if raw is None else raw,
            was_right=right[at % len(right)],
            labelled_at=NOON + timedelta(minutes=at),
        )
        for at in range(number)
    ]


def own(given: Sequence[Label]) -> Curve:
    found = own_curve(given, ranker_version="r1", now=NOON)
    assert found is not None
    return found


def test_a_tenant_has_its_own_from_200_labels_on() -> None:
    assert own_curve(labels(LABELS_FOR_OWN - 1), ranker_version=None, now=NOON) is None
    assert own(labels(LABELS_FOR_OWN)).n == LABELS_FOR_OWN == 200


@pytest.mark.parametrize(
    "given",
    [
        labels(200, right=(True,)),
        labels(200, right=(False,)),
        labels(200, raw=0.5),
        labels(200, raw=1.0, right=(False,)),
        labels(200, raw=0.0, right=(True,)),
        [one.model_copy(update={"was_right": one.raw_confidence < 0.5}) for one in labels(400)],
    ],
    ids=["all right", "all wrong", "one value", "sure and wrong", "unsure and right", "upside down"],
)
def test_whatever_the_labels_say_the_curve_rises_and_is_never_certain(given: list[Label]) -> None:
    curve = own(given)
    found = [calibrated(raw, curve) for raw in GRID]
    assert found == sorted(found)
    assert LEAST <= found[0] <= found[-1] <= MOST
    assert 0 < LEAST < MOST < 1


@pytest.mark.parametrize("curve", [shipped(), a_calibration().curve, a_calibration(slope=0.05, intercept=20).curve])
def test_no_curve_turns_an_order_around(curve: Curve) -> None:
    found = [calibrated(raw, curve) for raw in GRID]
    assert found == sorted(found)


def test_overconfidence_is_taken_back() -> None:
    dice = random.Random(1)
    raws = [dice.random() for _ in range(600)]
    given = [
        a_label(id=f"label-{at}", raw_confidence=raw, was_right=dice.random() < raw * 0.5)
        for at, raw in enumerate(raws)
    ]
    assert calibrated(0.9, own(given)) == pytest.approx(0.45, abs=0.08)


def test_labels_that_agree_with_a_curve_leave_it_as_it_is() -> None:
    given = [(raw, at < 100 * raw) for raw in (0.1, 0.3, 0.5, 0.7, 0.9) for at in range(100)]
    curve = fitted(given, origin=Origin.GLOBAL, near=None, ranker_version=None, now=NOON)
    assert [calibrated(raw, curve) for raw in (0.1, 0.5, 0.9)] == pytest.approx([0.1, 0.5, 0.9], abs=0.03)


def test_the_same_labels_in_another_order_are_the_same_curve() -> None:
    given = labels(300)
    assert own(given) == own(list(reversed(given)))
    assert own(given).version != own(given[1:]).version


def test_the_shipped_curve_was_fitted_to_the_ranker_that_ships() -> None:
    world = World("checkout", {"checkout": {"payment": 10}}).errors("payment", 0.4)
    assert shipped().ranker_version == ranked_set(a_snapshot_of(world.body()), now=NOON).ranker_version, (
        "python -m evals calibrate"
    )
    assert shipped().origin is Origin.GLOBAL
