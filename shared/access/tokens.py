"""Checks Entra ID access tokens, v2.0 and v1.0, with PyJWT (RFC 8725; Microsoft identity platform, token claims)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt

from shared.errors import Unauthenticated

MAX_TOKEN_CHARS = 16 * 1024
SKEW_SECONDS = 60
ALGORITHMS = ["RS256"]
V1, V2 = "1.0", "2.0"
V1_ISSUER = "https://sts.windows.net"
REQUIRED = ["exp", "nbf", "iat", "iss", "aud", "tid"]

GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

# Times, issuer and audience are checked below: against the clock we are handed, and by the token's version.
_OPTIONS: Any = {
    "require": REQUIRED,
    "verify_aud": False,
    "verify_iss": False,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


@dataclass(frozen=True)
class Presented:
    """What a token says of itself before anything is checked: only good for finding the keys to check it with."""

    key_id: str
    entra_tenant_id: str


@dataclass(frozen=True)
class Expected:
    """What our tokens say: `authority` issues them, for `client_id` or, in v1.0, also for `app_id_uri`."""

    authority: str
    client_id: str
    app_id_uri: str = ""

    def audiences(self, version: object) -> Sequence[str]:
        """Who a token of this version may be for. A v1.0 token names us as the client asked for us."""
        uri = self.app_id_uri or f"api://{self.client_id}"
        return (self.client_id, uri) if version == V1 else (self.client_id,)

    def issuer(self, version: object, entra_tenant_id: str) -> str:
        """Who issues tokens of this version in a directory; the v1.0 issuer is the same in every Entra cloud."""
        if version == V1:
            return f"{V1_ISSUER}/{entra_tenant_id}/"
        return f"{self.authority}/{entra_tenant_id}/v2.0"


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


def verified(token: str, key: Any, *, expected: Expected, entra_tenant_id: str, now: datetime) -> Mapping[str, Any]:
    """The claims of a token that this key signed for us, of this directory; raises Unauthenticated."""
    try:
        # Issuer and audience depend on the version, which may be believed once the signature is: they come next.
        claims: dict[str, Any] = jwt.decode(token, key=key, algorithms=ALGORITHMS, options=_OPTIONS)
    except (jwt.PyJWTError, ValueError, TypeError) as exc:
        raise Unauthenticated("the token is not valid", reason="token_invalid") from exc
    if not _is_timely(claims, now.timestamp()):
        raise Unauthenticated("the token is not valid at this time", reason="token_time")
    if not _is_ours(claims, expected, entra_tenant_id):
        raise Unauthenticated("the token's claims do not fit together", reason="token_claims")
    return claims


def is_app_only(claims: Mapping[str, Any]) -> bool:
    """Whether an application speaks for itself, with no person behind it."""
    return claims.get("idtyp") == "app"


def _is_ours(claims: Mapping[str, Any], expected: Expected, entra_tenant_id: str) -> bool:
    version, audience = claims.get("ver"), claims["aud"]
    return (
        version in (V1, V2)
        and claims["tid"] == entra_tenant_id
        and claims["iss"] == expected.issuer(version, entra_tenant_id)
        and isinstance(audience, str)
        and audience in expected.audiences(version)
        and subject_of(claims) is not None
    )


def subject_of(claims: Mapping[str, Any]) -> str | None:
    """The object id of the person or application; one that is no object of the directory has its own id."""
    named = [claims.get("oid")]
    if is_app_only(claims) and named == [None]:
        named = [claims.get("azp"), claims.get("appid")]
    return next((one for one in named if isinstance(one, str) and GUID.fullmatch(one)), None)


def _is_timely(claims: Mapping[str, Any], now: float) -> bool:
    times = [claims["iat"], claims["nbf"], claims["exp"]]
    if not all(type(one) in (int, float) for one in times):
        return False
    issued_at, not_before, expires_at = times
    latest_start, earliest_end = now + SKEW_SECONDS, now - SKEW_SECONDS
    return bool(issued_at <= latest_start and not_before <= latest_start and earliest_end < expires_at)
