"""A tenant for each case: what an earlier case left behind (incidents, names, topology) is not this one's past."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dev.entra.tokens import entra_object_guid, entra_tenant_guid
from dev.seed import EMAIL, secret_in
from shared.bootstrap import Process
from shared.models.base import IntegrationId, TenantId, document_id
from shared.models.tenants import Inbound, Integration, IntegrationType, PlanType, Role, Scheme, User
from shared.pipeline.onboarding import Newcomer, onboard, set_plan
from shared.pipeline.settling import settle
from shared.signals.inbound import credential_of, secret_kept

MAX_SERVICES, QUOTA = 20, 6000
"""The shop has six; alerts a minute, far beyond what it pages."""


@dataclass(frozen=True)
class CaseTenant:
    """Where a case's Alertmanager posts to, and who reads what came of it."""

    slug: str
    integration_id: str
    token_file: Path


async def a_tenant(process: Process, slug: str, *, prometheus_url: str, secrets_folder: Path) -> CaseTenant:
    """Onboard a tenant with this Prometheus, an Alertmanager that may post, and an engineer."""
    now, services = datetime.now(UTC), process.services
    newcomer = Newcomer("Matrix shop", slug, entra_tenant_guid(slug), PlanType.PROFESSIONAL)
    tenant_id = TenantId((await onboard(newcomer, "op-matrix", services, now=now)).id)
    await set_plan(tenant_id, {"max_services": MAX_SERVICES}, "op-matrix", services, now=now)
    email = EMAIL.format(role="engineer", slug=slug)
    engineer = User(
        id=User.id_of(entra_object_guid(email)),
        tenant_id=tenant_id,
        email=email,
        entra_object_id=entra_object_guid(email),
        full_name="Engineer of the matrix",
        role=Role.ENGINEER,
        created_at=now,
    )
    await services.records.create(tenant_id, engineer)
    await _connect_prometheus(process, tenant_id, slug, prometheus_url, now=now)
    return CaseTenant(slug, *await _connect_alertmanager(process, tenant_id, slug, secrets_folder, now=now))


async def _connect_prometheus(process: Process, tenant_id: TenantId, slug: str, url: str, *, now: datetime) -> None:
    made = _integration(tenant_id, slug, IntegrationType.PROMETHEUS, now=now)
    sealed = await process.secret_box.seal(tenant_id, IntegrationId(made.id), json.dumps({"url": url}))
    await process.services.directory.put(tenant_id, made.model_copy(update={"config": sealed}))
    await settle(tenant_id, IntegrationId(made.id), process.services, now=now)


async def _connect_alertmanager(
    process: Process, tenant_id: TenantId, slug: str, folder: Path, *, now: datetime
) -> tuple[str, Path]:
    schemes, token_file = (Scheme.BEARER,), folder / f"{slug}.token"
    secret = secret_in(token_file)
    kept = secret_kept(document_id("sec", slug, "alertmanager"), secret, None, schemes, now=now)
    plain = _integration(tenant_id, slug, IntegrationType.ALERTMANAGER, now=now)
    made = plain.model_copy(update={"inbound": Inbound(schemes=schemes, secrets=(kept,))})
    await process.services.directory.put(tenant_id, made)
    await process.services.lookups.put_inbound(credential_of(made, alerts_per_minute=QUOTA))
    return made.id, token_file


def _integration(tenant_id: TenantId, slug: str, kind: IntegrationType, *, now: datetime) -> Integration:
    return Integration(
        id=document_id("int", slug, kind.value),
        tenant_id=tenant_id,
        integration_type=kind,
        name=f"Matrix {kind.value}",
        created_at=now,
    )
