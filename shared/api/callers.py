"""Who calls, beside a bearer token: where a request came from, and whose session its cookie stands for."""

from urllib.parse import urlsplit

from fastapi import Request, Response

from shared.access.authentication import Forbidden
from shared.access.principals import Principal, RequestedFrom
from shared.access.sessions import Handle
from shared.api.options import ApiOptions
from shared.models.sessions import Session
from shared.pipeline.sessions import Opened
from shared.pipeline.signing_in import FLOW_LIFETIME, SignIn

MAX_AGENT_CHARS = 200
SESSION_COOKIE = "__Host-sre-session"
CSRF_COOKIE = "__Host-sre-csrf"
FLOW_COOKIE = "__Host-sre-sign-in"
CSRF_HEADER = "X-CSRF-Token"
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


def requested_from(request: Request) -> RequestedFrom:
    """What the audit trail says of the request. An address counts only where a proxy that we trust wrote it."""
    options: ApiOptions = request.app.state.options
    agent = request.headers.get("user-agent", "")[:MAX_AGENT_CHARS]
    return RequestedFrom(
        request_id=request.state.request_id,
        ip_address=options.client_address(request.headers),
        user_agent="".join(one for one in agent if one.isprintable()) or None,
    )


def handle_of(request: Request) -> Handle | None:
    """The handle of the session cookie; None without one that we could have made."""
    return Handle.parse(request.cookies.get(SESSION_COOKIE, ""))


async def principal_of_session(request: Request, sign_in: SignIn, handle: Handle) -> Principal:
    """Who is signed in; a write must prove that it comes from the web app. Raises Unauthenticated, Forbidden."""
    held = await sign_in.sessions.resume(handle, requested_from(request))
    if request.method not in _READS:
        await require_web_app(request, sign_in, held.value)
    request.state.session = held.value
    return await sign_in.sessions.principal(held.value)


async def require_web_app(request: Request, sign_in: SignIn, session: Session) -> None:
    """Raise Forbidden unless a page of ours made this request: browsers say so, and it knows the session's token."""
    shown = request.headers.get(CSRF_HEADER, "")
    if not _is_same_origin(request, sign_in.base_url) or not await sign_in.sessions.is_csrf_token(session, shown):
        raise Forbidden("the request does not come from the web app", reason="forged_request")


def _is_same_origin(request: Request, base_url: str) -> bool:
    """By Origin and Sec-Fetch-Site, as far as there are any; every browser sends one of them with a write."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if origin is None and site is None:
        return False
    ours = urlsplit(base_url)
    return origin in (None, f"{ours.scheme}://{ours.netloc}") and site in (None, "same-origin")


def hold(response: Response, opened: Opened) -> None:
    """Have the browser hold a session. Strict: no other site's page, link or form brings these cookies along."""
    seconds = int((opened.session.ends_at - opened.session.rotated_at).total_seconds())
    handle = str(opened.handle)
    response.set_cookie(SESSION_COOKIE, handle, max_age=seconds, secure=True, httponly=True, samesite="strict")
    response.set_cookie(CSRF_COOKIE, opened.csrf_token, max_age=seconds, secure=True, samesite="strict")


def let_go(response: Response) -> None:
    """Have the browser forget its session."""
    for name in (SESSION_COOKIE, CSRF_COOKIE):
        response.set_cookie(name, max_age=0, secure=True, httponly=name == SESSION_COOKIE, samesite="strict")


def hold_flow(response: Response, sealed: str) -> None:
    """Have the browser hold a sign-in that it began. Lax, for the provider sends it back by a link."""
    seconds = int(FLOW_LIFETIME.total_seconds())
    # "=" would be quoted, and not everything on the way puts up with quotes.
    value = sealed.replace("=", "~")
    response.set_cookie(FLOW_COOKIE, value, max_age=seconds, secure=True, httponly=True, samesite="lax")


def flow_of(request: Request) -> str | None:
    """The sign-in that this browser began."""
    sealed = request.cookies.get(FLOW_COOKIE)
    return sealed.replace("~", "=") if sealed else None


def let_go_of_flow(response: Response) -> None:
    """A sign-in is finished once."""
    response.set_cookie(FLOW_COOKIE, max_age=0, secure=True, httponly=True, samesite="lax")
