"""What every IncidentList promises."""

import asyncio
import json
import uuid
from base64 import urlsafe_b64encode
from datetime import timedelta

import pytest

from shared.adapters.cosmos.incidents import CosmosIncidentList
from shared.adapters.memory import MemoryIncidentList
from shared.errors import Malformed, StoreRejected
from shared.models.base import IncidentId, TenantId
from shared.models.incidents import IncidentState, IncidentSummary
from shared.ports.stores import IncidentList
from tests.builders import NOON, a_summary
from tests.contract.conftest import BACKENDS


@pytest.fixture(params=BACKENDS)
def listing(request: pytest.FixtureRequest) -> IncidentList:
    if request.param == "memory":
        return MemoryIncidentList()
    return CosmosIncidentList(request.getfixturevalue("database"))


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(f"ten-{uuid.uuid4().hex[:12]}")


def the_summary(tenant: TenantId, number: int, *, version: int = 1, title: str = "t") -> IncidentSummary:
    # Two share each moment, one in two has a fraction of a second: order must not depend on how times are spelt.
    at = NOON + timedelta(milliseconds=500 * (number // 2))
    return a_summary(
        tenant_id=tenant, incident_id=f"inc-{number:03}", detected_at=at, source_version=version, title=title
    )


async def test_pages_go_on_where_the_last_one_ended_newest_first(listing: IncidentList, tenant: TenantId) -> None:
    for number in range(7):
        await listing.put(tenant, the_summary(tenant, number))
    seen, cursor = [], None
    for size in (3, 3, 1):
        page = await listing.page(tenant, limit=3, cursor=cursor)
        assert len(page.items) == size
        seen += [one.id for one in page.items]
        cursor = page.cursor
    assert seen == [f"inc-{number:03}" for number in reversed(range(7))]
    assert cursor is None


async def test_a_newcomer_does_not_shift_the_next_page(listing: IncidentList, tenant: TenantId) -> None:
    for number in range(4):
        await listing.put(tenant, the_summary(tenant, number))
    first = await listing.page(tenant, limit=2)
    await listing.put(tenant, the_summary(tenant, 9))
    second = await listing.page(tenant, limit=2, cursor=first.cursor)
    assert [one.id for one in (*first.items, *second.items)] == ["inc-003", "inc-002", "inc-001", "inc-000"]


async def test_the_newest_version_stays_whatever_the_order_of_writing(
    listing: IncidentList, tenant: TenantId
) -> None:
    for version in (2, 1, 3, 2):
        await listing.put(tenant, the_summary(tenant, 1, version=version, title=f"v{version}"))
    assert [one.title for one in (await listing.page(tenant, limit=5)).items] == ["v3"]


async def test_the_newest_version_stays_when_all_are_written_at_once(listing: IncidentList, tenant: TenantId) -> None:
    versions = [the_summary(tenant, 1, version=version, title=f"v{version}") for version in range(1, 7)]
    await asyncio.gather(*(listing.put(tenant, one) for one in versions))
    assert [one.title for one in (await listing.page(tenant, limit=5)).items] == ["v6"]


@pytest.mark.parametrize("cursor", ["x", "e30", "W10", "WzEsMl0", "!!!", "a" * 500, "WyJ4IiwieSJd"])
async def test_a_cursor_that_is_not_ours_is_refused(listing: IncidentList, tenant: TenantId, cursor: str) -> None:
    with pytest.raises(Malformed):
        await listing.page(tenant, limit=5, cursor=cursor)


def spelt(values: object) -> str:
    return urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "values",
    [
        ["2026-11-23", "inc-1"],
        ["2026-11-23T12:00:00.000000+00:00", "inc-1"],
        ["2026-99-99T12:00:00.000000Z", "inc-1"],
        ["2026-11-23T12:00:00.000000Z", ""],
        ["2026-11-23T12:00:00.000000Z", "inc-1", "more"],
        ["2026-11-23T12:00:00.000000Z", 1],
        {"2026-11-23T12:00:00.000000Z": 1, "inc-1": 2},
    ],
)
async def test_a_cursor_with_values_we_never_give_is_refused(
    listing: IncidentList, tenant: TenantId, values: object
) -> None:
    with pytest.raises(Malformed):
        await listing.page(tenant, limit=5, cursor=spelt(values))


@pytest.mark.parametrize("change", ["{}=", "{}\n", " {}", "{}!"])
async def test_a_cursor_in_another_spelling_is_refused(listing: IncidentList, tenant: TenantId, change: str) -> None:
    ours = spelt(["2026-11-23T12:00:00.000000Z", "inc-1"])
    assert (await listing.page(tenant, limit=5, cursor=ours)).items == []
    with pytest.raises(Malformed):
        await listing.page(tenant, limit=5, cursor=change.format(ours))


async def test_the_same_incident_is_listed_for_each_tenant_as_its_own(
    listing: IncidentList, tenant: TenantId
) -> None:
    other = TenantId(f"{tenant}-other")
    await listing.put(tenant, the_summary(tenant, 1, version=5, title="ours"))
    await listing.put(other, the_summary(other, 1, version=1, title="theirs"))
    assert [one.title for one in (await listing.page(tenant, limit=5)).items] == ["ours"]
    assert [one.title for one in (await listing.page(other, limit=5)).items] == ["theirs"]


async def test_another_tenant_sees_nothing_even_with_this_ones_cursor(
    listing: IncidentList, tenant: TenantId
) -> None:
    for number in range(3):
        await listing.put(tenant, the_summary(tenant, number))
    cursor = (await listing.page(tenant, limit=1)).cursor
    other = TenantId(f"{tenant}-other")
    assert (await listing.page(other, limit=5)).items == []
    assert (await listing.page(other, limit=5, cursor=cursor)).items == []
    with pytest.raises(StoreRejected):
        await listing.put(other, the_summary(tenant, 1))


async def test_open_incidents_are_found_oldest_first_and_closed_or_merged_ones_are_not(
    listing: IncidentList, tenant: TenantId
) -> None:
    for number in range(3):
        await listing.put(tenant, the_summary(tenant, number))
    closed = a_summary(tenant_id=tenant, incident_id="inc-closed", state=IncidentState.RESOLVED)
    merged = a_summary(tenant_id=tenant, incident_id="inc-merged", merged_into=IncidentId("inc-000"))
    for one in (closed, merged):
        await listing.put(tenant, one)
    assert [one.id for one in await listing.open_ones(tenant)] == ["inc-000", "inc-001", "inc-002"]
    assert await listing.open_ones(TenantId(f"{tenant}-other")) == []


async def test_a_merged_incident_leaves_the_pages(listing: IncidentList, tenant: TenantId) -> None:
    for number in range(3):
        await listing.put(tenant, the_summary(tenant, number))
    gone = a_summary(
        tenant_id=tenant, incident_id="inc-001", merged_into=IncidentId("inc-000"), source_version=2, detected_at=NOON
    )
    await listing.put(tenant, gone)
    first = await listing.page(tenant, limit=1)
    rest = await listing.page(tenant, limit=5, cursor=first.cursor)
    assert [one.id for one in (*first.items, *rest.items)] == ["inc-002", "inc-000"]
