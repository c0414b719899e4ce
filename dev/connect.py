"""Give the local stack's Alertmanager integration its API, so that the product asks it what is firing."""

from collections.abc import Mapping
from datetime import UTC, datetime

from dev.seed import TENANT
from shared.bootstrap import build
from shared.models.base import IntegrationId
from shared.models.connections import ConnectionConfig
from shared.pipeline.settling import settle
from shared.settings import Settings

RECEIVER = "sre-copilot"
"""As `dev.prometheus.render` names it."""


async def connect_alertmanager(environment: Mapping[str, str], integration_id: str, *, url: str) -> None:
    """Let an integration of acme be reconciled with the Alertmanager at this URL; it must have been seeded."""
    process = build(Settings.from_environment(environment))
    directory, subject = process.services.directory, IntegrationId(integration_id)
    try:
        seeded = await directory.integration(TENANT, subject)
        if seeded is None:
            raise LookupError(f"integration {integration_id} was not seeded")
        config = ConnectionConfig(url=url, receiver=RECEIVER)
        sealed = await process.secret_box.seal(TENANT, subject, config.as_text())
        await directory.put(TENANT, seeded.model_copy(update={"config": sealed}))
        await settle(TENANT, subject, process.services, now=datetime.now(UTC))
    finally:
        await process.aclose()
