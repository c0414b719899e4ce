"""Restore a tenant from its lines: everything is checked before anything is written, and nothing is overwritten."""

import asyncio
import binascii
import json
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby, islice, pairwise
from typing import TypeVar

from pydantic import ValidationError

from shared.errors import AlreadyExists, Malformed, NotAllowed
from shared.models.backup import CONTAINERS, FORMAT_VERSION, Header, Line, Trailer
from shared.models.base import Value
from shared.pipeline.exporting import Archives

V = TypeVar("V", bound=Value)

AT_ONCE = 16

Opener = Callable[[], Iterable[bytes]]
"""Opens the lines from the first on: they are read twice."""


@dataclass
class Checked:
    """What a whole and unaltered backup holds."""

    header: Header
    counts: Counter[str] = field(default_factory=Counter)
    must_be_free: list[Line] = field(default_factory=list)
    """The tenant's record, and what leads to it from outside: as many as it has integrations, and two."""


@dataclass(frozen=True)
class Restored:
    """What became of the lines."""

    created: int = 0
    there: int = 0
    """Just as in the backup already: an earlier run was stopped."""


def checked(open_lines: Opener) -> Checked:
    """Read a whole backup; raises Malformed when it is not whole, not of one tenant, or of a newer format."""
    lines = iter(open_lines())
    first = next(lines, b"")
    found, digest = Checked(_header(first)), sha256(first)
    last = b""
    # Of each pair the first is a line between header and trailer, and the second of the last pair is the trailer.
    for line, last in pairwise(lines):  # noqa: B007 -- used behind the loop
        digest.update(line)
        _note(found, _line(line))
    trailer = _read(Trailer, last)
    if trailer.sha256 != digest.hexdigest() or dict(trailer.counts) != dict(found.counts):
        raise Malformed("the backup was altered: its count or its hash is not the one it was written with")
    if found.counts["tenant"] != 1:
        raise Malformed("the backup holds no record of its tenant")
    return found


async def restore(open_lines: Opener, found: Checked, archives: Archives) -> Restored:
    """Create what the lines say; raises NotAllowed when the tenant is there, or something else is in the way.

    May be run again after it was stopped: what is there just as in the backup is passed over.
    """
    await require_free(found, archives)
    lines = iter(open_lines())
    next(lines, None)
    created = there = 0
    for _, group in groupby((_line(raw) for raw, _ in pairwise(lines)), key=lambda line: line.container):
        # One container after the other; within one the order does not matter.
        while together := list(islice(group, AT_ONCE)):
            are_new = await asyncio.gather(*(_restore(found, line, archives) for line in together))
            created, there = created + sum(are_new), there + len(are_new) - sum(are_new)
    return Restored(created, there)


async def _restore(found: Checked, line: Line, archives: Archives) -> bool:
    tenant_id = found.header.tenant_id
    try:
        if line.name is not None:
            return await archives.blobs.restore(tenant_id, line.container, line.name, _blob(line))
        return await archives.documents.restore(tenant_id, _home(line), line.document or {})
    except AlreadyExists as exc:
        what = f"{line.container} {line.name or (line.document or {}).get('id')}"
        raise NotAllowed(f"{what} is there with other content, and nothing is overwritten") from exc


async def require_free(found: Checked, archives: Archives) -> None:
    """A tenant that is there has moved on, and what leads to it from outside must not lead to another one."""
    for line in found.must_be_free:
        document = line.document or {}
        held = await archives.documents.held(found.header.tenant_id, _home(line), document)
        if held and line.container == "tenant":
            raise NotAllowed("this tenant is there; a backup only restores one that is not")
        if held and held != document:
            raise NotAllowed(f"{document['id']} is there with other content, and nothing is overwritten")


def _home(line: Line) -> str:
    return "directory" if line.container == "tenant" else line.container


def _header(line: bytes) -> Header:
    header = _read(Header, line)
    if header.version > FORMAT_VERSION:
        raise Malformed(f"the backup has format {header.version}; this release reads up to {FORMAT_VERSION}")
    return header


def _line(line: bytes) -> Line:
    return _read(Line, line)


def _read(kind: type[V], line: bytes) -> V:
    try:
        return kind.model_validate(json.loads(line))
    except (ValidationError, ValueError, RecursionError) as exc:
        raise Malformed(f"the backup is not whole: where a {kind.__name__.lower()} should stand is none") from exc


def _note(found: Checked, line: Line) -> None:
    """Count a line; raises Malformed for another tenant's, and for one that stands too late to be restored safely."""
    tenant_id = found.header.tenant_id
    is_own = (
        line.name.startswith(f"{tenant_id}/") if line.name else (line.document or {}).get("tenant_id") == tenant_id
    )
    if not is_own:
        raise Malformed("the backup holds something of another tenant")
    if any(found.counts[later] for later in CONTAINERS[CONTAINERS.index(line.container) + 1 :]):
        raise Malformed("the backup's lines are out of order")
    if line.container == "tenant" and (line.document or {}).get("id") != tenant_id:
        raise Malformed("the backup's tenant is not the one of its first line")
    if line.name:
        _blob(line)
    found.counts[line.container] += 1
    if line.container in {"lookups", "tenant"}:
        found.must_be_free.append(line)


def _blob(line: Line) -> bytes:
    try:
        return b64decode(line.base64 or "", validate=True)
    except binascii.Error as exc:
        raise Malformed("the backup holds a blob that is not base64") from exc
