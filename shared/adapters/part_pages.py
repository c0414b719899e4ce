"""Pages of what belongs to one incident: how signals and timelines are cut, the same for every backend."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from typing import Any

from shared.adapters.writes import MAX_CURSOR_CHARS, cursor_of, place_in_timeline
from shared.errors import Malformed
from shared.models.incidents import TimelineEntry
from shared.models.signals import Signal
from shared.models.snapshots import SnapshotLine
from shared.ports.listing import TimelineOrder
from shared.ports.stores import Page

TOLD_AT_ONCE = 16
"""More than any write tells. A page of a timeline reads so many more, to end where a write ends."""
_MAX_VERSION = 2**53


def signals_page(found: Sequence[Signal], limit: int) -> Page[Signal]:
    """The page of signals that were read with one more than its limit, oldest first."""
    items = found[:limit]
    more = len(found) > limit
    return Page(items, cursor_of(items[-1].to_stored()["timestamp"], items[-1].id) if more else None)


def timeline_page(found: Sequence[TimelineEntry], limit: int, order: TimelineOrder) -> Page[TimelineEntry]:
    """The page of entries that were read with TOLD_AT_ONCE more than its limit, in this order of their versions."""
    if len(found) <= limit:
        return Page(in_order(found, order))
    last = found[limit - 1].incident_version
    ends = next((at for at, one in enumerate(found) if at >= limit and one.incident_version != last), len(found))
    is_all = ends == len(found) and len(found) < limit + TOLD_AT_ONCE
    return Page(in_order(found[:ends], order), None if is_all else _spelt(order, last))


def in_order(entries: Sequence[TimelineEntry], order: TimelineOrder) -> list[TimelineEntry]:
    """Entries as an order wants them; what one write told keeps the order of its events."""
    return sorted(entries, key=place_in_timeline, reverse=order is TimelineOrder.NEWEST)


def version_of(cursor: str, order: TimelineOrder) -> int:
    """The version after which a cursor goes on; raises Malformed for one that is not ours, or of another order."""
    try:
        if len(cursor) > MAX_CURSOR_CHARS:
            raise ValueError("too long")
        said, version = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if said != order or type(version) is not int or not 0 <= version < _MAX_VERSION:
            raise ValueError("not as we write it")
        if _spelt(order, version) != cursor:
            raise ValueError("not as we spell it")
    except (ValueError, TypeError, Base64Error, RecursionError) as exc:
        raise Malformed("the cursor is not one of ours", reason="bad_cursor") from exc
    return version


def line_of(stored: Mapping[str, Any], body: Mapping[str, Any]) -> SnapshotLine:
    """A snapshot's line, from the stored document (or as much of it as was read) and its body."""
    fields = {name: stored[name] for name in ("id", "taken_at", "elapsed_seconds", "sha256")}
    return SnapshotLine.model_validate({**fields, "service": body["service"], "onset_at": body["onset_at"]})


def _spelt(order: TimelineOrder, version: int) -> str:
    return urlsafe_b64encode(json.dumps([order.value, version]).encode()).decode().rstrip("=")
