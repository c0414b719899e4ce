"""Builds the FastAPI app: routes, one shape for errors, security headers."""

import time

from fastapi import APIRouter, Depends, FastAPI

from shared.access.authentication import Authenticator
from shared.api import (
    audit_logs,
    auth,
    changes,
    connection_trials,
    corrections,
    dashboards,
    dead_letters,
    feedback,
    incident_actions,
    incidents,
    integration_secrets,
    integrations,
    me,
    metrics,
    model_usage,
    objectives,
    payloads,
    policies,
    quality,
    questions,
    receipts,
    replays,
    runbooks,
    service_aliases,
    tenant,
    topology,
    users,
)
from shared.api.boundary import Boundary, Caught
from shared.api.cors import Cors
from shared.api.documentation import DocumentedApi, add_docs_page, add_document
from shared.api.guards import Bounded, Pace, Unhurried, known_parameters
from shared.api.idempotency import install_idempotency
from shared.api.options import PLAIN, ApiOptions
from shared.api.pace import Buckets, Clock
from shared.api.problems import install_problems
from shared.api.source_problems import install_source_problems
from shared.api.tags import TAGS
from shared.pipeline.signing_in import SignIn
from shared.ports.services import Services

PREFIX = "/api/v1"
ROUTERS = (
    me.router,
    auth.router,
    incidents.router,
    incident_actions.router,
    questions.router,
    corrections.router,
    feedback.router,
    replays.router,
    quality.router,
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
    model_usage.router,
    objectives.router,
    topology.router,
    policies.router,
    runbooks.router,
    service_aliases.router,
    changes.router,
)
DESCRIPTION = (
    "Every error is a problem (`application/problem+json`, RFC 9457) with a stable `type`. Lists answer with `items` "
    "and a `cursor`, which is null on the last page. Times are RFC 3339 in UTC. The tenant comes from the credential "
    "alone; what belongs to another tenant is answered as if it were not there."
)


def create_api(
    services: Services,
    authenticator: Authenticator,
    *,
    options: ApiOptions = PLAIN,
    sign_in: SignIn | None = None,
    clock: Clock = time.monotonic,
) -> FastAPI:
    """The API on these services; every route authenticates but the documentation and the public operations."""
    api = DocumentedApi(
        title="SRE Copilot",
        version="1",
        summary="Incidents with ranked, evidence-checked root-cause hypotheses.",
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/", "description": "The host that serves this document."}],
        openapi_tags=[{"name": name, "description": about} for name, about in TAGS.items()],
        # Served by `add_document`.
        openapi_url=None,
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
    api.state.pace = Pace(options, clock)
    api.include_router(_routes())
    add_document(api, PREFIX)
    add_docs_page(api, PREFIX)
    install_idempotency(api)
    _add_layers(api, options, clock)
    install_problems(api)
    install_source_problems(api)
    return api


def _routes() -> APIRouter:
    routes = APIRouter(prefix=PREFIX, redirect_slashes=False, dependencies=[Depends(known_parameters)])
    for resource in ROUTERS:
        routes.include_router(resource)
    return routes


def _add_layers(api: FastAPI, options: ApiOptions, clock: Clock) -> None:
    """The innermost first: what is added later stands around what is there."""
    api.add_middleware(Bounded, limits=options.limits)
    api.add_middleware(Unhurried, options=options, failures=Buckets(options.failures, clock=clock))
    api.add_middleware(Caught)
    if options.cors_origins:
        # Around all that answers, so that a page of an allowed origin can also read our refusals.
        api.add_middleware(Cors, origins=options.cors_origins)
    api.add_middleware(Boundary)
