"""The adapter's own promises on the real backend: full keys only, errors by name, retries that stay bounded."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from shared.adapters.cosmos.client import Container, CosmosDatabase, cosmos_database
from shared.errors import AlreadyExists, Conflict, StoreRejected, StoreUnavailable
from tests.contract.conftest import DATABASE, EMULATOR_KEY, free_port

pytestmark = pytest.mark.integration

Order = Callable[..., Awaitable[None]]


@pytest.fixture
async def order_fault(cosmos_endpoint: str) -> AsyncIterator[Order]:
    """Have the stand-in answer with a fault; what is left of it is forgotten after the test."""
    async with httpx.AsyncClient(base_url=cosmos_endpoint, trust_env=False) as client:

        async def order(**fault: Any) -> None:
            (await client.post("_faults", json=fault)).raise_for_status()

        yield order
        (await client.delete("_faults")).raise_for_status()


def a_body(tenant: str, item_id: str = "a", **more: Any) -> dict[str, Any]:
    return {"id": item_id, "tenant_id": tenant, **more}


@pytest.mark.parametrize(
    ("container", "key"),
    [(name, key) for name in ("claims", "incidents") for key in ((), ("",), (None,), "ten-a", ("ten-a", ""))]
    + [("incidents", ("ten-a",)), ("claims", ("ten-a", "inc"))],
)
async def test_a_query_without_its_full_partition_key_is_refused(
    database: CosmosDatabase, container: str, key: Any
) -> None:
    with pytest.raises(StoreRejected) as refused:
        await Container(database, container).query(key, "SELECT * FROM c")
    assert refused.value.reason == "partial_key"


async def test_a_passing_fault_is_retried_until_it_is_over(database: CosmosDatabase, order_fault: Order) -> None:
    await order_fault(status=449, count=2, operation="create", container="claims")
    assert await Container(database, "claims").create(("ten-retry",), a_body("ten-retry"))


# After a 503 the SDK itself repeats the write, unseen by us; after the others we do.
@pytest.mark.parametrize("status", [408, 449, 500, 503])
async def test_a_create_whose_answer_was_lost_is_ours(
    database: CosmosDatabase, order_fault: Order, status: int
) -> None:
    claims, tenant = Container(database, "claims"), f"ten-lost-{status}"
    await order_fault(status=status, operation="create", container="claims", after_commit=True)
    etag = await claims.create((tenant,), a_body(tenant))
    held = await claims.read((tenant,), "a")
    assert held is not None
    assert held["_etag"] == etag


async def test_a_retried_create_does_not_take_the_same_document_of_another_worker_for_its_own(
    database: CosmosDatabase, order_fault: Order
) -> None:
    claims = Container(database, "claims")
    await claims.create(("ten-race",), a_body("ten-race"))
    await order_fault(status=449, operation="create", container="claims")
    with pytest.raises(AlreadyExists):
        await claims.create(("ten-race",), a_body("ten-race"))


async def test_a_batch_whose_answer_was_lost_conflicts_and_stands(
    database: CosmosDatabase, order_fault: Order
) -> None:
    incidents, key = Container(database, "incidents"), ("ten-lost", "inc-1")
    await order_fault(status=449, operation="batch", container="incidents", after_commit=True)
    with pytest.raises(Conflict):
        await incidents.batch(key, [(a_body("ten-lost", "inc-1", incident_id="inc-1"), None)])
    assert await incidents.read(key, "inc-1") is not None


async def test_a_replica_that_lags_behind_is_asked_again_and_never_read_as_absence(
    database: CosmosDatabase, order_fault: Order
) -> None:
    claims = Container(database, "claims")
    await claims.create(("ten-lag",), a_body("ten-lag"))
    await order_fault(status=404, substatus=1002, count=3, operation="read", container="claims")
    assert await claims.read(("ten-lag",), "a") is not None
    await order_fault(status=404, substatus=1002, count=50, operation="read", container="claims")
    with pytest.raises(StoreUnavailable):
        await claims.read(("ten-lag",), "a")


async def test_a_container_that_is_missing_is_our_own_fault_not_an_absent_document(cosmos_endpoint: str) -> None:
    elsewhere = cosmos_database(cosmos_endpoint, EMULATOR_KEY, "no-such-database", None)
    claims = Container(elsewhere, "claims")
    for call in (
        claims.read(("ten-a",), "a"),
        claims.create(("ten-a",), a_body("ten-a")),
        claims.query(("ten-a",), "SELECT * FROM c"),
    ):
        with pytest.raises(StoreUnavailable) as refused:
            await call
        assert refused.value.reason == "container_missing"
    await elsewhere.aclose()


async def test_a_container_that_vanishes_later_is_not_an_absent_document_either(
    database: CosmosDatabase, order_fault: Order
) -> None:
    claims = Container(database, "claims")
    await claims.create(("ten-vanish",), a_body("ten-vanish"))
    await order_fault(status=404, substatus=1003, count=5, operation="read", container="claims")
    with pytest.raises(StoreUnavailable):
        await claims.read(("ten-vanish",), "a")


async def test_no_write_puts_a_document_under_a_key_that_is_not_its_own(database: CosmosDatabase) -> None:
    claims, key, foreign = Container(database, "claims"), ("ten-own",), a_body("ten-foreign", "stray")
    for write in (
        claims.create(key, foreign),
        claims.replace(key, foreign, '"0"'),
        claims.upsert(key, foreign),
        claims.batch(key, [(foreign, None)]),
    ):
        with pytest.raises(StoreRejected) as refused:
            await write
        assert refused.value.reason == "foreign_key"
    assert await claims.query(("ten-foreign",), "SELECT * FROM c") == []


async def test_a_store_that_is_down_is_our_own_fault_within_bounded_time() -> None:
    nowhere = cosmos_database(f"http://127.0.0.1:{free_port()}/", EMULATOR_KEY, DATABASE, None)
    with pytest.raises(StoreUnavailable):
        await Container(nowhere, "claims").read(("ten-a",), "x")
    await nowhere.aclose()


async def test_a_second_create_is_named(database: CosmosDatabase) -> None:
    claims = Container(database, "claims")
    await claims.create(("ten-twice",), {"id": "a", "tenant_id": "ten-twice"})
    with pytest.raises(AlreadyExists):
        await claims.create(("ten-twice",), {"id": "a", "tenant_id": "ten-twice"})


@pytest.mark.filterwarnings("ignore:Sending a large body")
async def test_a_document_that_is_too_large_is_refused_for_good(database: CosmosDatabase) -> None:
    body = {"id": "big", "tenant_id": "ten-big", "text": "x" * (2 * 1024 * 1024 + 1)}
    with pytest.raises(StoreRejected):
        await Container(database, "claims").create(("ten-big",), body)


@pytest.mark.filterwarnings("ignore:Sending a large body")
async def test_a_batch_that_is_too_large_is_refused_for_good_and_writes_nothing(database: CosmosDatabase) -> None:
    incidents, key = Container(database, "incidents"), ("ten-big", "inc-1")
    half = [a_body("ten-big", name, incident_id="inc-1", text="x" * (1024 * 1024 + 1)) for name in ("a", "b")]
    with pytest.raises(StoreRejected):
        await incidents.batch(key, [(body, None) for body in half])
    assert await incidents.query(key, "SELECT * FROM c") == []
