"""What every TenantArchive and BlobArchive promises."""

import uuid

import pytest

from shared.adapters.blob_archive import blob_archive
from shared.adapters.cosmos.archive import CosmosArchive
from shared.adapters.memory import MemoryArchive, MemoryBlobArchive
from shared.errors import AlreadyExists, StoreRejected
from shared.models.base import TenantId
from shared.models.schedule import SHARDS
from shared.ports.archive import BlobArchive, TenantArchive
from tests.contract.conftest import BACKENDS


@pytest.fixture(params=BACKENDS)
def archive(request: pytest.FixtureRequest) -> TenantArchive:
    if request.param == "memory":
        return MemoryArchive()
    return CosmosArchive(request.getfixturevalue("database"))


@pytest.fixture(params=BACKENDS)
async def blobs(request: pytest.FixtureRequest):
    if request.param == "memory":
        yield MemoryBlobArchive()
        return
    opened = blob_archive(request.getfixturevalue("storage"), None, None)
    yield opened
    await opened.aclose()


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(f"ten-{uuid.uuid4().hex[:12]}")


def a_document(tenant: TenantId, name: str, **fields: object) -> dict[str, object]:
    return {"id": name, "tenant_id": tenant, "type": "of_tomorrow", "schema_version": 9, "text": "é", **fields}


async def test_documents_come_page_by_page_just_as_they_were(archive: TenantArchive, tenant: TenantId) -> None:
    made = [a_document(tenant, f"d-{number}", n=[1, 2.5, None, {"x": True}]) for number in range(5)]
    for document in reversed(made):
        assert await archive.restore(tenant, "directory", document)
    first = await archive.page(tenant, "directory", None, after="", limit=3)
    rest = await archive.page(tenant, "directory", None, after=str(first[-1]["id"]), limit=3)
    assert [*first, *rest] == made
    other = TenantId(f"{tenant}-other")
    assert list(await archive.page(other, "directory", None, after="", limit=3)) == []


async def test_each_container_is_asked_under_its_own_key(archive: TenantArchive, tenant: TenantId) -> None:
    other = TenantId(f"{tenant}-other")
    places = [
        ("incidents", "inc-1", {"incident_id": "inc-1"}),
        ("audit", "2026-11", {"month": "2026-11"}),
        ("deadletters", "signals", {"queue": "signals"}),
        ("schedule", SHARDS[3], {"shard": SHARDS[3]}),
        ("lookups", f"slug:{tenant}", {}),
    ]
    for container, part, fields in places:
        name = f"slug:{tenant}" if container == "lookups" else "one"
        document = a_document(tenant, name, **fields)
        await archive.restore(tenant, container, document)
        if container != "lookups":
            await archive.restore(other, container, a_document(other, "theirs", **fields))
        assert list(await archive.page(tenant, container, part, after="", limit=9)) == [document], container


async def test_restoring_again_changes_nothing_and_overwrites_nothing(
    archive: TenantArchive, tenant: TenantId
) -> None:
    made = a_document(tenant, "one")
    assert await archive.held(tenant, "directory", made) is None
    assert await archive.restore(tenant, "directory", made)
    assert not await archive.restore(tenant, "directory", made)
    assert await archive.held(tenant, "directory", made) == made
    with pytest.raises(AlreadyExists):
        await archive.restore(tenant, "directory", {**made, "text": "other"})
    with pytest.raises(StoreRejected):
        await archive.restore(tenant, "directory", a_document(TenantId("ten-other"), "one"))
    with pytest.raises(StoreRejected):
        await archive.restore(tenant, "incidents", made)


async def test_blobs_are_listed_read_and_restored_once(blobs: BlobArchive, tenant: TenantId) -> None:
    names = [f"{tenant}/rcp-1/part-1.json", f"{tenant}/rcp-1/part-2.json"]
    other = TenantId(f"{tenant}2")
    for name in names:
        assert await blobs.restore(tenant, "receipts", name, b"{}")
        assert not await blobs.restore(tenant, "receipts", name, b"{}")
    await blobs.restore(other, "receipts", f"{other}/rcp-1/part-1.json", b"theirs")
    assert [name async for name in blobs.names(tenant, "receipts")] == names
    assert await blobs.read(tenant, "receipts", names[0]) == b"{}"
    assert await blobs.read(tenant, "receipts", f"{tenant}/none") is None
    with pytest.raises(AlreadyExists):
        await blobs.restore(tenant, "receipts", names[0], b"other")


@pytest.mark.parametrize("name", ["{other}/a", "{tenant}/../{other}/a", "{tenant}", "{tenant}/", "{tenant}//a"])
async def test_a_blob_of_another_tenant_is_not_reached(blobs: BlobArchive, tenant: TenantId, name: str) -> None:
    spelled = name.format(tenant=tenant, other=f"{tenant}-other")
    with pytest.raises(StoreRejected):
        await blobs.read(tenant, "receipts", spelled)
    with pytest.raises(StoreRejected):
        await blobs.restore(tenant, "receipts", spelled, b"x")
