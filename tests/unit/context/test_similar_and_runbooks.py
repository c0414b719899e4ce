"""The sections of runbooks and of past incidents: what the records hold that helps."""

from datetime import timedelta

import pytest

from shared.adapters.memory.services import services_in_memory
from shared.adapters.runbook_library import KEPT_FOR, RecordedRunbooks
from shared.context.collectors.runbooks import collect_runbooks
from shared.context.collectors.similar import collect_similar
from shared.context.look import NotConfigured
from shared.incidents.timeline import entry
from shared.models.base import IncidentId
from shared.models.changes import Change, ChangeKind, ChangeStatus, ReportedChange
from shared.models.evidence import PastIncidentEvidence, RunbookEvidence
from shared.models.incidents import IncidentState, IncidentSummary, TimelineEvent
from shared.models.runbooks import Runbook
from shared.ports.services import Services
from shared.ports.stores import IncidentChange
from tests.builders import ACME, GLOBEX, NOON, a_resolution, an_incident
from tests.unit.context.test_runbook_ranking import a_runbook
from tests.unit.context.views import a_view

LAST_WEEK = NOON - timedelta(days=7)


async def with_runbook(**changes: object) -> tuple[Services, Runbook]:
    services = services_in_memory()
    book = a_runbook(1, **changes)
    await services.records.create(book.tenant_id, book)
    return services, book


async def past(services: Services, *, notes: list[str] | None = None, **changes: object) -> IncidentId:
    fields = {
        "incident_id": IncidentId("inc-past"), "detected_at": LAST_WEEK, "state": IncidentState.RESOLVED,
        "resolved_at": LAST_WEEK + timedelta(minutes=20), **changes,
    }  # fmt: skip
    incident = an_incident(**fields)
    told = []
    for number, text in enumerate(notes or []):
        counted = incident.model_copy(update={"version": number + 1})
        told.append(entry(counted, TimelineEvent.NOTE_ADDED, "note", now=LAST_WEEK, text=text))
    await services.incidents.commit(incident.tenant_id, IncidentChange(incident=incident, etag=None, timeline=told))
    await services.incident_list.put(incident.tenant_id, IncidentSummary.of(incident))
    return incident.incident_id


async def found(services: Services) -> list[PastIncidentEvidence]:
    collected = await collect_similar(a_view(None, services=services))
    return [one for one in collected.evidence if isinstance(one, PastIncidentEvidence)]


async def test_a_runbook_of_the_service_is_shown_with_its_secrets_masked() -> None:
    services, book = await with_runbook(services=["payment"], body="Log in with password=hunter2 and restart.")
    collected = await collect_runbooks(a_view(None, services=services))
    (piece,) = (one for one in collected.evidence if isinstance(one, RunbookEvidence))
    assert (piece.runbook_id, piece.because[0]) == (book.id, "is for the service")
    assert "hunter2" not in piece.excerpt


async def test_a_tenant_without_runbooks_has_configured_none() -> None:
    with pytest.raises(NotConfigured):
        await collect_runbooks(a_view(None))


async def test_another_tenants_runbook_is_not_in_the_library() -> None:
    services, _ = await with_runbook(services=["payment"], tenant_id=GLOBEX)
    assert await services.library.of_tenant(ACME, now=NOON) == ()
    with pytest.raises(NotConfigured):
        await collect_runbooks(a_view(None, services=services))


async def test_the_library_reads_again_after_an_hour() -> None:
    services, _ = await with_runbook(services=["payment"])
    library = RecordedRunbooks(services.records)
    assert len(await library.of_tenant(ACME, now=NOON)) == 1
    await services.records.create(ACME, a_runbook(2))
    assert len(await library.of_tenant(ACME, now=NOON + KEPT_FOR - timedelta(seconds=1))) == 1
    assert len(await library.of_tenant(ACME, now=NOON + KEPT_FOR)) == 2


async def test_the_library_keeps_so_much_text_of_all_tenants_together() -> None:
    services = services_in_memory()
    for tenant_id in (ACME, GLOBEX):
        await services.records.create(tenant_id, a_runbook(1, tenant_id=tenant_id, body="x" * 1000))
    library = RecordedRunbooks(services.records, max_chars=1500)
    for tenant_id in (ACME, GLOBEX):
        assert len(await library.of_tenant(tenant_id, now=NOON)) == 1
        await services.records.create(tenant_id, a_runbook(2, tenant_id=tenant_id))
    # Globex's are remembered, and for them Acme's were forgotten: the second one of Acme is read.
    assert [len(await library.of_tenant(one, now=NOON)) for one in (GLOBEX, ACME)] == [1, 2]


async def test_of_a_large_library_the_beginnings_are_searched_and_it_says_so() -> None:
    services = services_in_memory()
    for number in range(2):
        body = "# Restart\nturn it off and on again\n" + "padding " * 7_900
        await services.records.create(ACME, a_runbook(number, services=["payment"], body=body))
    assert (await collect_runbooks(a_view(None, services=services))).warnings == ()
    for number in range(2, 26):
        await services.records.create(ACME, a_runbook(number, services=["payment"], body=body))
    found = await collect_runbooks(a_view(None, services=services, now=NOON + KEPT_FOR * 2))
    assert found.warnings == ("of each runbook the first 57692 characters were searched: there is much text",)
    excerpts = [one.excerpt for one in found.evidence if isinstance(one, RunbookEvidence)]
    assert len(excerpts) == len(found.evidence)
    assert all(excerpt.startswith("# Restart turn it off") for excerpt in excerpts)


async def test_a_secret_at_the_end_of_an_excerpt_is_masked_before_it_is_cut() -> None:
    services, _ = await with_runbook(services=["payment"], body=f"{'restart ' * 60}gh{'p_'}{'a1B2' * 9} then wait")
    (piece,) = (await collect_runbooks(a_view(None, services=services))).evidence
    assert isinstance(piece, RunbookEvidence)
    assert "a1B2" not in piece.excerpt


async def test_the_first_runbook_is_seen_at_once() -> None:
    services = services_in_memory()
    assert await services.library.of_tenant(ACME, now=NOON) == ()
    await services.records.create(ACME, a_runbook(1))
    assert len(await services.library.of_tenant(ACME, now=NOON)) == 1


async def test_a_past_incident_says_how_it_ended_and_what_people_wrote_last() -> None:
    services = services_in_memory()
    await past(services, notes=["looking", "rolled 1.5.0 back, token=abcdefgh"])
    (one,) = await found(services)
    assert (one.incident_id, one.ended) == ("inc-past", "resolved after 20 min")
    assert one.fixed_by is not None
    assert one.fixed_by.startswith("rolled 1.5.0 back")
    assert "abcdefgh" not in one.fixed_by


async def test_what_a_person_named_as_the_fix_comes_before_the_notes() -> None:
    services = services_in_memory()
    incident_id = await past(services, notes=["looking"])
    held = await services.incidents.read(ACME, incident_id)
    assert held is not None
    named = a_resolution(incident_id=incident_id, fixed_by="rolled 1.5.0 back, token=abcdefgh")
    await services.incidents.commit(ACME, IncidentChange(incident=held.value, etag=held.etag, said=[named]))
    (one,) = await found(services)
    assert one.fixed_by is not None
    assert one.fixed_by.startswith("rolled 1.5.0 back")
    assert "abcdefgh" not in one.fixed_by


async def test_a_cause_that_was_named_without_a_fix_leaves_the_note() -> None:
    services = services_in_memory()
    incident_id = await past(services, notes=["restarted it"])
    held = await services.incidents.read(ACME, incident_id)
    assert held is not None
    named = a_resolution(incident_id=incident_id)
    await services.incidents.commit(ACME, IncidentChange(incident=held.value, etag=held.etag, said=[named]))
    (one,) = await found(services)
    assert one.fixed_by == "restarted it"


async def test_without_a_note_the_last_change_before_it_was_resolved_is_told() -> None:
    services = services_in_memory()
    await past(services)
    at = LAST_WEEK + timedelta(minutes=17)
    reported = ReportedChange(
        source="ci", external_id="1", kind=ChangeKind.ROLLBACK, status=ChangeStatus.SUCCEEDED, service_name="payment",
        title="payment 1.4.0", at=at, said_at=at,
    )  # fmt: skip
    change = Change(
        id=reported.change_id, tenant_id=ACME, service_name="payment", at=at, reported=reported, receipt_id="rcp-1",
        created_at=at,
    )  # fmt: skip
    await services.changes.record(ACME, change)
    (one,) = await found(services)
    assert one.fixed_by == "rollback of payment 1.4.0, 3 min before it was resolved"


async def test_an_open_incident_another_service_and_another_tenant_are_not_alike() -> None:
    services = services_in_memory()
    await past(services, incident_id=IncidentId("inc-open"), state=IncidentState.DETECTED, resolved_at=None)
    await past(services, incident_id=IncidentId("inc-other"), service_name="mail")
    await past(services, incident_id=IncidentId("inc-theirs"), tenant_id=GLOBEX)
    assert await found(services) == []


async def test_without_a_past_the_section_says_so() -> None:
    assert (await collect_similar(a_view(None))).why_empty == "no_past_incidents"
