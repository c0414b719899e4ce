"""Reconciliation of one integration: what is sent, what is remembered, what an outage leaves alone."""

from datetime import datetime
from typing import Any

import pytest

from shared.adapters.memory import services_in_memory
from shared.errors import SourceUnavailable
from shared.messages import Ingest, QueueName
from shared.models.base import IntegrationId
from shared.models.claims import EpisodeClaim
from shared.models.incidents import IncidentState
from shared.models.schedule import RECONCILE_EVERY, DueWork
from shared.models.signals import Alert, AlertStatus, Origin, Source
from shared.pipeline.due import check, check_of
from shared.ports.services import Services
from shared.signals.reconcile import schedule_reconcile
from shared.signals.sources import parse
from tests.builders import ACME, NOON, an_integration
from tests.crashing import Crash, Steps, stepping
from tests.unit.pipeline.scheduled import (
    GRACE,
    INCIDENT,
    LATER,
    FakeApi,
    a_firing_signal,
    an_open_incident,
    fires_there,
    sent_to,
    services_with,
    with_alertmanager,
)


def repairs_sent(services: Services) -> list[Ingest]:
    return [Ingest.decode(body) for body in sent_to(services, QueueName.SIGNALS)]


def alerts_in(message: Ingest) -> list[Alert]:
    body = message.inline_body()
    assert body is not None
    return list(parse(message.source, body, received_at=NOON).alerts)


async def reconciled(services: Services, now: datetime = LATER) -> DueWork:
    work = schedule_reconcile(ACME, IntegrationId("int-1"), now=NOON)
    await services.schedule.put(ACME, work)
    await check(check_of(work), services, now=now)
    return work


async def health(services: Services) -> tuple[bool | None, datetime | None, str | None]:
    integration = await services.directory.integration(ACME, IntegrationId("int-1"))
    assert integration is not None
    return integration.is_healthy, integration.last_sync_at, integration.last_error


async def test_a_fire_that_never_arrived_is_sent_like_a_delivery_and_says_how_we_know() -> None:
    services = services_with(int_1=FakeApi([fires_there()]))
    await with_alertmanager(services, "int-1")
    await reconciled(services)
    (message,) = repairs_sent(services)
    assert (message.origin, message.integration_id, message.source) == (
        Origin.RECONCILED,
        "int-1",
        Source.ALERTMANAGER,
    )
    assert [(one.fingerprint, one.status) for one in alerts_in(message)] == [("f", AlertStatus.FIRING)]
    assert await health(services) == (True, LATER, None)


async def test_asking_twice_before_the_repair_is_ingested_makes_one_receipt() -> None:
    services = services_with(int_1=FakeApi([fires_there()]))
    await with_alertmanager(services, "int-1")
    await reconciled(services)
    await reconciled(services, LATER + RECONCILE_EVERY)
    first, second = repairs_sent(services)
    assert first.receipt_id == second.receipt_id


async def test_an_alert_that_we_hold_in_a_closed_incident_is_not_repaired() -> None:
    services = services_with(int_1=FakeApi([fires_there()]))
    await with_alertmanager(services, "int-1")
    signal = a_firing_signal(source=Source.ALERTMANAGER, integration_id="int-1")
    await an_open_incident(services, signal, state=IncidentState.INCONCLUSIVE)
    claim = EpisodeClaim(
        id=signal.normalized_data.episode,
        tenant_id=ACME,
        incident_id=INCIDENT,
        signal_id=signal.normalized_data.signal_id,
        receipt_id=signal.receipt_id,
        created_at=NOON,
    )
    await services.claims.create(ACME, claim)
    await reconciled(services)
    assert repairs_sent(services) == []


async def test_a_resolution_that_never_arrived_is_sent_when_the_alert_stays_missing() -> None:
    services = services_with(int_1=FakeApi())
    await with_alertmanager(services, "int-1")
    signal = a_firing_signal(source=Source.ALERTMANAGER, integration_id="int-1")
    await an_open_incident(services, signal)
    await reconciled(services)
    assert repairs_sent(services) == []
    await reconciled(services, LATER + GRACE)
    (message,) = repairs_sent(services)
    (alert,) = alerts_in(message)
    assert (alert.episode, alert.status, alert.ends_at) == (
        signal.normalized_data.episode,
        AlertStatus.RESOLVED,
        LATER,
    )


async def test_alerts_of_other_integrations_are_not_resolved() -> None:
    services = services_with(int_1=FakeApi())
    await with_alertmanager(services, "int-1")
    others = [
        a_firing_signal(str(n), source=Source.ALERTMANAGER, integration_id=name)
        for n, name in enumerate(("int-2", None))
    ]
    await an_open_incident(services, *others)
    await reconciled(services)
    await reconciled(services, LATER + GRACE)
    assert repairs_sent(services) == []


async def test_a_source_that_is_down_leaves_everything_as_it_is_and_is_shown() -> None:
    api = FakeApi()
    services = services_with(int_1=api)
    await with_alertmanager(services, "int-1")
    await an_open_incident(services, a_firing_signal(source=Source.ALERTMANAGER, integration_id="int-1"))
    await reconciled(services)
    api.down = SourceUnavailable("am.example did not answer in full in time.", reason="timeout")
    await reconciled(services, LATER + GRACE)
    assert repairs_sent(services) == []
    assert await health(services) == (False, LATER, "am.example did not answer in full in time.")
    api.down = None
    await reconciled(services, LATER + 2 * GRACE)
    assert repairs_sent(services) == [], "what was missing before the outage does not count"
    assert await health(services) == (True, LATER + 2 * GRACE, None)


@pytest.mark.parametrize("changes", [{"is_active": False}, {"config": None}])
async def test_an_integration_that_cannot_be_asked_is_not(changes: dict[str, Any]) -> None:
    services = services_in_memory()
    await services.directory.put(ACME, an_integration(**{"config": "sealed", **changes}))
    await reconciled(services)
    assert await health(services) == (None, None, None)


@pytest.mark.parametrize("takes_effect", [False, True])
async def test_a_crash_after_any_step_of_reconciliation_sends_the_same_repairs(takes_effect: bool) -> None:
    async def prepared() -> Services:
        services = services_with(int_1=FakeApi([fires_there("new")]))
        await with_alertmanager(services, "int-1")
        await an_open_incident(services, a_firing_signal("old", Source.ALERTMANAGER, integration_id="int-1"))
        await reconciled(services)
        sent_to(services, QueueName.SIGNALS)
        return services

    steps = Steps()
    await reconciled(stepping(await prepared(), steps), LATER + GRACE)
    assert steps.taken >= 10, "the walk covers the whole check"
    for crash_at in range(1, steps.taken + 1):
        services = await prepared()
        with pytest.raises(Crash):
            await reconciled(stepping(services, Steps(crash_at, takes_effect)), LATER + GRACE)
        await reconciled(services, LATER + GRACE)
        messages = repairs_sent(services)
        assert len({message.receipt_id for message in messages}) == 1
        assert {(one.fingerprint, one.status) for message in messages for one in alerts_in(message)} == {
            ("new", AlertStatus.FIRING),
            ("old", AlertStatus.RESOLVED),
        }
        assert (await health(services))[0] is True
