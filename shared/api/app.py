"""Builds the FastAPI app: routes, one shape for errors, security headers."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from shared.access.authentication import Authenticator
from shared.api import incidents, me, receipts
from shared.api.problems import install_problems, request_id_of
from shared.ports.services import Services

PREFIX = "/api/v1"

_DOCS_CSP = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)
_CSP = "default-src 'none'; frame-ancestors 'none'"


def create_api(services: Services, authenticator: Authenticator) -> FastAPI:
    """The API on these services; every route but the documentation authenticates."""
    api = FastAPI(
        title="SRE Copilot",
        version="1",
        summary="Incidents with ranked, evidence-checked root-cause hypotheses.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    api.state.services = services
    api.state.authenticator = authenticator
    routes = APIRouter(prefix=PREFIX)
    for resource in (me.router, incidents.router, receipts.router):
        routes.include_router(resource)
    api.include_router(routes)
    # Swagger UI comes with a package: no page of ours loads code from somebody else's host.
    api.mount(f"{PREFIX}/docs/assets", StaticFiles(packages=[("fastapi_swagger", "resources")]))
    api.add_api_route(f"{PREFIX}/docs", _docs, include_in_schema=False, response_class=HTMLResponse)
    api.middleware("http")(_headers)
    install_problems(api)
    return api


async def _docs() -> HTMLResponse:
    assets = f"{PREFIX}/docs/assets"
    return get_swagger_ui_html(
        openapi_url=f"{PREFIX}/openapi.json",
        title="SRE Copilot API",
        swagger_js_url=f"{assets}/swagger-ui-bundle.js",
        swagger_css_url=f"{assets}/swagger-ui.css",
        swagger_favicon_url=f"{assets}/favicon-32x32.png",
    )


async def _headers(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await answer(request)
    is_docs = request.url.path == f"{PREFIX}/docs"
    response.headers.update(
        {
            "Cache-Control": "no-store",
            "Content-Security-Policy": _DOCS_CSP if is_docs else _CSP,
            "Referrer-Policy": "no-referrer",
            "Strict-Transport-Security": "max-age=31536000",
            "X-Content-Type-Options": "nosniff",
            "X-Request-Id": request_id_of(request),
        }
    )
    return response
