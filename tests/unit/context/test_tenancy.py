"""Another tenant's incident, looked at where this tenant has everything: nothing of it is seen."""

from datetime import timedelta

from shared.context.snapshot import collect
from shared.models.base import SnapshotId
from shared.models.evidence import Origin
from shared.models.incidents import IncidentState, IncidentSummary
from shared.models.objectives import Objective, Objectives
from shared.models.snapshots import SectionName, Snapshot
from shared.models.topology import Call, KnownTopology
from shared.ports.services import Services
from tests.builders import ACME, GLOBEX, NOON, a_signal, an_incident
from tests.unit.context.changes import a_report
from tests.unit.context.fake_source import FakeSource
from tests.unit.context.test_planted import connected
from tests.unit.context.test_runbook_ranking import a_runbook

OURS = "only-acme-knows"


async def all_of_acme() -> Services:
    """Everything that a tenant can have, of one tenant, about services that the other one has, too."""
    services = connected(OURS)
    await services.records.create(ACME, a_runbook(1, services=["payment"], title=OURS))
    objectives = (Objective(service="payment", name=OURS, objective=0.999),)
    await services.records.create(
        ACME, Objectives(id=Objectives.id_for(), tenant_id=ACME, created_at=NOON, objectives=objectives)
    )
    await services.changes.record(ACME, a_report(title=OURS))
    call = Call(
        caller="payment", callee=OURS, seen_at=NOON, first_seen_at=NOON, told_by=("istio",), calls_per_second=3
    )
    known = KnownTopology(id=KnownTopology.id_for(), tenant_id=ACME, calls=(call,), updated_at=NOON)
    await services.surroundings.keep(ACME, known, None)
    for name, state in (("inc-open", IncidentState.DETECTED), ("inc-over", IncidentState.RESOLVED)):
        past = an_incident(incident_id=name, title=OURS, state=state, detected_at=NOON - timedelta(minutes=9))
        await services.incident_list.put(ACME, IncidentSummary.of(past))
    return services


async def looked_at(tenant_id: str) -> Snapshot:
    incident, signal = an_incident(tenant_id=tenant_id), a_signal(tenant_id=tenant_id)
    return await collect(
        incident, [signal], await all_of_acme(), FakeSource(), snapshot_id=SnapshotId("snap-1"),
        now=NOON + timedelta(minutes=2), deadline_seconds=5,
    )  # fmt: skip


async def test_everything_of_the_tenant_is_in_its_own_snapshot() -> None:
    snapshot = await looked_at(ACME)
    telling = {section.name for section in snapshot.body.sections if OURS in section.model_dump_json()}
    assert telling >= {SectionName.TOPOLOGY, SectionName.CHANGES, SectionName.RELATED, SectionName.RUNBOOKS}
    assert SectionName.SIMILAR in telling


async def test_nothing_of_it_is_in_another_tenants() -> None:
    snapshot = await looked_at(GLOBEX)
    assert OURS not in snapshot.model_dump_json()
    assert {one.origin for one in snapshot.body.evidence()} == {Origin.RECORDS}
