"""What becomes of a source's errors: its refusals and failures are told, and never look like our own.

424, not a 5xx: nothing of ours is broken, and no proxy or client tries again by itself. Nor a 401, whatever the
source says of our credential: the caller's token is good.
"""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from shared.api.problems import PROBLEMS, documented, problem
from shared.pipeline.querying import QueryFailed
from shared.telemetry import logger

log = logger(__name__)

REFUSED, FAILED = "Query refused", "Source failed"
_FAILED_DEPENDENCY, _BAD_REQUEST = 424, 400

SOURCE_PROBLEMS = {
    **PROBLEMS,
    _FAILED_DEPENDENCY: documented(
        "The source gave no usable answer; `reason` says why.", FAILED, _FAILED_DEPENDENCY
    ),
}
"""For the documentation of operations that ask a source."""


def install_source_problems(api: FastAPI) -> None:
    """Answer what a source did in the one shape for errors."""

    @api.exception_handler(QueryFailed)
    async def on_failure(request: Request, exc: QueryFailed) -> JSONResponse:
        log.info("source_problem", extra={"reason": exc.reason})
        members = {"reason": exc.reason, "error_type": exc.error_type, "error": exc.error}
        if exc.is_refusal:
            return problem(request, _BAD_REQUEST, title=REFUSED, detail=str(exc), members=members)
        return problem(request, _FAILED_DEPENDENCY, title=FAILED, detail=str(exc), members=members)
