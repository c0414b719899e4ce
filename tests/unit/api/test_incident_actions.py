"""People act on incidents over HTTP: what they may, what is refused and why, and for whom it is not there at all."""

import asyncio
from typing import Any

import httpx
import pytest

from shared.incidents.looking import snapshot_id_for
from shared.models.base import IncidentId, document_id
from shared.models.incidents import Incident, IncidentState
from shared.models.tenants import User
from shared.ports.stores import IncidentChange
from tests.builders import ACME, GLOBEX, NOON, an_incident
from tests.unit.access.issuer import GLOBEX_TID, OBJECT_ID, a_token
from tests.unit.api.serving import INCIDENT, Served, Untouched, answer_of, bearer

EVE = "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee"
CALM = IncidentId(document_id("inc", "calm"))

ACTIONS: dict[str, tuple[str, str, Any]] = {
    "acknowledge": ("POST", "/acknowledge", None),
    "move": ("POST", "/state", {"state": "investigating"}),
    "assign": ("POST", "/assign", {"user_id": EVE}),
    "edit": ("PATCH", "", {"title": "Payments fail"}),
    "note": ("POST", "/notes", {"text": "Looking."}),
    "investigate": ("POST", "/investigations", None),
    "merge": ("POST", "/merge", {"into": CALM}),
    "split": ("POST", "/split", {"services": ["search"]}),
}
SIMPLE = [name for name in ACTIONS if name not in {"merge", "split"}]


@pytest.fixture
async def acting(served: Served) -> Served:
    """Also with a user, and with an incident of which nothing fires."""
    user = User(
        id="usr-eve",
        tenant_id=ACME,
        email="eve@acme.example",
        entra_object_id=EVE,
        full_name="Eve",
        created_at=NOON,
    )
    await served.services.directory.put(ACME, user)
    calm = an_incident(incident_id=CALM, firing_count=0)
    await served.services.incidents.commit(ACME, IncidentChange(calm, None))
    return served


async def act(
    served: Served, name: str, *, incident: str = INCIDENT, body: Any = ..., headers: dict[str, str] | None = None
) -> httpx.Response:
    method, path, usual = ACTIONS[name]
    async with served.client() as client:
        json = usual if body is ... else body
        return await client.request(method, f"/incidents/{incident}{path}", json=json, headers=headers)


async def kept(served: Served, incident_id: IncidentId = INCIDENT) -> Incident:
    held = await served.services.incidents.read(ACME, incident_id)
    assert held is not None
    return held.value


@pytest.mark.parametrize("name", SIMPLE)
async def test_an_engineer_acts_and_it_is_audited_told_and_listed(acting: Served, name: str) -> None:
    answer = await act(acting, name)
    assert answer.status_code == {"note": 201, "investigate": 202}.get(name, 200), answer.text
    incident = await kept(acting)
    assert answer.headers["etag"] == f'"v{incident.version}"' == '"v2"'
    (entry,) = incident.audit_pending
    assert (entry.user_id, entry.request_id) == (OBJECT_ID, answer.headers["x-request-id"])
    told = (await answer_of(acting, f"/incidents/{INCIDENT}/timeline?order=newest"))["items"][0]
    assert (told["by"], told["incident_version"]) == (OBJECT_ID, 2)
    (line,) = (await acting.services.incident_list.page(ACME, limit=1)).items
    assert line.source_version == 2


@pytest.mark.parametrize("name", ACTIONS)
async def test_a_viewer_does_nothing(acting: Served, name: str) -> None:
    refused = await act(acting, name, headers=bearer(a_token(roles=["viewer"])))
    assert refused.status_code == 403
    assert (await kept(acting)).version == 1


@pytest.mark.parametrize("name", ACTIONS)
async def test_another_tenants_incident_is_404_just_as_one_that_never_was(acting: Served, name: str) -> None:
    stranger = bearer(a_token(tid=GLOBEX_TID, roles=["admin"]))
    if name == "assign":
        theirs = User(id="usr-1", tenant_id=GLOBEX, email="e", entra_object_id=EVE, full_name="E", created_at=NOON)
        await acting.services.directory.put(GLOBEX, theirs)
    foreign = await act(acting, name, headers=stranger)
    unknown = await act(acting, name, incident=document_id("inc", "never"), headers=stranger)
    assert foreign.status_code == unknown.status_code == 404
    assert {**foreign.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}
    assert (await kept(acting)).version == 1


@pytest.mark.parametrize("name", ACTIONS)
async def test_an_id_that_we_never_made_does_not_reach_the_store(acting: Served, name: str) -> None:
    for hostile in ("inc-1", "inc-" + "0" * 23 + "%0A", "snap-" + "0" * 24):
        assert (await act(acting.without(incidents=Untouched()), name, incident=hostile)).status_code == 404


@pytest.mark.parametrize("name", ACTIONS)
async def test_a_version_that_is_not_the_current_one_is_412(acting: Served, name: str) -> None:
    refused = await act(acting, name, headers={"If-Match": '"v7"'})
    assert refused.status_code == 412
    assert (await kept(acting)).version == 1


@pytest.mark.parametrize("name", SIMPLE)
async def test_the_current_version_is_acted_on(acting: Served, name: str) -> None:
    version = (await answer_of(acting, f"/incidents/{INCIDENT}"))["version"]
    assert (await act(acting, name, headers={"If-Match": f'"v{version}"'})).is_success


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("move", {}),
        ("move", {"state": "closed"}),
        ("move", {"state": "resolved", "tenant_id": "ten-globex"}),
        ("assign", {}),
        ("assign", {"user_id": ""}),
        ("assign", {"user_id": "x" * 65}),
        ("edit", {}),
        ("edit", {"title": None}),
        ("edit", {"title": " \n "}),
        ("edit", {"title": "x" * 201}),
        ("edit", {"severity": "high"}),
        ("edit", {"title": "x", "assigned_to": EVE}),
        ("edit", {"title": "x", "version": 9}),
        ("note", {"text": ""}),
        ("note", {"text": "\u0000\u202e"}),
        ("note", {"text": "x" * 4001}),
        ("note", {"text": "x", "by": EVE}),
        ("split", {"services": ["payment"], "signal_ids": ["sig-1"]}),
        ("split", {}),
    ],
)
async def test_a_body_that_makes_no_sense_is_400(acting: Served, name: str, body: Any) -> None:
    assert (await act(acting, name, body=body)).status_code == 400
    assert (await kept(acting)).version == 1


async def test_an_illegal_move_is_409_with_the_moves_that_are_allowed(acting: Served) -> None:
    refused = await act(acting, "move", body={"state": "learned"})
    assert refused.status_code == 409
    problem = refused.json()
    assert problem["type"] == "urn:sre-copilot:problem:not-possible-now"
    assert (problem["reason"], problem["detail"]) == ("it_is_still_open", "It is still open.")
    assert problem["allowed"] == ["acknowledged", "investigating", "mitigated", "inconclusive"]


async def test_what_still_fires_is_not_resolved_and_what_does_not_is(acting: Served) -> None:
    refused = await act(acting, "move", body={"state": "resolved"})
    assert (refused.status_code, refused.json()["reason"]) == (409, "alerts_of_it_still_fire")
    solved = await act(acting, "move", incident=CALM, body={"state": "resolved"})
    assert (solved.status_code, solved.json()["state"]) == (200, "resolved")


async def test_only_alerts_make_an_incident_detected(acting: Served) -> None:
    await act(acting, "acknowledge")
    refused = await act(acting, "move", body={"state": "detected"})
    assert (refused.status_code, refused.json()["reason"]) == (409, "only_alerts_lead_there")


async def test_acknowledging_twice_changes_nothing_the_second_time(acting: Served) -> None:
    first, second = await act(acting, "acknowledge"), await act(acting, "acknowledge")
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert len((await kept(acting)).audit_pending) == 1


async def test_it_is_assigned_to_whoever_asks_and_to_nobody(acting: Served) -> None:
    unknown = await act(acting, "assign", body={"user_id": "me"})
    assert (unknown.status_code, unknown.json()["reason"]) == (409, "unknown_user")
    assert (await act(acting, "assign")).json()["assigned_to"] == EVE
    assert (await act(acting, "assign", body={"user_id": None})).json()["assigned_to"] is None


async def test_a_note_is_plain_text_with_its_author(acting: Served) -> None:
    await act(acting, "note", body={"text": " <script>\u0007alert(1)</script>\nsee \u202edeploy "})
    told = (await answer_of(acting, f"/incidents/{INCIDENT}/timeline?order=newest"))["items"][0]
    assert (told["event"], told["by"]) == ("note_added", OBJECT_ID)
    assert told["text"] == "<script>alert(1)</script>\nsee deploy"
    assert (await answer_of(acting, f"/incidents/{INCIDENT}"))["note_count"] == 1


async def test_a_title_is_one_line(acting: Served) -> None:
    answer = await act(acting, "edit", body={"title": " Payments\n\tfail ", "severity": "info"})
    assert (answer.json()["title"], answer.json()["severity"]) == ("Payments fail", "info")


async def test_another_investigation_says_where_it_will_be_and_only_one_is_under_way(acting: Served) -> None:
    asked = await act(acting, "investigate")
    snapshot_id = asked.json()["snapshot_id"]
    assert asked.headers["location"] == f"snapshots/{snapshot_id}"
    assert snapshot_id == snapshot_id_for(INCIDENT, (await kept(acting)).context_trigger)
    again = await act(acting, "investigate")
    assert (again.status_code, again.json()["reason"]) == (409, "an_investigation_is_under_way")
    assert 1 <= int(again.headers["retry-after"]) <= 60


async def test_what_was_merged_away_says_where_it_went(acting: Served) -> None:
    held = await acting.services.incidents.read(ACME, CALM)
    assert held is not None
    gone = held.value.model_copy(update={"merged_into": INCIDENT, "version": 2})
    await acting.services.incidents.commit(ACME, IncidentChange(gone, held.etag))
    for name in SIMPLE:
        refused = await act(acting, name, incident=CALM)
        assert refused.status_code == 409
        assert INCIDENT in refused.json()["detail"]


async def test_two_people_who_read_the_same_version_do_not_overwrite_each_other(acting: Served) -> None:
    bodies = ({"title": "One"}, {"title": "Two"})
    answers = await asyncio.gather(*(act(acting, "edit", body=body, headers={"If-Match": '"v1"'}) for body in bodies))
    assert sorted(one.status_code for one in answers) == [200, 412]
    (done,) = [one.json()["title"] for one in answers if one.is_success]
    assert (await kept(acting)).title == done


async def test_a_closed_incident_is_reopened_by_a_person(acting: Served) -> None:
    await act(acting, "move", incident=CALM, body={"state": "resolved"})
    await act(acting, "move", incident=CALM, body={"state": "inconclusive"})
    answer = await act(acting, "move", incident=CALM, body={"state": "investigating"})
    assert (answer.status_code, answer.json()["state"]) == (200, IncidentState.INVESTIGATING)
