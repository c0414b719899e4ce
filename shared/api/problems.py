"""Errors as RFC 9457 problem details: a stable type, a request id, no internals."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from shared.access.authentication import Forbidden
from shared.api.limits import TooManyRequests, TooMuch
from shared.api.preconditions import PreconditionFailed
from shared.errors import CopilotError, Malformed, NotAllowed, Unauthenticated
from shared.telemetry import logger

log = logger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
_REQUEST_ID = "2f1c7d0e9b6a4c7f8e21d0a3b5c4f6e7"


class NotFound(CopilotError):
    """Not there, or another tenant's: the two must look the same."""

    default_reason = "not_found"
    title: str | None = None
    """What the problem is called, where "Not found" would say too much."""


class NotFoundYet(NotFound):
    """Not there, but it may come: nobody can tell now."""

    default_reason = "not_found_yet"
    title = "Unknown or not processed yet"


class KeyReused(CopilotError):
    """An Idempotency-Key that was used for another request."""

    default_reason = "key_reused"


class Problem(BaseModel):
    """What every error looks like (`application/problem+json`)."""

    type: str = Field(description="Stable; for programs.", examples=["urn:sre-copilot:problem:not-found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str | None = Field(default=None, examples=["There is no such incident."])
    request_id: str = Field(description="The one in our log.", examples=[_REQUEST_ID])
    reason: str | None = Field(default=None, description="With 409, and of a source's failure: why, for programs.")
    error_type: str | None = Field(default=None, description="The `errorType` that Prometheus gave.")
    error: str | None = Field(default=None, description="What Prometheus said.")
    allowed: list[str] | None = Field(
        default=None, description="Only with 409: the states that people may put the incident into now."
    )


_TITLES = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    409: "Not possible now",
    412: "Changed meanwhile",
    413: "Body too large",
    414: "URL too long",
    422: "Key used for another request",
    429: "Too many requests",
    431: "Headers too large",
    500: "Internal error",
    503: "Temporarily unavailable",
}
_MEANINGS = {
    401: "There is no bearer token or session, or not a good one. The answer does not say what is wrong with it.",
    403: "The token is good, but its tenant or user is not active, or its role does not allow this.",
    400: "A parameter or the body is not as described, or the cursor is not one of ours.",
    404: "There is no such thing in the caller's tenant.",
    409: "What is asked for cannot be done in the state that things are in.",
    412: "`If-Match` names a version that is not the current one any more.",
    413: "The body has more bytes than are read.",
    414: "Path and query together are too long.",
    429: "The caller asks faster than it may. Try again after `Retry-After` seconds.",
    431: "There are too many headers, or they are too long.",
    500: "A bug of ours. The request id finds it in our log.",
    503: "A store or the identity provider is not available now. Try again after `Retry-After` seconds.",
}
_RETRYABLE = frozenset({429, 503})
# What the caller did is explained; what is wrong on our side, or with a token, stands in our log.
_EXPLAINED = frozenset({400, 403, 404, 409, 412, 413, 414, 422, 429, 431})


_STATUSES: tuple[tuple[type[CopilotError], int], ...] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (NotAllowed, 409),
    (PreconditionFailed, 412),
    (KeyReused, 422),
    (Malformed, 400),
)


def _type_of(title: str) -> str:
    return f"urn:sre-copilot:problem:{title.lower().replace(' ', '-')}"


_RETRY_AFTER = {"description": "Seconds until trying again makes sense.", "schema": {"type": "integer"}}


def documented(description: str, title: str, status: int) -> dict[str, Any]:
    """An error as the OpenAPI document shows it."""
    example = {"type": _type_of(title), "title": title, "status": status, "request_id": _REQUEST_ID}
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    headers = {"headers": {"Retry-After": _RETRY_AFTER}} if status in _RETRYABLE else {}
    return {"description": description, "content": {MEDIA_TYPE: content}, **headers}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    **{status: documented(meaning, _TITLES[status], status) for status, meaning in _MEANINGS.items()},
    # Also keeps out FastAPI's 422, which we never answer with.
    "default": documented("Any other error.", "Method not allowed", 405),
}
"""For every operation's documentation."""

OF_KEYS = {"422": documented("The `Idempotency-Key` was used for another request.", _TITLES[422], 422)}
"""Of operations that take an Idempotency-Key."""


def install_problems(api: FastAPI) -> None:
    """Answer every error that is raised on purpose in the one shape; the boundary does so for bugs."""

    @api.exception_handler(CopilotError)
    async def on_refusal(request: Request, exc: CopilotError) -> JSONResponse:
        return refusal(request, exc)

    @api.exception_handler(HTTPException)
    async def on_http(request: Request, exc: HTTPException) -> JSONResponse:
        return problem(request, exc.status_code, headers=dict(exc.headers or {}))

    @api.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, exc: RequestValidationError) -> JSONResponse:
        where = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in exc.errors()[:5])
        return problem(request, HTTPStatus.BAD_REQUEST, detail=_sentence(where[:500]))


def _refused(request: Request, exc: NotAllowed, detail: str | None) -> JSONResponse:
    """Why it is not possible now, what would be, and when to ask again."""
    members = {"reason": exc.reason, "allowed": None if exc.allowed is None else list(exc.allowed)}
    headers = None if exc.retry_after_seconds is None else {"Retry-After": str(exc.retry_after_seconds)}
    return problem(request, HTTPStatus.CONFLICT, detail=detail, members=members, headers=headers)


def refusal(request: Request, exc: CopilotError) -> JSONResponse:
    """The answer for an error that was raised on purpose; it is logged."""
    status = _status_of(exc)
    level = log.error if status == HTTPStatus.INTERNAL_SERVER_ERROR else log.info
    level("api_refused", extra={"status": status, "reason": exc.reason})
    if isinstance(exc, Unauthenticated):
        # For who counts the failures of an address.
        request.state.unauthenticated_for = exc.reason
    title = exc.title if isinstance(exc, NotFound) else None
    headers = {"Retry-After": str(exc.retry_after_seconds)} if isinstance(exc, TooManyRequests) else None
    detail = _sentence(str(exc)) if status in _EXPLAINED else None
    if isinstance(exc, NotAllowed) and status == HTTPStatus.CONFLICT:
        return _refused(request, exc, detail)
    return problem(request, status, title=title, detail=detail, headers=headers)


def _status_of(exc: CopilotError) -> int:
    if isinstance(exc, TooMuch):
        return exc.status
    status = next((status for kind, status in _STATUSES if isinstance(exc, kind)), None)
    if isinstance(exc, NotAllowed) and exc.reason == "unknown_incident":
        return 404
    return status or (503 if exc.retryable else 500)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."


def problem(
    request: Request,
    status: int,
    *,
    title: str | None = None,
    detail: str | None = None,
    headers: dict[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> JSONResponse:
    """The answer for an error; `request` has its id from the boundary, `members` are more of the problem's own."""
    title = title or _TITLES.get(status) or HTTPStatus(status).phrase.capitalize()
    body = Problem(
        type=_type_of(title),
        title=title,
        status=status,
        detail=detail,
        request_id=request.state.request_id,
        **(members or {}),
    )
    extra = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": str(RETRY_AFTER_SECONDS)}}.get(status, {})
    return JSONResponse(
        body.model_dump(exclude_none=True),
        status_code=status,
        headers={**extra, **(headers or {})},
        media_type=MEDIA_TYPE,
    )
