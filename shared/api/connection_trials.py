"""Trying a connection: of an integration that is there, or of a configuration that is not saved yet."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.integrations import BaseUrl, held_integration
from shared.api.problems import PROBLEMS
from shared.api.views_integrations import FindingView, TestedView, webhook_tested
from shared.models.connections import ConnectionConfig
from shared.models.tenants import IntegrationType
from shared.pipeline.health import try_saved
from shared.ports.services import Services

router = APIRouter(prefix="/integrations", tags=["integrations"], responses=PROBLEMS)


@router.post("/prometheus/test", summary="Try a connection to Prometheus")
async def try_prometheus(
    config: ConnectionConfig,
    principal: Annotated[Principal, Depends(allowed("try_prometheus"))],
    services: Wired,
) -> FindingView:
    """Really connects, and says what is wrong in words. Nothing is saved."""
    return await _found(principal, IntegrationType.PROMETHEUS, config, services)


@router.post("/grafana/test", summary="Try a connection to Grafana")
async def try_grafana(
    config: ConnectionConfig,
    principal: Annotated[Principal, Depends(allowed("try_grafana"))],
    services: Wired,
) -> FindingView:
    """Really connects, and says what is wrong in words. With a receiver, the alerts API is tried too."""
    return await _found(principal, IntegrationType.GRAFANA, config, services)


@router.post("/github/test", summary="Try a connection to GitHub")
async def try_github(
    config: ConnectionConfig,
    principal: Annotated[Principal, Depends(allowed("try_github"))],
    services: Wired,
) -> FindingView:
    """Really connects, and says what is wrong in words. Nothing is saved."""
    return await _found(principal, IntegrationType.GITHUB, config, services)


@router.post("/alertmanager/test", summary="Try a connection to Alertmanager")
async def try_alertmanager(
    config: ConnectionConfig,
    principal: Annotated[Principal, Depends(allowed("try_alertmanager"))],
    services: Wired,
) -> FindingView:
    """Really connects, and says what is wrong in words. With a receiver, it is looked for there."""
    return await _found(principal, IntegrationType.ALERTMANAGER, config, services)


@router.post("/{integration_id}/test", summary="Test an integration")
async def try_integration(
    integration_id: str,
    principal: Annotated[Principal, Depends(allowed("try_integration"))],
    services: Wired,
    base_url: BaseUrl,
) -> TestedView:
    """Asks its API, and notes the answer as its health; says when its sender last delivered."""
    held = await held_integration(principal, integration_id, services)
    finding = await try_saved(held.value, services, now=datetime.now(UTC))
    return TestedView(
        connection=FindingView.of(finding) if finding else None, webhook=webhook_tested(held.value, base_url)
    )


async def _found(
    principal: Principal, kind: IntegrationType, config: ConnectionConfig, services: Services
) -> FindingView:
    return FindingView.of(await services.connections.check(principal.tenant_id, kind, config))
