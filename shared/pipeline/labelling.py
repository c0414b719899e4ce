"""Keep the labels of an incident as what was said of it wants them; done again, it changes nothing."""

import asyncio
from datetime import datetime

from shared.incidents.labelling import labels_of, unlabelled
from shared.models.base import IncidentId, TenantId
from shared.pipeline.calibrating import calibrate_later
from shared.ports.services import Services


async def keep_labels(tenant_id: TenantId, incident_id: IncidentId, services: Services, *, now: datetime) -> None:
    """Keep every label that follows, and forget those that follow no more; raises StoreUnavailable."""
    answers, resolution, feedback = await asyncio.gather(
        services.incidents.all_hypotheses(tenant_id, incident_id),
        services.incidents.resolution(tenant_id, incident_id),
        services.incidents.feedback(tenant_id, incident_id),
    )
    labels = labels_of(answers, resolution.value if resolution else None, [held.value for held in feedback])
    if labels:
        # First, so that no label is kept that nobody will ever look at.
        await calibrate_later(tenant_id, services, now=now)
    for label in labels:
        await services.labels.keep(tenant_id, label)
    if resolution is None:
        # A verdict is replaced by another one, never taken back: only a named cause is.
        return
    for label_id in unlabelled(answers, labels):
        await services.labels.forget(tenant_id, label_id)
