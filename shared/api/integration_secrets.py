"""The secrets of an integration's sender: two may be good at once, so that one is replaced without losing a page."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.idempotency import done_before, run_of
from shared.api.integrations import BaseUrl, held_integration
from shared.api.preconditions import require_match, show_version
from shared.api.problems import PROBLEMS, NotFound
from shared.api.views_integrations import IssuedView, SecretMade, SecretView, snippets
from shared.models.base import IntegrationId
from shared.models.tenants import InboundSecret, Integration
from shared.models.wanted import SecretWanted
from shared.pipeline.auditing import record_view
from shared.pipeline.secrets_of_senders import add_secret, new_id, remove_secret

router = APIRouter(prefix="/integrations/{integration_id}/secrets", tags=["integrations"], responses=PROBLEMS)


class SecretPage(BaseModel):
    """Every secret that is good, oldest first: there are never more than two."""

    items: list[SecretView]
    cursor: None = None


@router.get("", summary="List the secrets of an integration")
async def list_integration_secrets(
    integration_id: str,
    principal: Annotated[Principal, Depends(allowed("list_integration_secrets"))],
    services: Wired,
) -> SecretPage:
    """Which are good and since when; of the secrets themselves nothing. The reading is sealed first."""
    held, now = await held_integration(principal, integration_id, services), datetime.now(UTC)
    await record_view(principal, "list_integration_secrets", "integration", integration_id, services, now=now)
    return SecretPage(items=[SecretView.of(one) for one in _secrets(held.value)])


@router.post("", status_code=201, summary="Add a secret to an integration")
async def add_integration_secret(
    integration_id: str,
    wanted: SecretWanted,
    request: Request,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("add_integration_secret"))],
    services: Wired,
    base_url: BaseUrl,
) -> SecretMade:
    """Good beside the one in use: wait a minute, change the sender, see it deliver, then remove the old one."""
    held, run = await held_integration(principal, integration_id, services), run_of(request)
    if run.is_again and _secret(held.value, new_id(IntegrationId(integration_id), run.run_id)):
        raise done_before()
    require_match(request, held.value.version)
    changed, issued = await add_secret(
        principal, held, services, given=wanted.secret, run_id=run.run_id, now=datetime.now(UTC)
    )
    show_version(response, changed.version)
    shown = IssuedView(id=issued.kept.secret_id, created_at=issued.kept.created_at, secret=issued.plain)
    return SecretMade(secret=shown, set_up=snippets(changed, base_url, secret=issued.plain))


@router.delete("/{secret_id}", status_code=204, summary="Remove a secret of an integration")
async def remove_integration_secret(
    integration_id: str,
    secret_id: str,
    request: Request,
    principal: Annotated[Principal, Depends(allowed("remove_integration_secret"))],
    services: Wired,
) -> Response:
    """It is good no more, within a minute. The last one cannot be removed: then no page would come in."""
    held = await held_integration(principal, integration_id, services)
    require_match(request, held.value.version)
    if not _secret(held.value, secret_id):
        raise NotFound("There is no such secret.")
    await remove_secret(principal, held, secret_id, services, now=datetime.now(UTC))
    return Response(status_code=204)


def _secret(integration: Integration, secret_id: str) -> InboundSecret | None:
    return next((one for one in _secrets(integration) if one.secret_id == secret_id), None)


def _secrets(integration: Integration) -> tuple[InboundSecret, ...]:
    return integration.inbound.secrets if integration.inbound else ()
