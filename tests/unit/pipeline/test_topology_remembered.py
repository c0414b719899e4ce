"""From one snapshot to the next: what was measured is there when nobody can be asked, and for correlation."""

from datetime import datetime, timedelta

from shared.adapters.memory import services_in_memory
from shared.context.snapshot import collect
from shared.errors import SourceUnavailable
from shared.models.base import SnapshotId
from shared.models.evidence import EdgeEvidence
from shared.models.snapshots import SectionName, SectionStatus, Snapshot
from shared.models.topology import DeclaredCall, DeclaredTopology
from shared.pipeline.surroundings import remember_topology, surroundings_of
from shared.ports.metrics import Answer
from shared.ports.services import Services
from tests.builders import ACME, NOON, a_signal, an_incident
from tests.unit.context.fake_source import FakeSource, Rule, samples
from tests.unit.incidents.placing import a_node, placed

TOLD = {"told": "service_graph now"}
GRAPH: list[Rule] = [
    ("graph_request_failed_total", Answer()),
    ("topk(", samples(({**TOLD, "client": "payment", "server": "db"}, 5.0))),
]
DOWN: list[Rule] = [("", SourceUnavailable("down", reason="connect"))]
SOON = NOON + timedelta(minutes=10)


async def looked(services: Services, rules: list[Rule], *, now: datetime) -> tuple[Snapshot, FakeSource]:
    source = FakeSource(rules)
    snapshot = await collect(
        an_incident(), [a_signal()], services, source, snapshot_id=SnapshotId("snap-1"), now=now, deadline_seconds=5
    )
    await remember_topology(ACME, snapshot, services, now=now)
    return snapshot, source


def graph_questions(source: FakeSource) -> int:
    return sum("traces_service_graph_request_total" in one and "told" in one for one in source.asked)


async def test_the_second_look_in_a_quarter_of_an_hour_asks_for_the_rates_alone_and_the_next_one_anew() -> None:
    services = services_in_memory()
    found = [await looked(services, GRAPH, now=at) for at in (NOON, SOON, NOON + timedelta(minutes=15))]
    assert [graph_questions(source) for _, source in found] == [3, 2, 3]
    sections = [snapshot.body.section(SectionName.TOPOLOGY) for snapshot, _ in found]
    assert [(one.status, one.as_of) for one in sections if one] == [
        (SectionStatus.OK, None), (SectionStatus.OK, NOON), (SectionStatus.OK, None),
    ]  # fmt: skip


async def test_an_outage_of_prometheus_shows_the_graph_of_before_with_its_age() -> None:
    services = services_in_memory()
    await looked(services, GRAPH, now=NOON)
    before = await services.surroundings.topology(ACME)
    snapshot, _ = await looked(services, DOWN, now=SOON)
    section = snapshot.body.section(SectionName.TOPOLOGY)
    assert section is not None
    assert (section.status, section.reason, section.as_of) == (SectionStatus.STALE, "connect", NOON)
    (edge,) = (one for one in section.evidence if isinstance(one, EdgeEvidence))
    assert edge.said == "payment called db 5 times a second when that was last seen, at 2026-11-23 12:00:00 UTC."
    assert await services.surroundings.topology(ACME) == before


async def test_correlation_knows_what_is_declared_with_and_without_anything_measured() -> None:
    services = services_in_memory()
    said = (DeclaredCall(caller="payment", callee="bank"),)
    declared = DeclaredTopology.none_yet(ACME, now=NOON).model_copy(update={"calls": said})
    await services.records.create(ACME, declared)
    around = [placed(a_node("payment"))]
    assert (await surroundings_of(ACME, around, services)).calls == {"payment": frozenset({"bank"})}
    await looked(services, GRAPH, now=NOON)
    assert (await surroundings_of(ACME, around, services)).calls == {"payment": frozenset({"bank", "db"})}


async def test_correlation_knows_a_service_whose_alerts_name_its_namespace() -> None:
    services = services_in_memory()
    await looked(services, GRAPH, now=NOON)
    around = [placed(a_node("shop/payment")), placed(a_node("db"))]
    assert (await surroundings_of(ACME, around, services)).calls == {"shop/payment": frozenset({"db"})}
