"""The dependency of every route: authenticates, authorises the operation, and hands over the principal."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from shared.access.authentication import Authenticator, Forbidden
from shared.access.principals import Principal, RequestedFrom
from shared.access.roles import may
from shared.api.idempotency import take_key
from shared.api.options import ApiOptions
from shared.ports.services import Services

MAX_AGENT_CHARS = 200

# Only declares the scheme for the documentation; the check itself is ours, so that all refusals look alike.
_scheme = HTTPBearer(auto_error=False, bearerFormat="JWT", description="An Entra ID v2.0 access token for this API.")


def allowed(operation: str) -> Callable[..., Awaitable[Principal]]:
    """A dependency that lets through who may do this operation of the roles table."""

    async def check(request: Request, _: Annotated[object, Depends(_scheme)]) -> Principal:
        authenticator: Authenticator = request.app.state.authenticator
        presented = request.headers.getlist("authorization")
        principal = await authenticator.authenticate(presented[0] if len(presented) == 1 else None)
        request.app.state.pace.require(principal)
        if not may(principal.role, operation):
            raise Forbidden(f"the role {principal.role} does not allow this", reason="role_too_low")
        principal = replace(principal, requested_from=_requested_from(request))
        await take_key(request, principal, operation)
        return principal

    check.__dict__["operation"] = operation
    return check


def _requested_from(request: Request) -> RequestedFrom:
    """What the audit trail says of the request. An address counts only where a proxy that we trust wrote it."""
    options: ApiOptions = request.app.state.options
    agent = request.headers.get("user-agent", "")[:MAX_AGENT_CHARS]
    return RequestedFrom(
        request_id=request.state.request_id,
        ip_address=options.client_address(request.headers),
        user_agent="".join(one for one in agent if one.isprintable()) or None,
    )


async def services_of(request: Request) -> Services:
    """The services the app was built on."""
    found: Services = request.app.state.services
    return found


Wired = Annotated[Services, Depends(services_of)]
