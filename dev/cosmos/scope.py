"""Which part of a container a query or feed may see: a partition, a range of hashes, or everything."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dev.cosmos.errors import bad_request
from dev.cosmos.partition_keys import KeyDefinition, of_header

ONE_PARTITION = "partition = ?"
_LEVEL_DIGITS = 32
_HIGHEST = "FF"


@dataclass(frozen=True)
class Scope:
    """A condition over the columns of `items`; `tenant_bound` when it is no wider than one first-level key."""

    where: str
    arguments: tuple[Any, ...]
    tenant_bound: bool
    by_range: bool = False
    """Whether the SDK asks range by range, so that it puts the answers together itself."""


def scope_of(headers: Mapping[str, str], definition: KeyDefinition) -> Scope:
    """The scope that the headers name. A prefix of a hierarchical key arrives as a range of hashes only."""
    key = of_header(headers.get("x-ms-documentdb-partitionkey"), definition)
    if key is not None:
        return Scope(ONE_PARTITION, (key.canonical,), tenant_bound=True)
    start, end = headers.get("x-ms-start-epk", "").upper(), headers.get("x-ms-end-epk", "").upper()
    by_range = "x-ms-documentdb-partitionkeyrangeid" in headers
    if bool(start) != bool(end):
        start, end = start or "", end or _HIGHEST
    if start or end:
        if any(set(bound) - set("0123456789ABCDEF") for bound in (start, end)):
            raise bad_request("The range of effective partition keys is not valid.")
        return Scope("epk >= ? AND epk < ?", (start, end), _is_one_key(start, end), by_range)
    return Scope("1", (), tenant_bound=False, by_range=by_range)


def _is_one_key(start: str, end: str) -> bool:
    """Whether a range holds one first-level key: its hash to its hash and FF, or to the next number."""
    if len(start) < _LEVEL_DIGITS:
        return False
    if start[:_LEVEL_DIGITS] == end[:_LEVEL_DIGITS]:
        return True
    return len(start) == len(end) and int(end, 16) - int(start, 16) == 1
