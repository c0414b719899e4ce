"""What a month's chain tells when it is recomputed: what was removed, altered, inserted, reordered or replaced."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.access.audit_chain import is_sealed_by
from shared.models.audit import AuditIntent
from shared.models.audit_log import MonthEnd, number_of
from shared.models.base import TenantId

OVERDUE_AFTER = timedelta(minutes=10)
"""An announced change is sealed by then, whatever became of it, unless sealing itself does not work."""


class Finding(StrEnum):
    """What is wrong at a place of the chain."""

    REMOVED = "removed"
    """No entry with this number is left."""
    ALTERED = "altered"
    """What lies here is not what was sealed here."""
    INSERTED = "inserted"
    """What lies here was not sealed by us (or is a copy of an entry that lies at its own place too)."""
    REORDERED = "reordered"
    """A genuine entry lies at another's place."""
    REPLACED = "replaced"
    """A genuine entry that does not follow the one before: part of the chain was put back from another copy."""


@dataclass(frozen=True)
class Found:
    """One finding. `through` is the last number of a run of them; `belongs_at` is where a moved entry was sealed."""

    finding: Finding
    sequence: int | None
    place: str
    through: int | None = None
    belongs_at: int | None = None


@dataclass(frozen=True)
class Seen:
    """What matters of one stored entry."""

    place: str
    is_genuine: bool
    sequence: int
    hash: str
    previous_hash: str | None
    entry_id: str

    @property
    def is_in_place(self) -> bool:
        """Whether it was sealed by us, and for the place where it lies."""
        return self.is_genuine and number_of(self.place) == self.sequence


def seen(stored: Mapping[str, Any], key: bytes, tenant_id: TenantId, month: str) -> Seen:
    """One stored entry, of which nothing may be taken for granted."""
    is_here = stored.get("tenant_id") == tenant_id and stored.get("month") == month
    is_genuine = is_here and is_sealed_by(key, stored, stored.get("hash"))
    return Seen(
        place=str(stored.get("id", "")),
        is_genuine=is_genuine,
        sequence=int(stored["sequence"]) if is_genuine else 0,
        hash=str(stored.get("hash")),
        previous_hash=stored.get("previous_hash") if is_genuine else None,
        entry_id=str(stored["entry_id"]) if is_genuine else "",
    )


def findings(chain: Sequence[Seen], known_end: MonthEnd | None) -> list[Found]:
    """All that is wrong with a chain; `known_end` is what a later month says of it."""
    in_place = {one.sequence: one for one in chain if one.is_in_place}
    moved = {one.sequence for one in chain if one.is_genuine and not one.is_in_place}
    known = known_end.count if known_end else 0
    end = max([known, *in_place, *moved])
    astray = [found for one in chain if (found := _astray(one, in_place, end))]
    altered = {found.sequence for found in astray if found.finding is Finding.ALTERED}
    accounted = {*in_place, *moved, *altered}
    lost = list(_runs(number for number in range(1, end + 1) if number not in accounted))
    return sorted([*astray, *lost, *_replaced(in_place, known_end)], key=lambda one: (one.place, one.finding))


def unsealed(
    intents: Iterable[AuditIntent], sealed_ids: frozenset[str], *, now: datetime
) -> list[tuple[AuditIntent, bool]]:
    """What was announced and is not in the chain, oldest first, and whether it should be by now."""
    missing = [one for one in intents if one.entry.entry_id not in sealed_ids]
    oldest = sorted(missing, key=lambda one: (one.entry.at, one.id))
    return [(one, one.entry.at + OVERDUE_AFTER <= now) for one in oldest]


def _astray(one: Seen, in_place: Mapping[int, Seen], end: int) -> Found | None:
    """What is wrong with an entry that is there."""
    number = number_of(one.place)
    if one.is_in_place:
        return None
    if one.is_genuine:
        finding = Finding.INSERTED if one.sequence in in_place else Finding.REORDERED
        return Found(finding, number, one.place, belongs_at=one.sequence)
    was_sealed_here = number is not None and number <= end
    return Found(Finding.ALTERED if was_sealed_here else Finding.INSERTED, number, one.place)


def _runs(numbers: Iterable[int]) -> Iterator[Found]:
    """Numbers without an entry; those that follow each other are one finding."""
    first = last = None
    for number in numbers:
        if last is not None and number != last + 1:
            yield _removed(first, last)
            first = None
        first, last = first or number, number
    if last is not None:
        yield _removed(first, last)


def _removed(first: int | None, last: int) -> Found:
    start = first or last
    return Found(Finding.REMOVED, start, f"{start:010}", through=last if last != start else None)


def _replaced(in_place: Mapping[int, Seen], known_end: MonthEnd | None) -> Iterator[Found]:
    for number, one in in_place.items():
        before = in_place.get(number - 1)
        if before and one.previous_hash != before.hash:
            yield Found(Finding.REPLACED, number, one.place)
    last = in_place.get(known_end.count) if known_end else None
    if known_end and last and last.hash != known_end.hash:
        yield Found(Finding.REPLACED, known_end.count, last.place)
