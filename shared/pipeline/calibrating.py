"""The calibration that is in force for a tenant, and fitting it anew to what its people said."""

import asyncio
from datetime import datetime, timedelta

from shared.hypotheses.calibration import own_curve, shipped
from shared.messages import Check
from shared.models.base import TenantId
from shared.models.calibration import Curve, TenantCalibration
from shared.models.feedback import LABEL_TTL_SECONDS
from shared.models.schedule import DueWork, WorkKind
from shared.ports.services import Services
from shared.ports.stores import Versioned
from shared.telemetry import logger

log = logger(__name__)

LABELS = "labels"
LOOK_AFTER = timedelta(hours=1)
"""How soon after its first label a tenant's are looked at; from then on once a day."""
KEPT_FOR = timedelta(seconds=LABEL_TTL_SECONDS)


async def curve_in_force(tenant_id: TenantId, services: Services) -> Curve:
    """The tenant's own curve, or the shipped one while it has none."""
    held = await services.labels.calibration(tenant_id)
    return held.curve if held else shipped()


async def calibrate_later(tenant_id: TenantId, services: Services, *, now: datetime) -> None:
    """See that the tenant's curve follows what its people said; asked for before a label is kept, so none is missed.

    Asked again it changes nothing: a tenant's labels are one work, which stays due once a day.
    """
    work = DueWork.of(tenant_id, WorkKind.RECALIBRATE, LABELS, due_at=now + LOOK_AFTER, now=now)
    await services.schedule.put(tenant_id, work)


async def recalibrate(message: Check, held: Versioned[DueWork], services: Services, *, now: datetime) -> None:
    """Fit the tenant's curve to its labels of a year, once there are enough; without any, the work is done."""
    tenant_id = message.tenant_id
    labels = await services.labels.since(tenant_id, now - KEPT_FOR)
    if not labels:
        if held.value.created_at < now - LOOK_AFTER:
            await services.schedule.done(tenant_id, held)
        return
    # Beside the loop: the library that fits takes most of a second to load.
    version = labels[0].ranker_version
    curve = await asyncio.to_thread(own_curve, labels, ranker_version=version, now=now)
    if curve is None:
        return
    before = await services.labels.calibration(tenant_id)
    if before is not None and before.curve.version == curve.version:
        return
    kept = TenantCalibration(id=TenantCalibration.id_for(), tenant_id=tenant_id, curve=curve)
    await services.labels.keep_calibration(tenant_id, kept)
    log.info("calibration_fitted", extra={"labels": curve.n, "version": curve.version})
