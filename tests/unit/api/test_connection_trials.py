"""A connection is tried before and after it is saved, and a sender is asked when it last delivered."""

from datetime import timedelta
from typing import Any

import pytest

from shared.models.base import IntegrationId
from shared.models.connections import ConnectionConfig
from shared.models.tenants import IntegrationType
from shared.ports.connections import Finding, Reason
from shared.signals.set_up import SECRET_HERE
from tests.builders import ACME, NOON
from tests.unit.access.issuer import a_token
from tests.unit.api.connecting import FakeConnections, asked, connected, made
from tests.unit.api.serving import bearer

URL = "https://prom.example.com"
GOOD = Finding(Reason.REACHED, "Prometheus answers and lets us in.", "3.1", 0.2)
ILL = Finding(Reason.UNAUTHORISED, "Prometheus does not accept the credential (401).")


@pytest.mark.parametrize("kind", ["prometheus", "grafana", "github", "alertmanager"])
async def test_a_configuration_that_is_not_saved_is_really_tried_and_stays_unsaved(kind: str) -> None:
    world = FakeConnections({URL: GOOD})
    served = await connected(world)
    answer = await asked(served, "POST", f"/integrations/{kind}/test", {"url": URL, "bearer_token": "t"})
    assert answer.json() == {
        "is_good": True,
        "reason": "reached",
        "message": GOOD.message,
        "version": "3.1",
        "elapsed_seconds": 0.2,
    }
    assert world.asked == [(IntegrationType(kind), ConnectionConfig(url=URL, bearer_token="t"))]
    assert (await asked(served, "GET", "/integrations")).json()["items"] == []


@pytest.mark.parametrize(
    "body", [{}, {"url": ""}, {"url": "x" * 2049}, {"url": URL, "headers": {}}, {"url": URL, "password": "p"}, []]
)
async def test_what_is_no_configuration_is_tried_nowhere(body: Any) -> None:
    world = FakeConnections()
    answer = await asked(await connected(world), "POST", "/integrations/prometheus/test", body)
    assert (answer.status_code, world.asked) == (400, [])


async def test_a_saved_connection_is_tried_with_its_credential_and_the_answer_is_its_health() -> None:
    world = FakeConnections({URL: ILL})
    served = await connected(world)
    saved = await made(served, "prometheus", connection={"url": URL, "bearer_token": "t"})
    path = f"/integrations/{saved['integration']['id']}"
    answer = (await asked(served, "POST", f"{path}/test")).json()
    assert (answer["connection"]["reason"], answer["webhook"]) == ("unauthorised", None)
    assert world.asked[0][1].bearer_token == "t"
    assert (await asked(served, "GET", path)).json()["last_error"] == ILL.message
    world.findings[URL] = GOOD
    await asked(served, "POST", f"{path}/test")
    shown = (await asked(served, "GET", path)).json()
    assert (shown["is_healthy"], shown["last_error"], shown["version"]) == (True, None, 1)


async def test_a_sender_is_asked_when_it_last_delivered_and_what_to_paste_is_shown_again() -> None:
    served = await connected()
    integration_id = (await made(served, "alertmanager"))["integration"]["id"]
    path = f"/integrations/{integration_id}/test"
    before = (await asked(served, "POST", path)).json()["webhook"]
    assert (before["last_delivery_at"], "Nothing has been delivered" in before["message"]) == (None, True)
    assert SECRET_HERE in before["set_up"][0]["text"]
    at = NOON + timedelta(minutes=1)
    await served.services.directory.note_delivery(ACME, IntegrationId(integration_id), at=at)
    after = (await asked(served, "POST", path)).json()["webhook"]
    assert (after["last_delivery_at"], after["message"]) == ("2026-11-23T12:01:00.000000Z", "Its sender delivers.")
    await asked(served, "POST", f"/integrations/{integration_id}/deactivate")
    assert "switched off" in (await asked(served, "POST", path)).json()["webhook"]["message"]


async def test_a_sender_without_a_secret_is_told_so() -> None:
    served = await connected()
    path = f"/integrations/{(await made(served, 'pagerduty'))['integration']['id']}/test"
    assert "no secret yet" in (await asked(served, "POST", path)).json()["webhook"]["message"]


async def test_an_engineer_tries_nothing() -> None:
    world = FakeConnections()
    served = await connected(world)
    headers = bearer(a_token(roles=["engineer"]))
    answer = await asked(served, "POST", "/integrations/prometheus/test", {"url": URL}, headers=headers)
    assert (answer.status_code, world.asked) == (403, [])
