"""A tenant's backup: whole and unaltered, of one tenant, or refused before anything is written."""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from shared.adapters.memory import MemoryArchive, MemoryBlobArchive
from shared.errors import Malformed, NotAllowed
from shared.models.schedule import SHARDS
from shared.pipeline.exporting import Archives, exported
from shared.pipeline.restoring import Restored, checked, restore
from tests.builders import ACME, GLOBEX, NOON, a_tenant

TENANT = a_tenant(entra_tenant_id="tid-acme")


def a_document(name: str, kind: str = "any", **fields: object) -> dict[str, object]:
    return {"id": name, "tenant_id": ACME, "type": kind, **fields}


CONTENT: list[tuple[str, dict[str, object]]] = [
    ("directory", TENANT.to_stored()),
    ("directory", a_document("int-1", "integration", config="sealed")),
    ("incident_list", a_document("inc-1", merged_into="inc-2")),
    ("claims", a_document("episode-1", incident_id="inc-3")),
    *[("incidents", a_document(f"doc-{n}", incident_id=f"inc-{n}", text="\ud800 half")) for n in (1, 2, 3)],
    ("audit", a_document("0001", month="2026-11", hash="h")),
    ("deadletters", a_document("dead-1", queue="checks")),
    ("schedule", a_document("due-1", shard=SHARDS[15])),
    ("lookups", a_document("slug:acme")),
    ("lookups", a_document("entra:tid-acme")),
    ("lookups", a_document("integration:int-1")),
]


async def filled() -> Archives:
    archives = Archives(MemoryArchive(), MemoryBlobArchive())
    for container, document in CONTENT:
        await archives.documents.restore(ACME, container, document)
    await archives.blobs.restore(ACME, "receipts", f"{ACME}/rcp-1/part-1.json", b"{}")
    await archives.blobs.restore(ACME, "raw", f"{ACME}/rcp-1", b"\x00body")
    return archives


def empty() -> Archives:
    return Archives(MemoryArchive(), MemoryBlobArchive())


async def lines_of(archives: Archives, *, with_raw: bool = True) -> list[bytes]:
    return [line async for line in exported(TENANT, archives, with_raw=with_raw, now=NOON)]


def sealed(lines: list[bytes]) -> list[bytes]:
    """The lines under a trailer that fits them: what somebody does who knows the format."""
    counts: dict[str, int] = {}
    for line in lines[1:-1]:
        name = json.loads(line)["container"]
        counts[name] = counts.get(name, 0) + 1
    trailer = {"counts": counts, "sha256": sha256(b"".join(lines[:-1])).hexdigest()}
    return [*lines[:-1], json.dumps(trailer).encode() + b"\n"]


def changed(lines: list[bytes], at: int, **fields: Any) -> list[bytes]:
    line = json.dumps({**json.loads(lines[at]), **fields}).encode() + b"\n"
    return sealed([*lines[:at], line, *lines[at + 1 :]])


async def test_what_is_restored_exports_to_the_same_lines_again() -> None:
    lines = await lines_of(await filled())
    target = empty()
    found = checked(lambda: lines)
    assert await restore(lambda: lines, found, target) == Restored(created=len(CONTENT) + 2)
    assert await lines_of(target) == lines
    assert sum(found.counts.values()) == len(CONTENT) + 2


async def test_incidents_are_found_by_the_list_and_by_claims_and_what_lets_anybody_in_comes_last() -> None:
    containers = [json.loads(line)["container"] for line in (await lines_of(await filled()))[1:-1]]
    assert containers.count("incidents") == 3
    assert containers[-5:] == ["schedule", "lookups", "lookups", "lookups", "tenant"]


async def test_bodies_of_deliveries_are_only_in_it_when_asked_for() -> None:
    lines = await lines_of(await filled(), with_raw=False)
    assert b'"raw"' not in b"".join(lines[1:-1])


async def test_a_restore_that_was_stopped_can_be_run_again() -> None:
    lines = await lines_of(await filled())
    target = empty()
    await target.documents.restore(ACME, *CONTENT[2])
    await target.blobs.restore(ACME, "raw", f"{ACME}/rcp-1", b"\x00body")
    assert await restore(lambda: lines, checked(lambda: lines), target) == Restored(len(CONTENT), 2)


async def test_a_tenant_that_is_there_is_left_alone() -> None:
    archives = await filled()
    lines = await lines_of(archives)
    with pytest.raises(NotAllowed, match="this tenant is there"):
        await restore(lambda: lines, checked(lambda: lines), archives)


async def test_a_slug_or_directory_that_belongs_to_another_tenant_stops_it_before_anything_is_written() -> None:
    lines = await lines_of(await filled())
    target = empty()
    await target.documents.restore(GLOBEX, "lookups", {**a_document("slug:acme"), "tenant_id": GLOBEX})
    with pytest.raises(NotAllowed, match="slug:acme"):
        await restore(lambda: lines, checked(lambda: lines), target)
    assert list(await target.documents.page(ACME, "incident_list", None, after="", limit=9)) == []


async def test_newer_data_is_never_overwritten() -> None:
    lines = await lines_of(await filled())
    target = empty()
    newer = {**CONTENT[2][1], "merged_into": "inc-9"}
    await target.documents.restore(ACME, "incident_list", newer)
    with pytest.raises(NotAllowed, match="inc-1 is there with other content"):
        await restore(lambda: lines, checked(lambda: lines), target)
    assert list(await target.documents.page(ACME, "incident_list", None, after="", limit=9)) == [newer]


ALTERED: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "nothing at all": lambda lines: [],
    "only its header": lambda lines: lines[:1],
    "cut after a line": lambda lines: lines[:-1],
    "cut within a line": lambda lines: [*lines[:-2], lines[-2][:-9]],
    "a line left out": lambda lines: [*lines[:2], *lines[3:]],
    "a line twice": lambda lines: [*lines[:2], lines[1], *lines[2:]],
    "two lines exchanged": lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    "a byte altered": lambda lines: [lines[0], lines[1].replace(b"doc-1", b"doc-9"), *lines[2:]],
    "something behind the trailer": lambda lines: [*lines, b"{}\n"],
    "not JSON": lambda lines: [b"hello\n", *lines[1:]],
    "a newer format": lambda lines: changed(lines, 0, version=2),
    "another product's": lambda lines: changed(lines, 0, format="other"),
    "an unknown field": lambda lines: changed(lines, 1, also=1),
    "an unknown container": lambda lines: changed(lines, 1, container="sessions"),
    "another tenant's document": lambda lines: changed(lines, 1, document={**CONTENT[4][1], "tenant_id": GLOBEX}),
    "another tenant in the header": lambda lines: changed(lines, 0, tenant_id=GLOBEX),
    "lines out of order": lambda lines: sealed([lines[0], *reversed(lines[1:-1]), lines[-1]]),
    "no record of the tenant": lambda lines: sealed([*lines[:-2], lines[-1]]),
    "counts that do not fit": lambda lines: [
        *lines[:-1],
        json.dumps({**json.loads(lines[-1]), "counts": {}}).encode(),
    ],
}


@pytest.mark.parametrize("what", ALTERED)
async def test_a_backup_that_is_not_whole_and_of_one_tenant_is_refused(what: str) -> None:
    lines = ALTERED[what](await lines_of(await filled()))
    with pytest.raises(Malformed):
        checked(lambda: lines)


@pytest.mark.parametrize("fields", [{"name": f"{GLOBEX}/rcp-1"}, {"base64": "%%%"}, {"document": {}}])
async def test_a_blob_of_another_tenant_or_none_at_all_is_refused(fields: dict[str, Any]) -> None:
    lines = await lines_of(await filled())
    at = next(number for number, line in enumerate(lines) if b'"receipts"' in line)
    with pytest.raises(Malformed):
        checked(lambda: changed(lines, at, **fields))


async def test_a_tenant_of_several_months_is_exported_month_by_month() -> None:
    archives = await filled()
    await archives.documents.restore(ACME, "audit", a_document("0001", month="2027-02", hash="i"))
    later = NOON.replace(year=2027, month=2, day=1)
    lines = [line async for line in exported(TENANT, archives, with_raw=False, now=later)]
    months = [json.loads(line)["document"]["month"] for line in lines if b'"audit"' in line and b"document" in line]
    assert months == ["2026-11", "2027-02"]
