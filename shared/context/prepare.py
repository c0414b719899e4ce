"""Prepares what was collected for freezing: bounded in size and digits, in one order, told in a sentence a piece."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.context.changes.told import nearness
from shared.context.identity import about
from shared.context.look import MAX_SERVICE_CHARS
from shared.context.sentences import sentence_of
from shared.context.window import MAX_POINTS
from shared.models.evidence import (
    ChangeEvidence,
    EdgeEvidence,
    Evidence,
    ExpressionEvidence,
    LimitEvidence,
    PastIncidentEvidence,
    RelatedEvidence,
    RunbookEvidence,
    SeriesEvidence,
    SloEvidence,
)
from shared.models.measures import Movement, Pressure, Relation
from shared.models.snapshots import Section
from shared.redaction import redact, safe_text

MAX_QUERY_CHARS = 4000
MAX_WARNINGS, MAX_WARNING_CHARS = 20, 300
SIGNIFICANT_DIGITS = 6
_LAST = 1e9

Asked = tuple[datetime, datetime]
"""The start and the end of the time that was asked about."""


def prepared(section: Section, asked: Asked, onset: datetime) -> Section:
    """A section's pieces bounded, in one order, each with its sentence, its unit and the window it is about."""
    pieces = sorted((_bounded(piece, onset) for piece in section.evidence), key=lambda piece: _order(piece, onset))
    warnings = list(dict.fromkeys(safe_text(text, MAX_WARNING_CHARS) for text in section.warnings))
    if len(warnings) > MAX_WARNINGS:
        warnings = [*warnings[: MAX_WARNINGS - 1], f"{len(warnings) - MAX_WARNINGS + 1} more warnings are left out"]
    # Many pieces come of one question.
    spelled = {query: query_text(query) for query in {piece.query for piece in pieces} if query is not None}
    told = tuple(_told(piece, asked, spelled) for piece in pieces)
    return section.model_copy(update={"evidence": told, "warnings": tuple(warnings)})


def _told(piece: Evidence, asked: Asked, spelled: Mapping[str, str]) -> Evidence:
    """The piece with its sentence, its unit, and the window that it was asked about."""
    update: dict[str, object] = {"said": sentence_of(piece)}
    if piece.query is not None:
        update["query"] = spelled[piece.query]
        update["window_start"] = piece.window_start or asked[0]
        update["window_end"] = piece.window_end or asked[1]
    if isinstance(piece, SeriesEvidence):
        update["unit"] = piece.metric.unit
    return piece.model_copy(update=update)


def _order(piece: Evidence, onset: datetime) -> tuple[float, tuple[str, ...]]:
    """The alerting service's own first, what fits best, and what changed last before the onset; then by what it is
    about, in whatever order it came.
    """
    match piece:
        case ChangeEvidence():
            is_after, seconds, *_ = nearness(piece, onset)
            first = seconds + is_after * _LAST
        case SeriesEvidence():
            first = list(Relation).index(piece.relation)
        case LimitEvidence():
            first = 100 * list(Pressure).index(piece.pressure) + piece.hops
        case RelatedEvidence() | RunbookEvidence():
            first = -round(piece.score * 1000)
        case PastIncidentEvidence():
            first = -round(piece.similarity * 1000)
        case _:
            first = 0
    return first, about(piece)


def _bounded(piece: Evidence, onset: datetime) -> Evidence:
    named = {} if isinstance(piece, EdgeEvidence) else {"service": service_text(piece.service)}
    return piece.model_copy(update={**named, **_bounds(piece, onset)})


def _bounds(piece: Evidence, onset: datetime) -> Mapping[str, object]:
    """What becomes of a kind's own fields."""
    match piece:
        case SeriesEvidence():
            return {"points": _points(piece.points), "movement": _rounded_movement(piece.movement)}
        case LimitEvidence():
            return _bounded_limit(piece)
        case EdgeEvidence():
            return _bounded_edge(piece)
        case ChangeEvidence():
            return {"seconds_before_onset": round((onset - piece.at).total_seconds(), 3)}
        case ExpressionEvidence():
            return {"series": tuple(one.model_copy(update={"points": _points(one.points)}) for one in piece.series)}
        case _:
            return {"name": safe_text(piece.name, MAX_SERVICE_CHARS)} if isinstance(piece, SloEvidence) else {}


def _bounded_limit(piece: LimitEvidence) -> Mapping[str, object]:
    before = piece.value_before
    return {
        "subject": service_text(piece.subject),
        "namespace": piece.namespace and service_text(piece.namespace),
        "value": _rounded(piece.value),
        "value_before": None if before is None else _rounded(before),
    }


def _bounded_edge(piece: EdgeEvidence) -> Mapping[str, object]:
    failed = piece.failed_ratio
    return {
        "caller": service_text(piece.caller),
        "callee": service_text(piece.callee),
        "calls_per_second": _rounded(piece.calls_per_second),
        "failed_ratio": None if failed is None else _rounded(failed),
    }


def _points(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    return tuple((round(at, 3), _rounded(value)) for at, value in points[-MAX_POINTS:])


def _rounded_movement(moved: Movement) -> Movement:
    measured = {
        "baseline_median": moved.baseline_median,
        "baseline_spread": moved.baseline_spread,
        "current": moved.current,
        "score": moved.score,
    }
    return moved.model_copy(update={name: _rounded(value) for name, value in measured.items() if value is not None})


def _rounded(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def query_text(query: str) -> str:
    """A question fit to be kept: exact, unless a secret is in it, maybe between the escapes of a pattern."""
    plain = query.replace("\\", "")
    return safe_text(query if redact(plain) == plain else plain, MAX_QUERY_CHARS)


def service_text(name: str) -> str:
    """A service's name from outside, fit to be kept."""
    return safe_text(name, MAX_SERVICE_CHARS)
