"""Feeds of a container: all its items page by page, its changes, and its one partition key range."""

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from dev.cosmos import charges
from dev.cosmos.catalog import Container
from dev.cosmos.errors import bad_request
from dev.cosmos.http import Request
from dev.cosmos.items import Items
from dev.cosmos.paging import Continuation, decode_continuation, encode_continuation, take_page
from dev.cosmos.queries import QueryPage, max_items_of, refuse_unscoped
from dev.cosmos.scope import scope_of
from dev.cosmos.sql.select import Answer

RANGE_ID = "0"
RANGES_ETAG = '"0"'
_EVERYTHING = "SELECT * FROM c"


@dataclass(frozen=True)
class Changes:
    """One page of changes; `etag` is where the next one starts."""

    documents: list[Any]
    etag: str
    charge: float


def partition_key_ranges(container: Container) -> list[dict[str, Any]]:
    """One physical partition, always."""
    whole = {"id": RANGE_ID, "minInclusive": "", "maxExclusive": "FF", "parents": [], "status": "online"}
    return [{**whole, "_rid": container.rid, "ridPrefix": 0, "throughputFraction": 1, "_etag": RANGES_ETAG}]


def read_feed(request: Request, container: Container, items: Items, *, strict: bool) -> QueryPage:
    """One page of the items."""
    scope = scope_of(request.headers, container.key)
    refuse_unscoped(scope, strict=strict)
    token = request.headers.get("x-ms-continuation")
    last = Continuation((0, 0)) if token is None else decode_continuation(token, _EVERYTHING)
    rows = items.visible(f"number > ? AND {scope.where}", (last.position[0], *scope.arguments))
    answers = (Answer((row["number"], 0), (), items.document(row)) for row in rows)
    page = take_page(answers, limit=None, max_items=max_items_of(request))
    return QueryPage(
        [answer.payload for answer in page.answers],
        None if page.next is None else encode_continuation(page.next, _EVERYTHING),
        charges.query(documents=len(page.answers), size=page.size),
    )


def change_feed(request: Request, container: Container, items: Items) -> Changes:
    """The latest version of what changed since the etag, oldest change first; deletions do not appear."""
    if request.headers.get("a-im", "").lower() != "incremental feed":
        raise bad_request("This stand-in serves the change feed's latest-version mode only.")
    scope = scope_of(request.headers, container.key)
    since = _since(request, items.lsn)
    where = f"lsn > ? AND written >= ? AND {scope.where}"
    rows = items.visible(where, (since, _written_from(request), *scope.arguments), order="lsn, number")
    answers = (Answer((row["lsn"], row["number"]), (), _change(items, row)) for row in rows)
    page = take_page(answers, limit=None, max_items=max_items_of(request))
    changes, lsn = [answer.payload for answer in page.answers], items.lsn
    if page.next is not None:
        # A page never ends inside one transaction: its items have one sequence number.
        lsn = page.next.position[0]
        rest = items.visible(
            f"lsn = ? AND number > ? AND written >= ? AND {scope.where}",
            (lsn, page.next.position[1], _written_from(request), *scope.arguments),
        )
        changes += [_change(items, row) for row in rest]
    return Changes(changes, f'"{lsn}"', charges.query(documents=len(changes), size=page.size))


def _change(items: Items, row: Any) -> dict[str, Any]:
    return {**items.document(row), "_lsn": row["lsn"]}


def _since(request: Request, current: int) -> int:
    etag = request.headers.get("if-none-match")
    if etag is None:
        return 0
    if etag == "*":
        return current
    try:
        return int(etag.strip('"'))
    except ValueError as exc:
        raise bad_request("The etag of a change feed is not valid.") from exc


def _written_from(request: Request) -> float:
    """The start time; it counts for the first page only, the etag after it says more."""
    text = request.headers.get("if-modified-since")
    if text is None or "if-none-match" in request.headers:
        return 0.0
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError as exc:
        raise bad_request("The start time of a change feed is not a date.") from exc
