"""Incidents over HTTP: what is shown, what never is, and to whom."""

import re

import pytest

from shared.models.base import IncidentId, document_id
from shared.ports.stores import IncidentChange
from tests.builders import ACME, NOON, ONE_SECOND, a_summary, an_incident
from tests.unit.access.issuer import GLOBEX_TID, a_token
from tests.unit.api.serving import INCIDENT, SNAPSHOT, Served, Untouched, answer_of, bearer

PARTS = ["", "/signals", "/timeline", f"/snapshots/{SNAPSHOT}", "/hypotheses"]


async def test_the_list_shows_summaries(served: Served) -> None:
    page = await answer_of(served, "/incidents")
    assert [one["id"] for one in page["items"]] == [INCIDENT]
    assert (page["items"][0]["severity"], page["items"][0]["firing_count"], page["cursor"]) == ("critical", 1, None)


async def test_the_list_goes_on_from_its_cursor_newest_first(served: Served) -> None:
    ids = [IncidentId(document_id("inc", str(number))) for number in range(5)]
    for number, incident_id in enumerate(ids, start=1):
        summary = a_summary(incident_id=incident_id, detected_at=NOON + number * ONE_SECOND)
        await served.services.incident_list.put(ACME, summary)
    async with served.client() as client:
        first = (await client.get("/incidents", params={"limit": 4})).json()
        rest = (await client.get("/incidents", params={"limit": 4, "cursor": first["cursor"]})).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == [*reversed(ids), INCIDENT]
    assert rest["cursor"] is None


async def test_the_list_is_25_long_unless_asked_otherwise(served: Served) -> None:
    for number in range(30):
        await served.services.incident_list.put(ACME, a_summary(incident_id=IncidentId(f"inc-{number}")))
    assert len((await answer_of(served, "/incidents"))["items"]) == 25
    assert len((await answer_of(served, "/incidents?limit=1"))["items"]) == 1


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "limit=", "cursor=junk", "cursor=W10", f"cursor={'x' * 401}"]
)
async def test_a_parameter_that_makes_no_sense_is_400_and_says_which(served: Served, query: str) -> None:
    async with served.client() as client:
        answer = await client.get(f"/incidents?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["detail"]


async def test_an_incident_comes_with_all_that_is_known_of_it(served: Served) -> None:
    incident = await answer_of(served, f"/incidents/{INCIDENT}")
    assert (incident["id"], incident["external_id"], incident["state"]) == (INCIDENT, "P-1", "detected")
    assert [one["name"] for one in incident["signals"]] == ["HighErrorRatio"]
    assert [one["event"] for one in incident["timeline"]] == ["incident_opened"]
    assert incident["snapshot"]["id"] == incident["hypotheses"]["snapshot_id"] == SNAPSHOT
    assert incident["hypotheses"]["hypotheses"][0]["claim"] == "payment is broken"


async def test_an_incident_only_sums_its_snapshot_up(served: Served) -> None:
    snapshot = (await answer_of(served, f"/incidents/{INCIDENT}"))["snapshot"]
    told = [(one["name"], one["status"], one["reason"], one["evidence_count"]) for one in snapshot["sections"]]
    assert told == [("alerts", "ok", None, 1), ("traffic", "failed", "timeout", 0)]
    assert not any("evidence" in one for one in snapshot["sections"])


async def test_a_snapshot_shows_its_evidence(served: Served) -> None:
    snapshot = await answer_of(served, f"/incidents/{INCIDENT}/snapshots/{SNAPSHOT}")
    assert snapshot["sections"][0]["evidence"][0]["id"] == "A1"
    assert (snapshot["service"], len(snapshot["sha256"])) == ("payment", 64)


async def test_a_young_incident_has_no_snapshot_and_no_hypotheses_yet(served: Served) -> None:
    young = IncidentId(document_id("inc", "young"))
    await served.services.incidents.commit(ACME, IncidentChange(an_incident(incident_id=young), None))
    incident = await answer_of(served, f"/incidents/{young}")
    assert (incident["snapshot"], incident["hypotheses"], incident["signals"]) == (None, None, [])


@pytest.mark.parametrize("part", ["/signals", "/timeline", "/hypotheses"])
async def test_a_part_alone_is_as_in_the_whole_list(served: Served, part: str) -> None:
    assert len(await answer_of(served, f"/incidents/{INCIDENT}{part}")) == 1


@pytest.mark.parametrize("part", PARTS)
async def test_what_is_internal_is_not_shown(served: Served, part: str) -> None:
    text = str(await answer_of(served, f"/incidents/{INCIDENT}{part}"))
    for internal in ("raw_pointer", "secret-pointer", "secret-version", "_etag", "schema_version", "slack_channel"):
        assert internal not in text


@pytest.mark.parametrize("part", PARTS)
async def test_times_are_rfc_3339_in_utc(served: Served, part: str) -> None:
    async with served.client() as client:
        text = (await client.get(f"/incidents/{INCIDENT}{part}")).text
    times = re.findall(r'"(\d{4}-\d\d-\d\dT[^"]*)"', text)
    assert times
    assert all(re.fullmatch(r"[0-9-]{10}T[0-9:]{8}\.\d{6}Z", one) for one in times)


@pytest.mark.parametrize("part", PARTS)
async def test_another_tenants_incident_is_404_just_as_one_that_never_was(served: Served, part: str) -> None:
    never = document_id("inc", "never")
    async with served.client(headers=bearer(a_token(tid=GLOBEX_TID, roles=["admin"]))) as client:
        foreign = await client.get(f"/incidents/{INCIDENT}{part}")
        unknown = await client.get(f"/incidents/{never}{part}")
    assert foreign.status_code == unknown.status_code == 404
    assert {**foreign.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}


async def test_another_tenants_list_is_empty_even_with_our_cursor(served: Served) -> None:
    await served.services.incident_list.put(ACME, a_summary(incident_id=IncidentId("inc-2")))
    async with served.client() as client:
        cursor = (await client.get("/incidents", params={"limit": 1})).json()["cursor"]
    async with served.client(headers=bearer(a_token(tid=GLOBEX_TID))) as client:
        assert (await client.get("/incidents", params={"cursor": cursor})).json()["items"] == []


HOSTILE = [
    "inc-1",
    "INC-" + "0" * 24,
    "inc-" + "0" * 25,
    "inc-" + "0" * 23 + "%0A",
    "inc-" + "0" * 24 + "%0A",
    "inc-" + "\u0660" * 24,
    "snap-" + "0" * 24,
    "%27%20OR%201=1",
    "%00",
    "..%2F..%2Fme",
    "x" * 5000,
]


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("part", PARTS)
async def test_an_id_that_we_never_made_does_not_reach_the_store(served: Served, hostile: str, part: str) -> None:
    async with served.without(incidents=Untouched()).client() as client:
        assert (await client.get(f"/incidents/{hostile}{part}")).status_code == 404


@pytest.mark.parametrize("hostile", ["snap-1", INCIDENT, "hyp-" + "0" * 24, "%00"])
async def test_a_snapshot_id_that_we_never_made_does_not_reach_the_store(served: Served, hostile: str) -> None:
    async with served.without(incidents=Untouched()).client() as client:
        assert (await client.get(f"/incidents/{INCIDENT}/snapshots/{hostile}")).status_code == 404
