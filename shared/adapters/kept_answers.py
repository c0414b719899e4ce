"""Answers kept with their ETag, so that asking again costs nothing where nothing changed (RFC 9110, 13.1.2)."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_ANSWER_BYTES: Final = 512 * 1024
MAX_ETAG_CHARS: Final = 200

Key = tuple[str, ...]
"""Whose answer it is, and to what: it begins with the tenant."""


@dataclass(frozen=True)
class Kept:
    """An answer, what it is known by, and whether its list went on."""

    etag: str
    body: bytes = field(repr=False)
    more: bool = False


class KeptAnswers:
    """So many bytes of answers in this process; who was used longest ago goes first."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._held: OrderedDict[Key, Kept] = OrderedDict()
        self._bytes = 0

    def get(self, key: Key) -> Kept | None:
        """The answer to this question, if it is still there."""
        if key in self._held:
            self._held.move_to_end(key)
        return self._held.get(key)

    def keep(self, key: Key, answer: Kept) -> None:
        """Keep an answer in the place of an earlier one; too large ones are not kept."""
        self._drop(key)
        if len(answer.body) > MAX_ANSWER_BYTES or not _sendable(answer.etag):
            return
        self._held[key] = answer
        self._bytes += len(answer.body)
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._held)))

    def _drop(self, key: Key) -> None:
        dropped = self._held.pop(key, None)
        self._bytes -= len(dropped.body) if dropped else 0


def _sendable(etag: str) -> bool:
    return 0 < len(etag) <= MAX_ETAG_CHARS and etag.isascii() and etag.isprintable()
