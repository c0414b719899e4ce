"""How a sender proves itself, over the raw bytes: tokens kept as hashes, or signatures of the body."""

import hmac
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest

from shared.models.tenants import Scheme

MAX_TOKEN_CHARS = 1024
MAX_SIGNATURES = 10
REPLAY_SECONDS = 300
"""A timestamped signature is good for this long, both ways; Grafana defines no window of its own."""
GRAFANA_HEADER = "x-grafana-alerting-signature"
PAGERDUTY_HEADER = "x-pagerduty-signature"
GITHUB_HEADER = "x-hub-signature-256"

_NO_HASH = "0" * 64
NO_SECRET = "no secret at all"  # noqa: S105 -- stands in where none is configured, and proves nothing


@dataclass(frozen=True)
class Presented:
    """What came with a delivery: its headers by lower-case name, the `code` of its query, its bytes."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    code: str | None = field(default=None, repr=False)

    def header(self, name: str) -> str:
        """A header; empty when it is not there."""
        return self.headers.get(name.lower(), "")


@dataclass(frozen=True)
class Accepted:
    """What an integration accepts; at most two of each secret, so that one can be replaced without losing a page."""

    schemes: frozenset[Scheme] = frozenset()
    token_hashes: tuple[str, ...] = field(default=(), repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    signature_header: str | None = None
    timestamp_header: str | None = None


def hash_token(token: str) -> str:
    """What is stored of a token. Tokens are 256 random bits, so a plain hash cannot be searched backwards."""
    return sha256(token.encode(errors="replace")).hexdigest()


def proves(presented: Presented, accepted: Accepted, *, now: datetime) -> bool:
    """Whether the delivery comes from who holds a secret. The same work is done whatever is wrong with it."""
    hits = [
        token_matches(_bearer(presented), accepted) and Scheme.BEARER in accepted.schemes,
        token_matches(_basic(presented), accepted) and Scheme.BASIC in accepted.schemes,
        token_matches((presented.code or "")[:MAX_TOKEN_CHARS], accepted) and Scheme.CODE in accepted.schemes,
        *(check(presented, accepted, now) and scheme in accepted.schemes for scheme, check in _SIGNED.items()),
    ]
    return any(hits)


def token_matches(token: str, accepted: Accepted) -> bool:
    """Whether a token is one of the two, in constant time; an empty one never is."""
    presented = hash_token(token)
    stored = (*accepted.token_hashes, _NO_HASH, _NO_HASH)[:2]
    hits = [compare_digest(presented, known) for known in stored]
    return any(hits) and bool(token)


def signature_of(secret: str, signed: bytes) -> str:
    """The HMAC-SHA256 of bytes under a secret's text, as lower-case hex."""
    return hmac.new(secret.encode(errors="replace"), signed, sha256).hexdigest()


def _bearer(presented: Presented) -> str:
    scheme, _, token = presented.header("authorization").partition(" ")
    return token.strip()[:MAX_TOKEN_CHARS] if scheme.lower() == "bearer" else ""


def _basic(presented: Presented) -> str:
    """The password; the user name is whatever the operator likes."""
    scheme, _, encoded = presented.header("authorization").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        pair = b64decode(encoded.strip()[: 2 * MAX_TOKEN_CHARS], validate=True).decode(errors="replace")
    except (Base64Error, ValueError):
        return ""
    return pair.partition(":")[2][:MAX_TOKEN_CHARS]


def _is_signed(candidates: list[str], signed: bytes, accepted: Accepted) -> bool:
    expected = [signature_of(secret, signed) for secret in (*accepted.secrets, NO_SECRET, NO_SECRET)[:2]]
    known = len(accepted.secrets)
    # Bytes, because compare_digest refuses text that is not ASCII, and headers are hostile.
    hits = [
        compare_digest(candidate.encode(errors="replace"), one.encode()) and place < known
        for candidate in candidates
        for place, one in enumerate(expected)
    ]
    return any(hits)


def _grafana(presented: Presented, accepted: Accepted, now: datetime) -> bool:
    """Bare hex of the body; of `<unix seconds>:<body>` where the operator named a header for the time."""
    candidate = presented.header(accepted.signature_header or GRAFANA_HEADER)[:128]
    if accepted.timestamp_header is None:
        return _is_signed([candidate], presented.body, accepted)
    stamp = presented.header(accepted.timestamp_header)[:20]
    is_fresh = stamp.isascii() and stamp.isdigit() and abs(now.timestamp() - int(stamp)) <= REPLAY_SECONDS
    signed = stamp.encode(errors="replace") + b":" + presented.body
    return _is_signed([candidate], signed, accepted) and is_fresh


def _pagerduty(presented: Presented, accepted: Accepted, now: datetime) -> bool:  # noqa: ARG001 -- no time is signed
    """`v1=<hex>`, several while secrets rotate; other versions are not ours to judge."""
    listed = presented.header(PAGERDUTY_HEADER)[:2048].split(",")[:MAX_SIGNATURES]
    candidates = [one.strip().removeprefix("v1=") for one in listed if one.strip().startswith("v1=")]
    return _is_signed(candidates or [""], presented.body, accepted)


def _github(presented: Presented, accepted: Accepted, now: datetime) -> bool:  # noqa: ARG001 -- no time is signed
    scheme, _, candidate = presented.header(GITHUB_HEADER)[:128].partition("=")
    return _is_signed([candidate if scheme == "sha256" else ""], presented.body, accepted)


_SIGNED: Mapping[Scheme, Callable[[Presented, Accepted, datetime], bool]] = {
    Scheme.GRAFANA_HMAC: _grafana,
    Scheme.PAGERDUTY: _pagerduty,
    Scheme.GITHUB: _github,
}
