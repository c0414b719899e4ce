"""Runbooks and changes: written by engineers, read by everybody of the tenant, by nobody else."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from shared.models.runbooks import Runbook
from tests.builders import ACME, NOON
from tests.unit.access.issuer import GLOBEX_TID, OBJECT_ID
from tests.unit.api import asking
from tests.unit.api.serving import Served

RUNBOOK = {"title": "payment fails", "body": "# First\n\n<script>alert(1)</script>\n\tlook", "services": ["payment"]}
asked = partial(asking.asked, role="engineer")
NO_SUCH = "/runbooks/rbk-" + "0" * 24


async def written(served: Served, **changes: Any) -> dict[str, Any]:
    answer = await asked(served, "POST", "/runbooks", {**RUNBOOK, **changes})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_runbook_is_kept_as_it_was_written_and_audited_without_its_text(served: Served) -> None:
    made = await written(served)
    answer = await asked(served, "GET", f"/runbooks/{made['id']}", role="viewer")
    assert (answer.status_code, answer.json()["body"], answer.headers["ETag"]) == (200, RUNBOOK["body"], '"v1"')
    assert answer.headers["Content-Type"] == "application/json"
    held = await served.services.records.read(ACME, Runbook, made["id"])
    assert held is not None
    (entry,) = held.value.audit_pending
    assert (entry.event_type, entry.after["body_chars"]) == ("create_runbook", len(RUNBOOK["body"]))
    assert "script" not in str(entry)


async def test_a_viewer_and_another_tenant_change_nothing(served: Served) -> None:
    path = f"/runbooks/{(await written(served))['id']}"
    theirs = {"claims": {"tid": GLOBEX_TID}}
    for method, body in (("PUT", RUNBOOK), ("DELETE", None)):
        assert (await asked(served, method, path, body, role="viewer")).status_code == 403
        assert (await asked(served, method, path, body, **theirs)).status_code == 404
    assert (await asked(served, "POST", "/runbooks", RUNBOOK, role="viewer")).status_code == 403
    assert (await asked(served, "GET", path, **theirs)).status_code == 404
    assert (await asked(served, "GET", "/runbooks", **theirs)).json() == {"items": [], "cursor": None}
    assert (await asked(served, "GET", path)).json()["version"] == 1


async def test_runbooks_are_listed_by_service_and_tag_over_pages(served: Served) -> None:
    for number in range(5):
        await written(
            served, title=f"r{number}", tags=["db"] if number % 2 else [], services=["payment", f"s{number}"]
        )
    tagged = (await asked(served, "GET", "/runbooks?tag=db&limit=1")).json()
    rest = (await asked(served, "GET", f"/runbooks?tag=db&limit=2&cursor={tagged['cursor']}")).json()
    assert [one["title"] for one in (*tagged["items"], *rest["items"])] == ["r1", "r3"]
    (one,) = (await asked(served, "GET", "/runbooks?service=s4")).json()["items"]
    assert (one["title"], "body" in one) == ("r4", False)
    assert (await asked(served, "GET", "/runbooks?cursor=mine")).status_code == 400


async def test_nobody_overwrites_what_they_have_not_seen(served: Served) -> None:
    path = f"/runbooks/{(await written(served))['id']}"
    newer = await asked(served, "PUT", path, {**RUNBOOK, "title": "second"}, **{"If-Match": '"v1"'})
    assert (newer.status_code, newer.headers["ETag"], newer.json()["updated_by"]) == (200, '"v2"', OBJECT_ID)
    assert (await asked(served, "PUT", path, RUNBOOK, **{"If-Match": '"v1"'})).status_code == 412
    assert (await asked(served, "DELETE", path, **{"If-Match": '"v1"'})).status_code == 412
    assert (await asked(served, "GET", path)).json()["title"] == "second"


async def test_a_removed_runbook_is_gone_but_for_its_trail(served: Served) -> None:
    made = await written(served)
    path = f"/runbooks/{made['id']}"
    assert (await asked(served, "DELETE", path)).status_code == 204
    for method, body in (("GET", None), ("PUT", RUNBOOK), ("DELETE", None)):
        assert (await asked(served, method, path, body)).status_code == 404
    assert (await asked(served, "GET", "/runbooks")).json()["items"] == []
    held = await served.services.records.read(ACME, Runbook, made["id"])
    assert held is not None
    assert [entry.action for entry in held.value.audit_pending] == ["create", "delete"]
    assert held.value.body == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"tenant_id": "ten-globex"},
        {"updated_by": "me"},
        {"id": "rbk-1"},
        {"title": ""},
        {"title": "two\nlines"},
        {"body": "nul\x00"},
        {"body": "x" * 64_001},
        {"tags": ["t"] * 21},
        {"services": ["s"] * 51},
        {"alert_names": ["n" * 201]},
        {"title": "\ud800"},
    ],
)
async def test_what_is_too_much_or_not_offered_is_refused(untouched: Served, changes: dict[str, Any]) -> None:
    assert (await asked(untouched, "POST", "/runbooks", {**RUNBOOK, **changes})).status_code == 400
    assert (await asked(untouched, "GET", "/runbooks")).json()["items"] == []


async def test_what_is_not_there_is_a_404(served: Served) -> None:
    for path in (NO_SUCH, "/runbooks/other"):
        assert (await asked(served, "GET", path)).status_code == 404
        assert (await asked(served, "PUT", path, RUNBOOK)).status_code == 404


async def test_a_change_reported_by_hand_is_listed_and_audited(served: Served) -> None:
    body = {"service": "payment", "version": "1.5.0", "at": NOON.isoformat(), "id": "842"}
    made = await asked(served, "POST", "/changes", body)
    assert (made.status_code, made.json()["source"], made.json()["author"]) == (201, "api", "dana.ops@acme.example")
    window = "since=2026-11-23T11:00:00Z&until=2026-11-23T13:00:00Z"
    assert (await asked(served, "GET", f"/changes?{window}", role="viewer")).json()["items"] == [made.json()]
    assert (await asked(served, "GET", f"/changes?{window}&service=search")).json()["items"] == []
    theirs = {"claims": {"tid": GLOBEX_TID}}
    assert (await asked(served, "GET", f"/changes?{window}", **theirs)).json()["items"] == []
    (kept,) = await served.services.changes.between(ACME, NOON, NOON)
    assert [entry.event_type for entry in kept.audit_pending] == ["create_change"]


async def test_the_same_id_again_replaces_the_report(served: Served) -> None:
    for status in ("in_progress", "succeeded"):
        body = {"service": "payment", "id": "842", "status": status, "at": NOON.isoformat()}
        assert (await asked(served, "POST", "/changes", body)).status_code == 201
    (kept,) = await served.services.changes.between(ACME, NOON, NOON)
    assert (kept.reported.status, len(kept.audit_pending)) == ("succeeded", 2)


@pytest.mark.parametrize(
    "body",
    [
        {"service": ""},
        {"version": "1"},
        {"service": "payment", "tenant_id": "ten-globex"},
        {"service": "payment", "source": "github"},
        {"service": "payment", "kind": "party"},
        {"service": "payment", "url": "javascript:alert(1)"},
        {"service": "payment", "at": "2026-11-23T12:00:00"},
        {"service": "payment", "at": "2999-01-01T00:00:00Z"},
    ],
)
async def test_a_change_that_cannot_be_is_refused(untouched: Served, body: dict[str, Any]) -> None:
    assert (await asked(untouched, "POST", "/changes", body)).status_code == 400
    everything = await untouched.services.changes.between(
        ACME, NOON - timedelta(days=9999), NOON + timedelta(days=9999)
    )
    assert list(everything) == []


async def test_a_viewer_reports_no_change_and_a_window_has_its_ends_in_order(served: Served) -> None:
    assert (await asked(served, "POST", "/changes", {"service": "payment"}, role="viewer")).status_code == 403
    backwards = "/changes?since=2026-11-24T00:00:00Z&until=2026-11-23T00:00:00Z"
    assert (await asked(served, "GET", backwards)).status_code == 400
    for odd in ("since=yesterday", "until=0001-01-01T00:00:00Z", "until=0001-01-01T00:00:00%2B01:00"):
        assert (await asked(served, "GET", f"/changes?{odd}")).status_code == 400
