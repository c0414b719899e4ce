"""Integrations: the systems that page us and the ones we ask. Their secrets go in and never come out."""

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.idempotency import done_before, run_of
from shared.api.options import ApiOptions
from shared.api.preconditions import require_match, show_version
from shared.api.problems import PROBLEMS, NotFound
from shared.api.views_integrations import (
    IntegrationMade,
    IntegrationSummaryView,
    IntegrationView,
    IssuedView,
    snippets,
)
from shared.models.tenants import Integration
from shared.models.wanted import IntegrationChanges, IntegrationWanted
from shared.pipeline import integrations
from shared.pipeline.auditing import record_view
from shared.ports.services import Services
from shared.ports.stores import Versioned

router = APIRouter(prefix="/integrations", tags=["integrations"], responses=PROBLEMS)

# As `document_id` and the seed make them; anything else never reaches the store.
_ID = re.compile(r"int-[a-z0-9-]{1,60}")


class IntegrationPage(BaseModel):
    """Some integrations, oldest first; ask again with the cursor for more."""

    items: list[IntegrationSummaryView]
    cursor: str | None


def base_url_of(request: Request) -> str:
    """Where senders reach us, as the installation says."""
    options: ApiOptions = request.app.state.options
    return options.public_base_url


BaseUrl = Annotated[str, Depends(base_url_of)]


async def held_integration(principal: Principal, integration_id: str, services: Services) -> Versioned[Integration]:
    """The caller's integration; raises NotFound."""
    known = _ID.fullmatch(integration_id) is not None
    held = await integrations.find(principal.tenant_id, integration_id, services) if known else None
    if held is None:
        raise NotFound("There is no such integration.")
    return held


@router.get("", summary="List integrations")
async def list_integrations(
    principal: Annotated[Principal, Depends(allowed("list_integrations"))],
    services: Wired,
    limit: Annotated[int, Query(ge=1, le=100, description="How many to answer with.")] = 25,
    cursor: Annotated[str | None, Query(max_length=400, description="The cursor of the page before.")] = None,
) -> IntegrationPage:
    """The oldest comes first. Lists say which directions an integration has; reading one says how."""
    page = await integrations.page(principal.tenant_id, services, limit=limit, cursor=cursor)
    return IntegrationPage(items=[IntegrationSummaryView.of(held.value) for held in page.items], cursor=page.cursor)


@router.post("", status_code=201, summary="Connect a system")
async def create_integration(
    wanted: IntegrationWanted,
    request: Request,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("create_integration"))],
    services: Wired,
    base_url: BaseUrl,
) -> IntegrationMade:
    """The secret is in this answer and in no other; so is the configuration with it, ready to paste."""
    run, tenant_id = run_of(request), principal.tenant_id
    if run.is_again and await integrations.find(tenant_id, integrations.new_id(tenant_id, run.run_id), services):
        raise done_before()
    made = await integrations.create(principal, wanted, services, run_id=run.run_id, now=datetime.now(UTC))
    show_version(response, made.integration.version)
    plain = made.secret.plain if made.secret else None
    return IntegrationMade(
        integration=IntegrationView.made_of(made.integration, wanted.connection, base_url),
        secret=IssuedView(id=made.secret.kept.secret_id, created_at=made.secret.kept.created_at, secret=plain)
        if made.secret and plain
        else None,
        set_up=snippets(made.integration, base_url, secret=plain),
    )


@router.get("/{integration_id}", summary="Read an integration")
async def read_integration(
    integration_id: str,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("read_integration"))],
    services: Wired,
    base_url: BaseUrl,
) -> IntegrationView:
    """How it is reached and how it reaches us, without any secret. Its `ETag` is for a change with `If-Match`.

    The reading is sealed before it is answered.
    """
    held, now = await held_integration(principal, integration_id, services), datetime.now(UTC)
    await record_view(principal, "read_integration", "integration", integration_id, services, now=now)
    return await _shown(held.value, response, services, base_url)


@router.patch("/{integration_id}", summary="Change an integration")
async def change_integration(
    integration_id: str,
    changes: IntegrationChanges,
    request: Request,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("change_integration"))],
    services: Wired,
    base_url: BaseUrl,
) -> IntegrationView:
    """What is left out stays as it is. A stored credential is never sent to another host than it was given for."""
    held = await held_integration(principal, integration_id, services)
    require_match(request, held.value.version)
    changed = await integrations.change(principal, held, changes, services, now=datetime.now(UTC))
    return await _shown(changed, response, services, base_url)


@router.delete("/{integration_id}", status_code=204, summary="Disconnect a system")
async def delete_integration(
    integration_id: str,
    request: Request,
    principal: Annotated[Principal, Depends(allowed("delete_integration"))],
    services: Wired,
) -> Response:
    """For good: its secrets are gone, its webhook answers 401. What it delivered stays."""
    held = await held_integration(principal, integration_id, services)
    require_match(request, held.value.version)
    await integrations.delete(principal, held, services, now=datetime.now(UTC))
    return Response(status_code=204)


@router.post("/{integration_id}/activate", summary="Switch an integration on")
async def activate_integration(
    integration_id: str,
    request: Request,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("activate_integration"))],
    services: Wired,
    base_url: BaseUrl,
) -> IntegrationView:
    """Its webhook accepts again, and its API is asked again."""
    held = await held_integration(principal, integration_id, services)
    if not (run_of(request).is_again and held.value.is_active):
        require_match(request, held.value.version)
    active = await integrations.set_active(principal, held, services, is_active=True, now=datetime.now(UTC))
    return await _shown(active, response, services, base_url)


@router.post("/{integration_id}/deactivate", summary="Switch an integration off")
async def deactivate_integration(
    integration_id: str,
    request: Request,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("deactivate_integration"))],
    services: Wired,
    base_url: BaseUrl,
) -> IntegrationView:
    """Its webhook answers 401 within a minute, its API is asked no more. Its secrets are kept."""
    held = await held_integration(principal, integration_id, services)
    if held.value.is_active or not run_of(request).is_again:
        require_match(request, held.value.version)
    inactive = await integrations.set_active(principal, held, services, is_active=False, now=datetime.now(UTC))
    return await _shown(inactive, response, services, base_url)


async def _shown(integration: Integration, response: Response, services: Services, base_url: str) -> IntegrationView:
    show_version(response, integration.version)
    config = await integrations.opened_if_readable(integration, services)
    return IntegrationView.made_of(integration, config, base_url)
