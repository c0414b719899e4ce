"""Keeps a snapshot small enough to be stored, giving up first what says least."""

import json
from collections.abc import Callable, Mapping
from typing import TypeAlias

from shared.models.evidence import Evidence, SeriesEvidence
from shared.models.snapshots import Section, SnapshotBody

MAX_BYTES = 900_000
_ROOM_FOR_WARNINGS = 1_000
_KEPT_OF_THINNED = 5
_THINNED = "points are thinned out to keep the snapshot small"
_LEFT_OUT = "evidence is left out to keep the snapshot small"

Points: TypeAlias = tuple[tuple[float, float], ...]


def within_limit(body: SnapshotBody) -> SnapshotBody:
    """The body in fewer than MAX_BYTES. Points are for drawing, as movements were taken from all of them: those of
    the least moved series go first. Only text that nobody would write makes whole pieces go.
    """
    for shorten in (_every_fifth, _none):
        body = _with_fewer_points(body, shorten)
    while _excess(body) > 0:
        body = _without_half_of_the_largest(body)
    return body


def _excess(body: SnapshotBody) -> int:
    return len(body.canonical_json().encode()) - (MAX_BYTES - _ROOM_FOR_WARNINGS)


def _every_fifth(points: Points) -> Points:
    return points[::-_KEPT_OF_THINNED][::-1]  # counted from the end, as the newest point is the one people look for


def _none(points: Points) -> Points:
    return points[:0]


def _with_fewer_points(body: SnapshotBody, shorten: Callable[[Points], Points]) -> SnapshotBody:
    excess = _excess(body)
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
