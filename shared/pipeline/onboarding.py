"""What the people who run an installation do to tenants: take them on, set their plan, pause them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.access.operators import Operator
from shared.errors import NotAllowed
from shared.models.audit import AuditAction, Facts
from shared.models.base import TenantId, document_id
from shared.models.tenants import Integration, PlanType, Role, Tenant, User
from shared.pipeline.editing import Edit, create_record, edit_record, every, next_version
from shared.ports.services import Services


@dataclass(frozen=True)
class Newcomer:
    """Who is taken on."""

    name: str
    slug: str
    entra_tenant_id: str
    plan: PlanType

    @property
    def tenant_id(self) -> TenantId:
        """The slug makes the id, so that running the command again means the same tenant."""
        return TenantId(document_id("ten", self.slug))


async def onboard(newcomer: Newcomer, run_id: str, services: Services, *, now: datetime) -> Tenant:
    """Make a tenant that people of its directory can sign in to; again, it only completes what is missing.

    Raises NotAllowed when the slug or the directory is another tenant's. The directory is tied last: until then
    nobody gets in, and a run that stopped leaves nothing that another one cannot complete.
    """
    tenant_id = newcomer.tenant_id
    if await services.lookups.tenant_of_entra(newcomer.entra_tenant_id) not in (None, tenant_id):
        raise NotAllowed("this directory belongs to another tenant", reason="directory_taken")
    if await services.lookups.claim_slug(newcomer.slug, tenant_id) != tenant_id:
        raise NotAllowed("this slug belongs to another tenant", reason="slug_taken")
    tenant = await _made(newcomer, run_id, services, now=now)
    if tenant.entra_tenant_id != newcomer.entra_tenant_id:
        raise NotAllowed("this slug belongs to a tenant with another directory", reason="slug_taken")
    if await services.lookups.claim_entra(newcomer.entra_tenant_id, tenant_id) != tenant_id:
        raise NotAllowed("this directory belongs to another tenant", reason="directory_taken")
    return tenant


async def _made(newcomer: Newcomer, run_id: str, services: Services, *, now: datetime) -> Tenant:
    tenant_id = newcomer.tenant_id
    held = await services.records.read(tenant_id, Tenant, tenant_id)
    if held:
        return held.value
    tenant = Tenant(
        id=tenant_id,
        tenant_id=tenant_id,
        name=newcomer.name,
        slug=newcomer.slug,
        plan_type=newcomer.plan,
        entra_tenant_id=newcomer.entra_tenant_id,
        created_at=now,
        updated_at=now,
    )
    facts = {"name": tenant.name, "slug": tenant.slug, "entra_tenant_id": tenant.entra_tenant_id, **_plan_of(tenant)}
    entry = Operator(tenant_id, run_id).entry("onboard_tenant", AuditAction.CREATE, after=facts, now=now)
    return await create_record(tenant_id, tenant, entry, services)


async def set_plan(
    tenant_id: TenantId, changes: dict[str, Any], run_id: str, services: Services, *, now: datetime
) -> Tenant:
    """Change the plan, and the quota wherever a webhook keeps a copy of it; again, it completes what is missing."""
    tenant = await _changed("set_plan", tenant_id, changes, run_id, services, now=now)
    for integration in await every(tenant_id, Integration, services):
        await services.lookups.set_quota(tenant_id, integration.id, tenant.alerts_per_minute)
    return tenant


async def set_active(
    tenant_id: TenantId, *, is_active: bool, run_id: str, services: Services, now: datetime
) -> Tenant:
    """Pause a tenant or let it go on. While paused nobody gets in; alerts are kept and marked, not investigated."""
    operation = "activate_tenant" if is_active else "deactivate_tenant"
    return await _changed(operation, tenant_id, {"is_active": is_active}, run_id, services, now=now)


@dataclass(frozen=True)
class Person:
    """Somebody of a tenant's directory; address and name are only for showing, and only for a new record."""

    object_id: str
    role: Role
    email: str = ""
    name: str = ""

    def new_user(self, tenant_id: TenantId, now: datetime) -> User:
        """Their record, before they ever signed in."""
        return User(
            id=User.id_of(self.object_id),
            tenant_id=tenant_id,
            email=self.email,
            entra_object_id=self.object_id,
            full_name=self.name,
            role=self.role,
            created_at=now,
        )


async def set_user(tenant_id: TenantId, person: Person, run_id: str, services: Services, *, now: datetime) -> User:
    """Give a person of the directory an active record with this role: the first admin has nobody else to ask."""
    fresh, wanted = person.new_user(tenant_id, now), {"role": person.role, "is_active": True}

    def decide(held: User | None) -> Edit[User] | None:
        before: Facts = {"role": held.role, "is_active": held.is_active} if held else {}
        if before == wanted:
            return None
        action = AuditAction.UPDATE if held else AuditAction.CREATE
        after: Facts = {"role": person.role, "is_active": True}
        operator = Operator(tenant_id, run_id)
        entry = operator.entry("set_user", action, user_id=fresh.id, before=before, after=after, now=now)
        return Edit(next_version(held, **wanted) if held else fresh, entry)

    return await edit_record(tenant_id, User, fresh.id, decide, services) or fresh


async def tenant_named(name: str, services: Services) -> Tenant:
    """The tenant with this slug or id; raises NotAllowed when there is none."""
    tenant_id = await services.lookups.tenant_of_slug(name) or TenantId(name)
    held = await services.records.read(tenant_id, Tenant, tenant_id)
    if held is None:
        raise NotAllowed(f"there is no tenant {name!r}", reason="unknown_tenant")
    return held.value


async def _changed(
    operation: str, tenant_id: TenantId, changes: dict[str, Any], run_id: str, services: Services, *, now: datetime
) -> Tenant:
    def decide(tenant: Tenant | None) -> Edit[Tenant] | None:
        if tenant is None:
            raise NotAllowed("there is no such tenant", reason="unknown_tenant")
        changed = {name: value for name, value in changes.items() if getattr(tenant, name) != value}
        if not changed:
            return None
        before = {name: getattr(tenant, name) for name in changed}
        entry = Operator(tenant_id, run_id).entry(
            operation, AuditAction.UPDATE, before=before, after=changed, now=now
        )
        return Edit(next_version(tenant, **changed, updated_at=now), entry)

    written = await edit_record(tenant_id, Tenant, tenant_id, decide, services)
    if written is None:
        raise NotAllowed("there is no such tenant", reason="unknown_tenant")
    return written


def _plan_of(tenant: Tenant) -> Facts:
    return {
        "plan_type": tenant.plan_type.value,
        "max_services": tenant.max_services,
        "alerts_per_minute": tenant.alerts_per_minute,
        "model_daily_budget": tenant.model_daily_budget,
    }
