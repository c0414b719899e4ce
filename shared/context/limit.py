"""Keeps a snapshot small enough to be stored, giving up first what says least."""

import json
from collections.abc import Callable, Mapping
from typing import TypeAlias

from shared.models.evidence import Evidence, ExpressionEvidence, SeriesEvidence
from shared.models.snapshots import Section, SnapshotBody

MAX_BYTES = 4_000_000
"""Of a whole snapshot. Beyond INLINE_BYTES it lies in a blob, and its document has no points."""
INLINE_BYTES = 262_144
DOCUMENT_BYTES = 1_000_000
"""Of a body without its points. The store takes two megabytes, for all that is written with it together."""
_ROOM_FOR_WARNINGS = 1_000
_KEPT_OF_THINNED = 5
_THINNED = "points are thinned out to keep the snapshot small"
_LEFT_OUT = "evidence is left out to keep the snapshot small"

Points: TypeAlias = tuple[tuple[float, float], ...]


def within_limit(body: SnapshotBody, *, max_bytes: int = MAX_BYTES) -> SnapshotBody:
    """The body in fewer than so many bytes. Only text that nobody would write makes whole pieces go.

    Points are for drawing, as movements were taken from all of them: those of the least moved series go first.
    """
    for shorten in (_every_fifth, _none):
        body = _with_fewer_points(body, shorten, max_bytes)
    while _excess(body, max_bytes) > 0:
        body = _without_half_of_the_largest(body)
    return body


def as_document(body: SnapshotBody, *, max_bytes: int = DOCUMENT_BYTES) -> SnapshotBody:
    """The body as its document keeps it when the whole one lies in a blob: what was found, and nothing to draw.

    Questions and texts may be long by themselves: of them, too, only so much is kept there.
    """
    return within_limit(_without_any_points(body), max_bytes=max_bytes)


def _without_any_points(body: SnapshotBody) -> SnapshotBody:
    return body.model_copy(update={"sections": tuple(_pointless(section) for section in body.sections)})


def _pointless(section: Section) -> Section:
    return section.model_copy(update={"evidence": tuple(_without_points(piece) for piece in section.evidence)})


def _without_points(piece: Evidence) -> Evidence:
    match piece:
        case SeriesEvidence():
            return piece.model_copy(update={"points": ()})
        case ExpressionEvidence():
            return piece.model_copy(update={"series": ()})
        case _:
            return piece


def _excess(body: SnapshotBody, max_bytes: int) -> int:
    return len(body.canonical_json().encode()) - (max_bytes - _ROOM_FOR_WARNINGS)


def _every_fifth(points: Points) -> Points:
    return points[::-_KEPT_OF_THINNED][::-1]  # counted from the end, as the newest point is the one people look for


def _none(points: Points) -> Points:
    return points[:0]


def _with_fewer_points(body: SnapshotBody, shorten: Callable[[Points], Points], max_bytes: int) -> SnapshotBody:
    excess = _excess(body, max_bytes)
    series = [piece for piece in body.evidence() if isinstance(piece, SeriesEvidence)]
    shorter: dict[str, Points] = {}
    for piece in sorted(series, key=lambda one: (one.movement.score, one.id)):
        if excess <= 0:
            break
        shorter[piece.id] = shorten(piece.points)
        excess -= _spelled(piece.points) - _spelled(shorter[piece.id])
    return body.model_copy(update={"sections": tuple(_shortened(section, shorter) for section in body.sections)})


def _spelled(points: Points) -> int:
    return len(json.dumps(points, separators=(",", ":")))


def _shortened(section: Section, shorter: Mapping[str, Points]) -> Section:
    pieces = tuple(
        piece.model_copy(update={"points": shorter[piece.id]}) if piece.id in shorter else piece
        for piece in section.evidence
    )
    return section if pieces == section.evidence else _told(section, _THINNED, pieces)


def _without_half_of_the_largest(body: SnapshotBody) -> SnapshotBody:
    largest = max(body.sections, key=_bytes_of_evidence)
    halved = _told(largest, _LEFT_OUT, largest.evidence[: len(largest.evidence) // 2])
    kept = (halved if section is largest else section for section in body.sections)
    return body.model_copy(update={"sections": tuple(kept)})


def _bytes_of_evidence(section: Section) -> int:
    return sum(len(piece.model_dump_json().encode()) for piece in section.evidence)


def _told(section: Section, warning: str, evidence: tuple[Evidence, ...]) -> Section:
    warnings = tuple(dict.fromkeys((*section.warnings, warning)))
    return section.model_copy(update={"evidence": evidence, "warnings": warnings})
