"""The caller's tenant: its settings, which an admin changes, and its plan, which the operator does."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.preconditions import require_match, show_version
from shared.api.problems import PROBLEMS, NotFound
from shared.api.views_directory import Name, TenantView
from shared.models.audit import AuditAction, Facts
from shared.models.tenants import Tenant
from shared.pipeline.editing import Edit, edit_record, next_version

router = APIRouter(prefix="/tenant", tags=["tenant"], responses=PROBLEMS)

_DAY_MINUTES = 24 * 60


class CorrelationChange(BaseModel):
    """Other thresholds of correlation; `python -m dev backtest` shows what they would have done."""

    model_config = ConfigDict(extra="forbid")

    link_at: float | None = Field(default=None, ge=0.2, le=1.0)
    window_seconds: float | None = Field(default=None, ge=60.0, le=7200.0)
    max_services: int | None = Field(default=None, ge=1, le=200)


class SettingsChange(BaseModel):
    """What changes of the tenant's settings; what is left out or null stays."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    reopen_within_minutes: int | None = Field(default=None, ge=0, le=_DAY_MINUTES)
    auto_resolve_after_minutes: int | None = Field(default=None, ge=5, le=7 * _DAY_MINUTES)
    correlation: CorrelationChange | None = None


@router.get("", summary="Read the tenant")
async def read_tenant(
    response: Response, principal: Annotated[Principal, Depends(allowed("read_tenant"))], services: Wired
) -> TenantView:
    """Its settings and its plan."""
    held = await services.records.read(principal.tenant_id, Tenant, principal.tenant_id)
    tenant = _there(held.value if held else None)
    show_version(response, tenant.version)
    return TenantView.of(tenant)


@router.patch("", summary="Change the tenant's settings")
async def update_tenant(
    wanted: SettingsChange,
    request: Request,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("update_tenant"))],
    services: Wired,
) -> TenantView:
    """From the next alert on. The plan and whether the tenant is active are set by the operator's command."""

    def decide(tenant: Tenant | None) -> Edit[Tenant] | None:
        return _edit(_there(tenant), wanted, principal, request)

    tenant = _there(await edit_record(principal.tenant_id, Tenant, principal.tenant_id, decide, services))
    show_version(response, tenant.version)
    return TenantView.of(tenant)


def _edit(tenant: Tenant, wanted: SettingsChange, principal: Principal, request: Request) -> Edit[Tenant] | None:
    require_match(request, tenant.version)
    now = datetime.now(UTC)
    thresholds = wanted.correlation.model_dump(exclude_none=True) if wanted.correlation else {}
    correlation = tenant.correlation.model_copy(update=thresholds)
    fields: dict[str, Any] = {
        **wanted.model_dump(exclude_none=True, exclude={"correlation"}),
        "correlation": correlation,
    }
    after = next_version(tenant, **fields, updated_at=now)
    told, telling = _facts(tenant), _facts(after)
    changed = [name for name, value in telling.items() if told[name] != value]
    if not changed:
        return None
    entry = principal.entry(
        *("update_tenant", AuditAction.UPDATE, "tenant", tenant.id),
        before={name: told[name] for name in changed},
        after={name: telling[name] for name in changed},
        now=now,
    )
    return Edit(after, entry)


def _facts(tenant: Tenant) -> Facts:
    """What an admin can change, flat, as the audit trail tells it."""
    flat = {name: getattr(tenant, name) for name in ("name", "reopen_within_minutes", "auto_resolve_after_minutes")}
    return {**flat, **{f"correlation.{name}": value for name, value in dict(tenant.correlation).items()}}


def _there(tenant: Tenant | None) -> Tenant:
    if tenant is None:
        raise NotFound("There is no record of this tenant.")
    return tenant
