"""People merge and split incidents; nobody else's, and nothing that is over."""

import json
from typing import Any

import httpx
import pytest

from shared.messages import Ingest, QueueName
from shared.models.base import ReceiptId
from shared.models.correlation import Verdict
from shared.models.incidents import IncidentState
from shared.models.signals import Source
from shared.pipeline.table import attend_queue
from shared.ports.services import Services
from shared.ports.stores import IncidentChange
from tests.builders import ACME, NOON
from tests.unit.access.issuer import GLOBEX_TID, a_token
from tests.unit.api.serving import Served, bearer, two_tenants


async def with_incidents(*services_named: str) -> tuple[Served, dict[str, str]]:
    """Acme with an incident for each of these services, by its service."""
    served = await two_tenants()
    for name in services_named:
        await deliver(served.services, name, "1")
    listed = (await served.services.incident_list.page(ACME, limit=50)).items
    return served, {one.service_name: one.id for one in listed}


async def deliver(services: Services, name: str, fingerprint: str) -> None:
    alert = {
        "status": "firing",
        "labels": {"alertname": "A", "service": name},
        "startsAt": "2026-11-23T11:59:00Z",
        "fingerprint": f"{name}-{fingerprint}",
    }
    message = Ingest(
        tenant_id=ACME,
        receipt_id=ReceiptId(f"rcp-{name}-{fingerprint}"),
        correlation_id="c",
        integration_id="int-1",
        source=Source.ALERTMANAGER,
        received_at=NOON,
        body_text=json.dumps({"alerts": [alert]}),
    )
    await attend_queue(QueueName.SIGNALS, message.encode(), services, dequeue_count=1, now=NOON)


async def asked(served: Served, path: str, body: dict[str, Any], **named: Any) -> httpx.Response:
    async with served.client(**named) as client:
        return await client.post(path, json=body)


async def test_a_merge_moves_everything_and_sends_readers_on() -> None:
    served, ids = await with_incidents("checkout", "search")
    answer = await asked(served, f"/incidents/{ids['search']}/merge", {"into": ids["checkout"]})
    assert (answer.status_code, answer.json()) == (200, {"incident_id": ids["checkout"]})
    async with served.client() as client:
        moved = await client.get(f"/incidents/{ids['search']}")
        assert (moved.status_code, moved.headers["location"]) == (307, ids["checkout"])
        followed = await client.get(f"/incidents/{ids['search']}", follow_redirects=True)
        assert followed.json()["services"] == ["checkout", "search"]
        reasons = {one["service_name"]: one["membership"]["reason"] for one in followed.json()["signals"]}
        assert reasons == {"checkout": "first_of_the_incident", "search": "put_here_by_a_person"}
        listed = (await client.get("/incidents")).json()["items"]
        assert ids["search"] not in {one["id"] for one in listed}
    corrections = await served.services.surroundings.corrections(ACME)
    assert corrections is not None
    assert [(one.services, one.verdict) for one in corrections.value.corrections] == [
        (("checkout", "search"), Verdict.TOGETHER)
    ]


async def test_what_was_split_stays_apart_when_more_alerts_come() -> None:
    served, ids = await with_incidents("checkout", "search")
    await asked(served, f"/incidents/{ids['search']}/merge", {"into": ids["checkout"]})
    answer = await asked(served, f"/incidents/{ids['checkout']}/split", {"services": ["search"]})
    assert answer.status_code == 200
    new = answer.json()["incident_id"]
    await deliver(served.services, "search", "2")
    await deliver(served.services, "checkout", "2")
    async with served.client() as client:
        one, other = [(await client.get(f"/incidents/{each}")).json() for each in (ids["checkout"], new)]
    assert (one["services"], one["signal_count"]) == (["checkout"], 2)
    assert (other["services"], other["signal_count"]) == (["search"], 2)


async def test_signals_name_the_services_that_they_are_all_of() -> None:
    served, ids = await with_incidents("checkout", "search")
    await asked(served, f"/incidents/{ids['search']}/merge", {"into": ids["checkout"]})
    await deliver(served.services, "search", "2")
    async with served.client() as client:
        signals = (await client.get(f"/incidents/{ids['checkout']}/signals")).json()["items"]
    leaving = [one["id"] for one in signals if one["service_name"] == "search"]
    path = f"/incidents/{ids['checkout']}/split"
    divided = await asked(served, path, {"signal_ids": leaving[:1]})
    assert (divided.status_code, divided.json()["reason"]) == (409, "service_divided")
    unknown = await asked(served, path, {"signal_ids": [*leaving, "sig-none"]})
    assert (unknown.status_code, unknown.json()["reason"]) == (409, "unknown_signal")
    assert (await asked(served, path, {"signal_ids": leaving})).status_code == 200


async def test_a_version_that_was_seen_is_corrected_and_an_older_one_is_not() -> None:
    served, ids = await with_incidents("checkout", "search")
    path, body = f"/incidents/{ids['search']}/merge", {"into": ids["checkout"]}
    held = await served.services.incidents.read(ACME, ids["search"])
    assert held is not None
    async with served.client() as client:
        stale = await client.post(path, json=body, headers={"If-Match": f'"v{held.value.version + 1}"'})
        seen = await client.post(path, json=body, headers={"If-Match": f'"v{held.value.version}"'})
    assert (stale.status_code, seen.status_code) == (412, 200)


async def test_a_merge_that_is_repeated_with_its_key_is_answered_as_before() -> None:
    served, ids = await with_incidents("checkout", "search")
    path, body = f"/incidents/{ids['search']}/merge", {"into": ids["checkout"]}
    async with served.client() as client:
        first, repeat = [await client.post(path, json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert (first.status_code, repeat.status_code) == (200, 200)
    assert first.json() == repeat.json()


@pytest.mark.parametrize(
    ("path", "body", "status", "why"),
    [
        ("{checkout}/merge", {"into": "{checkout}"}, 409, "itself"),
        ("{checkout}/merge", {"into": "inc-" + "0" * 24}, 404, "no such incident"),
        ("{checkout}/split", {"services": ["checkout"]}, 409, "must stay"),
        ("{checkout}/split", {"services": ["nobody"]}, 409, "no such service"),
        ("{checkout}/split", {"services": []}, 400, "services"),
        ("{checkout}/merge", {"into": "../../"}, 400, "into"),
        ("inc-" + "0" * 24 + "/split", {"services": ["checkout"]}, 404, "no such incident"),
        ("nothing/split", {"services": ["checkout"]}, 404, "no such incident"),
    ],
)
async def test_what_cannot_be_corrected_is_refused_with_the_reason(
    path: str, body: dict[str, Any], status: int, why: str
) -> None:
    served, ids = await with_incidents("checkout")
    filled = {key: value.format(**ids) if isinstance(value, str) else value for key, value in body.items()}
    answer = await asked(served, f"/incidents/{path.format(**ids)}", filled)
    assert answer.status_code == status, answer.text
    assert why in answer.json()["detail"]


async def test_a_closed_incident_takes_nothing_over() -> None:
    served, ids = await with_incidents("checkout")
    held = await served.services.incidents.read(ACME, ids["payment"])
    assert held is not None
    closed = held.value.model_copy(update={"state": IncidentState.LEARNED, "version": 9})
    await served.services.incidents.commit(ACME, IncidentChange(closed, held.etag))
    answer = await asked(served, f"/incidents/{ids['checkout']}/merge", {"into": ids["payment"]})
    assert (answer.status_code, "closed" in answer.json()["detail"]) == (409, True)


async def test_a_viewer_and_another_tenant_correct_nothing() -> None:
    served, ids = await with_incidents("checkout", "search")
    path, body = f"/incidents/{ids['search']}/merge", {"into": ids["checkout"]}
    viewer = await asked(served, path, body, headers=bearer(a_token(roles=["viewer"])))
    assert viewer.status_code == 403
    stranger = await asked(served, path, body, headers=bearer(a_token(tid=GLOBEX_TID)))
    assert stranger.status_code == 404
    held = await served.services.incidents.read(ACME, ids["search"])
    assert held is not None
    assert held.value.merged_into is None
