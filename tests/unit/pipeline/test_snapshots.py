"""Whole snapshots: what is too large for a document lies in a blob, and is read back as it was hashed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.adapters.memory.services import services_in_memory
from shared.context.limit import INLINE_BYTES
from shared.errors import BlobUnavailable
from shared.messages import BuildContext
from shared.models.base import ReceiptId, SnapshotId, TenantId
from shared.models.evidence import EdgeEvidence, SeriesEvidence
from shared.models.measures import Metric, Movement, Relation
from shared.models.snapshots import Section, SectionName, SectionStatus, Snapshot, digest
from shared.pipeline.context import build_context
from shared.pipeline.snapshots import checked_in, whole_snapshot
from shared.ports.services import Services
from shared.ports.stores import IncidentChange
from tests.builders import ACME, NOON, a_snapshot, an_incident

STEADY = Movement(baseline_median=0.0, baseline_spread=0.1, baseline_samples=20, current=0.0)


def with_points(count: int, **changes: object) -> Snapshot:
    points = tuple((1_764_000_000.0 + at, at / 7) for at in range(count))
    piece = SeriesEvidence(
        id="E1", service="payment", relation=Relation.SELF, metric=Metric.ERROR_RATIO, points=points, movement=STEADY
    )
    plain = a_snapshot(**changes)
    section = Section(name=SectionName.TRAFFIC, status=SectionStatus.OK, evidence=(piece,))
    body = plain.body.model_copy(update={"sections": (section,)})
    return plain.model_copy(update={"body": body, "sha256": digest(body)})


async def kept(snapshot: Snapshot, services: Services) -> Snapshot:
    incident = an_incident(incident_id=snapshot.incident_id)
    document = await checked_in(ACME, snapshot, services)
    await services.incidents.commit(ACME, IncidentChange(incident=incident, etag=None, snapshots=[document]))
    return document


async def read(snapshot: Snapshot, services: Services) -> Snapshot:
    found = await whole_snapshot(ACME, snapshot.incident_id, SnapshotId(snapshot.id), services)
    assert found is not None
    return found


async def test_a_small_snapshot_is_its_document() -> None:
    services, small = services_in_memory(), with_points(10)
    assert await kept(small, services) == small
    assert await read(small, services) == small


async def test_a_large_snapshot_keeps_its_points_outside_the_document_and_reads_back_intact() -> None:
    services, large = services_in_memory(), with_points(20_000)
    assert len(large.body.canonical_json()) > INLINE_BYTES
    document = await kept(large, services)
    assert len(document.model_dump_json()) < INLINE_BYTES // 10
    assert [one.id for one in document.body.evidence()] == ["E1"]
    found = await read(large, services)
    assert found.body == large.body
    assert found.is_intact


async def test_two_builds_of_one_snapshot_do_not_replace_each_others_body() -> None:
    services = services_in_memory()
    first, second = with_points(20_000), with_points(20_001)
    await kept(first, services)
    await checked_in(ACME, second, services)
    assert (await read(first, services)).is_intact


async def test_a_body_that_is_gone_leaves_what_the_document_says_and_is_not_called_intact() -> None:
    services, large = services_in_memory(), with_points(20_000)
    document = await checked_in(ACME, large, services_in_memory())
    incident = an_incident(incident_id=large.incident_id)
    await services.incidents.commit(ACME, IncidentChange(incident=incident, etag=None, snapshots=[document]))
    found = await read(large, services)
    assert [one.id for one in found.body.evidence()] == ["E1"]
    assert not found.is_intact


async def test_a_document_stays_below_what_the_store_takes_however_long_its_texts_are() -> None:
    services, plain = services_in_memory(), a_snapshot()
    edges = tuple(
        EdgeEvidence(
            id=f"E{n}", caller="payment", callee=f"svc-{n}", calls_per_second=1, failed_ratio=None, query="é" * 4000
        )
        for n in range(300)
    )
    section = Section(name=SectionName.TOPOLOGY, status=SectionStatus.OK, evidence=edges)
    body = plain.body.model_copy(update={"sections": (section,)})
    large = plain.model_copy(update={"body": body, "sha256": digest(body)})
    document = await kept(large, services)
    assert len(document.model_dump_json().encode()) < 1_100_000
    assert any("left out" in one for section in document.body.sections for one in section.warnings)
    assert (await read(large, services)).is_intact


class OutOfReach:
    """Bodies that cannot be read now; `asked` counts the tries."""

    asked = 0

    async def put(self, tenant_id: TenantId, owner_id: str, body: bytes) -> str:
        del body
        return f"{tenant_id}/{owner_id}"

    async def get(self, tenant_id: TenantId, pointer: str) -> bytes:
        del tenant_id, pointer
        self.asked += 1
        raise BlobUnavailable("down")


@pytest.mark.parametrize(("minutes", "asked"), [(2, 1), (10, 0)])
async def test_an_earlier_body_out_of_reach_holds_up_no_new_look_and_an_old_one_is_not_asked_for(
    minutes: int, asked: int
) -> None:
    bodies = OutOfReach()
    services = replace(services_in_memory(), snapshot_bodies=bodies)
    earlier = with_points(20_000, taken_at=NOON)
    incident = an_incident(incident_id=earlier.incident_id, latest_snapshot_id=earlier.id)
    document = await checked_in(ACME, earlier, services)
    await services.incidents.commit(ACME, IncidentChange(incident=incident, etag=None, snapshots=[document]))
    message = BuildContext(
        tenant_id=ACME,
        receipt_id=ReceiptId("rcp-1"),
        correlation_id="rcp-1",
        incident_id=incident.incident_id,
        trigger="joined-2",
    )
    await build_context(message, services, now=NOON + timedelta(minutes=minutes))
    lines = await services.incidents.snapshot_lines(ACME, incident.incident_id)
    assert (len(lines), bodies.asked) == (2, asked)
