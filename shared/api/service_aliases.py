"""What a tenant calls its services in its metrics: one mapping, which engineers write and detection follows."""

from datetime import UTC, datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.preconditions import require_match, show_version
from shared.api.problems import PROBLEMS
from shared.api.views_directory import Name
from shared.errors import Malformed
from shared.models.audit import AuditAction, Facts
from shared.models.base import Instant
from shared.models.conventions import MAX_ALIASES, MAX_MAPPED, ServiceNames
from shared.pipeline.editing import Edit, edit_record, next_version

router = APIRouter(prefix="/service-names", tags=["service names"], responses=PROBLEMS)

_MAX_TOLD = 500


class AliasesText(BaseModel):
    """One service, and what else it is called."""

    model_config = ConfigDict(extra="forbid")

    service: Name = Field(description="As its alerts name it.")
    aliases: list[Name] = Field(
        min_length=1, max_length=MAX_ALIASES, description="As the labels of its metrics name it."
    )


class ServiceNamesText(BaseModel):
    """The whole mapping as an engineer writes it. A name stands for one service."""

    model_config = ConfigDict(extra="forbid")

    services: list[AliasesText] = Field(max_length=MAX_MAPPED)


class ServiceNamesView(BaseModel):
    """The mapping; version 0 before the first was written."""

    services: list[AliasesText]
    version: int
    updated_at: Instant | None
    updated_by: str | None = Field(description="The object id of who wrote this version.")

    @classmethod
    def of(cls, names: ServiceNames) -> Self:
        """From the record."""
        written = {"updated_at": names.updated_at, "updated_by": names.updated_by} if names.version else {}
        nobody = {"updated_at": None, "updated_by": None}
        services = [one.model_dump() for one in names.services]
        return cls.model_validate({**nobody, **written, "services": services, "version": names.version})


@router.get("", summary="Read the service names")
async def read_service_names(
    response: Response, principal: Annotated[Principal, Depends(allowed("read_service_names"))], services: Wired
) -> ServiceNamesView:
    """All of them. A service that is not here is found by its own name and its known spellings."""
    held = await services.records.read(principal.tenant_id, ServiceNames, ServiceNames.id_for())
    return _shown(held.value if held else _none_yet(principal), response)


@router.put("", summary="Rewrite the service names")
async def replace_service_names(
    wanted: ServiceNamesText,
    request: Request,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("replace_service_names"))],
    services: Wired,
) -> ServiceNamesView:
    """All of them, from the next look on; an empty list takes them away. Send `If-Match`, so that none are lost."""

    def decide(held: ServiceNames | None) -> Edit[ServiceNames]:
        before = held or _none_yet(principal)
        require_match(request, before.version)
        after = _rewritten(before, wanted, principal)
        entry = principal.entry(
            *("replace_service_names", AuditAction.UPDATE, "service_names", before.id),
            before=_facts(before, after),
            after=_facts(after, before),
            now=after.updated_at,
        )
        return Edit(after, entry)

    written = await edit_record(principal.tenant_id, ServiceNames, ServiceNames.id_for(), decide, services)
    return _shown(written or _none_yet(principal), response)


def _rewritten(before: ServiceNames, wanted: ServiceNamesText, principal: Principal) -> ServiceNames:
    try:
        return next_version(
            before, **wanted.model_dump(), updated_by=principal.object_id, updated_at=datetime.now(UTC)
        )
    except ValueError as exc:
        raise Malformed(
            "services: a name stands for one service, and all together are bounded", reason="service_names"
        ) from exc


def _facts(names: ServiceNames, other: ServiceNames) -> Facts:
    """How many there are, and those that the other version has not."""
    different = [f"{one.service}: {', '.join(one.aliases)}" for one in names.services if one not in other.services]
    return {"services": len(names.services), "changed": "; ".join(different)[:_MAX_TOLD]}


def _none_yet(principal: Principal) -> ServiceNames:
    return ServiceNames.none_yet(principal.tenant_id, now=datetime.now(UTC))


def _shown(names: ServiceNames, response: Response) -> ServiceNamesView:
    show_version(response, names.version)
    return ServiceNamesView.of(names)
