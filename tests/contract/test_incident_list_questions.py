"""What every IncidentList promises of its filters and orders, page by page."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from shared.adapters.cosmos.client import Container, CosmosDatabase
from shared.adapters.cosmos.incidents import CosmosIncidentList
from shared.adapters.memory import MemoryIncidentList
from shared.errors import Malformed
from shared.models.base import IncidentId, TenantId
from shared.models.correlation import ServiceNode
from shared.models.incidents import IncidentState, IncidentSummary
from shared.models.signals import Severity
from shared.ports.listing import NOBODY, PLAIN, IncidentOrder, IncidentQuery
from shared.ports.stores import IncidentList
from tests.builders import NOON, ONE_SECOND, a_summary
from tests.contract.conftest import BACKENDS

DANA = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"
STATES, SEVERITIES = list(IncidentState), list(Severity)
COUNT = 28


@pytest.fixture(params=BACKENDS)
def listing(request: pytest.FixtureRequest) -> IncidentList:
    if request.param == "memory":
        return MemoryIncidentList()
    return CosmosIncidentList(request.getfixturevalue("database"))


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(f"ten-{uuid.uuid4().hex[:12]}")


def a_node(name: str) -> ServiceNode:
    return ServiceNode(service_name=name, first_started_at=NOON, last_started_at=NOON, severity="critical")


def the_summary(tenant: TenantId, number: int) -> IncidentSummary:
    """Every field that is filtered or sorted takes another turn; some moments are shared."""
    return a_summary(
        tenant_id=tenant,
        incident_id=IncidentId(f"inc-{number:03}"),
        state=STATES[number % 7],
        severity=SEVERITIES[number % 3],
        detected_at=NOON + timedelta(milliseconds=500 * (number // 2)),
        updated_at=NOON + (number * 11 % 13) * ONE_SECOND,
        assigned_to=DANA if number % 4 == 0 else None,
        services=(a_node("payment"), a_node("search")) if number % 5 == 0 else (a_node("payment"),),
    )


async def kept(listing: IncidentList, tenant: TenantId, count: int = COUNT) -> list[IncidentSummary]:
    summaries = [the_summary(tenant, number) for number in range(count)]
    for one in summaries:
        await listing.put(tenant, one)
    return summaries


async def all_pages(listing: IncidentList, tenant: TenantId, query: IncidentQuery) -> list[IncidentSummary]:
    found: list[IncidentSummary] = []
    cursor = None
    while True:
        page = await listing.page(tenant, limit=4, cursor=cursor, query=query)
        assert len(page.items) == 4 or page.cursor is None, "only the last page is short"
        found += page.items
        cursor = page.cursor
        if cursor is None:
            return found


Keeps = Callable[[IncidentSummary], bool]
FILTERS: dict[str, tuple[dict[str, Any], Keeps]] = {
    "no filter": ({}, lambda _: True),
    "one state": (
        {"states": frozenset({IncidentState.RESOLVED})},
        lambda one: one.state is IncidentState.RESOLVED,
    ),
    "several states and severities": (
        {
            "states": frozenset({IncidentState.DETECTED, IncidentState.MITIGATED}),
            "severities": frozenset({Severity.CRITICAL, Severity.INFO}),
        },
        lambda one: one.state.value in {"detected", "mitigated"} and one.severity is not Severity.WARNING,
    ),
    "a service that is not the first": ({"service": "search"}, lambda one: len(one.services) == 2),
    "a service that nobody has": ({"service": "' OR true --"}, lambda _: False),
    "somebody's": ({"assignee": DANA}, lambda one: one.assigned_to == DANA),
    "nobody's": ({"assignee": NOBODY}, lambda one: one.assigned_to is None),
    "a range of time": (
        {"detected_from": NOON + ONE_SECOND, "detected_to": NOON + 4 * ONE_SECOND},
        lambda one: NOON + ONE_SECOND <= one.detected_at < NOON + 4 * ONE_SECOND,
    ),
    "open ones": ({"is_open": True}, lambda one: one.is_open),
    "closed ones": ({"is_open": False}, lambda one: not one.is_open),
}
ORDERS: dict[IncidentOrder, Callable[[IncidentSummary], Any]] = {
    IncidentOrder.NEWEST: lambda one: (one.detected_at, one.id),
    IncidentOrder.UPDATED: lambda one: (one.updated_at, one.id),
    IncidentOrder.SEVERITY: lambda one: (-one.severity.rank, one.detected_at, one.id),
}


@pytest.mark.parametrize("order", IncidentOrder)
async def test_every_filter_in_every_order_answers_with_just_what_is_asked_for(
    listing: IncidentList, tenant: TenantId, order: IncidentOrder
) -> None:
    summaries = await kept(listing, tenant)
    for name, (asked, keeps) in FILTERS.items():
        found = await all_pages(listing, tenant, IncidentQuery(order=order, **asked))
        expected = sorted(filter(keeps, summaries), key=ORDERS[order], reverse=True)
        assert [one.id for one in found] == [one.id for one in expected], name


async def test_a_merged_incident_is_in_no_order(listing: IncidentList, tenant: TenantId) -> None:
    await kept(listing, tenant, 3)
    merged = a_summary(tenant_id=tenant, incident_id="inc-merged", merged_into=IncidentId("inc-000"))
    await listing.put(tenant, merged)
    for order in IncidentOrder:
        found = await all_pages(listing, tenant, IncidentQuery(order=order))
        assert len(found) == 3


QUESTIONS = [
    PLAIN,
    *(IncidentQuery(order=order) for order in IncidentOrder if order is not IncidentOrder.NEWEST),
    *(IncidentQuery(**asked) for asked, _ in FILTERS.values() if asked),
]


async def test_a_cursor_goes_on_with_its_own_question_only(listing: IncidentList, tenant: TenantId) -> None:
    summaries = await kept(listing, tenant, 2)
    await kept(listing, TenantId(f"{tenant}-other"))
    for one, other in pairwise([*QUESTIONS, QUESTIONS[0]]):
        cursor = (await listing.page(TenantId(f"{tenant}-other"), limit=1, query=one)).cursor
        if cursor is None:
            continue
        with pytest.raises(Malformed):
            await listing.page(tenant, limit=1, cursor=cursor, query=other)
        found = await listing.page(tenant, limit=5, cursor=cursor, query=one)
        assert {item.tenant_id for item in found.items} <= {tenant}
        assert len(found.items) <= len(summaries)


@pytest.mark.parametrize("order", [IncidentOrder.UPDATED, IncidentOrder.SEVERITY])
async def test_a_cursor_that_was_altered_is_refused(
    listing: IncidentList, tenant: TenantId, order: IncidentOrder
) -> None:
    await kept(listing, tenant, 3)
    query = IncidentQuery(order=order)
    cursor = (await listing.page(tenant, limit=1, query=query)).cursor
    assert cursor is not None
    for altered in (cursor[:-1], f"{cursor}A", cursor[:10] + ("B" if cursor[10] != "B" else "C") + cursor[11:]):
        with pytest.raises(Malformed):
            await listing.page(tenant, limit=1, cursor=altered, query=query)


@pytest.mark.integration
async def test_a_summary_of_the_first_schema_is_read_and_found(database: CosmosDatabase, tenant: TenantId) -> None:
    listing = CosmosIncidentList(database)
    old = the_summary(tenant, 1).to_stored()
    for name in ("severity_rank", "service_names"):
        del old[name]
    await Container(database, "incident_list").create((tenant,), {**old, "schema_version": 1})
    (found,) = (await listing.page(tenant, limit=5)).items
    assert (found.severity_rank, found.service_names) == (1, ("payment",))
    assert (await listing.page(tenant, limit=5, query=IncidentQuery(order=IncidentOrder.SEVERITY))).items == []
    await listing.put(tenant, found.model_copy(update={"source_version": 2}))
    (again,) = (await listing.page(tenant, limit=5, query=IncidentQuery(order=IncidentOrder.SEVERITY))).items
    assert again.id == found.id
