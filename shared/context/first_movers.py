"""Who moved first, as a fact: the services that got worse, by when they began to. Pure."""

from collections.abc import Iterable, Sequence

from shared.models.evidence import Evidence, SeriesEvidence
from shared.models.measures import MOVING

TIE_SAMPLES = 2
"""Onsets no further apart than this are one: scrapes of two services are not aligned, and an onset is known to two
samples.
"""


def first_movers(evidence: Iterable[Evidence], *, step_seconds: float) -> tuple[tuple[str, ...], ...]:
    """The id of the piece that moved first of each service, in groups that cannot be told apart, the first one first.

    A service whose onset lies before the window is not among them: nobody knows when it moved.
    """
    earliest: dict[str, tuple[float, str]] = {}
    for piece in evidence:
        if not isinstance(piece, SeriesEvidence) or piece.metric not in MOVING:
            continue
        if piece.is_worse and piece.movement.onset_at:
            at = (piece.movement.onset_at.timestamp(), piece.id)
            earliest[piece.service] = min(earliest.get(piece.service, at), at)
    return _grouped(sorted(earliest.values()), TIE_SAMPLES * step_seconds)


def _grouped(ordered: Sequence[tuple[float, str]], slack_seconds: float) -> tuple[tuple[str, ...], ...]:
    groups: list[tuple[float, list[str]]] = []
    for at, name in ordered:
        if groups and at - groups[-1][0] <= slack_seconds:
            groups[-1][1].append(name)
        else:
            groups.append((at, [name]))
    return tuple(tuple(sorted(names)) for _, names in groups)
