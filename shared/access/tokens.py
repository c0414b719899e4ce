"""Checks Entra ID v2.0 access tokens with PyJWT (RFC 8725; Microsoft identity platform, access token claims)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from shared.errors import Unauthenticated

MAX_TOKEN_CHARS = 16 * 1024
SKEW_SECONDS = 60
ALGORITHMS = ["RS256"]
REQUIRED = ["exp", "nbf", "iat", "iss", "aud", "tid", "oid"]

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Presented:
    """What a token says of itself before anything is checked: only good for finding the keys to check it with."""

    key_id: str
    entra_tenant_id: str


def presented(token: str) -> Presented:
    """The key id and tenant that a token names; raises Unauthenticated. Headers that bring keys are ignored."""
    if len(token) > MAX_TOKEN_CHARS:
        raise Unauthenticated("the token is too long", reason="token_too_long")
    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError) as exc:
        raise Unauthenticated("the token cannot be read", reason="token_unreadable") from exc
    key_id, tid = header.get("kid"), claims.get("tid")
    if header.get("alg") not in ALGORITHMS:
        raise Unauthenticated("the token's algorithm is not accepted", reason="token_algorithm")
    if not isinstance(key_id, str) or not isinstance(tid, str) or not _GUID.fullmatch(tid):
        raise Unauthenticated("the token names no key or no tenant", reason="token_incomplete")
    return Presented(key_id=key_id, entra_tenant_id=tid)


def verified(token: str, key: Any, *, audience: str, issuer: str, entra_tenant_id: str) -> Mapping[str, Any]:
    """The claims of a token that this key signed for us, of this issuer and tenant; raises Unauthenticated."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key=key,
            algorithms=ALGORITHMS,
            audience=audience,
            issuer=issuer,
            leeway=SKEW_SECONDS,
            options={"require": REQUIRED},
        )
    except (jwt.PyJWTError, ValueError, TypeError) as exc:
        raise Unauthenticated("the token is not valid", reason="token_invalid") from exc
    if claims["tid"] != entra_tenant_id or not _GUID.fullmatch(str(claims["oid"])) or claims.get("ver") != "2.0":
        raise Unauthenticated("the token's claims do not fit together", reason="token_claims")
    return claims
