"""The dependency of every route: authenticates, authorises the operation, and hands over the principal."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from shared.access.authentication import Authenticator, Forbidden
from shared.access.principals import Principal
from shared.access.roles import may
from shared.ports.services import Services

# Only declares the scheme for the documentation; the check itself is ours, so that all refusals look alike.
_scheme = HTTPBearer(auto_error=False, bearerFormat="JWT", description="An Entra ID v2.0 access token for this API.")


def allowed(operation: str) -> Callable[..., Awaitable[Principal]]:
    """A dependency that lets through who may do this operation of the roles table."""

    async def check(request: Request, _: Annotated[object, Depends(_scheme)]) -> Principal:
        authenticator: Authenticator = request.app.state.authenticator
        presented = request.headers.getlist("authorization")
        principal = await authenticator.authenticate(presented[0] if len(presented) == 1 else None)
        if not may(principal.role, operation):
            raise Forbidden(f"the role {principal.role} does not allow this", reason="role_too_low")
        return principal

    check.__dict__["operation"] = operation
    return check


def services_of(request: Request) -> Services:
    """The services the app was built on."""
    found: Services = request.app.state.services
    return found


Wired = Annotated[Services, Depends(services_of)]
