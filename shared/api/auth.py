"""Sign-in for the web app, which never sees a token: docs/sign-in.md tells the whole flow."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from shared.access.principals import Principal
from shared.access.sessions import Handle
from shared.api.allowed import allowed
from shared.api.callers import (
    flow_of,
    handle_of,
    hold,
    hold_flow,
    let_go,
    let_go_of_flow,
    requested_from,
    require_web_app,
)
from shared.api.problems import PROBLEMS, NotFound
from shared.api.views_auth import SignedIn
from shared.errors import Unauthenticated
from shared.models.sessions import Session
from shared.pipeline.signing_in import SignIn
from shared.ports.stores import Versioned

router = APIRouter(prefix="/auth", tags=["sign-in"], responses=PROBLEMS)

SEE_OTHER = 303


def sign_in_of(request: Request) -> SignIn:
    """Sign-in, where this installation offers it."""
    found: SignIn | None = request.app.state.sign_in
    if found is None:
        raise NotFound("There is no sign-in at this installation.")
    return found


def require_handle(request: Request) -> Handle:
    """The handle of the session cookie; raises Unauthenticated."""
    handle = handle_of(request)
    if handle is None:
        raise Unauthenticated("there is no session cookie", reason="no_session")
    return handle


async def unhurried(request: Request) -> None:
    """Each step of a sign-in has us do work for somebody we do not know; raises TooManyRequests."""
    request.app.state.pace.require_of_address(requested_from(request).ip_address)


Offered = Annotated[SignIn, Depends(sign_in_of)]
Held = Annotated[Handle, Depends(require_handle)]


@router.get(
    "/login",
    summary="Sign in",
    status_code=SEE_OTHER,
    response_class=RedirectResponse,
    response_description="To the identity provider.",
    dependencies=[Depends(unhurried)],
)
async def begin_sign_in(
    sign_in: Offered,
    return_to: Annotated[str, Query(max_length=512, description="A path of the web app.")] = "/",
    login_hint: Annotated[str | None, Query(max_length=320, description="A mail address to fill in.")] = None,
) -> RedirectResponse:
    """For a browser to go to. It comes back to `/auth/callback`, and from there to `return_to`."""
    address, sealed = await sign_in.begin(return_to, login_hint)
    answer = RedirectResponse(address, SEE_OTHER)
    hold_flow(answer, sealed)
    return answer


@router.get(
    "/callback",
    summary="Come back from the identity provider",
    status_code=SEE_OTHER,
    response_class=RedirectResponse,
    response_description="To the page that was asked for, with a session.",
    dependencies=[Depends(unhurried)],
)
async def finish_sign_in(request: Request, sign_in: Offered) -> RedirectResponse:
    """Only the browser that began can finish, once, within ten minutes."""
    answered = {name: request.query_params.get(name, "") for name in ("code", "state")}
    opened, page = await sign_in.finish(answered, flow_of(request), requested_from(request))
    answer = RedirectResponse(page, SEE_OTHER)
    hold(answer, opened)
    let_go_of_flow(answer)
    return answer


@router.post("/refresh", summary="Keep a session going")
async def refresh_session(request: Request, response: Response, handle: Held, sign_in: Offered) -> SignedIn:
    """Replaces the session cookie. The one before works for 30 seconds more; using it later ends the session."""
    await _resumed(request, handle, sign_in)
    opened = await sign_in.sessions.refresh(handle, requested_from(request))
    hold(response, opened)
    return SignedIn.of(await sign_in.sessions.principal(opened.session), opened.session, opened.csrf_token)


@router.post("/logout", summary="Sign out", status_code=204)
async def sign_out(request: Request, response: Response, handle: Held, sign_in: Offered) -> None:
    """Ends the session here; that with the identity provider goes on."""
    held = await _resumed(request, handle, sign_in)
    await sign_in.sessions.end(held.value, "sign_out", "signed_out", requested_from(request))
    let_go(response)


async def _resumed(request: Request, handle: Handle, sign_in: SignIn) -> Versioned[Session]:
    """The session, when it is a page of ours that asks, and not too often."""
    held = await sign_in.sessions.resume(handle, requested_from(request))
    request.app.state.pace.require(held.value.tenant_id, held.value.object_id)
    await require_web_app(request, sign_in, held.value)
    return held


@router.get("/me", summary="Who is signed in?")
async def read_session(
    request: Request, principal: Annotated[Principal, Depends(allowed("read_session"))]
) -> SignedIn:
    """The caller and, when a cookie said who that is, the session with the token that writes need."""
    session: Session | None = getattr(request.state, "session", None)
    sign_in: SignIn | None = request.app.state.sign_in
    token = await sign_in.sessions.csrf_token(session) if session and sign_in else None
    return SignedIn.of(principal, session, token)
