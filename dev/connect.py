"""Give the local stack's Alertmanager integration its API, so that the product asks it what is firing."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from dev.seed import TENANT
from shared.bootstrap import build
from shared.models.base import IntegrationId
from shared.settings import Settings
from shared.signals.reconcile import schedule_reconcile

RECEIVER = "sre-copilot"
"""As `dev.prometheus.render` names it."""


async def connect_alertmanager(environment: Mapping[str, str], integration_id: str, *, url: str) -> None:
    """Let an integration of acme be reconciled with the Alertmanager at this URL; it must have been seeded."""
    process = build(Settings.from_environment(environment))
    directory, schedule, subject = (
        process.services.directory,
        process.services.schedule,
        IntegrationId(integration_id),
    )
    try:
        seeded = await directory.integration(TENANT, subject)
        if seeded is None:
            raise LookupError(f"integration {integration_id} was not seeded")
        config = json.dumps({"url": url, "receiver": RECEIVER})
        sealed = await process.secret_box.seal(TENANT, subject, config)
        await directory.put(TENANT, seeded.model_copy(update={"config": sealed}))
        await schedule.put(TENANT, schedule_reconcile(TENANT, subject, now=datetime.now(UTC)))
    finally:
        await process.aclose()
