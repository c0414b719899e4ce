"""What a model asserts is recomputed on the frozen snapshot."""

import math
from typing import Any

import pytest

from shared.hypotheses.assertions import Uncheckable, frame_of, recompute
from shared.hypotheses.paths import FIELDS, grammar
from shared.hypotheses.proposal import ModelAssertion
from shared.models.evidence import Evidence
from shared.models.hypotheses import Assertion, Held, Operator
from tests.builders import NOON
from tests.unit.hypotheses.pieces import a_change, a_series, an_edge, an_expression, moved, one_of_each

KNOWN = one_of_each()
FRAME = frame_of(NOON, 5.0)
"""Slack is 12 s."""


def says(evidence_id: str, path: str, operator: str, value: str, **window: str | None) -> ModelAssertion:
    told: dict[str, Any] = {"window_start": None, "window_end": None, **window}
    return ModelAssertion(evidence_id=evidence_id, path=path, operator=Operator(operator), value=value, **told)


def checked(path: str, operator: str, value: str, piece: Evidence | None = None, **window: str | None) -> Assertion:
    about = piece or a_series()
    (found,) = recompute([says(about.id, path, operator, value, **window)], {about.id: about}, FRAME)
    return found


TRUE = [
    ("Eseries", "movement.current", ">=", "0.45"),
    ("Eseries", "movement.current", "==", "45%"),
    ("Eseries", "movement.current", "==", "45.2 percent"),
    ("Eseries", "movement.baseline_median", "==", "0.02"),
    ("Eseries", "movement.score", ">", "4"),
    ("Eseries", "movement.change", ">", "0.4"),
    ("Eseries", "movement.ratio", ">", "22 times"),
    ("Eseries", "movement.direction", "==", "up"),
    ("Eseries", "movement.direction", "!=", "steady"),
    ("Eseries", "movement.onset_at", "==", "2026-11-23T12:00:05Z"),
    ("Eseries", "movement.onset_at", "<=", "12:00"),
    ("Eseries", "metric", "==", "error_ratio"),
    ("Eseries", "is_worse", "==", "true"),
    ("Eseries", "at_least", "==", "no"),
    ("Eseries", "max", "==", "0.9"),
    ("Eseries", "min", "<", "20%"),
    ("Eseries", "median", "==", "0.35"),
    ("Eseries", "first", "==", "0.1"),
    ("Eseries", "last", "==", "0.5"),
    ("Eseries", "count", "==", "4"),
    ("Echange", "at", "<", "12:00:00 UTC"),
    ("Echange", "effective_from", "<=", "2026-11-23 12:00:00Z"),
    ("Echange", "version", "==", "2.4.1"),
    ("Echange", "previous_version", "==", "2.4.0"),
    ("Echange", "seconds_before_onset", "==", "40 s"),
    ("Echange", "author", "==", "Kim"),
    ("Echange", "status", "!=", "failed"),
    ("Eedge", "calls_per_second", "==", "12.5 requests/s"),
    ("Eedge", "failed_ratio", ">=", "45%"),
    ("Eedge", "callee_kind", "==", "service"),
    ("Eedge", "is_past", "==", "false"),
    ("Elimit", "value", ">=", "98%"),
    ("Elimit", "value_before", "<", "0.5"),
    ("Elimit", "pressure", "==", "exceeded"),
    ("Ethreads", "value", "==", "12 threads"),
    ("Ealert", "severity", "==", "critical"),
    ("Ealert", "starts_at", ">", "12:00"),
    ("Eslo", "budget_left", "<", "0"),
    ("Eslo", "burn_rate_5m", ">=", "14.4"),
    ("Eslo", "objective", "==", "99.9%"),
    ("Eexpression", "is_true_now", "==", "yes"),
    ("Eexpression", "threshold", "==", "0.05"),
    ("Eexpression", "max", ">", "0.05"),
    ("Erelated", "score", ">=", "0.7"),
    ("Esilence", "ends_at", ">", "2026-11-23T12:30:00Z"),
    ("Erunbook", "score", ">", "0.5"),
    ("Epast", "similarity", ">=", "0.9"),
    ("Epast", "ended", "==", "Rolled back"),
]


@pytest.mark.parametrize(("evidence_id", "path", "operator", "value"), TRUE)
def test_what_is_so_holds(evidence_id: str, path: str, operator: str, value: str) -> None:
    (found,) = recompute([says(evidence_id, path, operator, value)], KNOWN, FRAME)
    assert found.held is Held.TRUE, found


FALSE = [
    ("Eseries", "movement.current", ">", "0.5"),
    ("Eseries", "movement.current", "==", "50%"),
    ("Eseries", "movement.current", "!=", "45%"),
    ("Eseries", "movement.direction", "==", "down"),
    ("Eseries", "movement.onset_at", "==", "12:01:00"),
    ("Eseries", "movement.onset_at", ">", "12:00:00"),
    ("Echange", "version", "==", "2.4.0"),
    ("Echange", "at", ">=", "12:00:00"),
    ("Eedge", "calls_per_second", "<", "12"),
    ("Eexpression", "is_true_now", "==", "false"),
    ("Eslo", "burn_rate_5m", ">", "20x"),
]


@pytest.mark.parametrize(("evidence_id", "path", "operator", "value"), FALSE)
def test_what_is_not_so_does_not_hold_and_says_what_is(
    evidence_id: str, path: str, operator: str, value: str
) -> None:
    (found,) = recompute([says(evidence_id, path, operator, value)], KNOWN, FRAME)
    assert found.held is Held.FALSE, found
    assert found.found


UNCHECKABLE = [
    ("Eseries", "movement.currant", "==", "1", Uncheckable.UNKNOWN_PATH),
    ("Eseries", "__class__", "==", "SeriesEvidence", Uncheckable.UNKNOWN_PATH),
    ("Eseries", "movement.__class__.__name__", "==", "Movement", Uncheckable.UNKNOWN_PATH),
    ("Eseries", "model_dump", "==", "1", Uncheckable.UNKNOWN_PATH),
    ("Eseries", "query", "==", "1", Uncheckable.UNKNOWN_PATH),
    ("Eseries", "points.0.1", "==", "1", Uncheckable.UNKNOWN_PATH),
    ("Eseries", ".".join(["movement"] * 40), "==", "1", Uncheckable.UNKNOWN_PATH),
    ("Eseries", "", "==", "1", Uncheckable.UNKNOWN_PATH),
    ("Ealert", "max", "==", "1", Uncheckable.UNKNOWN_PATH),
    ("Enone", "movement.current", "==", "1", Uncheckable.UNKNOWN_EVIDENCE),
    ("Eseries", "movement.shift", "==", "surge", Uncheckable.ABSENT),
    ("Ethreads", "value_before", "==", "1", Uncheckable.ABSENT),
    ("Eslo", "burn_rate_1h", ">", "1", Uncheckable.ABSENT),
    ("Echange", "began_at", "<", "12:00", Uncheckable.ABSENT),
    ("Eseries", "movement.current", ">", "a lot", Uncheckable.NOT_A_NUMBER),
    ("Eseries", "movement.current", "==", "NaN", Uncheckable.NOT_A_NUMBER),
    ("Eseries", "movement.current", "<", "inf", Uncheckable.NOT_A_NUMBER),
    ("Eseries", "movement.current", "<", "1e400", Uncheckable.NOT_A_NUMBER),
    ("Eseries", "movement.current", "<", "1" + "0" * 400, Uncheckable.NOT_A_NUMBER),
    ("Eseries", "movement.current", "<", "١", Uncheckable.NOT_A_NUMBER),  # noqa: RUF001 -- another script's digit
    ("Eseries", "movement.current", "<", "1_0", Uncheckable.NOT_A_NUMBER),
    ("Eseries", "movement.current", "<", "0x10", Uncheckable.NOT_A_NUMBER),
    ("Eseries", "movement.current", "<", "", Uncheckable.NOT_A_NUMBER),
    ("Eseries", "movement.current", "<", "3 s", Uncheckable.OTHER_UNIT),
    ("Echange", "seconds_before_onset", "<", "40%", Uncheckable.OTHER_UNIT),
    ("Echange", "at", "<", "yesterday", Uncheckable.NOT_A_TIME),
    ("Echange", "at", "<", "25:00", Uncheckable.NOT_A_TIME),
    ("Echange", "at", "<", "9999-12-31T23:59:59-12:00", Uncheckable.NOT_A_TIME),
    ("Echange", "version", ">", "2.4.0", Uncheckable.NOT_ORDERED),
    ("Eseries", "is_worse", ">", "true", Uncheckable.NOT_ORDERED),
    ("Eseries", "is_worse", "==", "maybe", Uncheckable.NOT_TRUE_OR_FALSE),
]


@pytest.mark.parametrize(("evidence_id", "path", "operator", "value", "why"), UNCHECKABLE)
def test_what_nobody_can_check_says_why(
    evidence_id: str, path: str, operator: str, value: str, why: Uncheckable
) -> None:
    (found,) = recompute([says(evidence_id, path, operator, value)], KNOWN, FRAME)
    assert (found.held, found.reason) == (Held.UNCHECKABLE, why)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_neither_so_nor_not(value: float) -> None:
    piece = a_series(movement=moved(current=value))
    assert checked("movement.current", "!=", "0", piece).reason == Uncheckable.NOT_FINITE


def test_points_that_are_no_numbers_are_left_out() -> None:
    at = NOON.timestamp()
    piece = a_series(points=((at, math.nan), (at + 1, 2.0), (at + 2, math.inf)))
    assert checked("count", "==", "1", piece).held is Held.TRUE
    assert checked("last", "==", "2", a_series(points=((at, math.nan),))).reason == Uncheckable.NO_POINTS


@pytest.mark.parametrize(
    ("found", "said", "operator", "holds"),
    [
        (1.0, "1.01", "==", True),
        (1.0, "1.011", "==", False),
        (0.4549, "45%", "==", True),
        (0.4551, "45%", "==", False),
        (3.4, "3", "==", False),
        (3.02, "3", "==", True),
        (0.0, "0", "==", True),
        (0.0001, "0", "==", False),
        (-0.2, "-20%", "==", True),
        (0.4523, "0.4540", ">=", True),
        (0.4523, "0.456", ">=", False),
        (0.4523, "0.4523", ">", False),
        (0.4523, "0.4510", "<=", True),
        (0.4523, "0.449", "<=", False),
        (0.4523, "0.4523", "<", False),
        (1e300, "1e300", "==", True),
    ],
)
def test_equal_allows_for_rounding_and_no_more(found: float, said: str, operator: str, holds: bool) -> None:
    piece = a_series(movement=moved(current=found))
    assert (checked("movement.current", operator, said, piece).held is Held.TRUE) is holds


@pytest.mark.parametrize(("said", "holds"), [("12:00:12", True), ("12:00:13", False), ("11:59:48", True)])
def test_equal_times_are_within_the_slack(said: str, holds: bool) -> None:
    assert (checked("movement.onset_at", "==", said).held is Held.TRUE) is holds


def test_a_change_may_have_come_as_much_earlier_as_it_is_uncertain() -> None:
    vague = a_change(uncertain_seconds=60)
    assert checked("at", "==", "11:58:20", vague).held is Held.TRUE
    assert checked("at", "==", "11:58:20", a_change()).held is Held.FALSE


@pytest.mark.parametrize(
    ("operator", "value", "held"),
    [
        (">=", "10", Held.TRUE),
        (">", "9", Held.TRUE),
        (">", "11", Held.UNCHECKABLE),
        ("<", "10 s", Held.FALSE),
        ("<", "20 s", Held.UNCHECKABLE),
        ("==", "5", Held.FALSE),
        ("==", "10", Held.UNCHECKABLE),
        ("!=", "5", Held.TRUE),
    ],
)
def test_a_value_that_is_at_least_so_much_proves_only_what_that_proves(operator: str, value: str, held: Held) -> None:
    piece = a_series(metric="latency_p95", at_least=True, movement=moved(current=10.0, baseline_median=1.0))
    found = checked("movement.current", operator, value, piece)
    assert (found.held, found.found) == (held, "at least 10 s")


def test_of_points_only_those_of_the_window_count() -> None:
    assert checked("max", "==", "0.2", window_end="12:00:10").held is Held.TRUE
    assert checked("min", "==", "0.5", window_start="2026-11-23T12:00:30Z").held is Held.TRUE
    found = checked("max", "==", "0.9", window_start="12:00:00", window_end="12:00:25")
    assert found.held is Held.TRUE
    assert (found.window_start, found.window_end) == (NOON, NOON.replace(second=25))


@pytest.mark.parametrize(
    ("window", "why"),
    [
        ({"window_start": "13:00"}, Uncheckable.NO_POINTS),
        ({"window_start": "soon"}, Uncheckable.NO_WINDOW),
        ({"window_end": "9" * 300}, Uncheckable.NO_WINDOW),
        ({"window_start": "12:01", "window_end": "11:00"}, Uncheckable.NO_WINDOW),
    ],
)
def test_a_window_without_points_or_sense_proves_nothing(window: dict[str, str], why: Uncheckable) -> None:
    (found,) = recompute([says("Eseries", "max", ">", "0", **window)], KNOWN, FRAME)
    assert found.reason == why


def test_of_several_series_only_what_has_a_meaning_for_all_is_checked() -> None:
    piece = an_expression(((NOON.timestamp(), 1.0),), ((NOON.timestamp(), 7.0),))
    assert checked("max", "==", "7", piece).held is Held.TRUE
    assert checked("last", "==", "7", piece).reason == Uncheckable.SEVERAL_SERIES
    assert checked("max", "==", "7", an_expression()).reason == Uncheckable.NO_POINTS


def test_what_is_said_twice_counts_once() -> None:
    found = recompute([says("Eseries", "movement.current", ">", "0")] * 12, KNOWN, FRAME)
    assert len(found) == 1


def test_what_was_found_is_shown_in_its_unit() -> None:
    assert checked("calls_per_second", ">", "13", an_edge()).found == "12.5/s"
    assert checked("movement.current", ">", "1").found == "0.4523"
    assert checked("movement.onset_at", ">", "12:00").found == "2026-11-23 12:00:00 UTC"
    assert checked("movement.current", ">", "1", a_series(movement=moved(current=1e300))).found == "1e+300"


def test_every_path_reads_every_kind_and_the_prompt_can_name_them_all() -> None:
    told = grammar()
    for piece in KNOWN.values():
        for path, field in FIELDS[piece.kind].items():
            field.read(piece)
            assert path in told


def test_control_characters_and_length_of_what_was_said_are_not_shown() -> None:
    found = checked("x\x00" * 60, "==", "\u202e\n" + "v" * 180)
    assert len(found.path) <= 80
    assert len(found.value) <= 80
    assert found.path.isprintable()
    assert found.value.isprintable()
