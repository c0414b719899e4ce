"""What every AuditTrail promises."""

import asyncio
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from shared.access.audit_chain import next_in_chain
from shared.adapters.cosmos.audit import CosmosAuditTrail
from shared.adapters.cosmos.incidents import CosmosIncidents
from shared.adapters.cosmos.records import CosmosRecords
from shared.adapters.cosmos.stores import CosmosDeadLetters
from shared.adapters.cosmos.surroundings import CosmosSurroundings
from shared.adapters.memory import services_in_memory
from shared.errors import AlreadyExists, Conflict, StoreRejected, StoreUnavailable
from shared.models.audit import AuditAction, AuditedDocument, AuditEntry, AuditHome, AuditIntent, AuditWhere
from shared.models.audit_log import AuditLog, AuditOutcome
from shared.models.base import IncidentId, TenantId
from shared.models.receipts import DeadLetter
from shared.models.surroundings import Corrections
from shared.models.tenants import Tenant
from shared.pipeline.audit_reading import verify
from shared.pipeline.sealing import grow
from shared.ports.audit import AuditTrail, Place, SealingTerms, Wanted
from shared.ports.records import RecordStore
from shared.ports.stores import DeadLetterStore, IncidentChange, IncidentStore
from shared.ports.surroundings import SurroundingsStore
from tests.builders import NOON, a_tenant, an_incident
from tests.contract.conftest import BACKENDS

TERMS = SealingTerms(key=b"k" * 32, retention=timedelta(days=400))
MONTH = "2026-11"
ALWAYS = Wanted(start=NOON - timedelta(days=20), end=NOON + timedelta(days=3))


@dataclass
class Stores:
    """The trail, and the stores of the documents that it takes entries from."""

    trail: AuditTrail
    records: RecordStore
    incidents: IncidentStore
    letters: DeadLetterStore
    surroundings: SurroundingsStore


@pytest.fixture(params=BACKENDS)
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        held = services_in_memory()
        return Stores(held.audit, held.records, held.incidents, held.dead_letters, held.surroundings)
    database = request.getfixturevalue("database")
    return Stores(
        CosmosAuditTrail(database),
        CosmosRecords(database),
        CosmosIncidents(database),
        CosmosDeadLetters(database),
        CosmosSurroundings(database),
    )


@pytest.fixture
def trail(stores: Stores) -> AuditTrail:
    return stores.trail


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(f"ten-{uuid.uuid4().hex[:12]}")


def an_entry(name: str = "1", **changes: Any) -> AuditEntry:
    fields: dict[str, Any] = {
        "entry_id": f"aud-{name}",
        "at": NOON,
        "user_id": "oid-1",
        "event_type": "update_tenant",
        "action": AuditAction.UPDATE,
        "resource_type": "tenant",
        "resource_id": "ten-1",
        "before": {"max_services": 5, "share": 1.0},
        "request_id": "req-1",
    }
    return AuditEntry(**{**fields, **changes})


def an_intent(tenant: TenantId, name: str = "1") -> AuditIntent:
    return AuditIntent.of(tenant, an_entry(name), AuditWhere(home=AuditHome.DIRECTORY, id=tenant), ttl=60)


def a_log(tenant: TenantId, entry: AuditEntry, tail: AuditLog | None = None) -> AuditLog:
    return next_in_chain(tenant, entry, AuditOutcome.DONE, TERMS, tail=tail, earlier=None, now=NOON)


async def a_chain(trail: AuditTrail, tenant: TenantId, *entries: AuditEntry) -> list[AuditLog]:
    made: list[AuditLog] = []
    for entry in entries:
        made.append(a_log(tenant, entry, made[-1] if made else None))
        await trail.add(tenant, made[-1])
    return made


async def test_an_intent_may_be_kept_twice_and_only_for_its_own_tenant(trail: AuditTrail, tenant: TenantId) -> None:
    await trail.intend(tenant, an_intent(tenant))
    await trail.intend(tenant, an_intent(tenant))
    with pytest.raises(StoreRejected):
        await trail.intend(tenant, an_intent(TenantId("ten-other")))


async def test_an_intent_is_found_again_by_its_own_tenant_only(trail: AuditTrail, tenant: TenantId) -> None:
    intent = an_intent(tenant)
    await trail.intend(tenant, intent)
    assert await trail.intent(tenant, MONTH, intent.id) == intent
    assert await trail.intent(tenant, "2026-12", intent.id) is None
    assert await trail.intent(TenantId("ten-other"), MONTH, intent.id) is None


async def test_intents_are_listed_by_id_and_in_parts(trail: AuditTrail, tenant: TenantId) -> None:
    intents = sorted((an_intent(tenant, str(one)) for one in range(5)), key=lambda one: one.id)
    for one in reversed(intents):
        await trail.intend(tenant, one)
    await trail.add(tenant, a_log(tenant, an_entry()))
    first = await trail.intents(tenant, MONTH, after="", limit=3)
    rest = await trail.intents(tenant, MONTH, after=intents[2].id, limit=3)
    assert [AuditIntent.from_stored(one) for one in (*first, *rest)] == intents
    assert len(first) == 3


async def test_a_place_in_the_chain_is_taken_once(trail: AuditTrail, tenant: TenantId) -> None:
    assert await trail.tail(tenant, MONTH) is None
    first, second = await a_chain(trail, tenant, an_entry("1"), an_entry("2"))
    with pytest.raises(AlreadyExists):
        await trail.add(tenant, a_log(tenant, an_entry("3"), first))
    assert await trail.tail(tenant, MONTH) == second
    assert await trail.tail(TenantId("ten-other"), MONTH) is None


async def test_what_lies_at_a_place_is_read_by_its_number(trail: AuditTrail, tenant: TenantId) -> None:
    made = await a_chain(trail, tenant, an_entry("1"), an_entry("2"))
    second = await trail.at(tenant, MONTH, 2)
    assert second is not None
    assert AuditLog.from_stored(second) == made[1]
    assert await trail.at(tenant, MONTH, 3) is None
    assert await trail.at(TenantId("ten-other"), MONTH, 2) is None


async def test_a_chain_that_ends_in_another_place_than_it_says_takes_nothing(
    trail: AuditTrail, tenant: TenantId
) -> None:
    (made,) = await a_chain(trail, tenant, an_entry("1"))
    await trail.add(tenant, made.model_copy(update={"id": "9999999999"}))
    with pytest.raises(StoreUnavailable) as broken:
        await trail.tail(tenant, MONTH)
    assert broken.value.reason == "audit_chain_broken"


async def test_the_tenth_entry_follows_the_ninth(trail: AuditTrail, tenant: TenantId) -> None:
    made = await a_chain(trail, tenant, *(an_entry(str(one)) for one in range(11)))
    assert await trail.tail(tenant, MONTH) == made[-1]
    stored = await trail.chain(tenant, MONTH, after=made[8].id, limit=10)
    assert [one["sequence"] for one in stored] == [10, 11]


async def test_writers_that_meet_at_the_end_of_a_chain_make_one_chain(trail: AuditTrail, tenant: TenantId) -> None:
    services = replace(services_in_memory(), audit=trail)
    names = [f"{one}" for one in range(4)] * 2
    await asyncio.gather(*(grow(tenant, an_entry(name), AuditOutcome.DONE, services, now=NOON) for name in names))
    report = await verify(tenant, MONTH, services, now=NOON)
    assert (report.entries, report.findings) == (4, [])


async def test_an_entry_is_found_by_its_id_as_it_was_sealed(trail: AuditTrail, tenant: TenantId) -> None:
    made = await a_chain(trail, tenant, an_entry("1"), an_entry("2"))
    (found,) = await trail.sealed(tenant, MONTH, "aud-2")
    assert AuditLog.from_stored(found) == made[1]
    assert list(await trail.sealed(tenant, MONTH, "aud-3")) == []
    assert list(await trail.sealed(TenantId("ten-other"), MONTH, "aud-2")) == []


async def test_a_page_holds_what_is_wanted_newest_first(trail: AuditTrail, tenant: TenantId) -> None:
    entries = [an_entry(str(one), at=NOON + timedelta(minutes=one % 3), user_id=f"oid-{one % 2}") for one in range(6)]
    await a_chain(trail, tenant, *entries)
    page = await trail.page(tenant, MONTH, ALWAYS, limit=4)
    assert [one["entry_id"] for one in page] == ["aud-5", "aud-2", "aud-4", "aud-1"]
    behind = Place(page[-1]["timestamp"], page[-1]["id"])
    rest = await trail.page(tenant, MONTH, ALWAYS, limit=4, behind=behind)
    assert [one["entry_id"] for one in rest] == ["aud-3", "aud-0"]
    odd = await trail.page(
        tenant, MONTH, Wanted(start=NOON, end=NOON + timedelta(minutes=2), user_id="oid-1"), limit=4
    )
    assert [one["entry_id"] for one in odd] == ["aud-1", "aud-3"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user_id", "oid-2"),
        ("event_type", "delete_user"),
        ("action", AuditAction.DELETE),
        ("resource_type", "user"),
        ("resource_id", "usr-1' OR '1'='1"),
    ],
)
async def test_a_page_is_filtered_by_each_field(trail: AuditTrail, tenant: TenantId, field: str, value: str) -> None:
    await a_chain(trail, tenant, an_entry("1"), an_entry("2", **{field: value}))
    wanted = Wanted(start=ALWAYS.start, end=ALWAYS.end, **{field: value})  # type: ignore[arg-type]  # one of its fields
    assert [one["entry_id"] for one in await trail.page(tenant, MONTH, wanted, limit=10)] == ["aud-2"]
    assert await trail.page(TenantId("ten-other"), MONTH, wanted, limit=10) == []


async def audited_documents(stores: Stores, tenant: TenantId, entry: AuditEntry) -> list[AuditWhere]:
    """One document in each home that carries an entry."""
    await stores.records.create(tenant, a_tenant(tenant_id=tenant, version=3).with_audit(entry))
    incident = an_incident(tenant_id=tenant, incident_id=IncidentId("inc-1")).with_audit(entry)
    await stores.incidents.commit(tenant, IncidentChange(incident=incident, etag=None))
    await stores.letters.add(tenant, a_letter(tenant).with_audit(entry))
    await stores.surroundings.keep(tenant, Corrections(id="corrections", tenant_id=tenant).with_audit(entry), None)
    return [
        AuditWhere(home=AuditHome.DIRECTORY, id=tenant),
        AuditWhere(home=AuditHome.INCIDENTS, id="inc-1", part="inc-1"),
        AuditWhere(home=AuditHome.DEAD_LETTERS, id="dead-1", part="signals"),
        AuditWhere(home=AuditHome.CLAIMS, id="corrections"),
    ]


def a_letter(tenant: TenantId) -> DeadLetter:
    return DeadLetter(
        id="dead-1",
        tenant_id=tenant,
        queue="signals",
        stage="signals",
        reason="store_rejected",
        detail="",
        attempt=1,
        receipt_id=None,
        payload_pointer=None,
        message=None,
        recorded_at=NOON,
    )


async def as_they_stand(stores: Stores, tenant: TenantId) -> list[AuditedDocument]:
    held = [
        await stores.records.read(tenant, Tenant, tenant),
        await stores.incidents.read(tenant, IncidentId("inc-1")),
        await stores.letters.read(tenant, "signals", "dead-1"),
        await stores.surroundings.corrections(tenant),
    ]
    return [one.value for one in held if one]


async def test_what_is_settled_leaves_its_document_which_else_stays_as_it_was(
    stores: Stores, tenant: TenantId
) -> None:
    homes = await audited_documents(stores, tenant, an_entry("1"))
    before = await as_they_stand(stores, tenant)
    for where in homes:
        assert await stores.trail.pending(tenant, where) == [an_entry("1")]
        await stores.trail.settle(tenant, where, frozenset({"aud-2"}))
        assert await stores.trail.pending(tenant, where) == [an_entry("1")]
        await stores.trail.settle(tenant, where, frozenset({"aud-1", "aud-2"}))
        await stores.trail.settle(tenant, where, frozenset({"aud-1"}))
        assert await stores.trail.pending(tenant, where) == []
        assert await stores.trail.pending(TenantId("ten-other"), where) is None
    settled = [one.model_copy(update={"audit_pending": ()}) for one in before]
    assert len(settled) == len(homes)
    assert await as_they_stand(stores, tenant) == settled


async def test_settling_moves_the_document_on_so_that_nobody_writes_the_entry_back(
    stores: Stores, tenant: TenantId
) -> None:
    etag = await stores.records.create(tenant, a_tenant(tenant_id=tenant).with_audit(an_entry("1")))
    await stores.trail.settle(tenant, AuditWhere(home=AuditHome.DIRECTORY, id=tenant), frozenset({"aud-1"}))
    with pytest.raises(Conflict):
        await stores.records.replace(tenant, a_tenant(tenant_id=tenant, name="Later"), etag)


async def test_nothing_is_pending_and_nothing_settled_where_there_is_no_document(
    trail: AuditTrail, tenant: TenantId
) -> None:
    where = AuditWhere(home=AuditHome.DEAD_LETTERS, id="dead-none", part="signals")
    assert await trail.pending(tenant, where) is None
    await trail.settle(tenant, where, frozenset({"aud-1"}))
