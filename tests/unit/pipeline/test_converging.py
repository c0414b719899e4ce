"""Neighbouring incidents become one, whoever opened them and in whatever order their alerts came."""

import asyncio
import json
import random
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest

from shared.adapters.memory import services_in_memory
from shared.messages import Ingest, QueueName
from shared.models.base import ReceiptId
from shared.models.correlation import Correction, Joined, Verdict
from shared.models.signals import Source
from shared.models.surroundings import Corrections
from shared.models.topology import Call, KnownTopology
from shared.pipeline.stages import Ending
from shared.pipeline.table import attend_queue
from shared.ports.services import Services
from tests.builders import ACME, NOON, a_tenant
from tests.crashing import Crash, Steps, stepping

CALLS = (
    ("frontend", "checkout"),
    ("checkout", "payment"),
    ("payment", "ledger"),
    ("frontend", "search"),
    ("search", "index"),
)
CASCADE = {"payment": 0, "checkout": 20, "frontend": 40}
"""Who fails when, in seconds: the callee first."""


def a_delivery(service: str, starts_after: float, *, receipt: str | None = None) -> bytes:
    alert = {
        "status": "firing",
        "labels": {"alertname": "HighErrorRatio", "service": service, "severity": "critical"},
        "startsAt": (NOON + timedelta(seconds=starts_after)).isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": f"fp-{service}-{starts_after}",
    }
    receipt_id = ReceiptId(receipt or f"rcp-{service}-{starts_after}")
    message = Ingest(
        tenant_id=ACME,
        receipt_id=receipt_id,
        correlation_id=receipt_id,
        integration_id="int-1",
        source=Source.ALERTMANAGER,
        received_at=NOON + timedelta(minutes=1),
    )
    return message.with_body(json.dumps({"version": "4", "alerts": [alert]}).encode()).encode()


async def a_shop() -> Services:
    services = services_in_memory()
    await services.directory.put(ACME, a_tenant(max_services=50))
    calls = tuple(Call(caller=caller, callee=callee, seen_at=NOON) for caller, callee in CALLS)
    known = KnownTopology(id=KnownTopology.id_for(), tenant_id=ACME, calls=calls, updated_at=NOON)
    await services.surroundings.keep(ACME, known, None)
    return services


async def ingested(
    services: Services, bodies: Iterable[bytes], *, now: datetime = NOON + timedelta(minutes=2)
) -> None:
    for body in bodies:
        assert await attend_queue(QueueName.SIGNALS, body, services, dequeue_count=1, now=now) is Ending.DONE


async def groups(services: Services) -> set[frozenset[str]]:
    """The services of every incident that is listed, by what their signals say."""
    page = await services.incident_list.page(ACME, limit=100)
    found = set()
    for summary in page.items:
        signals = await services.incidents.signals(ACME, summary.id)
        assert summary.signal_count == len(signals)
        found.add(frozenset(one.value.service_name for one in signals))
    return found


async def test_a_cascade_is_one_incident_in_every_order_of_arrival() -> None:
    bodies = [a_delivery(service, after) for service, after in CASCADE.items()]
    for seed in range(6):
        services = await a_shop()
        await ingested(services, random.Random(seed).sample(bodies, len(bodies)))
        assert await groups(services) == {frozenset(CASCADE)}


async def test_workers_that_open_neighbours_at_the_same_moment_converge() -> None:
    for seed in range(10):
        services, order = await a_shop(), random.Random(seed)
        bodies = [a_delivery(service, after) for service, after in CASCADE.items()]

        async def worker(body: bytes, services: Services = services, order: random.Random = order) -> None:
            for _ in range(order.randrange(8)):
                await asyncio.sleep(0)
            await ingested(stepping(services, Steps()), [body])

        await asyncio.gather(*(worker(body) for body in (*bodies, *bodies)))
        assert await groups(services) == {frozenset(CASCADE)}


@pytest.mark.parametrize("takes_effect", [False, True])
async def test_a_crash_after_any_step_of_a_delivery_that_merges_leaves_one_incident(takes_effect: bool) -> None:
    last = a_delivery("payment", 20)
    counting = Steps()
    before = [a_delivery("frontend", 40), a_delivery("ledger", 0)]
    services = await a_shop()
    await ingested(services, before)
    assert await groups(services) == {frozenset({"frontend"}), frozenset({"ledger"})}
    await ingested(stepping(services, counting), [last])
    assert counting.taken > 25, "the walk covers the merge"
    for crash_at in range(1, counting.taken + 1):
        services = await a_shop()
        await ingested(services, before)
        with pytest.raises(Crash):
            await ingested(stepping(services, Steps(crash_at, takes_effect)), [last])
        await ingested(services, [last])
        assert await groups(services) == {frozenset({"frontend", "payment", "ledger"})}


async def test_unrelated_faults_stay_apart_although_they_began_together() -> None:
    services = await a_shop()
    await ingested(services, [a_delivery("payment", 0), a_delivery("index", 0), a_delivery("checkout", 20)])
    assert await groups(services) == {frozenset({"payment", "checkout"}), frozenset({"index"})}


async def test_every_membership_explains_itself() -> None:
    services = await a_shop()
    await ingested(services, [a_delivery("payment", 0), a_delivery("checkout", 20), a_delivery("checkout", 25)])
    (summary,) = (await services.incident_list.page(ACME, limit=10)).items
    signals = [held.value for held in await services.incidents.signals(ACME, summary.id)]
    first, linked, more = [one.membership for one in signals]
    assert first is not None
    assert linked is not None
    assert more is not None
    assert (first.reason, linked.reason, more.reason) == (
        Joined.FIRST_OF_INCIDENT,
        Joined.CORRELATED,
        Joined.SAME_SERVICE,
    )
    assert linked.leans_on == "payment"
    assert linked.features is not None
    assert linked.features.topology == 1.0
    assert linked.features.history is None, "unknown is not zero"


async def test_what_a_person_parted_stays_apart() -> None:
    services = await a_shop()
    word = Correction(services=("checkout", "payment"), verdict=Verdict.APART, by="usr-1", at=NOON)
    corrections = Corrections(id=Corrections.id_for(), tenant_id=ACME).with_correction(word)
    await services.surroundings.keep(ACME, corrections, None)
    await ingested(services, [a_delivery("payment", 0), a_delivery("checkout", 20)])
    assert await groups(services) == {frozenset({"payment"}), frozenset({"checkout"})}


async def test_services_beyond_the_plan_are_kept_and_marked_and_not_investigated() -> None:
    services = services_in_memory()
    await services.directory.put(ACME, a_tenant(max_services=1))
    await ingested(services, [a_delivery("payment", 0), a_delivery("index", 0), a_delivery("index", 1)])
    listed = {one.service_name: one for one in (await services.incident_list.page(ACME, limit=10)).items}
    assert (listed["payment"].suppressed, listed["payment"].signal_count) == (None, 1)
    assert (listed["index"].suppressed, listed["index"].signal_count) == ("over_max_services", 2)
    assert len(services.queues.waiting[QueueName.CONTEXT]) == 1  # type: ignore[attr-defined]  # the one in memory
    parts = await services.receipts.parts(ACME, "rcp-index-1")
    assert parts[0].outcomes == {"suppressed": 1}


async def test_alerts_of_an_inactive_tenant_are_kept_and_investigated_once_it_is_active_again() -> None:
    services = services_in_memory()
    await services.directory.put(ACME, a_tenant(is_active=False))
    await ingested(services, [a_delivery("payment", 0)])
    (kept,) = (await services.incident_list.page(ACME, limit=10)).items
    assert (kept.suppressed, kept.signal_count) == ("inactive_tenant", 1)
    assert not services.queues.waiting[QueueName.CONTEXT]  # type: ignore[attr-defined]  # the one in memory
    await services.directory.put(ACME, a_tenant())
    await ingested(services, [a_delivery("payment", 5)])
    (woken,) = (await services.incident_list.page(ACME, limit=10)).items
    assert (woken.suppressed, woken.signal_count) == (None, 2)
    assert len(services.queues.waiting[QueueName.CONTEXT]) == 1  # type: ignore[attr-defined]  # the one in memory
