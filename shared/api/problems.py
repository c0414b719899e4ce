"""Errors as RFC 9457 problem details: a stable type, a request id, no internals."""

import uuid
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from shared.access.authentication import Forbidden
from shared.errors import CopilotError, Malformed, Unauthenticated
from shared.telemetry import logger

log = logger(__name__)

TYPE_BASE = "https://github.com/sre-copilot/problems/"


class NotFound(CopilotError):
    """Not there, or another tenant's: the two must look the same."""

    default_reason = "not_found"


class Problem(BaseModel):
    """What every error looks like (`application/problem+json`)."""

    type: str = Field(examples=[f"{TYPE_BASE}not-found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str | None = Field(default=None, examples=["There is no such incident."])
    request_id: str = Field(examples=["2f1c7d0e9b6a4c7f8e21d0a3b5c4f6e7"])


_DOCUMENTED = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    500: "Internal error",
    503: "Temporarily unavailable",
}
_TITLES = {**_DOCUMENTED, 405: "Method not allowed"}

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": title, "content": {"application/problem+json": {}}}
    for status, title in _DOCUMENTED.items()
}
"""For every operation's documentation."""


def request_id_of(request: Request) -> str:
    """One id a request, for the answer and the log."""
    if not hasattr(request.state, "request_id"):
        request.state.request_id = uuid.uuid4().hex
    return str(request.state.request_id)


def install_problems(api: FastAPI) -> None:
    """Answer every error in the one shape."""

    @api.exception_handler(CopilotError)
    async def on_refusal(request: Request, exc: CopilotError) -> JSONResponse:
        status = _status_of(exc)
        log.info("api_refused", extra={"status": status, "reason": exc.reason, "request_id": request_id_of(request)})
        # What was wrong with a token is for our log, not for whoever sent it.
        detail = None if status in (401, 503) else str(exc)
        return _problem(request, status, detail=detail)

    @api.exception_handler(HTTPException)
    async def on_http(request: Request, exc: HTTPException) -> JSONResponse:
        return _problem(request, exc.status_code, headers=dict(exc.headers or {}))

    @api.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, exc: RequestValidationError) -> JSONResponse:
        where = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in exc.errors()[:5])
        return _problem(request, 400, detail=where[:500])

    @api.exception_handler(Exception)
    async def on_bug(request: Request, exc: Exception) -> JSONResponse:
        log.error("api_failed", extra={"bug": type(exc).__name__, "request_id": request_id_of(request)})
        return _problem(request, 500)


def _status_of(exc: CopilotError) -> int:
    match exc:
        case Unauthenticated():
            return 401
        case Forbidden():
            return 403
        case NotFound():
            return 404
        case Malformed():
            return 400
        case _:
            return 503 if exc.retryable else 500


def _problem(
    request: Request, status: int, *, detail: str | None = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    title = _TITLES.get(status, "Error")
    body = Problem(
        type=TYPE_BASE + title.lower().replace(" ", "-"),
        title=title,
        status=status,
        detail=detail,
        request_id=request_id_of(request),
    )
    extra = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}.get(status, {})
    return JSONResponse(
        body.model_dump(exclude_none=True),
        status_code=status,
        headers={**extra, **(headers or {})},
        media_type="application/problem+json",
    )
