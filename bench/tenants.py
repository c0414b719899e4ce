"""Tenants of the bench, made through the product's own stores: each with one Alertmanager integration."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.bootstrap import Process, build
from shared.models.base import IntegrationId, TenantId, document_id
from shared.models.tenants import InboundCredential, Integration, IntegrationType, PlanType, Tenant
from shared.settings import Settings
from shared.signals.credentials import hash_token

NO_QUOTA = 100_000_000
"""Alerts a minute for a tenant that is never held back."""


@dataclass(frozen=True)
class BenchTenant:
    """Where a tenant's alerts are posted, and with which token."""

    tenant_id: TenantId
    path: str
    token: str = field(repr=False)


async def seed_tenant(
    environment: Mapping[str, str],
    slug: str,
    *,
    alerts_per_minute: int = NO_QUOTA,
    prometheus_url: str | None = None,
) -> BenchTenant:
    """Create a tenant that covers every service the bench sends, with a Prometheus where one is given."""
    now, token = datetime.now(UTC), secrets.token_urlsafe(32)
    tenant_id = TenantId(document_id("ten", slug))
    tenant = Tenant(
        id=tenant_id,
        tenant_id=tenant_id,
        name=slug,
        slug=slug,
        plan_type=PlanType.ENTERPRISE,
        max_services=10_000,
        alerts_per_minute=alerts_per_minute,
        created_at=now,
        updated_at=now,
    )
    integration = Integration(
        id=document_id("int", slug, "alertmanager"),
        tenant_id=tenant_id,
        integration_type=IntegrationType.ALERTMANAGER,
        name=f"Alertmanager of {slug}",
        created_at=now,
    )
    credential = InboundCredential(
        id=f"integration:{integration.id}",
        tenant_id=tenant_id,
        integration_id=integration.id,
        integration_type=IntegrationType.ALERTMANAGER,
        token_hashes=(hash_token(token),),
        alerts_per_minute=alerts_per_minute,
    )
    process = build(Settings.from_environment(environment))
    try:
        await process.services.directory.put(tenant_id, tenant)
        await process.services.directory.put(tenant_id, integration)
        await process.services.lookups.put_inbound(credential)
        if prometheus_url:
            await _connect(process, tenant_id, slug, prometheus_url, now=now)
    finally:
        await process.aclose()
    return BenchTenant(tenant_id, f"/api/webhooks/alertmanager/{integration.id}", token)


async def _connect(process: Process, tenant_id: TenantId, slug: str, url: str, *, now: datetime) -> None:
    prometheus = Integration(
        id=document_id("int", slug, "prometheus"),
        tenant_id=tenant_id,
        integration_type=IntegrationType.PROMETHEUS,
        name=f"Prometheus of {slug}",
        created_at=now,
    )
    subject = IntegrationId(prometheus.id)
    config = await process.secret_box.seal(tenant_id, subject, json.dumps({"url": url}))
    await process.services.directory.put(tenant_id, prometheus.model_copy(update={"config": config}))
