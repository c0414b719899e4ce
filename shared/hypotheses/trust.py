"""Who wrote what of a snapshot, and whether any of it speaks to a model. Pure.

A text is looked at where it stands, and beside its neighbours: what is split across fields is read in one piece, too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import permutations
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from shared.hypotheses.suspicion import suspicion_of
from shared.hypotheses.suspicion_rules import Suspicion
from shared.models.evidence import (
    AlertEvidence,
    ChangeEvidence,
    EdgeEvidence,
    EdgeSource,
    Evidence,
    ExpressionEvidence,
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
_HALVES = (
    "ignor", "disregard", "forget", "overrid", "decode", "blame", "instruction", "prompt", "you are", "pretend",
    "act as", "reveal", "repeat", "root cause", "verdict", "assistant",
)  # fmt: skip
"""Of what is split, a part has one of these."""


class Trust(StrEnum):
    """How far a piece of evidence is to be believed; its free texts are data all the same."""

    MEASURED = "measured"
    """Numbers that code read from a tenant's monitoring. The names in it were given by whoever sends metrics."""
    STAFF = "staff"
    """Written by people of the tenant with the product: runbooks, declarations."""
    OUTSIDE = "outside"
    """Told by systems and people that anybody may have a hand in: alerts, commits, silences; so past incidents."""


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
        case RunbookEvidence():
            return Trust.STAFF
        case AlertEvidence() | SilenceEvidence() | ChangeEvidence() | PastIncidentEvidence():
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
            found = _of_texts(piece.id, texts)
            # Runbooks are Markdown, with images. None of it is shown to a model, nor in an answer.
            is_staff = trust_of(piece) is Trust.STAFF
            yield from (one for one in found if not (is_staff and one.reason is Suspicion.MARKUP))
            of_kind.setdefault(piece.kind, []).extend(text for _, text in texts if " " in text)
    for kind, neighbours in of_kind.items():
        beside = " ".join(dict.fromkeys(neighbours))[:_MAX_NEIGHBOURS_CHARS]
        if _is_half(beside) and not any(map(suspicion_of, neighbours)) and (reason := suspicion_of(beside)):
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
    if not _is_half(joined):
        return None
    reason = suspicion_of(joined)
    if reason is None:
        parts = [text for text in several if " " in text or _is_half(text)][:_MAX_PARTS]
        reason = next(filter(None, (suspicion_of(" ".join(one)) for one in permutations(parts))), None)
    return reason


def _is_half(text: str) -> bool:
    return any(map(text.casefold().__contains__, _HALVES))


def texts_of(piece: Evidence) -> Iterator[tuple[str, str]]:
    """Every text of a piece that code did not write, with the field's name; a new field is among them by itself."""
    for name in _fields_with_text(type(piece)):
        # An alert's expression is asked as it was written.
        if name not in _OURS or (name == "query" and isinstance(piece, ExpressionEvidence)):
            yield from ((name, text) for text in _strings(getattr(piece, name)))


@cache
def _fields_with_text(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(name for name, field in model.model_fields.items() if _may_hold_text(field.annotation))


def _may_hold_text(annotation: Any) -> bool:
    """Whether a value of this type may hold text that is none of a closed set."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return bool(_fields_with_text(annotation))
    arguments = get_args(annotation)
    if get_origin(annotation) is Literal or not arguments:
        return annotation is str or annotation is Any
    return any(map(_may_hold_text, arguments))


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case BaseModel():
            for name in _fields_with_text(type(value)):
                yield from _strings(getattr(value, name))
        case Mapping():
            for key, inner in value.items():
                yield from _strings(key)
                yield from _strings(inner)
        case tuple():
            for inner in value:
                yield from _strings(inner)
