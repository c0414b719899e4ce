"""Which piece is which: an id that derives from what it is about, so that the next snapshot names it the same."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from shared.models.evidence import Evidence
from shared.models.snapshots import Section

ID_HEX = 7


def identified(sections: Iterable[Section]) -> tuple[Section, ...]:
    """The sections with an id for each piece; a second piece about the very same thing gets the next free one."""
    taken: set[str] = set()
    result = []
    for section in sections:
        pieces = []
        for piece in section.evidence:
            name = _free((piece.kind, *about(piece)), taken)
            taken.add(name)
            pieces.append(piece.model_copy(update={"id": name}))
        result.append(section.model_copy(update={"evidence": tuple(pieces)}))
    return tuple(result)


def about(piece: Evidence) -> tuple[str, ...]:
    """What a piece is about, as texts whose order is that of names and times."""
    values = (getattr(piece, name) for name in piece.names)
    return tuple(
        value.isoformat(timespec="microseconds") if isinstance(value, datetime) else str(value or "")
        for value in values
    )


def _free(what: tuple[str, ...], taken: set[str]) -> str:
    repeats = 0
    while (name := _named(what, repeats)) in taken:
        repeats += 1
    return name


def _named(what: tuple[str, ...], repeats: int) -> str:
    # Length-prefixed, so that ("ab", "c") and ("a", "bc") differ.
    joined = "".join(f"{len(part)}:{part}" for part in (*what, *([str(repeats)] if repeats else [])))
    return f"E{sha256(joined.encode()).hexdigest()[:ID_HEX]}"
