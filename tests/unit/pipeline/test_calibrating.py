"""Calibrating: labels make work, work makes a curve once there are enough, and no tenant's labels shape another's."""

from datetime import datetime, timedelta

from shared.adapters.memory import services_in_memory
from shared.hypotheses.calibration import shipped
from shared.incidents.looking import snapshot_id_for
from shared.messages import BuildContext, Hypothesise
from shared.models.base import ReceiptId, TenantId
from shared.models.calibration import LABELS_FOR_OWN, Origin
from shared.models.feedback import Label
from shared.models.schedule import SHARDS, DueWork
from shared.pipeline.calibrating import LOOK_AFTER, calibrate_later, curve_in_force
from shared.pipeline.context import build_context
from shared.pipeline.due import check, check_of
from shared.pipeline.hypothesise import hypothesise
from shared.ports.services import Services
from shared.ports.stores import IncidentChange, Versioned
from tests.builders import ACME, GLOBEX, NOON, a_calibration, a_label, an_incident

LATER = NOON + LOOK_AFTER
ONE_DAY = timedelta(days=1)


def labels(number: int, tenant: TenantId = ACME) -> list[Label]:
    """Confidence that was too high: a third of them were right."""
    return [
        a_label(id=f"label-{at}", tenant_id=tenant, raw_confidence=0.5 + (at % 9) / 20, was_right=at % 3 == 0)
        for at in range(number)
    ]


async def keep_labels(tenant: TenantId, given: list[Label], services: Services, *, now: datetime) -> None:
    await calibrate_later(tenant, services, now=now)
    for label in given:
        await services.labels.keep(tenant, label)


async def works(services: Services, now: datetime) -> list[Versioned[DueWork]]:
    return [one for shard in SHARDS for one in await services.schedule.due(shard, now, limit=9)]


async def looked_at(services: Services, *, now: datetime) -> None:
    """Whatever is due is done."""
    for held in await works(services, now):
        await services.schedule.replace(held.value.tenant_id, held.value.due_again(now=now), held.etag)
        await check(check_of(held.value), services, now=now)


async def test_until_a_tenant_has_enough_labels_the_shipped_curve_is_in_force() -> None:
    services = services_in_memory()
    await keep_labels(ACME, labels(LABELS_FOR_OWN - 1), services, now=NOON)
    await looked_at(services, now=LATER)
    assert await curve_in_force(ACME, services) == shipped()


async def test_with_enough_labels_its_own_curve_is_fitted_and_no_other_tenants() -> None:
    services = services_in_memory()
    await keep_labels(ACME, labels(LABELS_FOR_OWN), services, now=NOON)
    await keep_labels(GLOBEX, labels(3, GLOBEX), services, now=NOON)
    await looked_at(services, now=LATER)
    curve = await curve_in_force(ACME, services)
    assert (curve.origin, curve.n, curve.fitted_at) == (Origin.TENANT, LABELS_FOR_OWN, LATER)
    assert await curve_in_force(GLOBEX, services) == shipped()


async def test_it_is_fitted_at_most_once_a_day_and_only_to_something_new() -> None:
    services = services_in_memory()
    await keep_labels(ACME, labels(LABELS_FOR_OWN), services, now=NOON)
    await looked_at(services, now=LATER)
    await keep_labels(ACME, labels(LABELS_FOR_OWN + 5), services, now=LATER)
    assert await works(services, LATER + ONE_DAY - timedelta(seconds=1)) == []
    await looked_at(services, now=LATER + ONE_DAY)
    newer = await curve_in_force(ACME, services)
    assert (newer.n, newer.fitted_at) == (LABELS_FOR_OWN + 5, LATER + ONE_DAY)
    await looked_at(services, now=LATER + 2 * ONE_DAY)
    assert await curve_in_force(ACME, services) == newer


async def test_labels_older_than_a_year_count_no_more_and_without_any_the_work_is_done() -> None:
    services = services_in_memory()
    await keep_labels(ACME, labels(LABELS_FOR_OWN), services, now=NOON)
    await looked_at(services, now=NOON + 366 * ONE_DAY)
    assert await curve_in_force(ACME, services) == shipped()
    assert await works(services, NOON + 1000 * ONE_DAY) == []


async def test_both_answers_to_an_incident_are_given_by_the_tenants_own_curve() -> None:
    services = services_in_memory()
    await services.labels.keep_calibration(ACME, a_calibration(version="own"))
    incident = an_incident(context_trigger="t-1")
    await services.incidents.commit(ACME, IncidentChange(incident=incident, etag=None))
    about = {"tenant_id": ACME, "incident_id": incident.incident_id, "receipt_id": ReceiptId("rcp-1")}
    await build_context(BuildContext(**about, correlation_id="c", trigger="t-1"), services, now=NOON)
    snapshot_id = snapshot_id_for(incident.incident_id, "t-1")
    await hypothesise(Hypothesise(**about, correlation_id="c", snapshot_id=snapshot_id), services, now=NOON)
    answers = await services.incidents.all_hypotheses(ACME, incident.incident_id)
    assert [one.calibration for one in answers] == ["own", "own"]
