"""Freezes what was collected: one order, one id a piece, bounded in size, the same bytes for the same input."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from shared.context.limit import numbered, within_limit
from shared.context.look import MAX_SERVICE_CHARS
from shared.context.window import MAX_POINTS, Window
from shared.models.evidence import (
    AlertEvidence,
    DeployEvidence,
    Direction,
    EdgeEvidence,
    Evidence,
    Movement,
    Relation,
    Section,
    SectionName,
    SeriesEvidence,
    SnapshotBody,
)
from shared.redaction import safe_text

MAX_QUERY_CHARS = 4000
MAX_WARNINGS, MAX_WARNING_CHARS = 20, 300
SIGNIFICANT_DIGITS = 6


def freeze(service: str, window: Window, sections: Sequence[Section]) -> SnapshotBody:
    """The body of a snapshot: `Snapshot.sha256` is the `digest` of it."""
    onset = onset_of(sections, window.reference)
    prepared = {section.name: _prepared(section, onset) for section in sections}
    ordered = numbered([prepared[name] for name in SectionName if name in prepared])
    return within_limit(
        SnapshotBody(
            service=_service(service),
            window_start=window.start,
            onset_at=onset,
            window_end=window.end,
            step_seconds=window.step_seconds,
            sections=ordered,
        )
    )


def onset_of(sections: Iterable[Section], reference: datetime) -> datetime:
    """When the alerting service's trouble began: at the alert, or before it where its own series say so.

    Errors and latency going up decide. Traffic drifts by the hour, so it is asked only when they are steady.
    """
    own = [
        piece
        for section in sections
        for piece in section.evidence
        if isinstance(piece, SeriesEvidence) and piece.relation is Relation.SELF and piece.movement.onset_at
    ]
    symptoms = [one for one in own if one.metric.propagates and one.movement.direction is Direction.UP]
    onsets = [one.movement.onset_at for one in symptoms or own if one.movement.onset_at]
    return min([*onsets, reference])


def _prepared(section: Section, onset: datetime) -> Section:
    pieces = sorted((_bounded(piece, onset) for piece in section.evidence), key=_order)
    warnings = list(dict.fromkeys(safe_text(text, MAX_WARNING_CHARS) for text in section.warnings))
    if len(warnings) > MAX_WARNINGS:
        warnings = [*warnings[: MAX_WARNINGS - 1], f"{len(warnings) - MAX_WARNINGS + 1} more warnings are left out"]
    return section.model_copy(update={"evidence": tuple(pieces), "warnings": tuple(warnings)})


def _order(piece: Evidence) -> tuple[int, str, int, str]:
    match piece:
        case SeriesEvidence():
            return list(Relation).index(piece.relation), piece.service, 0, piece.metric.value
        case EdgeEvidence():
            return 0, piece.caller, 0, piece.callee
        case DeployEvidence():
            return 0, piece.service, int(piece.at.timestamp() * 1000), piece.version
        case AlertEvidence():
            return 0, piece.service, int(piece.starts_at.timestamp() * 1000), f"{piece.name} {piece.summary}"


def _bounded(piece: Evidence, onset: datetime) -> Evidence:
    match piece:
        case SeriesEvidence():
            return piece.model_copy(
                update={
                    "service": _service(piece.service),
                    "query": safe_text(piece.query, MAX_QUERY_CHARS),
                    "points": _points(piece.points),
                    "movement": _rounded_movement(piece.movement),
                }
            )
        case EdgeEvidence():
            failed = piece.failed_ratio
            return piece.model_copy(
                update={
                    "caller": _service(piece.caller),
                    "callee": _service(piece.callee),
                    "calls_per_second": _rounded(piece.calls_per_second),
                    "failed_ratio": None if failed is None else _rounded(failed),
                }
            )
        case DeployEvidence():
            before = round((onset - piece.at).total_seconds(), 3)
            return piece.model_copy(update={"service": _service(piece.service), "seconds_before_onset": before})
        case AlertEvidence():
            return piece.model_copy(update={"service": _service(piece.service)})


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


def _service(name: str) -> str:
    return safe_text(name, MAX_SERVICE_CHARS)
