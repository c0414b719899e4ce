"""From an Authorization header to a principal, or a refusal that tells the caller nothing about the token."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.access.principals import Principal, highest
from shared.access.tokens import presented, verified
from shared.errors import CopilotError, Unauthenticated
from shared.models.base import TenantId
from shared.ports.identity import SigningKeys
from shared.ports.stores import DirectoryStore, LookupStore


class Forbidden(CopilotError):
    """A good token, but not for this: an inactive tenant, no role, or too little of one."""

    default_reason = "forbidden"


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Authenticator:
    """Checks tokens of the tenants we know, against the authority we are configured with."""

    keys: SigningKeys
    lookups: LookupStore
    directory: DirectoryStore
    authority: str
    audience: str
    now: Callable[[], datetime] = _utc_now

    async def authenticate(self, authorization: str | None) -> Principal:
        """The principal; raises Unauthenticated, Forbidden, StoreUnavailable or KeysUnavailable."""
        token = _bearer_token(authorization)
        says = presented(token)
        # Keys are fetched only for tenants we know, so junk tokens cannot make us call the issuer. Nothing is proved
        # yet, so an unknown tenant looks like a bad token: the answer must not tell who our customers are.
        tenant_id = await self.lookups.tenant_of_entra(says.entra_tenant_id)
        if tenant_id is None:
            raise Unauthenticated("the tenant is unknown", reason="unknown_tenant")
        key = await self.keys.key(says.entra_tenant_id, says.key_id)
        if key is None:
            raise Unauthenticated("the token is signed with an unknown key", reason="unknown_key")
        claims = verified(
            token,
            key,
            audience=self.audience,
            issuer=f"{self.authority}/{says.entra_tenant_id}/v2.0",
            entra_tenant_id=says.entra_tenant_id,
            now=self.now(),
        )
        return await self._principal(
            tenant_id, str(claims["oid"]), claims.get("preferred_username"), claims.get("roles")
        )

    async def _principal(self, tenant_id: TenantId, object_id: str, email: object, roles: object) -> Principal:
        tenant = await self.directory.tenant(tenant_id)
        if tenant is None or not tenant.is_active:
            raise Forbidden("this tenant is not active", reason="inactive_tenant")
        role = highest(roles)
        if role is None:
            raise Forbidden("the token carries none of the roles admin, engineer and viewer", reason="no_role")
        return Principal(tenant_id=tenant_id, object_id=object_id, email=str(email or "")[:320], role=role)


def _bearer_token(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("there is no bearer token", reason="no_token")
    return token.strip()
