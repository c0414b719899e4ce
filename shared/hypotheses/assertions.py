"""Recomputes what a model asserts on the frozen snapshot: it holds, it does not, or nobody can check it, and why.

Equal means one per cent away at most, or rounded to the digits that were said where those are two or more. "At least"
and "at most" allow for the rounding of the sentences that a model reads (three digits); more and less are exact.
Times allow for the slack within which two onsets cannot be told apart, and a change's own uncertainty.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from shared.hypotheses.paths import (
    CAPPED_POINTS,
    OF_SEVERAL,
    POINTS,
    Field,
    Sort,
    field_of,
    points_of,
    unit_of,
)
from shared.hypotheses.proposal import ModelAssertion
from shared.hypotheses.values import BARE, RATIO, TIMES, Quantity, SaidTime, moment_said, quantity
from shared.hypotheses.wording import plain
from shared.models.evidence import ChangeEvidence, Evidence, ExpressionEvidence, SeriesEvidence
from shared.models.hypotheses import Assertion, Held, Operator
from shared.models.quantities import moment

MAX_SHOWN_VALUE_CHARS = 80
_LONGEST_PLAIN, _SHORTEST_PLAIN = 1e15, 1e-9
_ORDERED = frozenset({Operator.LESS, Operator.AT_MOST, Operator.AT_LEAST, Operator.MORE})


class Uncheckable(StrEnum):
    """Why a statement cannot be checked."""

    UNKNOWN_EVIDENCE = "unknown_evidence"
    UNKNOWN_PATH = "unknown_path"
    ABSENT = "absent"
    """The piece does not say."""
    NO_POINTS = "no_points"
    """None in the window, or none at all."""
    SEVERAL_SERIES = "several_series"
    NOT_FINITE = "not_finite"
    NOT_A_NUMBER = "not_a_number"
    NOT_A_TIME = "not_a_time"
    NOT_TRUE_OR_FALSE = "not_true_or_false"
    OTHER_UNIT = "other_unit"
    NOT_ORDERED = "not_ordered"
    """Words are equal or not; none is more than another."""
    NO_WINDOW = "no_window"
    """What is said to be a time is none, or ends before it begins."""
    BEYOND_LAST_BUCKET = "beyond_last_bucket"
    """The value is known to be at least so much, and by how much more is not."""


@dataclass(frozen=True)
class Frame:
    """By what the times of a snapshot are read: its onset for times of day, and how far apart equal ones may be."""

    onset_at: datetime
    slack: timedelta


@dataclass(frozen=True)
class _Found:
    held: Held
    found: str | None = None
    reason: str = ""


def recompute(
    claimed: Sequence[ModelAssertion], known: Mapping[str, Evidence], frame: Frame
) -> tuple[Assertion, ...]:
    """Every statement once, in the order in which they were made, with what became of it."""
    held: dict[tuple[str, ...], Assertion] = {}
    for one in claimed:
        says = (one.evidence_id, one.path, one.operator, one.value, one.window_start or "", one.window_end or "")
        if says not in held:
            held[says] = _recomputed(one, known.get(one.evidence_id), frame)
    return tuple(held.values())


def _recomputed(one: ModelAssertion, piece: Evidence | None, frame: Frame) -> Assertion:
    of_points = one.path in POINTS
    since = moment_said(one.window_start, frame.onset_at) if one.window_start and of_points else None
    until = moment_said(one.window_end, frame.onset_at) if one.window_end and of_points else None
    if piece is None:
        became = _uncheckable(Uncheckable.UNKNOWN_EVIDENCE)
    elif of_points:
        became = _of_points(one, piece, since, until)
    elif field := field_of(piece, one.path):
        became = _of_field(one, piece, field, frame)
    else:
        became = _uncheckable(Uncheckable.UNKNOWN_PATH)
    return Assertion(
        evidence_id=plain(one.evidence_id),
        path=plain(one.path, limit=MAX_SHOWN_VALUE_CHARS),
        operator=one.operator,
        value=plain(one.value, limit=MAX_SHOWN_VALUE_CHARS),
        # Of a field there is but one value: a window that was said of it is not shown as if it had been checked.
        window_start=since.at if since else None,
        window_end=until.at if until else None,
        held=became.held,
        found=became.found,
        reason=became.reason,
    )


def _of_points(one: ModelAssertion, piece: Evidence, since: SaidTime | None, until: SaidTime | None) -> _Found:
    if not isinstance(piece, SeriesEvidence | ExpressionEvidence):
        return _uncheckable(Uncheckable.UNKNOWN_PATH)
    if (one.window_start and since is None) or (one.window_end and until is None):
        return _uncheckable(Uncheckable.NO_WINDOW)
    begins = since.at.timestamp() if since else -math.inf
    ends = until.at.timestamp() + until.seconds if until else math.inf
    if ends < begins:
        return _uncheckable(Uncheckable.NO_WINDOW)
    several = points_of(piece)
    if len(several) > 1 and one.path not in OF_SEVERAL:
        return _uncheckable(Uncheckable.SEVERAL_SERIES)
    values = [value for points in several for at, value in points if begins <= at <= ends and math.isfinite(value)]
    if not values:
        return _uncheckable(Uncheckable.NO_POINTS)
    is_capped = isinstance(piece, SeriesEvidence) and piece.at_least and one.path in CAPPED_POINTS
    return _number(
        one, POINTS[one.path](values), BARE if one.path == "count" else unit_of(piece), is_capped=is_capped
    )


def _of_field(one: ModelAssertion, piece: Evidence, field: Field, frame: Frame) -> _Found:
    found = field.read(piece)
    if found is None:
        return _uncheckable(Uncheckable.ABSENT)
    match found:
        case bool():
            return _flag(one, found)
        case int() | float():
            is_capped = field.is_capped and isinstance(piece, SeriesEvidence) and piece.at_least
            return _number(one, float(found), unit_of(piece, field), is_capped=is_capped)
        case datetime():
            return _time(one, found, piece, field, frame)
        case _:
            return _word(one, str(found))


def _number(one: ModelAssertion, found: float, unit: str, *, is_capped: bool) -> _Found:
    if not math.isfinite(found):
        return _uncheckable(Uncheckable.NOT_FINITE)
    said = quantity(one.value, unit)
    if said is None:
        return _uncheckable(Uncheckable.NOT_A_NUMBER, found=shown(found, unit))
    if said.unit not in (BARE, unit):
        return _uncheckable(Uncheckable.OTHER_UNIT, found=shown(found, unit))
    if is_capped:
        return _at_least(one.operator, said, found, unit)
    return _verdict(holds(one.operator, said, found), shown(found, unit))


def holds(operator: Operator, said: Quantity, found: float) -> bool:
    """Whether a number is as it was said to be."""
    match operator:
        case Operator.EQUAL:
            return said.equals(found)
        case Operator.NOT_EQUAL:
            return not said.equals(found)
        case Operator.LESS:
            return found < said.value
        case Operator.MORE:
            return found > said.value
        case Operator.AT_MOST:
            return found <= said.value or said.is_about(found)
        case Operator.AT_LEAST:
            return found >= said.value or said.is_about(found)


def _at_least(operator: Operator, said: Quantity, bound: float, unit: str) -> _Found:
    """Of a value that is the bound or more: what is true of all that it may be is true, and what of none is false."""
    found = f"at least {shown(bound, unit)}"
    is_above = bound > said.value and not said.is_about(bound)
    match operator:
        case Operator.AT_LEAST if holds(operator, said, bound):
            return _verdict(True, found)
        case Operator.MORE | Operator.NOT_EQUAL if is_above:
            return _verdict(True, found)
        case Operator.LESS if bound >= said.value:
            return _verdict(False, found)
        case Operator.AT_MOST | Operator.EQUAL if is_above:
            return _verdict(False, found)
    return _uncheckable(Uncheckable.BEYOND_LAST_BUCKET, found=found)


def _time(one: ModelAssertion, found: datetime, piece: Evidence, field: Field, frame: Frame) -> _Found:
    said = moment_said(one.value, frame.onset_at)
    if said is None or field.sort is not Sort.TIME:
        return _uncheckable(Uncheckable.NOT_A_TIME, found=moment(found))
    slack = frame.slack
    if isinstance(piece, ChangeEvidence) and 0 < piece.uncertain_seconds < timedelta.max.total_seconds():
        slack += timedelta(seconds=min(piece.uncertain_seconds, 86_400.0))
    is_same = said.equals(found, slack)
    verdicts = {
        Operator.EQUAL: is_same,
        Operator.NOT_EQUAL: not is_same,
        Operator.LESS: found < said.at,
        Operator.MORE: found > said.at,
        Operator.AT_MOST: found <= said.at or is_same,
        Operator.AT_LEAST: found >= said.at or is_same,
    }
    return _verdict(verdicts[one.operator], moment(found))


def _word(one: ModelAssertion, found: str) -> _Found:
    told = plain(found, limit=MAX_SHOWN_VALUE_CHARS)
    if one.operator in _ORDERED:
        return _uncheckable(Uncheckable.NOT_ORDERED, found=told)
    is_same = plain(one.value, limit=len(found) + 1).casefold() == plain(found, limit=len(found) + 1).casefold()
    return _verdict(is_same is (one.operator is Operator.EQUAL), told)


def _flag(one: ModelAssertion, found: bool) -> _Found:
    said = {"true": True, "yes": True, "false": False, "no": False}.get(one.value.strip().lower())
    told = str(found).lower()
    if said is None:
        return _uncheckable(Uncheckable.NOT_TRUE_OR_FALSE, found=told)
    if one.operator in _ORDERED:
        return _uncheckable(Uncheckable.NOT_ORDERED, found=told)
    return _verdict((said is found) is (one.operator is Operator.EQUAL), told)


def _verdict(is_so: bool, found: str) -> _Found:
    return _Found(Held.TRUE if is_so else Held.FALSE, found)


def _uncheckable(why: Uncheckable, found: str | None = None) -> _Found:
    return _Found(Held.UNCHECKABLE, found, why.value)


def shown(value: float, unit: str) -> str:
    """A value with its unit, in four digits; a share as one."""
    digits = f"{value:.4g}"
    if value == 0 or _SHORTEST_PLAIN <= abs(value) < _LONGEST_PLAIN:
        digits = format(Decimal(digits), "f")
    return digits if unit in (BARE, RATIO) else f"{digits}{'' if unit in (TIMES, '/s') else ' '}{unit}"


def frame_of(onset_at: datetime, step_seconds: float) -> Frame:
    """The frame of a snapshot; two samples of slack, as scrapes of two services are not aligned."""
    return Frame(onset_at.astimezone(UTC), timedelta(seconds=2 * step_seconds + 2))
