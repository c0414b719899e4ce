"""From an Authorization header to a principal, or a refusal that tells the caller nothing about the token."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.access.principals import Principal, granted, lower
from shared.access.tokens import Expected, Presented, is_app_only, presented, subject_of, verified
from shared.errors import CopilotError, KeysUnavailable, Unauthenticated
from shared.models.base import TenantId
from shared.models.tenants import Role, Tenant, User
from shared.ports.identity import SigningKeys
from shared.ports.stores import DirectoryStore, LookupStore

MAX_EMAIL_CHARS = 320
MAX_NAME_CHARS = 200
_LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


class Forbidden(CopilotError):
    """A good token, but not for this: an inactive tenant or user, no role, or too little of one."""

    default_reason = "forbidden"


@dataclass(frozen=True)
class Identity:
    """Who a token has proved somebody to be, and what it grants; whether we let them in is another question."""

    tenant_id: TenantId
    object_id: str
    email: str
    name: str
    granted: Role | None
    """None when the token carries none of our roles and scopes."""
    is_app: bool
    expires_at: datetime


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Authenticator:
    """Checks tokens against the authority we are configured with, and their owners against the directory."""

    keys: SigningKeys
    lookups: LookupStore
    directory: DirectoryStore
    authority: str
    audience: str
    app_id_uri: str = ""
    now: Callable[[], datetime] = _utc_now

    async def authenticate(self, authorization: str | None) -> Principal:
        """The principal; raises Unauthenticated, Forbidden, StoreUnavailable or KeysUnavailable."""
        return await self.admit(await self.identify(_bearer_token(authorization)))

    async def identify(self, token: str) -> Identity:
        """Who a token proves its owner to be; raises as `authenticate` does."""
        says = presented(token)
        tenant_id = await self.lookups.tenant_of_entra(says.entra_tenant_id)
        # Nothing is proved yet, and the answer must not tell who our customers are: a bad token of a directory that
        # we do not know is refused like any other, and only a good one learns that nobody has signed it up.
        key = await (self._key(says) if tenant_id else self._shared_key(says))
        if key is None:
            raise Unauthenticated("the token is signed with an unknown key", reason="unknown_key")
        expected = Expected(self.authority, self.audience, self.app_id_uri)
        claims = verified(token, key, expected=expected, entra_tenant_id=says.entra_tenant_id, now=self.now())
        if tenant_id is None:
            raise Forbidden("this directory belongs to no tenant", reason="unknown_tenant")
        return _identity(tenant_id, claims)

    async def admit(self, identity: Identity) -> Principal:
        """The principal, with the lower of the granted role and the one of the user's record; raises Forbidden."""
        return _admitted(identity, *await self._records(identity))

    async def admit_user(self, identity: Identity) -> Principal:
        """The same for somebody who signed in, and so has a record: without it nothing would narrow their role."""
        tenant, user = await self._records(identity)
        principal = _admitted(identity, tenant, user)
        if user is None:
            raise Forbidden("this user is not active", reason="unknown_user")
        return principal

    async def _records(self, identity: Identity) -> tuple[Tenant | None, User | None]:
        return await asyncio.gather(
            self.directory.tenant(identity.tenant_id),
            _nobody() if identity.is_app else self._user(identity),
        )

    async def _key(self, says: Presented) -> Any | None:
        return await self.keys.key(says.entra_tenant_id, says.key_id)

    async def _shared_key(self, says: Presented) -> Any | None:
        try:
            return await self.keys.shared_key(says.key_id)
        except KeysUnavailable:
            return None

    async def _user(self, identity: Identity) -> User | None:
        return await self.directory.user_by_object_id(identity.tenant_id, identity.object_id)


async def _nobody() -> None:
    return None


def _admitted(identity: Identity, tenant: Tenant | None, user: User | None) -> Principal:
    if tenant is None or not tenant.is_active:
        raise Forbidden("this tenant is not active", reason="inactive_tenant")
    if user is not None and not user.is_active:
        raise Forbidden("this user is not active", reason="inactive_user")
    if identity.granted is None:
        raise Forbidden("the token carries none of the roles admin, engineer and viewer", reason="no_role")
    role = identity.granted if user is None else lower(identity.granted, user.role)
    return Principal(tenant_id=identity.tenant_id, object_id=identity.object_id, email=identity.email, role=role)


def _identity(tenant_id: TenantId, claims: Mapping[str, Any]) -> Identity:
    # v1.0 tokens say `upn` or, of guests, only `unique_name`. None of these is more than a label.
    email = claims.get("preferred_username") or claims.get("upn") or claims.get("unique_name")
    return Identity(
        tenant_id=tenant_id,
        object_id=str(subject_of(claims)),
        email=_label(email, MAX_EMAIL_CHARS),
        name=_label(claims.get("name"), MAX_NAME_CHARS),
        granted=granted(claims),
        is_app=is_app_only(claims),
        expires_at=datetime.fromtimestamp(min(claims["exp"], _LATEST), UTC),
    )


def _label(claim: object, max_chars: int) -> str:
    text = claim if isinstance(claim, str) else ""
    return "".join(one for one in text[:max_chars] if one.isprintable())


def _bearer_token(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("there is no bearer token", reason="no_token")
    return token.strip()
