"""Pages of a result, resumed by the last row's place: an offset would skip or repeat rows under writes."""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from dev.cosmos.errors import Refusal, bad_request
from dev.cosmos.sql.select import Answer, Position
from dev.cosmos.sql.tree import SortItem
from dev.cosmos.sql.values import UNDEFINED, compare

DEFAULT_PAGE_ITEMS = 1000
_MAX_PAGE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Continuation:
    """Where the next page starts: after this row, with so many rows left of TOP or LIMIT."""

    position: Position
    sort_values: tuple[Any, ...] = ()
    left: int | None = None


def _fingerprint(query: str) -> str:
    return hashlib.sha256(query.encode("utf-8", "replace")).hexdigest()[:12]


def encode_continuation(continuation: Continuation, query: str) -> str:
    """The opaque text of a continuation, bound to its query."""
    values = [[] if value is UNDEFINED else [value] for value in continuation.sort_values]
    content = [_fingerprint(query), continuation.position, values, continuation.left]
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def decode_continuation(text: str, query: str) -> Continuation:
    """The continuation, or a 400 when it is not one of this query."""
    try:
        fingerprint, (number, index), values, left = json.loads(base64.urlsafe_b64decode(text))
        if fingerprint != _fingerprint(query):
            raise _invalid_token()
        sort_values = tuple(value[0] if value else UNDEFINED for value in values)
        return Continuation((int(number), int(index)), sort_values, None if left is None else int(left))
    except (ValueError, TypeError) as exc:
        raise _invalid_token() from exc


def _invalid_token() -> Refusal:
    return bad_request("Invalid Continuation Token")


def after(answers: Iterator[Answer], last: Continuation, order_by: Sequence[SortItem]) -> Iterator[Answer]:
    """The answers that come after a page's last row."""
    return (answer for answer in answers if _is_after(answer, last, order_by))


def _is_after(answer: Answer, last: Continuation, order_by: Sequence[SortItem]) -> bool:
    for item, value, passed in zip(order_by, answer.sort_values, last.sort_values, strict=False):
        if order := compare(value, passed):
            return (order < 0) == item.descending
    return answer.position > last.position


@dataclass(frozen=True)
class Page:
    """One page, and where the next one starts; None when there is none."""

    answers: list[Answer]
    size: int
    next: Continuation | None


def take_page(answers: Iterator[Answer], *, limit: int | None, max_items: int) -> Page:
    """As many answers as the limit, the page's item count and 4 MB allow."""
    wanted = max_items if limit is None else min(limit, max_items)
    taken: list[Answer] = []
    size = 0
    for answer in islice(answers, wanted):
        size += len(json.dumps(answer.payload if answer.payload is not UNDEFINED else None))
        if taken and size > _MAX_PAGE_BYTES:
            # The answer that did not fit is the first of the next page.
            return Page(taken, size, _continuation(taken, limit))
        taken.append(answer)
    exhausted = len(taken) < wanted or (limit is not None and limit == len(taken)) or next(answers, None) is None
    return Page(taken, size, None if exhausted or not taken else _continuation(taken, limit))


def _continuation(taken: list[Answer], limit: int | None) -> Continuation:
    last = taken[-1]
    return Continuation(last.position, last.sort_values, None if limit is None else limit - len(taken))
