"""What every LabelStore promises."""

import uuid
from datetime import timedelta

import pytest

from shared.adapters.cosmos.labels import CosmosLabels
from shared.adapters.memory.labels import MemoryLabels
from shared.errors import StoreRejected
from shared.models.base import TenantId
from shared.models.feedback import Label
from shared.ports.labels import LabelStore
from tests.builders import NOON, a_calibration, a_label
from tests.contract.conftest import BACKENDS

ONE_DAY = timedelta(days=1)


@pytest.fixture(params=BACKENDS)
def labels(request: pytest.FixtureRequest) -> LabelStore:
    if request.param == "memory":
        return MemoryLabels()
    return CosmosLabels(request.getfixturevalue("database"))


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(f"ten-{uuid.uuid4().hex[:12]}")


def numbered(tenant: TenantId, number: int) -> Label:
    return a_label(id=f"label-{number}", tenant_id=tenant, labelled_at=NOON + number * ONE_DAY)


async def test_labels_are_read_back_the_newest_first_from_a_time_on(labels: LabelStore, tenant: TenantId) -> None:
    for number in (0, 2, 1):
        await labels.keep(tenant, numbered(tenant, number))
    assert await labels.since(tenant, NOON + ONE_DAY) == [numbered(tenant, 2), numbered(tenant, 1)]
    assert await labels.since(tenant, NOON, limit=1) == [numbered(tenant, 2)]
    assert await labels.since(tenant, NOON + 3 * ONE_DAY) == []


async def test_the_later_verdict_on_a_hypothesis_replaces_the_earlier(labels: LabelStore, tenant: TenantId) -> None:
    first = a_label(tenant_id=tenant, was_right=True)
    changed = first.model_copy(update={"was_right": False, "labelled_at": NOON + ONE_DAY})
    await labels.keep(tenant, first)
    await labels.keep(tenant, changed)
    assert await labels.since(tenant, NOON) == [changed]


async def test_a_label_that_was_taken_back_is_forgotten_and_a_calibration_is_not(
    labels: LabelStore, tenant: TenantId
) -> None:
    for number in (0, 1):
        await labels.keep(tenant, numbered(tenant, number))
    await labels.keep_calibration(tenant, a_calibration(tenant_id=tenant))
    for label_id in ("label-0", "label-0", "label-9", a_calibration().id):
        await labels.forget(tenant, label_id)
    assert await labels.since(tenant, NOON) == [numbered(tenant, 1)]
    assert await labels.calibration(tenant) == a_calibration(tenant_id=tenant)


async def test_a_calibration_is_no_label_and_the_later_one_stays(labels: LabelStore, tenant: TenantId) -> None:
    assert await labels.calibration(tenant) is None
    await labels.keep_calibration(tenant, a_calibration(tenant_id=tenant, slope=0.7))
    await labels.keep_calibration(tenant, a_calibration(tenant_id=tenant, slope=0.8))
    assert await labels.calibration(tenant) == a_calibration(tenant_id=tenant, slope=0.8)
    assert await labels.since(tenant, NOON - ONE_DAY) == []


async def test_another_tenants_labels_are_not_seen_or_written(labels: LabelStore, tenant: TenantId) -> None:
    await labels.keep(tenant, a_label(tenant_id=tenant))
    await labels.keep_calibration(tenant, a_calibration(tenant_id=tenant))
    other = TenantId(f"{tenant}-other")
    assert await labels.since(other, NOON - ONE_DAY) == []
    assert await labels.calibration(other) is None
    with pytest.raises(StoreRejected):
        await labels.keep(other, a_label(tenant_id=tenant))
    with pytest.raises(StoreRejected):
        await labels.keep_calibration(other, a_calibration(tenant_id=tenant))
