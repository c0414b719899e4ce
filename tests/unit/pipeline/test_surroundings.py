"""What correlation is told beside the alerts: the calls that snapshots teach it, for a while, and the changes."""

from datetime import datetime, timedelta

from shared.adapters.memory import services_in_memory
from shared.context.edges.kept import STILL_FRESH
from shared.incidents.correlation.features import CHANGE_BEFORE
from shared.models.changes import Change, ChangeKind, ChangeStatus, ReportedChange
from shared.models.evidence import EdgeEvidence
from shared.models.snapshots import Section, SectionName, SectionStatus, Snapshot
from shared.models.topology import TOPOLOGY_TTL_SECONDS
from shared.pipeline.surroundings import remember_topology, surroundings_of
from shared.ports.services import Services
from tests.builders import ACME, NOON, a_snapshot
from tests.unit.incidents.placing import a_node, placed

BELIEVED = timedelta(seconds=TOPOLOGY_TTL_SECONDS)


def that_saw(*calls: tuple[str, str]) -> Snapshot:
    edges = tuple(
        EdgeEvidence(caller=caller, callee=callee, calls_per_second=1, failed_ratio=None) for caller, callee in calls
    )
    plain = a_snapshot()
    section = Section(name=SectionName.TOPOLOGY, status=SectionStatus.OK, evidence=edges)
    return plain.model_copy(update={"body": plain.body.model_copy(update={"sections": (section,)})})


async def known(services: Services) -> set[tuple[str, str]]:
    held = await services.surroundings.topology(ACME)
    return {(call.caller, call.callee) for call in held.value.calls} if held else set()


async def saw(services: Services, *calls: tuple[str, str], at: datetime) -> bool:
    return await remember_topology(ACME, that_saw(*calls), services, now=at)


async def test_calls_are_remembered_and_news_once() -> None:
    services = services_in_memory()
    assert await saw(services, ("shop", "payment"), at=NOON)
    assert not await saw(services, ("shop", "payment"), at=NOON + STILL_FRESH)
    assert await saw(services, ("shop", "search"), at=NOON + STILL_FRESH)
    assert await known(services) == {("shop", "payment"), ("shop", "search")}


async def test_a_call_that_nobody_sees_any_more_is_forgotten_though_others_are_seen() -> None:
    services = services_in_memory()
    await saw(services, ("shop", "payment"), ("shop", "search"), at=NOON)
    await saw(services, ("shop", "search"), at=NOON + BELIEVED / 2)
    assert await known(services) == {("shop", "payment"), ("shop", "search")}
    await saw(services, ("shop", "search"), at=NOON + BELIEVED)
    assert await known(services) == {("shop", "search")}


async def test_a_forgotten_call_that_is_seen_again_is_news() -> None:
    services = services_in_memory()
    await saw(services, ("shop", "payment"), at=NOON)
    assert await saw(services, ("shop", "payment"), at=NOON + BELIEVED)


def a_deploy(at: datetime) -> Change:
    reported = ReportedChange(
        source="github",
        external_id=at.isoformat(),
        kind=ChangeKind.DEPLOY,
        status=ChangeStatus.SUCCEEDED,
        service_name="payment",
        title="deployed",
        at=at,
        said_at=at,
    )
    return Change(
        id=reported.change_id,
        tenant_id=ACME,
        service_name=reported.service_name,
        at=at,
        reported=reported,
        receipt_id="rcp-change",
        created_at=at,
    )


async def told_of_a_deploy(at: datetime, *, starts: tuple[datetime, ...] = (NOON,)) -> bool:
    services = services_in_memory()
    await services.changes.record(ACME, a_deploy(at))
    payment = a_node("payment", starts=starts, last_started_at=starts[-1])
    around = await surroundings_of(ACME, [placed(payment)], services)
    return around.changes is not None


async def test_correlation_is_told_of_every_change_that_may_speak_for_a_cause() -> None:
    assert await told_of_a_deploy(NOON - CHANGE_BEFORE)
    assert not await told_of_a_deploy(NOON - CHANGE_BEFORE - timedelta(seconds=1))
    assert not await told_of_a_deploy(NOON + timedelta(seconds=1))


async def test_correlation_is_told_of_a_change_before_a_service_fell_ill_once_more() -> None:
    again = NOON + timedelta(hours=1)
    assert await told_of_a_deploy(again - timedelta(minutes=5), starts=(NOON, again))


async def test_a_call_that_grew_old_while_nobody_looked_is_not_told_of() -> None:
    services = services_in_memory()
    await saw(services, ("shop", "payment"), at=NOON)
    for age, told in ((BELIEVED - STILL_FRESH, {"shop": frozenset({"payment"})}), (BELIEVED, {})):
        payment = a_node("payment", starts=(NOON + age,), last_started_at=NOON + age)
        assert (await surroundings_of(ACME, [placed(payment)], services)).calls == told
