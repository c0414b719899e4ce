"""Idempotency-Key on every POST (draft-ietf-httpapi-idempotency-key-header): a repeat is answered, not done again.

`allowed` takes the key's claim once the caller is known and may do the operation; `Idempotency` keeps the answer.
"""

import math
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import NoReturn

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.access.idempotency import MAX_ANSWER_BYTES, Meeting, fingerprint, first_claim, key_of, meet
from shared.access.principals import Principal
from shared.api.problems import KeyReused
from shared.errors import AlreadyExists, Conflict, CopilotError, NotAllowed
from shared.models.base import TenantId
from shared.models.requests import RequestClaim, Unkept
from shared.ports.services import Services
from shared.ports.stores import Versioned
from shared.telemetry import logger

log = logger(__name__)

MAX_TRIES = 4
SECRET_ANSWERS: frozenset[str] = frozenset({"create_integration", "add_integration_secret"})
"""Operations whose answers carry a secret: of these it is only kept that they were done."""

_KEPT_HEADERS = ("content-type", "etag", "location")
_UNKEPT_WORDS = {
    Unkept.SECRET: "this was done; its answer held a secret and is not shown again",
    Unkept.TOO_LARGE: "this was done; its answer was too large to be kept",
}


@dataclass(frozen=True)
class Run:
    """One run of a request: what ids derive from, and whether an earlier run may have done some of it."""

    run_id: str
    is_again: bool = False


@dataclass(frozen=True)
class _Begun:
    """A request whose answer is to be kept."""

    tenant_id: TenantId
    claim: Versioned[RequestClaim]
    services: Services
    is_secret: bool


class Replayed(Exception):
    """The request was done before."""

    def __init__(self, claim: RequestClaim) -> None:
        super().__init__("replayed")
        self.claim = claim


def run_of(request: Request) -> Run:
    """The run that this request is; without a key each request is one of its own."""
    begun: _Begun | None = getattr(request.state, "idempotency", None)
    if begun is None:
        return Run(f"req-{request.state.request_id}")
    return Run(begun.claim.value.run_id, begun.claim.value.runs > 1)


async def take_key(request: Request, principal: Principal, operation: str) -> None:
    """Take the claim of the request's key, if it has one; raises what the key's earlier use leads to."""
    if request.method != "POST":
        return
    key = key_of(request.headers.getlist("idempotency-key"))
    if key is None:
        return
    services: Services = request.app.state.services
    mark = fingerprint(request.method, request.url.path, request.url.query, await request.body())
    claim_id = RequestClaim.id_for(principal.object_id, operation, key)
    for _ in range(MAX_TRIES):
        try:
            claim = await _taken(principal.tenant_id, claim_id, mark, services, now=datetime.now(UTC))
        except Conflict:
            continue
        is_secret = operation in SECRET_ANSWERS
        request.state.idempotency = _Begun(principal.tenant_id, claim, services, is_secret)
        return
    raise Conflict("the claim of a key moved too often")


async def _taken(
    tenant_id: TenantId, claim_id: str, mark: str, services: Services, *, now: datetime
) -> Versioned[RequestClaim]:
    """The claim of a request that may run. Most keys are new, so it is created first and asked for afterwards."""
    claim = first_claim(tenant_id, claim_id, mark, now=now)
    with suppress(AlreadyExists):
        return Versioned(claim, await services.claims.create(tenant_id, claim))
    held = await services.claims.request(tenant_id, claim_id)
    if held is None:
        raise Conflict("the claim of a key vanished between two reads")
    match met := meet(held.value, mark, now=now):
        case Meeting.EXPIRED:
            pass
        case Meeting.RUN_AGAIN:
            claim = held.value.again(now=now)
        case _:
            _refuse(met, held.value, now=now)
    return Versioned(claim, await services.claims.replace(tenant_id, claim, held.etag))


def _refuse(met: Meeting, claim: RequestClaim, *, now: datetime) -> NoReturn:
    if met is Meeting.ANOTHER_REQUEST:
        raise KeyReused("this Idempotency-Key was used for another request; take a new one")
    if met is Meeting.UNDER_WAY:
        wait = max(1, math.ceil((claim.lease_until - now).total_seconds()))
        raise NotAllowed(
            "the same request is under way", reason="request_under_way", retry_after_seconds=min(wait, 5)
        )
    if claim.unkept:
        raise done_before(claim.unkept)
    raise Replayed(claim)


def done_before(why: Unkept = Unkept.SECRET) -> NotAllowed:
    """What a repeat is told whose first answer cannot be given again."""
    return NotAllowed(_UNKEPT_WORDS[why], reason="done_before")


class Idempotency:
    """ASGI middleware that keeps what a request with a key was answered with, before the caller sees it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        held_back: list[Message] = []

        async def keep(message: Message) -> None:
            begun: _Begun | None = scope.get("state", {}).get("idempotency")
            if begun is None:
                await send(message)
                return
            held_back.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                await _keep(begun, held_back)
                for one in held_back:
                    await send(one)

        await self._app(scope, receive, keep)


async def _keep(begun: _Begun, answer: list[Message]) -> None:
    claim = _with_answer(begun, answer)
    try:
        await begun.services.claims.replace(begun.tenant_id, claim, begun.claim.etag)
    except CopilotError as exc:
        # It was done nevertheless. Its repeat runs it again, and finds it done.
        log.warning("answer_not_kept", extra={"reason": exc.reason})


def _with_answer(begun: _Begun, answer: list[Message]) -> RequestClaim:
    status = int(answer[0]["status"])
    claim = begun.claim.value
    if status >= HTTPStatus.BAD_REQUEST:
        return claim.failed()
    sent = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer[0]["headers"]}
    headers = {name: sent[name] for name in _KEPT_HEADERS if name in sent}
    body = b"".join(message.get("body", b"") for message in answer[1:])
    if begun.is_secret:
        return claim.done(status, {}, None, unkept=Unkept.SECRET)
    if len(body) > MAX_ANSWER_BYTES:
        return claim.done(status, {}, None, unkept=Unkept.TOO_LARGE)
    return claim.done(status, headers, body.decode())


def install_idempotency(api: FastAPI) -> None:
    """Answer repeats with what is kept, and keep what is answered."""

    @api.exception_handler(Replayed)
    async def on_repeat(request: Request, exc: Replayed) -> Response:  # noqa: ARG001 -- FastAPI's shape
        headers = {**exc.claim.answer_headers, "Idempotency-Replayed": "true"}
        return Response(exc.claim.answer_body, status_code=exc.claim.answer_status or 200, headers=headers)

    api.add_middleware(Idempotency)
