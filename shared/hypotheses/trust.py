"""Who wrote what of a snapshot, and whether any of it speaks to a model. Pure.

A text is looked at where it stands, and beside its neighbours: what is split across fields is read in one piece, too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import permutations
from typing import Any

from pydantic import BaseModel

from shared.hypotheses.suspicion import suspicion_of
from shared.hypotheses.suspicion_rules import Suspicion
from shared.models.evidence import (
    AlertEvidence,
    ChangeEvidence,
    EdgeEvidence,
    EdgeSource,
    Evidence,
    Origin,
    PastIncidentEvidence,
    RunbookEvidence,
    SilenceEvidence,
    SloEvidence,
)
from shared.models.snapshots import Snapshot, SnapshotBody

MAX_FLAGS = 10
_OURS = frozenset({"id", "said", "kind", "origin", "query", "unit", "relation", "metric", "because", "incident_id"})
"""Fields that code fills in. A question holds names that stand in fields of their own, and is checked with them."""
_MAX_NEIGHBOURS_CHARS = 4_000
_MAX_PARTS = 4
_HALVES = ("ignor", "disregard", "forget", "overrid", "decode", "blame", "instruction", "prompt")


class Trust(StrEnum):
    """How far a piece of evidence is to be believed; its free texts are data all the same."""

    MEASURED = "measured"
    """Numbers that code read from a tenant's monitoring. The names in it were given by whoever sends metrics."""
    STAFF = "staff"
    """Written by people of the tenant: runbooks, declarations, how incidents ended."""
    OUTSIDE = "outside"
    """Told by systems and people that anybody may have a hand in: alerts, commits, silences."""


@dataclass(frozen=True)
class Suspected:
    """A text that speaks to a model, and where it stands."""

    reason: Suspicion
    evidence_id: str
    """Or the name of a section."""
    field: str

    @property
    def flag(self) -> str:
        """How it is shown; it holds nothing that was written outside."""
        return f"{self.reason.value}:{self.evidence_id}.{self.field}"


def trust_of(piece: Evidence) -> Trust:
    """Whose word a piece is."""
    match piece:
        case RunbookEvidence() | PastIncidentEvidence():
            return Trust.STAFF
        case AlertEvidence() | SilenceEvidence() | ChangeEvidence():
            return Trust.OUTSIDE
        case SloEvidence():
            return Trust.STAFF if piece.told_by == "declared" else Trust.MEASURED
        case EdgeEvidence():
            return Trust.STAFF if piece.told_by == (EdgeSource.DECLARED,) else Trust.MEASURED
        case _:
            return Trust.MEASURED if piece.origin is Origin.PROMETHEUS else Trust.OUTSIDE


def suspicions(body: SnapshotBody) -> tuple[Suspected, ...]:
    """Every text of the body that speaks to a model, in the order of the evidence."""
    return tuple(_suspected(body))


def flags_of(snapshot: Snapshot) -> tuple[str, ...]:
    """Why the snapshot is not shown to a model; empty where nothing speaks against it."""
    return tuple(dict.fromkeys(one.flag for one in suspicions(snapshot.body)))[:MAX_FLAGS]


def _suspected(body: SnapshotBody) -> Iterator[Suspected]:
    if reason := suspicion_of(body.service):
        yield Suspected(reason, "snapshot", "service")
    of_kind: dict[str, list[str]] = {}
    for section in body.sections:
        told = [("reason", section.reason or ""), *(("warnings", text) for text in section.warnings)]
        yield from _of_texts(section.name.value, told)
        for piece in section.evidence:
            texts = list(texts_of(piece))
            yield from _of_texts(piece.id, texts)
            of_kind.setdefault(piece.kind, []).extend(text for _, text in texts if " " in text)
    for kind, neighbours in of_kind.items():
        beside = " ".join(dict.fromkeys(neighbours))[:_MAX_NEIGHBOURS_CHARS]
        alone = any(suspicion_of(text) for text in neighbours)
        if not alone and (reason := suspicion_of(beside)):
            yield Suspected(reason, kind, "together")


def _of_texts(where: str, texts: list[tuple[str, str]]) -> Iterator[Suspected]:
    found = [(field, reason) for field, text in texts if (reason := suspicion_of(text))]
    yield from (Suspected(reason, where, field) for field, reason in found)
    reason = None if found else _together([text for _, text in texts if text])
    if reason:
        yield Suspected(reason, where, "together")


def _together(texts: list[str]) -> Suspicion | None:
    """What several texts say one after the other; in any order where one of them may be the half of something."""
    several = list(dict.fromkeys(texts))
    if len(several) < 2:  # noqa: PLR2004 -- two or more
        return None
    joined = " ".join(several)
    reason = suspicion_of(joined)
    if reason is None and _is_half(joined):
        parts = [text for text in several if " " in text or _is_half(text)][:_MAX_PARTS]
        reason = next(filter(None, (suspicion_of(" ".join(one)) for one in permutations(parts))), None)
    return reason


def _is_half(text: str) -> bool:
    return any(map(text.casefold().__contains__, _HALVES))


def texts_of(piece: Evidence) -> Iterator[tuple[str, str]]:
    """Every text of a piece that code did not write, with the field's name; a new field is among them by itself."""
    for name in type(piece).model_fields:
        if name not in _OURS:
            yield from ((name, text) for text in _strings(getattr(piece, name)))


def _strings(value: Any) -> Iterator[str]:
    match value:
        case StrEnum():
            return
        case str():
            yield value
        case BaseModel():
            for name in type(value).model_fields:
                yield from _strings(getattr(value, name))
        case dict():
            for key, inner in value.items():
                yield from _strings(key)
                yield from _strings(inner)
        case tuple():
            for inner in value:
                yield from _strings(inner)
