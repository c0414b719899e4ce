"""Checks Entra ID v2.0 access tokens with PyJWT (RFC 8725; Microsoft identity platform, access token claims)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt

from shared.errors import Unauthenticated

MAX_TOKEN_CHARS = 16 * 1024
SKEW_SECONDS = 60
ALGORITHMS = ["RS256"]
REQUIRED = ["exp", "nbf", "iat", "iss", "aud", "tid", "oid"]

GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

# The times are checked below, against the clock we are handed.
_OPTIONS: Any = {
    "require": REQUIRED,
    "strict_aud": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


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
    if not isinstance(key_id, str) or not isinstance(tid, str) or not GUID.fullmatch(tid):
        raise Unauthenticated("the token names no key or no tenant", reason="token_incomplete")
    return Presented(key_id=key_id, entra_tenant_id=tid)


def verified(
    token: str, key: Any, *, audience: str, issuer: str, entra_tenant_id: str, now: datetime
) -> Mapping[str, Any]:
    """The claims of a token that this key signed for us, of this issuer and tenant; raises Unauthenticated."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token, key=key, algorithms=ALGORITHMS, audience=audience, issuer=issuer, options=_OPTIONS
        )
    except (jwt.PyJWTError, ValueError, TypeError) as exc:
        raise Unauthenticated("the token is not valid", reason="token_invalid") from exc
    if not _is_timely(claims, now.timestamp()):
        raise Unauthenticated("the token is not valid at this time", reason="token_time")
    if claims["tid"] != entra_tenant_id or not GUID.fullmatch(str(claims["oid"])) or claims.get("ver") != "2.0":
        raise Unauthenticated("the token's claims do not fit together", reason="token_claims")
    return claims


def _is_timely(claims: Mapping[str, Any], now: float) -> bool:
    times = [claims["iat"], claims["nbf"], claims["exp"]]
    if not all(type(one) in (int, float) for one in times):
        return False
    issued_at, not_before, expires_at = times
    latest_start, earliest_end = now + SKEW_SECONDS, now - SKEW_SECONDS
    return bool(issued_at <= latest_start and not_before <= latest_start and earliest_end < expires_at)
