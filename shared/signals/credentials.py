"""Whether a delivery may come in: bearer tokens kept as hashes, compared in constant time."""

import re
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest

from shared.errors import StoreUnavailable, Unauthenticated
from shared.models.signals import Source
from shared.models.tenants import InboundCredential
from shared.ports.stores import LookupStore

FRESH_FOR = timedelta(seconds=60)
LAST_GOOD_FOR = timedelta(hours=24)
UNKNOWN_FOR = timedelta(seconds=30)
MAX_CACHED = 4096
MAX_TOKEN_CHARS = 1024

_INTEGRATION_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_NO_HASH = "0" * 64


def hash_token(token: str) -> str:
    """What is stored of a token. Tokens are 256 random bits, so a plain hash cannot be searched backwards."""
    return sha256(token.encode(errors="replace")).hexdigest()


def bearer_token(authorization: str | None) -> str:
    """The token in an Authorization header; empty when there is none."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip()[:MAX_TOKEN_CHARS] if scheme.lower() == "bearer" else ""


def matches(credential: InboundCredential | None, source: Source, token: str) -> bool:
    """Whether this token may send this source's alerts. An unknown integration takes the same comparisons."""
    stored = credential.token_hashes if credential and credential.is_active else ()
    presented = hash_token(token)
    hits = [compare_digest(presented, known) for known in (*stored, _NO_HASH, _NO_HASH)[:2]]
    right_kind = credential is not None and credential.integration_type == source.value
    return any(hits) and right_kind and bool(token)


@dataclass(frozen=True)
class _Known:
    credential: InboundCredential | None
    read_at: datetime


class InboundCredentials:
    """Finds credentials by integration, remembering the last good answer so that pages outlive a store outage."""

    def __init__(self, lookups: LookupStore) -> None:
        self._lookups = lookups
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def authenticate(
        self, integration_id: str, source: Source, authorization: str | None, *, now: datetime
    ) -> InboundCredential:
        """The credential that this header proves; raises Unauthenticated, or StoreUnavailable with none cached."""
        credential = await self._find(integration_id, now)
        if not matches(credential, source, bearer_token(authorization)) or credential is None:
            raise Unauthenticated("the integration is unknown or its token is wrong")
        return credential

    async def _find(self, integration_id: str, now: datetime) -> InboundCredential | None:
        if not _INTEGRATION_ID.fullmatch(integration_id):
            return None
        known = self._known.get(integration_id)
        if known and now - known.read_at < (FRESH_FOR if known.credential else UNKNOWN_FOR):
            return known.credential
        try:
            found = await self._lookups.inbound(integration_id)
        except StoreUnavailable:
            if known and known.credential and now - known.read_at < LAST_GOOD_FOR:
                return known.credential
            raise
        self._remember(integration_id, _Known(found, now))
        return found

    def _remember(self, integration_id: str, known: _Known) -> None:
        self._known[integration_id] = known
        self._known.move_to_end(integration_id)
        while len(self._known) > MAX_CACHED:
            # Junk ids must not push out the last good answers of real ones.
            junk = next((key for key, one in self._known.items() if one.credential is None), None)
            self._known.pop(junk if junk is not None else next(iter(self._known)))
