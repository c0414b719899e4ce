"""Incidents over HTTP: what is shown, what never is, and to whom."""

import re

import pytest

from shared.models.base import IncidentId, document_id
from shared.models.incidents import IncidentState, IncidentSummary
from shared.models.signals import Severity
from shared.pipeline.recording import list_latest
from shared.ports.stores import IncidentChange
from tests.builders import ACME, NOON, ONE_SECOND, a_signal, a_summary, an_alert, an_incident
from tests.unit.access.issuer import GLOBEX_TID, OBJECT_ID, a_token
from tests.unit.api.serving import (
    INCIDENT,
    RECEIPT,
    SNAPSHOT,
    Served,
    Untouched,
    a_timeline_entry,
    answer_of,
    bearer,
)

PARTS = ["", "/signals", "/timeline", "/snapshots", f"/snapshots/{SNAPSHOT}", "/hypotheses"]


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
    "query",
    [
        *["limit=0", "limit=101", "limit=x", "limit=", "cursor=junk", "cursor=W10", f"cursor={'x' * 401}"],
        *["state=open", "severity=high", "assignee=dana", "assignee=", "sort=random", "open=perhaps", "service="],
        *["from=yesterday", "from=2026-11-23T12:00:00", "to=0001-01-01T00:00:00%2B23:00", "tenant_id=ten-globex"],
    ],
)
async def test_a_parameter_that_makes_no_sense_is_400_and_says_which(served: Served, query: str) -> None:
    async with served.client() as client:
        answer = await client.get(f"/incidents?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["detail"]


async def test_the_list_is_filtered_and_sorted_as_asked(served: Served) -> None:
    listing = served.services.incident_list
    for number, state in enumerate(IncidentState):
        one = a_summary(
            incident_id=IncidentId(f"inc-{number}"),
            state=state,
            severity=Severity.WARNING,
            assigned_to=OBJECT_ID if state is IncidentState.LEARNED else None,
            detected_at=NOON - number * ONE_SECOND,
            updated_at=NOON + number * ONE_SECOND,
        )
        await listing.put(ACME, one)

    async def found(query: str) -> list[str]:
        return [one["id"] for one in (await answer_of(served, f"/incidents?{query}"))["items"]]

    assert await found("state=detected&state=mitigated&severity=warning") == ["inc-0", "inc-3"]
    assert await found("assignee=me") == await found(f"assignee={OBJECT_ID}") == ["inc-5"]
    assert await found("assignee=none&open=false") == ["inc-4", "inc-6"]
    assert await found("service=payment&to=2026-11-23T12:00:00Z&limit=2") == ["inc-1", "inc-2"]
    assert await found("from=2026-11-23T13:00:00%2B01:00&severity=warning") == ["inc-0"]
    assert (await found("sort=updated"))[0] == "inc-6"
    assert (await found("sort=severity"))[0] == INCIDENT


async def test_a_cursor_of_one_question_is_refused_by_another(served: Served) -> None:
    await served.services.incident_list.put(ACME, a_summary(incident_id=IncidentId("inc-2")))
    async with served.client() as client:
        cursor = (await client.get("/incidents", params={"limit": 1, "sort": "severity"})).json()["cursor"]
        again = await client.get("/incidents", params={"cursor": cursor, "sort": "severity"})
        other = await client.get("/incidents", params={"cursor": cursor, "sort": "severity", "open": "true"})
    assert (again.status_code, len(again.json()["items"]), other.status_code) == (200, 1, 400)


async def test_a_list_that_is_behind_is_overtaken_and_never_goes_back(served: Served) -> None:
    """The list is written after the incident: between the two it is behind, and says by its version how far."""
    held = await served.services.incidents.read(ACME, INCIDENT)
    assert held is not None
    after = held.value.model_copy(update={"version": 2, "title": "newer"})
    await served.services.incidents.commit(ACME, IncidentChange(after, held.etag))
    (stale,) = (await answer_of(served, "/incidents"))["items"]
    assert (stale["version"], stale["title"]) == (1, held.value.title)
    assert (await answer_of(served, f"/incidents/{INCIDENT}"))["version"] == 2
    await list_latest(ACME, INCIDENT, served.services)
    # A slower worker tells what it wrote before.
    await served.services.incident_list.put(ACME, IncidentSummary.of(held.value))
    (fresh,) = (await answer_of(served, "/incidents"))["items"]
    assert (fresh["version"], fresh["title"]) == (2, "newer")


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


async def test_a_part_alone_is_as_in_the_incident(served: Served) -> None:
    incident = await answer_of(served, f"/incidents/{INCIDENT}")
    for part in ("signals", "timeline"):
        alone = await answer_of(served, f"/incidents/{INCIDENT}/{part}")
        assert alone == {"items": incident[part], "cursor": None}
    assert await answer_of(served, f"/incidents/{INCIDENT}/hypotheses") == {
        "items": [incident["hypotheses"]],
        "cursor": None,
    }


async def test_snapshots_are_listed_with_their_numbers_and_read_by_them(served: Served) -> None:
    (line,) = (await answer_of(served, f"/incidents/{INCIDENT}/snapshots"))["items"]
    assert (line["number"], line["id"], line["service"]) == (1, SNAPSHOT, "payment")
    assert (await answer_of(served, f"/incidents/{INCIDENT}/snapshots/1"))["id"] == SNAPSHOT
    async with served.client() as client:
        for absent in ("0", "2", "01", "-1", "99999", "\u0661"):
            assert (await client.get(f"/incidents/{INCIDENT}/snapshots/{absent}")).status_code == 404


async def test_a_large_incident_is_answered_in_pages(served: Served) -> None:
    large = IncidentId(document_id("inc", "large"))
    await served.services.incidents.commit(ACME, IncidentChange(an_incident(incident_id=large), None))
    for version in range(2, 14):
        signals = [
            a_signal(an_alert(fingerprint=f"{version}-{n}"), incident_id=large, receipt_id=RECEIPT) for n in range(20)
        ]
        told = [
            a_timeline_entry().model_copy(
                update={"id": f"tle-{version}-{n}", "incident_id": large, "incident_version": version}
            )
            for n in range(10)
        ]
        held = await served.services.incidents.read(ACME, large)
        assert held is not None
        after = held.value.model_copy(update={"version": version})
        change = IncidentChange(after, held.etag, created_signals=signals, timeline=told)
        await served.services.incidents.commit(ACME, change)
    incident = await answer_of(served, f"/incidents/{large}")
    assert (len(incident["signals"]), len(incident["timeline"])) == (100, 100)
    older = await answer_of(served, f"/incidents/{large}/timeline?order=newest&cursor={incident['timeline_cursor']}")
    assert [one["incident_version"] for one in older["items"]] == [3] * 10 + [2] * 10
    seen = incident["signals"]
    cursor = incident["signals_cursor"]
    while cursor:
        page = await answer_of(served, f"/incidents/{large}/signals?cursor={cursor}")
        seen, cursor = seen + page["items"], page["cursor"]
    assert len({one["id"] for one in seen}) == len(seen) == 240


async def test_an_incident_and_its_parts_have_the_version_as_their_etag(served: Served) -> None:
    async with served.client() as client:
        for part in ("", "/signals", "/timeline", "/snapshots", "/hypotheses"):
            assert (await client.get(f"/incidents/{INCIDENT}{part}")).headers["etag"] == '"v1"'


@pytest.mark.parametrize("query", ["order=sideways", "cursor=W10", "limit=501"])
async def test_a_page_that_cannot_be_is_400(served: Served, query: str) -> None:
    async with served.client() as client:
        for part in ("signals", "timeline"):
            if part == "timeline" or not query.startswith("order"):
                assert (await client.get(f"/incidents/{INCIDENT}/{part}?{query}")).status_code == 400


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
