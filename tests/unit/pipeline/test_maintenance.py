"""Maintenance windows, through ingestion: alerts in one are kept and marked, and looked at when it is over."""

import json
from datetime import datetime, timedelta

import pytest

from shared.adapters.memory import services_in_memory
from shared.messages import BuildContext, Check, Ingest, QueueName
from shared.models.base import ReceiptId
from shared.models.incidents import Incident, Suppressed, TimelineEvent
from shared.models.policies import MaintenanceWindow, Policies, Policy
from shared.models.receipts import Outcome, standing_account
from shared.models.signals import Source
from shared.pipeline.due import check, send_due
from shared.pipeline.ingest import ingest
from shared.ports.services import Services
from tests.builders import ACME, NOON, a_tenant
from tests.unit.pipeline.scheduled import sent_to

MINUTE = timedelta(minutes=1)
UNTIL = NOON + 30 * MINUTE


def a_window(*services: str, ends_at: datetime = UNTIL, is_enabled: bool = True) -> Policy:
    return Policy(
        id="pol-1",
        name="upgrade",
        is_enabled=is_enabled,
        parameters=MaintenanceWindow(services=services, starts_at=NOON, ends_at=ends_at),
        created_at=NOON,
        updated_at=NOON,
        updated_by="oid-1",
    )


async def with_windows(*windows: Policy, max_services: int = 5) -> Services:
    services = services_in_memory()
    await services.directory.put(ACME, a_tenant(max_services=max_services))
    await decide(services, *windows)
    return services


async def decide(services: Services, *windows: Policy) -> None:
    held = await services.records.read(ACME, Policies, Policies.id_for())
    policies = Policies.none_yet(ACME, now=NOON).model_copy(update={"policies": windows})
    if held:
        await services.records.replace(ACME, policies, held.etag)
    else:
        await services.records.create(ACME, policies)


async def deliver(
    services: Services, at: datetime, *names: str, status: str = "firing", number: int = 1
) -> dict[str, Incident]:
    """One alert of each of these services, received at this time; the incidents by service."""
    alerts = [
        {
            "status": status,
            "labels": {"alertname": f"A{number}", "service": name},
            "startsAt": NOON.isoformat(),
            "endsAt": at.isoformat() if status == "resolved" else "0001-01-01T00:00:00Z",
            "fingerprint": f"{name}-{number}",
        }
        for name in names
    ]
    receipt = f"rcp-{at:%H%M}-{number}-{'-'.join(names)}"
    message = Ingest(
        tenant_id=ACME,
        receipt_id=ReceiptId(receipt),
        correlation_id=receipt,
        integration_id="int-1",
        source=Source.ALERTMANAGER,
        received_at=at,
        body_text=json.dumps({"alerts": alerts}),
    )
    await ingest(message, services, now=at)
    return await incidents(services)


async def incidents(services: Services) -> dict[str, Incident]:
    listed = (await services.incident_list.page(ACME, limit=50)).items
    read = [await services.incidents.read(ACME, one.id) for one in listed]
    return {held.value.service_name: held.value for held in read if held}


async def checks_at(services: Services, now: datetime) -> None:
    """What the timer and then the checks do at this time."""
    await send_due(services, now=now)
    for body in sent_to(services, QueueName.CHECKS):
        await check(Check.decode(body), services, now=now)


def looked_at(services: Services) -> list[str]:
    return [BuildContext.decode(body).incident_id for body in sent_to(services, QueueName.CONTEXT)]


async def outcomes(services: Services, receipt: str) -> dict[Outcome, int]:
    account = standing_account(await services.receipts.parts(ACME, receipt))
    assert account is not None
    return dict(account.outcomes)


async def test_an_alert_in_a_window_is_kept_and_marked_and_not_investigated() -> None:
    services = await with_windows(a_window("payment"))
    found = await deliver(services, NOON + MINUTE, "payment", "search")
    assert found["payment"].suppressed is Suppressed.IN_MAINTENANCE
    assert found["payment"].signal_count == 1
    assert found["search"].suppressed is None
    assert looked_at(services) == [found["search"].id]
    receipt = f"rcp-{NOON + MINUTE:%H%M}-1-payment-search"
    assert await outcomes(services, receipt) == {Outcome.SUPPRESSED: 1, Outcome.CREATED: 1}


async def test_what_still_fires_when_the_window_is_over_is_looked_at() -> None:
    services = await with_windows(a_window())
    await deliver(services, NOON + MINUTE, "payment")
    await checks_at(services, UNTIL - 2 * MINUTE)
    assert looked_at(services) == []
    await checks_at(services, UNTIL + 5 * MINUTE)
    found = (await incidents(services))["payment"]
    assert (found.suppressed, looked_at(services)) == (None, [found.id])
    told = await services.incidents.timeline(ACME, found.incident_id)
    assert [one.event for one in told][-1] is TimelineEvent.MAINTENANCE_OVER
    await checks_at(services, UNTIL + 20 * MINUTE)
    assert looked_at(services) == [], "once"


async def test_a_check_that_stopped_after_its_write_is_completed_by_the_next() -> None:
    services = await with_windows(a_window())
    await deliver(services, NOON + MINUTE, "payment")
    await send_due(services, now=UNTIL)
    message = Check.decode(sent_to(services, QueueName.CHECKS)[-1])
    work = await services.schedule.read(ACME, message.work_id)
    assert work is not None
    for _ in range(2):
        await check(message, services, now=UNTIL)
        assert looked_at(services) == [(await incidents(services))["payment"].id]
        await services.schedule.put(ACME, work.value)


async def test_what_was_resolved_in_the_window_is_never_looked_at() -> None:
    services = await with_windows(a_window())
    await deliver(services, NOON + MINUTE, "payment")
    await deliver(services, NOON + 2 * MINUTE, "payment", status="resolved")
    await checks_at(services, UNTIL + MINUTE)
    assert looked_at(services) == []
    assert not (await incidents(services))["payment"].is_open


@pytest.mark.parametrize(
    "window",
    [a_window("payment", is_enabled=False), a_window("search"), a_window("payment", ends_at=NOON + MINUTE)],
)
async def test_a_window_that_is_off_or_over_or_anothers_keeps_nothing_back(window: Policy) -> None:
    services = await with_windows(window)
    found = await deliver(services, NOON + MINUTE, "payment")
    assert found["payment"].suppressed is None
    assert looked_at(services) == [found["payment"].id]


async def test_a_window_that_is_lengthened_keeps_on_and_one_that_is_removed_ends() -> None:
    services = await with_windows(a_window())
    await deliver(services, NOON + MINUTE, "payment")
    await decide(services, a_window(ends_at=UNTIL + 30 * MINUTE))
    await checks_at(services, UNTIL + MINUTE)
    assert looked_at(services) == []
    await decide(services)
    await checks_at(services, UNTIL + 10 * MINUTE)
    assert len(looked_at(services)) == 1


async def test_a_new_alert_after_the_window_wakes_the_incident_by_itself() -> None:
    services = await with_windows(a_window())
    await deliver(services, NOON + MINUTE, "payment")
    found = await deliver(services, UNTIL + MINUTE, "payment", number=2)
    assert (found["payment"].suppressed, found["payment"].signal_count) == (None, 2)
    assert looked_at(services) == [found["payment"].id]


async def test_an_incident_that_is_investigated_stays_so() -> None:
    services = await with_windows(a_window())
    await deliver(services, NOON - MINUTE, "payment")
    found = await deliver(services, NOON + MINUTE, "payment", number=2)
    assert found["payment"].suppressed is None


async def test_a_service_in_maintenance_takes_no_place_of_the_plan_until_it_is_over() -> None:
    services = await with_windows(a_window("payment"), max_services=1)
    await deliver(services, NOON + MINUTE, "payment")
    await deliver(services, NOON + 2 * MINUTE, "search")
    await checks_at(services, UNTIL + MINUTE)
    found = await incidents(services)
    assert (found["search"].suppressed, found["payment"].suppressed) == (None, Suppressed.OVER_MAX_SERVICES)
