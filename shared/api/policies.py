"""Policies: what a tenant decides of the work on its alerts. An admin writes them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.idempotency import run_of
from shared.api.preconditions import require_match, show_version
from shared.api.problems import PROBLEMS, NotFound
from shared.api.times import AskedTime
from shared.api.views_directory import Name, PolicyView
from shared.errors import Malformed, NotAllowed
from shared.models.audit import AuditAction, Facts
from shared.models.base import document_id
from shared.models.policies import (
    LONGEST_WINDOW,
    MAX_POLICIES,
    MAX_SERVICES,
    MaintenanceWindow,
    Policies,
    Policy,
    PolicyKind,
)
from shared.pipeline.editing import Edit, edit_record
from shared.ports.services import Services

router = APIRouter(prefix="/policies", tags=["policies"], responses=PROBLEMS)

_NO_SUCH = "There is no such policy."


class WindowText(BaseModel):
    """When, and of which services, new alerts are kept and marked but not investigated."""

    model_config = ConfigDict(extra="forbid")

    services: list[Name] = Field(default=[], max_length=MAX_SERVICES, description="None named means all.")
    starts_at: AskedTime
    ends_at: AskedTime = Field(description=f"At most {LONGEST_WINDOW.days} days after the start.")


class PolicyText(BaseModel):
    """A policy as an admin writes it."""

    model_config = ConfigDict(extra="forbid")

    kind: PolicyKind = PolicyKind.MAINTENANCE
    name: Name
    is_enabled: bool = True
    parameters: WindowText

    def window(self) -> MaintenanceWindow:
        """Its window; raises Malformed when it is none."""
        try:
            return MaintenanceWindow.model_validate(self.parameters.model_dump())
        except ValueError as exc:
            raise Malformed(
                f"a window ends after it starts, within {LONGEST_WINDOW.days} days", reason="bad_window"
            ) from exc


class PolicyPage(BaseModel):
    """Every policy, oldest first: there are never more than fit one page."""

    items: list[PolicyView]
    cursor: None = None


@router.get("", summary="List policies")
async def list_policies(
    principal: Annotated[Principal, Depends(allowed("list_policies"))], services: Wired
) -> PolicyPage:
    """All of them; a tenant has at most 50."""
    return PolicyPage(items=[PolicyView.of(one) for one in (await _policies(principal, services)).policies])


@router.get("/{policy_id}", summary="Read a policy")
async def read_policy(
    policy_id: str,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("read_policy"))],
    services: Wired,
) -> PolicyView:
    """One policy."""
    return _shown(_there(await _policies(principal, services), policy_id), response)


@router.post("", summary="Write a policy", status_code=201)
async def create_policy(
    wanted: PolicyText,
    request: Request,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("create_policy"))],
    services: Wired,
) -> PolicyView:
    """A maintenance window: alerts that open an incident in it are kept and marked, and looked at when it is over."""
    window, now, run = wanted.window(), datetime.now(UTC), run_of(request)
    policy_id = document_id("pol", principal.tenant_id, run.run_id)
    if run.is_again and (made_before := (await _policies(principal, services)).one(policy_id)):
        return _shown(made_before, response)

    def decide(policies: Policies) -> tuple[Policies, Policy | None, Policy | None]:
        if len(policies.policies) >= MAX_POLICIES:
            raise NotAllowed(f"a tenant has at most {MAX_POLICIES} policies; remove old ones", reason="too_many")
        made = _written(wanted, window, policy_id, principal, now=now, before=None)
        return policies.with_policy(made), None, made

    after = await _change("create_policy", principal, decide, services, now=now)
    return _shown(_there(after, policy_id), response)


@router.put("/{policy_id}", summary="Rewrite a policy")
async def replace_policy(
    policy_id: str,
    wanted: PolicyText,
    request: Request,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("replace_policy"))],
    services: Wired,
) -> PolicyView:
    """Another window, another name, or `is_enabled` for a while or for good."""
    window, now = wanted.window(), datetime.now(UTC)

    def decide(policies: Policies) -> tuple[Policies, Policy | None, Policy | None]:
        before = _there(policies, policy_id)
        require_match(request, before.version)
        after = _written(wanted, window, policy_id, principal, now=now, before=before)
        return policies.with_policy(after), before, after

    policies = await _change("replace_policy", principal, decide, services, now=now)
    return _shown(_there(policies, policy_id), response)


@router.delete("/{policy_id}", summary="Remove a policy", status_code=204)
async def delete_policy(
    policy_id: str,
    request: Request,
    principal: Annotated[Principal, Depends(allowed("delete_policy"))],
    services: Wired,
) -> None:
    """It ends at once; what it kept is looked at within five minutes."""

    def decide(policies: Policies) -> tuple[Policies, Policy | None, Policy | None]:
        before = _there(policies, policy_id)
        require_match(request, before.version)
        return policies.without(policy_id), before, None

    await _change("delete_policy", principal, decide, services, now=datetime.now(UTC))


Decision = Callable[[Policies], tuple[Policies, Policy | None, Policy | None]]
"""All policies afterwards, and the one in question before and after."""

_ACTIONS = {
    "create_policy": AuditAction.CREATE,
    "replace_policy": AuditAction.UPDATE,
    "delete_policy": AuditAction.DELETE,
}


async def _change(
    operation: str, principal: Principal, decision: Decision, services: Services, *, now: datetime
) -> Policies:
    none_yet = Policies.none_yet(principal.tenant_id, now=now)

    def decide(held: Policies | None) -> Edit[Policies]:
        after, old, new = decision(held or none_yet)
        policy_id = (old or new or none_yet).id
        entry = principal.entry(
            *(operation, _ACTIONS[operation], "policy", policy_id), before=_facts(old), after=_facts(new), now=now
        )
        return Edit(after, entry)

    written = await edit_record(principal.tenant_id, Policies, Policies.id_for(), decide, services)
    return written or none_yet


def _facts(policy: Policy | None) -> Facts:
    if policy is None:
        return {}
    window = policy.parameters
    return {
        "name": policy.name,
        "is_enabled": policy.is_enabled,
        "services": ", ".join(window.services)[:500],
        "starts_at": window.starts_at.isoformat(),
        "ends_at": window.ends_at.isoformat(),
    }


def _written(
    wanted: PolicyText,
    window: MaintenanceWindow,
    policy_id: str,
    principal: Principal,
    *,
    now: datetime,
    before: Policy | None,
) -> Policy:
    return Policy(
        id=policy_id,
        kind=wanted.kind,
        name=wanted.name,
        is_enabled=wanted.is_enabled,
        parameters=window,
        version=before.version + 1 if before else 1,
        created_at=before.created_at if before else now,
        updated_at=now,
        updated_by=principal.object_id,
    )


async def _policies(principal: Principal, services: Services) -> Policies:
    held = await services.records.read(principal.tenant_id, Policies, Policies.id_for())
    return held.value if held else Policies.none_yet(principal.tenant_id, now=datetime.now(UTC))


def _there(policies: Policies, policy_id: str) -> Policy:
    found = policies.one(policy_id)
    if found is None:
        raise NotFound(_NO_SUCH)
    return found


def _shown(policy: Policy, response: Response) -> PolicyView:
    show_version(response, policy.version)
    return PolicyView.of(policy)
