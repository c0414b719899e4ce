"""What every SurroundingsStore and ChangeStore promises."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.cosmos.surroundings import CosmosChanges, CosmosSurroundings
from shared.adapters.memory import MemoryChanges, MemorySurroundings
from shared.errors import Conflict, Malformed, StoreRejected
from shared.models.base import TenantId
from shared.models.changes import Change, ChangeKind, ChangeStatus, ReportedChange
from shared.models.correlation import Correction, Verdict
from shared.models.evidence import EdgeSource, NodeKind
from shared.models.surroundings import Corrections
from shared.models.topology import Call, KnownTopology
from shared.ports.stores import Versioned
from shared.ports.surroundings import ChangeStore, SurroundingsStore
from tests.builders import NOON, ONE_SECOND, an_entry
from tests.contract.conftest import BACKENDS


@pytest.fixture(params=BACKENDS)
def surroundings(request: pytest.FixtureRequest) -> SurroundingsStore:
    if request.param == "memory":
        return MemorySurroundings()
    return CosmosSurroundings(request.getfixturevalue("database"))


@pytest.fixture(params=BACKENDS)
def changes(request: pytest.FixtureRequest) -> ChangeStore:
    if request.param == "memory":
        return MemoryChanges()
    return CosmosChanges(request.getfixturevalue("database"))


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(f"ten-{uuid.uuid4().hex[:12]}")


def a_topology(tenant: TenantId, *calls: tuple[str, str]) -> KnownTopology:
    told: dict[str, Any] = {
        "first_seen_at": NOON - ONE_SECOND,
        "callee_kind": NodeKind.DATABASE,
        "told_by": (EdgeSource.ISTIO, EdgeSource.OTEL_CLIENT),
        "calls_per_second": 2.5,
    }
    found = tuple(Call(caller=caller, callee=callee, seen_at=NOON, **told) for caller, callee in calls)
    at = {"checkout": NOON}
    return KnownTopology(id=KnownTopology.id_for(), tenant_id=tenant, calls=found, looked_at=at, updated_at=NOON)


def some_corrections(tenant: TenantId) -> Corrections:
    word = Correction(services=("checkout", "payment"), verdict=Verdict.APART, by="usr-1", at=NOON)
    return Corrections(id=Corrections.id_for(), tenant_id=tenant).with_correction(word)


def a_change(tenant: TenantId, name: str = "dep-1", **reported: Any) -> Change:
    fields: dict[str, Any] = {
        "source": "github",
        "external_id": name,
        "kind": ChangeKind.DEPLOY,
        "status": ChangeStatus.IN_PROGRESS,
        "service_name": "payment",
        "title": "payment 1.5.0",
        "at": NOON,
        "said_at": NOON,
    }
    told = ReportedChange(**{**fields, **reported})
    return Change(
        id=told.change_id,
        tenant_id=tenant,
        service_name=told.service_name,
        at=told.at,
        reported=told,
        receipt_id="rcp-1",
        created_at=NOON,
    )


async def test_topology_and_corrections_are_kept_beside_each_other(
    surroundings: SurroundingsStore, tenant: TenantId
) -> None:
    topology, corrections = a_topology(tenant, ("checkout", "payment")), some_corrections(tenant)
    await surroundings.keep(tenant, topology, None)
    await surroundings.keep(tenant, corrections, None)
    held, word = await surroundings.topology(tenant), await surroundings.corrections(tenant)
    assert held is not None
    assert word is not None
    assert (held.value, word.value) == (topology, corrections)


async def test_nothing_is_known_of_a_new_tenant(surroundings: SurroundingsStore, tenant: TenantId) -> None:
    assert await surroundings.topology(tenant) is None
    assert await surroundings.corrections(tenant) is None


async def test_what_moved_since_it_was_read_is_not_overwritten(
    surroundings: SurroundingsStore, tenant: TenantId
) -> None:
    await surroundings.keep(tenant, a_topology(tenant), None)
    held = await surroundings.topology(tenant)
    assert isinstance(held, Versioned)
    await surroundings.keep(tenant, a_topology(tenant, ("a", "b")), held.etag)
    for stale in (held.etag, None):
        with pytest.raises(Conflict):
            await surroundings.keep(tenant, a_topology(tenant, ("c", "d")), stale)


async def test_another_tenants_surroundings_are_not_seen_or_written(
    surroundings: SurroundingsStore, tenant: TenantId
) -> None:
    await surroundings.keep(tenant, a_topology(tenant), None)
    other = TenantId(f"{tenant}-other")
    assert await surroundings.topology(other) is None
    with pytest.raises(StoreRejected):
        await surroundings.keep(other, a_topology(tenant), None)


async def test_a_later_report_of_a_change_replaces_the_earlier_and_an_older_one_does_not(
    changes: ChangeStore, tenant: TenantId
) -> None:
    done = a_change(tenant, status=ChangeStatus.SUCCEEDED, said_at=NOON + ONE_SECOND)
    assert await changes.record(tenant, a_change(tenant))
    assert await changes.record(tenant, done)
    assert not await changes.record(tenant, a_change(tenant))
    assert not await changes.record(tenant, done)
    assert list(await changes.between(tenant, NOON, NOON)) == [done]


async def test_changes_are_found_by_time_newest_first(changes: ChangeStore, tenant: TenantId) -> None:
    moments = [NOON + timedelta(minutes=minute) for minute in range(5)]
    for minute, moment in enumerate(moments):
        await changes.record(tenant, a_change(tenant, f"dep-{minute}", at=moment))
    found = await changes.between(tenant, moments[1], moments[3])
    assert [one.at for one in found] == [moments[3], moments[2], moments[1]]
    assert [one.at for one in await changes.between(tenant, moments[0], moments[4], limit=2)] == moments[:2:-1]
    assert list(await changes.between(TenantId(f"{tenant}-other"), moments[0], moments[4])) == []


async def test_a_change_of_another_tenant_is_not_recorded(changes: ChangeStore, tenant: TenantId) -> None:
    with pytest.raises(StoreRejected):
        await changes.record(TenantId(f"{tenant}-other"), a_change(tenant))


async def test_pages_of_changes_are_newest_first_of_one_service_or_all(
    changes: ChangeStore, tenant: TenantId
) -> None:
    for number in range(5):
        at = NOON + timedelta(minutes=number // 2)
        service = "payment" if number % 2 else "search"
        await changes.record(tenant, a_change(tenant, f"dep-{number}", at=at, service_name=service))
    first = await changes.page(tenant, NOON, NOON + timedelta(hours=1), limit=3)
    rest = await changes.page(tenant, NOON, NOON + timedelta(hours=1), limit=3, cursor=first.cursor)
    order = [(one.at, one.id) for one in (*first.items, *rest.items)]
    assert (len(order), rest.cursor) == (5, None)
    assert order == sorted(order, reverse=True)
    of_one = await changes.page(tenant, NOON, NOON + timedelta(minutes=1), limit=9, service="payment")
    assert [one.service_name for one in of_one.items] == ["payment", "payment"]
    with pytest.raises(Malformed):
        await changes.page(tenant, NOON, NOON, limit=3, cursor="somebody's")


async def test_a_later_report_keeps_the_audit_entries_of_the_earlier(changes: ChangeStore, tenant: TenantId) -> None:
    await changes.record(tenant, a_change(tenant).with_audit(an_entry("aud-1")))
    await changes.record(tenant, a_change(tenant, said_at=NOON + ONE_SECOND).with_audit(an_entry("aud-2")))
    (kept,) = await changes.between(tenant, NOON, NOON)
    assert [entry.entry_id for entry in kept.audit_pending] == ["aud-1", "aud-2"]
