"""Builds the FastAPI app: routes, one shape for errors, security headers."""

from fastapi import APIRouter, FastAPI

from shared.access.authentication import Authenticator
from shared.api import (
    changes,
    corrections,
    dead_letters,
    incidents,
    me,
    policies,
    receipts,
    runbooks,
    tenant,
    users,
)
from shared.api.boundary import Boundary
from shared.api.documentation import DocumentedApi, add_docs_page
from shared.api.options import PLAIN, ApiOptions
from shared.api.problems import install_problems
from shared.ports.services import Services

PREFIX = "/api/v1"


def create_api(services: Services, authenticator: Authenticator, *, options: ApiOptions = PLAIN) -> FastAPI:
    """The API on these services; every route but the documentation authenticates."""
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
    routes = APIRouter(prefix=PREFIX, redirect_slashes=False)
    for resource in (me.router, incidents.router, corrections.router, receipts.router, dead_letters.router):
        routes.include_router(resource)
    for resource in (users.router, tenant.router, policies.router, runbooks.router, changes.router):
        routes.include_router(resource)
    api.include_router(routes)
    add_docs_page(api, PREFIX)
    api.add_middleware(Boundary)
    install_problems(api)
    return api
