"""Builds the FastAPI app: routes, one shape for errors, security headers."""

from fastapi import APIRouter, FastAPI

from shared.access.authentication import Authenticator
from shared.api import (
    audit_logs,
    auth,
    changes,
    connection_trials,
    corrections,
    dashboards,
    dead_letters,
    incident_actions,
    incidents,
    integration_secrets,
    integrations,
    me,
    metrics,
    payloads,
    policies,
    receipts,
    runbooks,
    tenant,
    users,
)
from shared.api.boundary import Boundary
from shared.api.documentation import DocumentedApi, add_docs_page
from shared.api.idempotency import install_idempotency
from shared.api.options import PLAIN, ApiOptions
from shared.api.problems import install_problems
from shared.api.source_problems import install_source_problems
from shared.pipeline.signing_in import SignIn
from shared.ports.services import Services

PREFIX = "/api/v1"


def create_api(
    services: Services,
    authenticator: Authenticator,
    *,
    options: ApiOptions = PLAIN,
    sign_in: SignIn | None = None,
) -> FastAPI:
    """The API on these services; every route authenticates but the documentation and the public operations."""
    api = DocumentedApi(
        title="SRE Copilot",
        version="1",
        summary="Incidents with ranked, evidence-checked root-cause hypotheses.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        generate_unique_id_function=lambda route: route.name,
        # A redirect would be built from the Host header, which the caller chooses.
        redirect_slashes=False,
    )
    api.state.services = services
    api.state.authenticator = authenticator
    api.state.options = options
    api.state.sign_in = sign_in
    routes = APIRouter(prefix=PREFIX, redirect_slashes=False)
    for resource in (
        me.router,
        auth.router,
        incidents.router,
        incident_actions.router,
        corrections.router,
        receipts.router,
        payloads.router,
        dead_letters.router,
        audit_logs.router,
        metrics.router,
        dashboards.router,
        # Before the integrations, whose ids would take their names.
        connection_trials.router,
        integration_secrets.router,
        integrations.router,
        users.router,
        tenant.router,
        policies.router,
        runbooks.router,
        changes.router,
    ):
        routes.include_router(resource)
    api.include_router(routes)
    add_docs_page(api, PREFIX)
    install_idempotency(api)
    api.add_middleware(Boundary)
    install_problems(api)
    install_source_problems(api)
    return api
