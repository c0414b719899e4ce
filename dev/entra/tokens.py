"""Entra's v2.0 claims, and tokens signed with the stand-in's key, whether or not it is running."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from joserfc import jwt
from joserfc.jwk import RSAKey

from dev.entra.keys import ca_file, signing_key

__all__ = [
    "API_AUDIENCE",
    "LIFETIME",
    "Person",
    "access_claims",
    "ca_file",
    "entra_object_guid",
    "entra_tenant_guid",
    "home_directory",
    "identity_claims",
    "issuer",
    "mint",
    "sign",
]

LIFETIME = timedelta(hours=1)
_NAMES = uuid5(NAMESPACE_URL, "https://login.local/sre-copilot")

API_AUDIENCE = str(uuid5(_NAMES, "application:api"))
"""The client id of the product's own app registration: the `aud` of its access tokens."""


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in to a tenant."""

    tenant_id: str
    email: str
    role: str | None = None

    @property
    def name(self) -> str:
        """A display name from the mail address: dana.ops@example.com is Dana Ops."""
        return self.email.partition("@")[0].replace(".", " ").replace("-", " ").title()


def entra_tenant_guid(slug: str) -> str:
    """The directory (`tid`) that stands for the tenant with this slug."""
    return str(uuid5(_NAMES, f"tenant:{slug}"))


def entra_object_guid(email: str) -> str:
    """The object id (`oid`) of the person with this mail address."""
    return str(uuid5(_NAMES, f"user:{email.lower()}"))


def home_directory(email: str) -> str:
    """The directory that a mail address belongs to: that of acme.example is the one of the tenant `acme`."""
    return entra_tenant_guid(email.rpartition("@")[2].partition(".")[0].lower())


def issuer(port: int, tenant_id: str) -> str:
    """The `iss` of a tenant's tokens, below which its discovery document lies."""
    return f"https://localhost:{port}/{UUID(tenant_id)}/v2.0"


def identity_claims(person: Person, *, audience: str) -> dict[str, Any]:
    """Who this is, as both kinds of Entra's tokens say it; without a role there is no `roles` at all."""
    object_id = entra_object_guid(person.email)
    claims: dict[str, Any] = {
        "ver": "2.0",
        "tid": person.tenant_id,
        "oid": object_id,
        "sub": uuid5(UUID(object_id), audience).hex,  # pairwise: each application sees another subject
        "preferred_username": person.email,
        "name": person.name,
    }
    return claims if person.role is None else {**claims, "roles": [person.role]}


def access_claims(
    person: Person, *, port: int, audience: str, now: datetime, lifetime: timedelta, scope: str | None
) -> dict[str, Any]:
    """All claims of a v2.0 access token for the API."""
    issued = int(now.timestamp())
    return {
        "iss": issuer(port, person.tenant_id),
        "aud": audience,
        "iat": issued,
        "nbf": issued,
        "exp": int((now + lifetime).timestamp()),
        **identity_claims(person, audience=audience),
        **({} if scope is None else {"scp": scope}),
    }


def sign(key: RSAKey, claims: dict[str, Any]) -> str:
    """A JWT signed with RS256, naming its key."""
    return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)


def mint(
    data: Path,
    *,
    port: int,
    tenant_id: str,
    role: str | None,
    email: str,
    audience: str,
    now: datetime,
    lifetime: timedelta = LIFETIME,
    scope: str | None = None,
) -> str:
    """An access token as the stand-in on this port would issue it; the stand-in need not run."""
    person = Person(tenant_id=str(UUID(tenant_id)), email=email, role=role)
    claims = access_claims(person, port=port, audience=audience, now=now, lifetime=lifetime, scope=scope)
    return sign(signing_key(data), claims)
