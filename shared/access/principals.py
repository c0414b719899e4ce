"""The person or script behind a request, once its token has been checked."""

from dataclasses import dataclass

from shared.models.base import TenantId
from shared.models.tenants import Role


@dataclass(frozen=True)
class Principal:
    """Who is asking, for which tenant, in which role."""

    tenant_id: TenantId
    object_id: str
    email: str
    role: Role


def highest(roles: object) -> Role | None:
    """The most that a token's `roles` claim allows; unknown roles allow nothing."""
    named = set(roles) if isinstance(roles, list) and all(isinstance(one, str) for one in roles) else set()
    return next((role for role in Role if role.value in named), None)
