"""The tenant that `python -m dev seed` writes: an incident in every state, by the product's rules, once."""

from datetime import timedelta

import pytest

from dev.believable import write_incidents, write_policies, write_runbooks
from dev.seed import GLOBEX
from dev.stories import STORIES
from shared.adapters.memory import services_in_memory
from shared.models.hypotheses import Conclusion
from shared.models.incidents import IncidentState, IncidentSummary
from shared.models.policies import Policies
from shared.models.runbooks import Runbook
from shared.ports.services import Services
from tests.builders import NOON

ENGINEER = "oid-dana"


async def listed(services: Services) -> dict[str, IncidentSummary]:
    found = (await services.incident_list.page(GLOBEX, limit=50)).items
    return {one.service_name: one for one in found}


@pytest.fixture
async def services() -> Services:
    made = services_in_memory()
    assert await write_incidents(GLOBEX, ENGINEER, made, now=NOON) == len(STORIES)
    await write_runbooks(GLOBEX, ENGINEER, made, now=NOON)
    await write_policies(GLOBEX, ENGINEER, made, now=NOON)
    return made


async def test_there_is_an_incident_in_every_state(services: Services) -> None:
    assert {one.state for one in (await listed(services)).values()} == set(IncidentState)


async def test_every_incident_has_its_alert_its_story_and_its_answer(services: Services) -> None:
    for summary in (await listed(services)).values():
        held = await services.incidents.read(GLOBEX, summary.id)
        assert held is not None
        incident = held.value
        (signal,) = [one.value for one in await services.incidents.signals(GLOBEX, incident.incident_id)]
        assert (signal.status == "firing") is (incident.firing_count == 1)
        events = [one.event for one in await services.incidents.timeline(GLOBEX, incident.incident_id)]
        assert events[:3] == ["incident_opened", "context_frozen", "hypotheses_ranked"]
        assert incident.latest_snapshot_id is not None
        snapshot = await services.incidents.snapshot(GLOBEX, incident.incident_id, incident.latest_snapshot_id)
        assert snapshot is not None
        assert snapshot.is_intact
        (answer,) = await services.incidents.all_hypotheses(GLOBEX, incident.incident_id)
        assert answer.id == incident.latest_hypotheses_id


async def test_the_answers_name_the_ill_service_and_its_deploy(services: Services) -> None:
    found = await listed(services)
    (answer,) = await services.incidents.all_hypotheses(GLOBEX, found["payments"].id)
    first = answer.hypotheses[0]
    assert (first.suspected_service, first.suspected_change is not None) == ("payments", True)
    (unmeasured,) = await services.incidents.all_hypotheses(GLOBEX, found["shipping"].id)
    assert (unmeasured.conclusion, unmeasured.hypotheses) == (Conclusion.NOT_MEASURED, ())


async def test_times_are_in_order_and_in_the_past(services: Services) -> None:
    for summary in (await listed(services)).values():
        timeline = await services.incidents.timeline(GLOBEX, summary.id)
        times = [one.at for one in timeline]
        assert times == sorted(times)
        assert times[-1] <= NOON
        assert [one.incident_version for one in timeline] == sorted(one.incident_version for one in timeline)


async def test_seeding_again_later_changes_nothing(services: Services) -> None:
    before = await listed(services)
    later = NOON + timedelta(days=3)
    assert await write_incidents(GLOBEX, ENGINEER, services, now=later) == 0
    await write_runbooks(GLOBEX, ENGINEER, services, now=later)
    await write_policies(GLOBEX, ENGINEER, services, now=later)
    assert await listed(services) == before
    page = await services.records.page(GLOBEX, Runbook, limit=50)
    assert [held.value.updated_at for held in page.items] == [NOON] * 3
    policies = await services.records.read(GLOBEX, Policies, Policies.id_for())
    assert policies is not None
    assert len(policies.value.policies) == 1
    deploys = await services.changes.between(GLOBEX, NOON - timedelta(days=9), later)
    assert len(deploys) == sum(1 for story in STORIES if story.deploy)
