"""Reconciliation against the real Alertmanager, whose webhook to us goes nowhere."""

import json
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import yaml

from dev import binaries
from dev.backfilled import wait_until_ready
from dev.prometheus.render import alertmanager_command
from dev.sentences import CannotRun
from shared.adapters.alert_sources import IntegrationAlertSources
from shared.adapters.guarded_http import GuardedHttp
from shared.adapters.memory import MemoryQueues, services_in_memory
from shared.messages import Ingest, QueueName
from shared.models.base import IntegrationId, ReceiptId
from shared.models.incidents import IncidentState
from shared.models.signals import AlertStatus, Origin, Signal, Source
from shared.pipeline.due import check, check_of
from shared.pipeline.stages import Ending
from shared.pipeline.table import attend_queue
from shared.ports.services import Services
from shared.signals.reconcile import schedule_reconcile
from tests.builders import ACME, a_tenant, an_integration
from tests.unit.adapters.test_alertmanager_api import PlainBox

pytestmark = pytest.mark.integration

GRACE = timedelta(seconds=60)
STARTED = datetime.now(UTC) - timedelta(minutes=10)
# Prometheus gives nanoseconds; the webhook passes them on and the API cuts them.
STARTS_AT = f"{STARTED.strftime('%Y-%m-%dT%H:%M:%S')}.123456789Z"
INTEGRATION = IntegrationId("int-1")


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[str]:
    try:
        binary = binaries.find("alertmanager")
    except CannotRun as exc:
        pytest.skip(str(exc))
    config, port = tmp_path / "alertmanager.yml", a_free_port()
    nowhere = {"name": "us", "webhook_configs": [{"url": f"http://127.0.0.1:{a_free_port()}/"}]}
    others = {"matchers": ['team="others"'], "receiver": "others"}
    route = {"receiver": "us", "group_wait": "1s", "routes": [others]}
    config.write_text(yaml.safe_dump({"route": route, "receivers": [nowhere, {"name": "others"}]}))
    command = alertmanager_command(binary, config, tmp_path / "data", port)
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_until_ready(f"http://127.0.0.1:{port}/", tmp_path / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def post(url: str, path: str, body: object) -> None:
    httpx.post(f"{url}/api/v2/{path}", json=body, trust_env=False).raise_for_status()


def an_alert_there(name: str = "HighErrorRatio", **changes: object) -> dict[str, object]:
    labels = {"alertname": name, "service": "payment", "severity": "critical", **changes}
    return {"labels": labels, "annotations": {"summary": f"{name} burns"}, "startsAt": STARTS_AT}


def silence_everything(url: str) -> None:
    now = datetime.now(UTC)
    body = {
        "matchers": [{"name": "service", "value": "payment", "isRegex": False, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "test",
        "comment": "test",
    }
    post(url, "silences", body)


@pytest.fixture
async def services(alertmanager: str) -> AsyncIterator[Services]:
    http = GuardedHttp(allow_private=True)
    made = replace(services_in_memory(), alert_sources=IntegrationAlertSources(PlainBox(), http))
    config = json.dumps({"url": alertmanager, "receiver": "us", "grace_seconds": GRACE.total_seconds()})
    await made.directory.put(ACME, a_tenant())
    await made.directory.put(ACME, an_integration(config=f"{ACME}|{config}"))
    await made.schedule.put(ACME, schedule_reconcile(ACME, INTEGRATION, now=STARTED))
    yield made
    await http.aclose()


async def reconcile_at(services: Services, now: datetime) -> None:
    """Ask the source, and ingest what that finds."""
    await check(check_of(schedule_reconcile(ACME, INTEGRATION, now=STARTED)), services, now=now)
    assert isinstance(services.queues, MemoryQueues)
    while body := services.queues.take(QueueName.SIGNALS):
        assert await ingested(services, body, now) is Ending.DONE


async def ingested(services: Services, body: bytes, now: datetime) -> Ending:
    return await attend_queue(QueueName.SIGNALS, body, services, dequeue_count=1, now=now)


async def signals_held(services: Services) -> list[Signal]:
    page = await services.incident_list.page(ACME, limit=10)
    return [held.value for one in page.items for held in await services.incidents.signals(ACME, one.id)]


async def health(services: Services) -> tuple[bool | None, str | None]:
    integration = await services.directory.integration(ACME, INTEGRATION)
    assert integration is not None
    return integration.is_healthy, integration.last_error


async def test_what_the_webhook_never_said_is_found_once_and_told(services: Services, alertmanager: str) -> None:
    post(alertmanager, "alerts", [an_alert_there(), an_alert_there("Elsewhere", team="others")])
    now = datetime.now(UTC)
    await reconcile_at(services, now)
    (signal,) = await signals_held(services)
    assert (signal.normalized_data.name, signal.status) == ("HighErrorRatio", AlertStatus.FIRING)
    assert await health(services) == (True, None)
    timeline = await services.incidents.timeline(ACME, signal.incident_id)
    assert any(Origin.RECONCILED.value in told.reason for told in timeline)
    await reconcile_at(services, now + GRACE)
    assert await signals_held(services) == [signal]
    await ingested(services, the_webhook_at_last(signal), now + 2 * GRACE)
    assert [one.id for one in await signals_held(services)] == [signal.id]


def the_webhook_at_last(signal: Signal) -> bytes:
    """What Alertmanager's own notification says of the same alert, with its nanoseconds."""
    alert = {
        **an_alert_there(),
        "status": "firing",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": signal.fingerprint,
    }
    message = Ingest(
        tenant_id=ACME,
        receipt_id=ReceiptId("rcp-late"),
        correlation_id="rcp-late",
        integration_id=INTEGRATION,
        source=Source.ALERTMANAGER,
        received_at=datetime.now(UTC),
    )
    return message.with_body(json.dumps({"version": "4", "groupKey": "g", "alerts": [alert]}).encode()).encode()


async def test_a_silenced_alert_stays_and_a_resolved_one_is_resolved(services: Services, alertmanager: str) -> None:
    post(alertmanager, "alerts", [an_alert_there()])
    now = datetime.now(UTC)
    await reconcile_at(services, now)
    silence_everything(alertmanager)
    for passes in range(1, 4):
        await reconcile_at(services, now + passes * GRACE)
    assert [one.status for one in await signals_held(services)] == [AlertStatus.FIRING]
    post(alertmanager, "alerts", [{**an_alert_there(), "endsAt": datetime.now(UTC).isoformat()}])
    await reconcile_at(services, now + 4 * GRACE)
    assert [one.status for one in await signals_held(services)] == [AlertStatus.FIRING], "missing once is not over"
    await reconcile_at(services, now + 5 * GRACE)
    (signal,) = await signals_held(services)
    assert signal.status is AlertStatus.RESOLVED
    incident = await services.incidents.read(ACME, signal.incident_id)
    assert incident is not None
    assert incident.value.state is IncidentState.RESOLVED


async def test_an_alertmanager_that_is_down_resolves_nothing(services: Services, alertmanager: str) -> None:
    post(alertmanager, "alerts", [an_alert_there()])
    now = datetime.now(UTC)
    await reconcile_at(services, now)
    config = json.dumps({"url": f"http://127.0.0.1:{a_free_port()}", "receiver": "us"})
    await services.directory.put(ACME, an_integration(config=f"{ACME}|{config}"))
    for passes in range(1, 4):
        await reconcile_at(services, now + passes * timedelta(hours=1))
    assert [one.status for one in await signals_held(services)] == [AlertStatus.FIRING]
    assert (await health(services))[0] is False
