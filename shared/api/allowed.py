"""The dependency of every route: authenticates, authorises the operation, and hands over the principal."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPBearer

from shared.access.authentication import Authenticator, Forbidden
from shared.access.principals import Principal
from shared.access.roles import may
from shared.api.callers import SESSION_COOKIE, handle_of, principal_of_session, requested_from
from shared.api.idempotency import take_key
from shared.ports.services import Services

# These only declare the schemes for the documentation; the check itself is ours, so that all refusals look alike.
_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="An Entra ID access token for this API.")
_session = APIKeyCookie(
    name=SESSION_COOKIE,
    auto_error=False,
    scheme_name="Session",
    description="The web app's session, from `/api/v1/auth/login`. Writes also need `X-CSRF-Token`.",
)


def allowed(operation: str) -> Callable[..., Awaitable[Principal]]:
    """A dependency that lets through who may do this operation of the roles table."""

    async def check(
        request: Request, _: Annotated[object, Depends(_bearer)], __: Annotated[object, Depends(_session)]
    ) -> Principal:
        principal = await _authenticated(request)
        request.app.state.pace.require(principal.tenant_id, principal.object_id)
        if not may(principal.role, operation):
            raise Forbidden(f"the role {principal.role} does not allow this", reason="role_too_low")
        principal = replace(principal, requested_from=requested_from(request))
        await take_key(request, principal, operation)
        return principal

    check.__dict__["operation"] = operation
    return check


async def _authenticated(request: Request) -> Principal:
    """By the bearer token; by the session cookie only where there is no Authorization header at all."""
    authenticator: Authenticator = request.app.state.authenticator
    presented = request.headers.getlist("authorization")
    handle = handle_of(request)
    if not presented and handle is not None and request.app.state.sign_in is not None:
        return await principal_of_session(request, request.app.state.sign_in, handle)
    return await authenticator.authenticate(presented[0] if len(presented) == 1 else None)


async def services_of(request: Request) -> Services:
    """The services the app was built on."""
    found: Services = request.app.state.services
    return found


Wired = Annotated[Services, Depends(services_of)]
