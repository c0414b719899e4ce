"""Verdicts, named causes and replays over HTTP: what they answer with, and for whom they are not there."""

from typing import Any

import httpx
import pytest

from shared.api.feedback import MAX_RANK
from shared.models.base import document_id
from shared.models.feedback import MAX_SAID_CHARS
from tests.builders import ACME
from tests.unit.access.issuer import GLOBEX_TID, OBJECT_ID, a_token
from tests.unit.api.serving import ANSWER, INCIDENT, SNAPSHOT, Served, Untouched, answer_of, bearer

FEEDBACK = f"/hypotheses/{ANSWER}/feedback"
CONFIRMED = {"rank": 1, "verdict": "confirmed"}
NAMED = {"root_service": "payment", "fixed_by": "rolled back"}
WRITES: dict[str, tuple[str, dict[str, Any]]] = {
    "feedback": (FEEDBACK, CONFIRMED),
    "resolution": ("/resolution", NAMED),
    "replay": ("/replay", {}),
}


async def post(
    served: Served, path: str, body: Any, *, incident: str = INCIDENT, headers: dict[str, str] | None = None
) -> httpx.Response:
    async with served.client() as client:
        return await client.post(f"/incidents/{incident}{path}", json=body, headers=headers)


async def test_a_verdict_is_answered_with_audited_told_and_listed(served: Served) -> None:
    answer = await post(served, FEEDBACK, {**CONFIRMED, "note": "the errors ended"})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"v2"'), answer.text
    assert answer.json()["given_by"] == OBJECT_ID
    held = await served.services.incidents.read(ACME, INCIDENT)
    assert held is not None
    (entry,) = held.value.audit_pending
    assert (entry.event_type, entry.after["verdict"]) == ("give_hypothesis_feedback", "confirmed")
    told = (await answer_of(served, f"/incidents/{INCIDENT}/timeline?order=newest"))["items"][0]
    assert (told["event"], told["by"]) == ("feedback_given", OBJECT_ID)
    page = await answer_of(served, f"/incidents/{INCIDENT}/feedback")
    assert page["items"] == [answer.json()]
    assert page["cause"]["root_service"] == "payment"
    assert (page["resolution"], page["is_regression_case"]) == (None, False)


async def test_the_same_persons_later_verdict_replaces_the_earlier(served: Served) -> None:
    await post(served, FEEDBACK, CONFIRMED)
    answer = await post(served, FEEDBACK, {"rank": 1, "verdict": "wrong"})
    page = await answer_of(served, f"/incidents/{INCIDENT}/feedback")
    assert page["items"] == [answer.json()]
    assert (page["items"][0]["verdict"], page["cause"]) == ("wrong", None)


async def test_notes_are_one_line_with_their_secrets_masked(served: Served) -> None:
    note = "the key was\npassword=hunter2hunter2\u202e and mail dana@acme.example"
    answer = await post(served, FEEDBACK, {**CONFIRMED, "note": note})
    kept = answer.json()["note"]
    assert "hunter2" not in kept
    assert "dana@" not in kept
    assert "\n" not in kept
    told = (await answer_of(served, f"/incidents/{INCIDENT}/timeline?order=newest"))["items"][0]
    assert "hunter2" not in told["text"]


async def test_a_named_cause_is_answered_with_replaced_and_taken_back(served: Served) -> None:
    first = await post(served, "/resolution", NAMED)
    assert (first.status_code, first.headers["etag"]) == (200, '"v2"'), first.text
    assert (first.json()["snapshot_id"], first.json()["fixed_by"]) == (SNAPSHOT, "rolled back")
    stale = await post(served, "/resolution", {"root_service": "catalog"}, headers={"If-Match": '"v1"'})
    assert stale.status_code == 412
    current = await post(served, "/resolution", {"root_service": "catalog"}, headers={"If-Match": '"v2"'})
    assert current.status_code == 200
    back = await post(served, "/resolution", {"is_known": False})
    assert (back.json()["is_known"], back.json()["root_service"]) == (False, None)
    page = await answer_of(served, f"/incidents/{INCIDENT}/feedback")
    assert (page["resolution"], page["cause"]) == (back.json(), None)


async def test_the_ranker_is_replayed_beside_what_was_answered(served: Served) -> None:
    answer = await post(served, "/replay", {})
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["snapshot_id"], shown["before"]["id"], shown["cost"]) == (SNAPSHOT, ANSWER, None)
    assert {one["change"] for one in shown["difference"]} <= {"same", "moved", "new", "gone"}
    listed = await answer_of(served, f"/incidents/{INCIDENT}/hypotheses")
    assert [one["id"] for one in listed["items"]] == [ANSWER]
    assert answer.headers["etag"] == '"v1"'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"prompt_version": "hypotheses-v999"}, "unknown_prompt_version"),
        ({"model": "gpt-of-somebody-else"}, "model_not_allowed"),
        ({"prompt_version": "hypotheses-v2"}, "model_not_configured"),
    ],
)
async def test_a_replay_that_cannot_be_done_is_409_by_name(untouched: Served, body: Any, reason: str) -> None:
    answer = await post(untouched, "/replay", {**body, "dry_run": True})
    assert (answer.status_code, answer.json()["reason"]) == (409, reason)


async def test_a_change_that_the_snapshot_does_not_show_is_409(served: Served) -> None:
    answer = await post(served, "/resolution", {**NAMED, "root_change": "E99"})
    assert (answer.status_code, answer.json()["reason"]) == (409, "unknown_change")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (FEEDBACK, {"rank": 2, "verdict": "wrong"}),
        (f"/hypotheses/{document_id('hyp', 'never')}/feedback", CONFIRMED),
        ("/hypotheses/latest/feedback", CONFIRMED),
        ("/resolution", {**NAMED, "snapshot_id": document_id("snap", "never")}),
        ("/replay", {"snapshot_id": document_id("snap", "never")}),
    ],
)
async def test_what_is_not_there_is_404(untouched: Served, path: str, body: Any) -> None:
    assert (await post(untouched, path, body)).status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (FEEDBACK, {"rank": 0, "verdict": "wrong"}),
        (FEEDBACK, {"rank": MAX_RANK + 1, "verdict": "wrong"}),
        (FEEDBACK, {"rank": 1, "verdict": "perhaps"}),
        (FEEDBACK, {**CONFIRMED, "note": "x" * (MAX_SAID_CHARS + 1)}),
        (FEEDBACK, {**CONFIRMED, "given_by": "somebody"}),
        ("/resolution", {}),
        ("/resolution", {"is_known": False, "root_service": "payment"}),
        ("/resolution", {**NAMED, "root_change": ""}),
        ("/resolution", {**NAMED, "snapshot_id": "../snap"}),
        ("/replay", {"prompt_version": "../secrets"}),
        ("/replay", {"model": ""}),
    ],
)
async def test_a_body_that_makes_no_sense_is_400(untouched: Served, path: str, body: Any) -> None:
    assert (await post(untouched, path, body)).status_code == 400


@pytest.mark.parametrize("name", WRITES)
async def test_a_viewer_says_nothing_and_reads_what_was_said(untouched: Served, name: str) -> None:
    path, body = WRITES[name]
    viewer = bearer(a_token(roles=["viewer"]))
    assert (await post(untouched, path, body, headers=viewer)).status_code == 403
    async with untouched.client(headers=viewer) as client:
        assert (await client.get(f"/incidents/{INCIDENT}/feedback")).status_code == 200


@pytest.mark.parametrize("name", WRITES)
async def test_another_tenants_incident_is_404_just_as_one_that_never_was(untouched: Served, name: str) -> None:
    path, body = WRITES[name]
    theirs = bearer(a_token(tid=GLOBEX_TID))
    foreign = await post(untouched, path, body, headers=theirs)
    never = await post(untouched, path, body, incident=document_id("inc", "never"), headers=theirs)
    assert (foreign.status_code, never.status_code) == (404, 404)
    assert foreign.json()["detail"] == never.json()["detail"]


async def test_an_id_that_we_never_made_does_not_reach_the_store(untouched: Served) -> None:
    blind = untouched.without(incidents=Untouched())
    for path, body in WRITES.values():
        assert (await post(blind, path, body, incident="inc-1")).status_code == 404


@pytest.mark.parametrize("name", ["feedback", "resolution"])
async def test_a_repeat_with_its_key_is_answered_and_not_done_again(served: Served, name: str) -> None:
    path, body = WRITES[name]
    headers = {"Idempotency-Key": "key-1"}
    first = await post(served, path, body, headers=headers)
    repeat = await post(served, path, body, headers=headers)
    assert (repeat.json(), repeat.headers["idempotency-replayed"]) == (first.json(), "true")
    held = await served.services.incidents.read(ACME, INCIDENT)
    assert held is not None
    assert held.value.version == 2
