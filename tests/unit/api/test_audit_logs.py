"""The trail over HTTP: who may see it, that every change and every look ends in it, and what verifying tells."""

import asyncio
import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.adapters.memory import MemoryAuditTrail, MemoryQueues
from shared.api.views_audit import _cell
from shared.errors import StoreUnavailable
from shared.messages import QueueName
from shared.models.audit import AuditAction, AuditEntry, month_of
from shared.models.audit_log import AuditLog
from shared.models.base import ReceiptId, TenantId, document_id
from shared.models.receipts import DeadLetter
from shared.pipeline.auditing import append
from shared.pipeline.table import attend_queue
from shared.ports.services import Services
from tests.builders import ACME, GLOBEX, an_integration
from tests.unit.access.issuer import GLOBEX_TID, a_token
from tests.unit.api.serving import RECEIPT, Served, Untouched, bearer
from tests.unit.api.test_corrections import with_incidents

LETTER = document_id("dead", "payment")
ADMIN = bearer(a_token(roles=["admin"]))
THEIR_ADMIN = bearer(a_token(tid=GLOBEX_TID, roles=["admin"]))
NOW = datetime.now(UTC)


def an_entry(number: int, **changes: Any) -> AuditEntry:
    fields: dict[str, Any] = {
        "entry_id": f"aud-{number}",
        "at": NOW - timedelta(days=20 * number),
        "user_id": f"oid-{number % 2}",
        "event_type": "update_user",
        "action": AuditAction.UPDATE,
        "resource_type": "user",
        "resource_id": f"usr-{number}",
        "request_id": f"req-{number}",
    }
    return AuditEntry(**{**fields, **changes})


async def with_entries(served: Served, *entries: AuditEntry, tenant_id: TenantId = ACME) -> None:
    for entry in entries:
        await append(tenant_id, entry, served.services, NOW)


async def get(served: Served, path: str, *, headers: dict[str, str] | None = None, **query: Any) -> httpx.Response:
    async with served.client(headers={**ADMIN, **(headers or {})}) as client:
        return await client.get(path, params=query)


async def named(served: Served, **query: Any) -> list[str]:
    """The events of an answer but those of looking at the trail."""
    answer = await get(served, "/audit-logs", **query)
    assert answer.status_code == 200, answer.text
    return [one["entry_id"] for one in answer.json()["items"] if one["resource_type"] != "audit_log"]


async def seal_all(services: Services, *, minutes: int = 0) -> None:
    queues = services.queues
    assert isinstance(queues, MemoryQueues)
    now = datetime.now(UTC) + timedelta(minutes=minutes)
    for _ in range(len(queues.waiting["checks"])):
        body = queues.take("checks")
        assert body is not None
        await attend_queue(QueueName.CHECKS, body, services, dequeue_count=1, now=now)


async def trail_of(services: Services, tenant_id: TenantId = ACME) -> list[AuditLog]:
    stored = await services.audit.chain(tenant_id, month_of(NOW), after="", limit=100)
    return [AuditLog.from_stored(one) for one in stored]


@pytest.mark.parametrize("path", ["/audit-logs", "/audit-logs/verify", f"/receipts/{RECEIPT}/payload"])
@pytest.mark.parametrize("role", ["viewer", "engineer"])
async def test_only_an_admin_sees_the_trail_and_raw_bodies(served: Served, path: str, role: str) -> None:
    blind = served.without(audit=Untouched(), raw=Untouched())
    async with blind.client(headers=bearer(a_token(roles=[role]))) as client:
        answer = await client.get(path)
    assert answer.status_code == 403


async def test_the_trail_is_read_newest_first_across_months_page_by_page(served: Served) -> None:
    await with_entries(served, *(an_entry(number) for number in range(1, 7)))
    read, cursor = [], None
    for _ in range(10):
        query: dict[str, Any] = {"limit": 2, "to": (NOW - timedelta(days=1)).isoformat()}
        answer = (await get(served, "/audit-logs", **query, **({"cursor": cursor} if cursor else {}))).json()
        read += [one["entry_id"] for one in answer["items"]]
        cursor = answer["cursor"]
        if cursor is None:
            break
    assert read == [f"aud-{number}" for number in range(1, 7)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"user": "oid-1"}, [1, 3]),
        ({"resource_id": "usr-2"}, [2]),
        ({"event_type": "delete_user"}, [4]),
        ({"action": "delete"}, [4]),
        ({"resource_type": "policy"}, [5]),
        ({"user": "oid-0", "action": "update"}, [2]),
        ({"from": (NOW - timedelta(days=50)).isoformat()}, [1, 2]),
        ({"to": (NOW - timedelta(days=50)).isoformat()}, [3, 4, 5]),
        ({"from": "9999-12-31T23:59:59+00:00"}, []),
        ({"to": "0001-01-01T00:00:00+00:00"}, []),
        ({"from": "0001-01-01T00:00:00+14:00", "to": "9999-12-31T23:59:59-12:00"}, [1, 2, 3, 4, 5]),
        ({"resource_id": "usr-2' OR 1=1"}, []),
    ],
)
async def test_the_trail_is_filtered(served: Served, query: dict[str, str], expected: list[int]) -> None:
    entries = [an_entry(number) for number in (1, 2, 3)]
    removal = an_entry(4, user_id="oid-x", event_type="delete_user", action=AuditAction.DELETE)
    await with_entries(served, *entries, removal, an_entry(5, user_id="oid-y", resource_type="policy"))
    assert await named(served, **query) == [f"aud-{number}" for number in expected]


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "bm90IG91cnM"},
        {"cursor": "!"},
        {"limit": 0},
        {"limit": 1001},
        {"from": "yesterday"},
        {"from": "2026-11-01T00:00:00"},
        {"action": "read"},
        {"tenant_id": GLOBEX},
        {"format": "xml"},
    ],
)
async def test_what_cannot_be_asked_is_refused(served: Served, query: dict[str, Any]) -> None:
    assert (await get(served, "/audit-logs", **query)).status_code == 400


async def test_another_tenants_trail_is_never_seen(served: Served) -> None:
    await with_entries(served, an_entry(1), tenant_id=GLOBEX)
    assert await named(served) == []
    theirs = await get(served, "/audit-logs", headers=THEIR_ADMIN)
    assert [one["entry_id"] for one in theirs.json()["items"] if one["entry_id"] == "aud-1"] == ["aud-1"]


async def test_reading_the_trail_stands_in_the_trail(served: Served) -> None:
    await get(served, "/audit-logs", user="oid-1", limit=3)
    await get(served, "/audit-logs/verify")
    read, verified = await trail_of(served.services)
    assert (read.event_type, read.action, read.after) == (
        "search_audit_logs",
        AuditAction.VIEW,
        {"user": "oid-1", "limit": 3},
    )
    assert (verified.event_type, verified.resource_id) == ("verify_audit_logs", month_of(datetime.now(UTC)))


class DownTrail(MemoryAuditTrail):
    """Can be read, and takes nothing."""

    async def add(self, tenant_id: TenantId, log: AuditLog) -> None:
        raise StoreUnavailable("down")


@pytest.mark.parametrize(
    "path", ["/audit-logs", "/audit-logs/verify", f"/receipts/{RECEIPT}/payload", f"/dead-letters/signals/{LETTER}"]
)
async def test_nothing_sensitive_is_answered_when_it_cannot_be_audited(served: Served, path: str) -> None:
    await with_a_letter(served)
    await served.services.raw.put(ACME, ReceiptId(RECEIPT), b"secret")
    answer = await get(served.without(audit=DownTrail()), path)
    assert answer.status_code == 503
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("headers", "query"), [({"Accept": "text/csv"}, {}), ({}, {"format": "csv"}), ({"Accept": "text/csv;q=0.9"}, {})]
)
async def test_the_trail_comes_as_csv_with_its_cursor_in_a_header(
    served: Served, headers: dict[str, str], query: dict[str, str]
) -> None:
    await with_entries(served, *(an_entry(number) for number in (1, 2, 3)))
    to = (NOW - timedelta(days=1)).isoformat()
    answer = await get(served, "/audit-logs", headers=headers, limit=2, to=to, **query)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="audit-logs.csv"'
    assert [row["entry_id"] for row in rows] == ["aud-1", "aud-2"]
    rest = await get(served, "/audit-logs", format="csv", to=to, cursor=answer.headers["x-next-cursor"])
    assert [row["entry_id"] for row in csv.DictReader(io.StringIO(rest.text))] == ["aud-3"]
    assert "x-next-cursor" not in rest.headers


async def test_json_can_be_asked_for_against_the_header(served: Served) -> None:
    answer = await get(served, "/audit-logs", headers={"Accept": "text/csv"}, format="json")
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\uff1d"])
async def test_no_cell_is_one_that_a_spreadsheet_would_run(served: Served, start: str) -> None:
    hostile = f'{start}HYPERLINK("http://evil.example","x")'
    await with_entries(served, an_entry(1, user_name=hostile))
    answer = await get(served, "/audit-logs", format="csv", user="oid-1")
    (row,) = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert row["user_name"] == f"'{hostile}"


def test_a_cell_keeps_facts_as_json_and_plain_text_as_it_is() -> None:
    assert _cell({"a": 1}) == '{"a": 1}'
    assert (_cell(None), _cell(7), _cell("payment")) == ("", "7", "payment")


async def test_verifying_tells_that_a_month_is_whole_and_what_is_not_sealed_yet(served: Served) -> None:
    await with_a_letter(served)
    await discarded(served)
    answer = (await get(served, "/audit-logs/verify")).json()
    assert (answer["intact"], answer["entries"], answer["findings"]) == (True, 1, [])
    assert [(one["event_type"], one["overdue"]) for one in answer["unsealed"]] == [("discard_dead_letter", False)]
    await seal_all(served.services)
    answer = (await get(served, "/audit-logs/verify")).json()
    assert (answer["intact"], answer["entries"], answer["unsealed"]) == (True, 3, [])


async def test_verifying_names_what_was_tampered_with(served: Served) -> None:
    await with_entries(served, *(an_entry(number, at=NOW) for number in range(1, 6)))
    trail = served.services.audit
    assert isinstance(trail, MemoryAuditTrail)
    partition = trail.documents._partitions[(ACME, month_of(NOW))]
    altered = {**json.loads(partition["0000000002"][0]), "user_id": "somebody else"}
    partition["0000000002"] = (json.dumps(altered), '"x"')
    del partition["0000000004"]
    listed = (await get(served, "/audit-logs", resource_type="user")).json()["items"]
    assert {one["sequence"]: one["is_sealed"] for one in listed} == {1: True, 2: False, 3: True, 5: True}
    answer = (await get(served, "/audit-logs/verify")).json()
    assert answer["intact"] is False
    assert [(one["finding"], one["sequence"]) for one in answer["findings"]] == [("altered", 2), ("removed", 4)]


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "0001-01", "9999-12", "nov", "2026-1", "\u0662026-11"])
async def test_a_month_that_is_none_or_not_kept_is_refused(served: Served, month: str) -> None:
    assert (await get(served, "/audit-logs/verify", month=month)).status_code == 400


# What the API's own writes leave behind.


def a_letter() -> DeadLetter:
    return DeadLetter(
        id=LETTER,
        tenant_id=ACME,
        queue="signals",
        stage="signals",
        reason="store_rejected",
        detail="",
        attempt=1,
        receipt_id=RECEIPT,
        payload_pointer=None,
        message='{"schema_version":1,"tenant_id":"ten-acme","receipt_id":"rcp-1","correlation_id":"c",'
        '"integration_id":"int-1","source":"alertmanager","received_at":"2026-11-23T12:00:00Z","body_text":"{}"}',
        recorded_at=NOW,
    )


async def with_a_letter(served: Served) -> None:
    await served.services.dead_letters.add(ACME, a_letter())


async def post(served: Served, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
    async with served.client(headers={**ADMIN, "User-Agent": "tests"}) as client:
        return await client.post(path, json=body)


async def discarded(served: Served) -> httpx.Response:
    return await post(served, f"/dead-letters/signals/{LETTER}/discard")


async def test_discarding_a_letter_is_audited_with_what_changed(served: Served) -> None:
    await with_a_letter(served)
    answer = await discarded(served)
    await seal_all(served.services)
    (log,) = await trail_of(served.services)
    assert (log.event_type, log.resource_id, log.outcome) == ("discard_dead_letter", LETTER, "done")
    assert (log.before["state"], log.after["state"]) == ("open", "discarded")
    assert (log.request_id, log.user_agent) == (answer.headers["x-request-id"], "tests")


@pytest.mark.parametrize(
    ("path", "body", "event"),
    [
        (f"/dead-letters/signals/{LETTER}/redrive", None, "redrive_dead_letter"),
        ("/dead-letters/redrive", {"queue": "signals", "ids": [LETTER]}, "redrive_dead_letters"),
        ("/dead-letters/redrive", {"queue": "signals", "reason": "store_rejected"}, "redrive_dead_letters"),
    ],
)
async def test_re_driving_is_audited_for_each_letter(
    served: Served, path: str, body: dict[str, Any] | None, event: str
) -> None:
    await with_a_letter(served)
    assert (await post(served, path, body)).status_code == 200
    await seal_all(served.services)
    (log,) = await trail_of(served.services)
    assert (log.event_type, log.resource_id, log.outcome) == (event, LETTER, "done")
    assert (log.before["redrives"], log.after["redrives"]) == (0, 1)
    held = await served.services.dead_letters.read(ACME, "signals", LETTER)
    assert held is not None
    assert (held.value.audit_pending, held.value.redrives) == ((), 1)


async def test_a_decision_that_changes_nothing_leaves_no_entry(served: Served) -> None:
    await with_a_letter(served)
    await discarded(served)
    await discarded(served)
    await post(served, f"/dead-letters/signals/{document_id('dead', 'none')}/discard")
    await seal_all(served.services)
    assert len(await trail_of(served.services)) == 1


async def test_admins_who_decide_at_the_same_time_leave_one_entry_that_is_done(served: Served) -> None:
    await with_a_letter(served)
    await asyncio.gather(*(discarded(served) for _ in range(3)))
    await seal_all(served.services, minutes=10)
    outcomes = [one.outcome for one in await trail_of(served.services)]
    assert outcomes.count("done") == 1


async def test_reading_a_letter_with_its_message_is_audited(served: Served) -> None:
    await with_a_letter(served)
    assert (await get(served, f"/dead-letters/signals/{LETTER}")).status_code == 200
    (log,) = await trail_of(served.services)
    assert (log.event_type, log.action, log.resource_id) == ("read_dead_letter", AuditAction.VIEW, LETTER)


@pytest.mark.parametrize(("more", "operation"), [("", "read_integration"), ("/secrets", "list_integration_secrets")])
async def test_reading_what_bears_secrets_is_audited(served: Served, more: str, operation: str) -> None:
    await served.services.records.create(ACME, an_integration(id="int-payment"))
    assert (await get(served, f"/integrations/int-payment{more}")).status_code == 200
    (log,) = await trail_of(served.services)
    assert (log.event_type, log.action, log.resource_id) == (operation, AuditAction.VIEW, "int-payment")


async def test_merging_and_splitting_are_audited_with_what_moved_where() -> None:
    served, ids = await with_incidents("checkout", "search")
    await post(served, f"/incidents/{ids['search']}/merge", {"into": ids["checkout"]})
    split = await post(served, f"/incidents/{ids['checkout']}/split", {"services": ["search"]})
    await seal_all(served.services)
    merged, parted = await trail_of(served.services)
    assert (merged.event_type, merged.resource_id, merged.outcome) == ("merge_incident", ids["search"], "done")
    assert merged.before == {"services": "search", "incident_id": ids["search"]}
    assert merged.after == {"services": "search", "incident_id": ids["checkout"], "corrections": 1}
    assert (parted.event_type, parted.resource_id) == ("split_incident", ids["checkout"])
    assert parted.after["incident_id"] == split.json()["incident_id"]


async def test_a_merge_that_was_refused_leaves_nothing_that_says_it_was_done() -> None:
    served, ids = await with_incidents("checkout")
    refused = await post(served, f"/incidents/{ids['checkout']}/merge", {"into": ids["checkout"]})
    await seal_all(served.services, minutes=10)
    assert refused.status_code == 409
    assert await trail_of(served.services) == []


# Raw bodies.


async def test_a_raw_body_is_a_file_and_its_reading_is_audited(served: Served) -> None:
    await served.services.raw.put(ACME, ReceiptId(RECEIPT), b"<script>alert(1)</script>")
    answer = await get(served, f"/receipts/{RECEIPT}/payload")
    assert (answer.status_code, answer.content) == (200, b"<script>alert(1)</script>")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == f'attachment; filename="{RECEIPT}.bin"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    (log,) = await trail_of(served.services)
    assert (log.event_type, log.resource_id, log.after) == ("download_payload", RECEIPT, {"bytes": 25})


@pytest.mark.parametrize("receipt", [RECEIPT, "rcp-1", "..", "rcp-" + "0" * 31 + "%2f", "rcp-" + "F" * 32])
async def test_a_body_that_is_gone_or_never_was_is_not_found(served: Served, receipt: str) -> None:
    assert (await get(served, f"/receipts/{receipt}/payload")).status_code == 404
    assert await trail_of(served.services) == []


async def test_another_tenants_body_is_not_found(served: Served) -> None:
    await served.services.raw.put(ACME, ReceiptId(RECEIPT), b"secret")
    answer = await get(served, f"/receipts/{RECEIPT}/payload", headers=THEIR_ADMIN)
    assert answer.status_code == 404
    assert await trail_of(served.services, GLOBEX) == []
