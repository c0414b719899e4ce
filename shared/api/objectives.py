"""Objectives: what the tenant promises of its services, where its Prometheus has no rules that say so."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.preconditions import require_match, show_version
from shared.api.problems import PROBLEMS
from shared.api.views_directory import Name
from shared.errors import Malformed
from shared.models.audit import AuditAction
from shared.models.base import TenantId
from shared.models.objectives import LONGEST_PERIOD_DAYS, MAX_OBJECTIVES, Objective, Objectives
from shared.pipeline.editing import Edit, edit_record, next_version

router = APIRouter(prefix="/objectives", tags=["objectives"], responses=PROBLEMS)


class ObjectiveText(BaseModel):
    """The share of a service's requests that must not end in errors, over a period."""

    model_config = ConfigDict(extra="forbid")

    service: Name
    name: Name = "availability"
    objective: float = Field(ge=0.5, lt=1, description="As a share: 0.999 for three nines.")
    period_days: int = Field(default=30, ge=1, le=LONGEST_PERIOD_DAYS)


class ObjectivesText(BaseModel):
    """Every objective of the tenant; what is left out is no objective any more."""

    model_config = ConfigDict(extra="forbid")

    objectives: list[ObjectiveText] = Field(max_length=MAX_OBJECTIVES)

    def read(self) -> tuple[Objective, ...]:
        """The objectives; raises Malformed when a service has two of the same name."""
        found = tuple(Objective.model_validate(one.model_dump()) for one in self.objectives)
        if len({(one.service, one.name) for one in found}) != len(found):
            raise Malformed("a service has at most one objective of a name", reason="objective_twice")
        return found


class ObjectivesView(BaseModel):
    """The objectives as they are declared."""

    objectives: list[ObjectiveText]
    version: int


@router.get("", summary="Read the declared objectives")
async def read_objectives(
    response: Response, principal: Annotated[Principal, Depends(allowed("read_objectives"))], services: Wired
) -> ObjectivesView:
    """Those that were declared here. Rules that sloth or pyrra wrote into the Prometheus come before them."""
    held = await services.records.read(principal.tenant_id, Objectives, Objectives.id_for())
    return _shown(held.value if held else _none_yet(principal.tenant_id), response)


@router.put("", summary="Declare the objectives")
async def replace_objectives(
    wanted: ObjectivesText,
    request: Request,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("replace_objectives"))],
    services: Wired,
) -> ObjectivesView:
    """All of them at once. Burn rates of the next incident are measured against them."""
    objectives, now = wanted.read(), datetime.now(UTC)

    def decide(held: Objectives | None) -> Edit[Objectives] | None:
        before = held or _none_yet(principal.tenant_id, now=now)
        require_match(request, before.version)
        if before.objectives == objectives:
            return None
        entry = principal.entry(
            *("replace_objectives", AuditAction.UPDATE, "objectives", Objectives.id_for()),
            before={"count": len(before.objectives), **_told(before.objectives, objectives)},
            after={"count": len(objectives), **_told(objectives, before.objectives)},
            now=now,
        )
        return Edit(next_version(before, objectives=objectives), entry)

    after = await edit_record(principal.tenant_id, Objectives, Objectives.id_for(), decide, services)
    return _shown(after or _none_yet(principal.tenant_id, now=now), response)


def _told(these: tuple[Objective, ...], others: tuple[Objective, ...]) -> dict[str, str]:
    """The objectives that the others do not have, as the audit trail tells them: the first of them."""
    news = set(these) - set(others)
    changed = sorted(f"{one.service}/{one.name}={one.objective:g}/{one.period_days}d" for one in news)
    return {"changed": ", ".join(changed[:10])} if changed else {}


def _none_yet(tenant_id: TenantId, *, now: datetime | None = None) -> Objectives:
    return Objectives(id=Objectives.id_for(), tenant_id=tenant_id, created_at=now or datetime.now(UTC), version=0)


def _shown(held: Objectives, response: Response) -> ObjectivesView:
    show_version(response, held.version)
    texts = [ObjectiveText.model_validate(one.model_dump()) for one in held.objectives]
    return ObjectivesView(objectives=texts, version=held.version)
