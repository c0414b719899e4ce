"""The tenants of the local stack: `acme`, which the shop pages, and `globex`, which has a past to look at."""

import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from dev.entra.tokens import entra_object_guid, entra_tenant_guid
from dev.stack import Layout
from shared.bootstrap import Process, build
from shared.errors import AlreadyExists
from shared.models.base import IntegrationId, TenantId, document_id
from shared.models.tenants import (
    Inbound,
    Integration,
    IntegrationType,
    PlanType,
    Role,
    Scheme,
    Tenant,
    User,
)
from shared.pipeline.onboarding import Newcomer, onboard, set_plan
from shared.pipeline.settling import settle
from shared.settings import Settings
from shared.signals.inbound import credential_of, secret_kept

SLUG = "acme"
TENANT = TenantId(document_id("ten", SLUG))
GLOBEX = TenantId(document_id("ten", "globex"))
EMAIL = "{role}@{slug}.example"
MAX_SERVICES = 50
QUOTA = 60_000
"""Alerts a minute: the local stack is loaded far beyond what one tenant pages."""
INBOUND: Mapping[IntegrationType, Scheme] = {
    IntegrationType.ALERTMANAGER: Scheme.BEARER,
    IntegrationType.GRAFANA: Scheme.GRAFANA_HMAC,
    IntegrationType.GRAFANA_LEGACY: Scheme.BASIC,
    IntegrationType.PAGERDUTY: Scheme.PAGERDUTY,
    IntegrationType.GENERIC: Scheme.BEARER,
    IntegrationType.CHANGES: Scheme.BEARER,
    IntegrationType.GITHUB: Scheme.GITHUB,
}


async def seed_acme(
    environment: Mapping[str, str], layout: Layout, *, prometheus_url: str, prometheus_token: str | None = None
) -> str:
    """Create the tenant where it is missing and return the id of its Alertmanager integration."""
    from shared.adapters.key_file import create_key_file

    if not layout.key_file.exists():
        create_key_file(layout.key_file)
    process = build(Settings.from_environment(environment))
    try:
        config = {"url": prometheus_url, **({"bearer_token": prometheus_token} if prometheus_token else {})}
        return await _seed(process, layout, json.dumps(config), now=datetime.now(UTC))
    finally:
        await process.aclose()


async def _seed(process: Process, layout: Layout, prometheus_config: str, *, now: datetime) -> str:
    directory, lookups = process.services.directory, process.services.lookups
    # Only what is missing: what people have changed since, and its audit entries, stay.
    with suppress(AlreadyExists):
        await process.services.records.create(TENANT, _tenant(now))
    await lookups.put_entra(entra_tenant_guid(SLUG), TENANT)
    await lookups.claim_slug(SLUG, TENANT)
    for role in Role:
        with suppress(AlreadyExists):
            await process.services.records.create(TENANT, _user(TENANT, SLUG, role.value, role, now))
    for kind, scheme in INBOUND.items():
        await _connect(process, kind, scheme, layout, now=now)
    prometheus = _integration(IntegrationType.PROMETHEUS, now)
    sealed = await process.secret_box.seal(TENANT, IntegrationId(prometheus.id), prometheus_config)
    await directory.put(TENANT, prometheus.model_copy(update={"config": sealed}))
    await settle(TENANT, IntegrationId(prometheus.id), process.services, now=now)
    return _id_of(IntegrationType.ALERTMANAGER)


async def _connect(process: Process, kind: IntegrationType, scheme: Scheme, layout: Layout, *, now: datetime) -> None:
    """One inbound integration with a secret of its own, and what its webhook accepts."""
    services, known = process.services, await process.services.directory.integration(TENANT, _id_of(kind))
    secret = secret_in(layout.webhook_secret(kind.value))
    signs = scheme not in {Scheme.BEARER, Scheme.BASIC, Scheme.CODE}
    schemes = (scheme,) if signs else (Scheme.BEARER, Scheme.BASIC, Scheme.CODE)
    sealed = await process.secret_box.seal(TENANT, _id_of(kind), secret) if signs else None
    kept = secret_kept(document_id("sec", SLUG, kind.value), secret, sealed, schemes, now=now)
    inbound = Inbound(schemes=schemes, secrets=(kept,))
    # What people changed since is kept; the secret is that of the file, as the stack's senders use it.
    made = (known or _integration(kind, now)).model_copy(
        update={"inbound": inbound, "is_active": True, "deleted_at": None}
    )
    await services.directory.put(TENANT, made)
    await services.lookups.put_inbound(credential_of(made, alerts_per_minute=QUOTA))


def _tenant(now: datetime) -> Tenant:
    return Tenant(
        id=TENANT,
        tenant_id=TENANT,
        name="Acme Shop",
        slug=SLUG,
        plan_type=PlanType.PROFESSIONAL,
        max_services=MAX_SERVICES,
        alerts_per_minute=QUOTA,
        entra_tenant_id=entra_tenant_guid(SLUG),
        created_at=now,
        updated_at=now,
    )


async def seed_globex(environment: Mapping[str, str], *, now: datetime) -> int:
    """Create what is missing of a second tenant with a believable past; how many of its incidents are new."""
    from dev.believable import write_incidents, write_policies, write_runbooks

    process = build(Settings.from_environment(environment))
    services, slug = process.services, "globex"
    newcomer = Newcomer("Globex Retail", slug, entra_tenant_guid(slug), PlanType.PROFESSIONAL)
    try:
        tenant = await onboard(newcomer, "op-seed", services, now=now)
        if tenant.version == 1:
            await set_plan(GLOBEX, {"max_services": MAX_SERVICES}, "op-seed", services, now=now)
        people = {role.value: role for role in Role} | {"dana.ops": Role.ENGINEER}
        for name, role in people.items():
            with suppress(AlreadyExists):
                await services.records.create(GLOBEX, _user(GLOBEX, slug, name, role, now))
        for kind in (IntegrationType.ALERTMANAGER, IntegrationType.CHANGES):
            with suppress(AlreadyExists):
                await services.records.create(GLOBEX, _unconnected(kind, now))
        engineer, admin = (entra_object_guid(EMAIL.format(role=name, slug=slug)) for name in ("dana.ops", "admin"))
        await write_runbooks(GLOBEX, engineer, services, now=now)
        await write_policies(GLOBEX, admin, services, now=now)
        return await write_incidents(GLOBEX, engineer, services, now=now)
    finally:
        await process.aclose()


def _unconnected(kind: IntegrationType, now: datetime) -> Integration:
    """An integration whose webhook accepts nothing, so that its past stays as it is."""
    return Integration(
        id=document_id("int", "globex", kind.value),
        tenant_id=GLOBEX,
        integration_type=kind,
        name=f"Globex {kind.value}",
        created_at=now,
        is_active=False,
    )


def _user(tenant_id: TenantId, slug: str, name: str, role: Role, now: datetime) -> User:
    email = EMAIL.format(role=name, slug=slug)
    object_id = entra_object_guid(email)
    return User(
        id=User.id_of(object_id),
        tenant_id=tenant_id,
        email=email,
        entra_object_id=object_id,
        full_name=name.replace(".", " ").title() if "." in name else f"{name.title()} of {slug.title()}",
        role=role,
        created_at=now,
    )


def _id_of(kind: IntegrationType) -> IntegrationId:
    return IntegrationId(document_id("int", SLUG, kind.value))


def _integration(kind: IntegrationType, now: datetime) -> Integration:
    return Integration(
        id=_id_of(kind),
        tenant_id=TENANT,
        integration_type=kind,
        name=f"Acme {kind.value}",
        created_at=now,
    )


def secret_in(path: Path) -> str:
    """The webhook's token, made once and readable by its owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32))
    return path.read_text().strip()
