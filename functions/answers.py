"""What a sender is told: each outcome as the status that makes its sender do the right thing."""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

import azure.functions as func

from shared.bootstrap import Process, process
from shared.errors import CopilotError, Malformed, Unauthenticated
from shared.models.signals import Source
from shared.pipeline.accept import Delivery, accept
from shared.telemetry import Counter, logger, stage_span

log = logger(__name__)

MAX_HEADERS = 64
MAX_HEADER_CHARS = 4096
MAX_SOURCE_CHARS = 20
_OUTCOMES = {401: "unauthenticated", 413: "too_large", 400: "malformed", 503: "unavailable"}
_WEBHOOKS = Counter("webhooks")


async def webhook_answer(
    method: str,
    *,
    source: str,
    integration_id: str,
    headers: Mapping[str, str],
    code: str | None = None,
    body: bytes,
    now: datetime,
    wired: Callable[[], Awaitable[Process]] = process,
) -> func.HttpResponse:
    """Accept a delivery and say so, or say why not; our own faults are 503, which every sender tries again."""
    if method != "POST":
        return func.HttpResponse(status_code=405, headers={"Allow": "POST"})
    try:
        # Wired first: that brings the exporter of this very request's span along.
        running = await wired()
        traceparent = _one_line(headers.get("traceparent"))
        with stage_span("webhook", traceparent=traceparent, kind="server", source=source[:MAX_SOURCE_CHARS]) as begun:
            delivery = Delivery(
                source=_known_source(source),
                integration_id=integration_id,
                body=body,
                headers=_bounded(headers),
                code=code,
                traceparent=traceparent,
                received_at=now,
            )
            receipt_id = await accept(delivery, running.credentials, running.pacer, running.services)
            begun.set_attribute("correlation_id", receipt_id)
    except CopilotError as exc:
        return _refusal(source, exc)
    _WEBHOOKS.add(source=source, outcome="accepted")
    log.info("webhook_accepted", extra={"source": source, "receipt_id": receipt_id, "bytes": len(body)})
    return func.HttpResponse(json.dumps({"receipt_id": receipt_id}), status_code=202, mimetype="application/json")


def _refusal(source: str, exc: CopilotError) -> func.HttpResponse:
    status = _status_of(exc)
    _WEBHOOKS.add(source=source, outcome=_OUTCOMES[status])
    log.warning(
        "webhook_refused", extra={"source": source[:MAX_SOURCE_CHARS], "reason": exc.reason, "status": status}
    )
    return func.HttpResponse(status_code=status, headers=_headers_of(status))


def _known_source(source: str) -> Source:
    try:
        return Source(source)
    except ValueError as exc:
        # An unknown source looks like an unknown integration: nothing is told to who has no credential.
        raise Unauthenticated("no such source", reason="unknown_source") from exc


def _bounded(headers: Mapping[str, str]) -> dict[str, str]:
    """By lower-case name: as many as any sender needs, none longer than any signature."""
    return {name.lower(): value[:MAX_HEADER_CHARS] for name, value in list(headers.items())[:MAX_HEADERS]}


def _status_of(exc: CopilotError) -> int:
    match exc:
        case Unauthenticated():
            return 401
        case Malformed(reason="body_too_large"):
            return 413
        case Malformed():
            return 400
        case _:
            return 503


def _headers_of(status: int) -> dict[str, str]:
    return {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}.get(status, {})


def _one_line(header: str | None) -> str | None:
    return header[:64] if header and header.isprintable() else None
