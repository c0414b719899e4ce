"""How much of an alert is kept, so that a full batch of the longest alerts still fits the store.

Cosmos DB takes two megabytes a request, and one write holds 45 signals; the body as it came is kept besides. Sizes
are counted as JSON travels, with everything but ASCII escaped.
"""

import json
from collections.abc import Mapping

MAX_ALERT_BYTES = 40 * 1024
MAX_LABELS_BYTES = 8 * 1024
MAX_ANNOTATIONS_BYTES = 12 * 1024
MAX_EXPRESSION_BYTES = 4 * 1024
MAX_SUMMARY_BYTES = 2 * 1024
MAX_URL_BYTES = 2 * 1024
MAX_GROUP_KEY_BYTES = 1024
MAX_TITLE_BYTES = 512
MARK = "…"
WIDEST = 12
"""A character outside the basic plane is two escapes of six."""
_AROUND_AN_ENTRY = len('"": "", ')


def wire_bytes(text: str) -> int:
    """How long a text is inside JSON, without its quotes."""
    return len(json.dumps(text)) - 2


def cut(text: str, max_bytes: int) -> str:
    """The text, or as much of its beginning as fits, with a mark."""
    if len(text) * WIDEST <= max_bytes or wire_bytes(text) <= max_bytes:
        return text
    room = max(max_bytes - wire_bytes(MARK), 0)
    kept = text[:room]
    while (size := wire_bytes(kept)) > room:
        kept = kept[: min(len(kept) - 1, len(kept) * room // size)]
    return kept + MARK


def fitted(named: Mapping[str, str], max_bytes: int) -> dict[str, str]:
    """All names whose own length allows it, the most telling come first; the longest values are cut until it fits."""
    if sum(len(name) + len(text) + 1 for name, text in named.items()) * WIDEST <= max_bytes:
        return dict(named)
    kept, room = _names_within(named, max_bytes)
    longest = _longest_allowed([wire_bytes(text) for text in kept.values()], room)
    return {name: cut(text, longest) for name, text in kept.items()}


def _names_within(named: Mapping[str, str], max_bytes: int) -> tuple[dict[str, str], int]:
    """The entries whose names take no more than half of it, and what is left for the values."""
    kept: dict[str, str] = {}
    taken = 0
    for name, text in named.items():
        size = wire_bytes(name) + _AROUND_AN_ENTRY
        if taken + size <= max_bytes // 2:
            kept[name] = text
            taken += size
    return kept, max_bytes - taken


def _longest_allowed(sizes: list[int], room: int) -> int:
    """How long the longest value may be, when the shorter ones stay whole."""
    for position, size in enumerate(sorted(sizes)):
        share = room // (len(sizes) - position)
        if size > share:
            return share
        room -= size
    return max(sizes, default=0)
