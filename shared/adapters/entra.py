"""Entra ID's signing keys, fetched without blocking and kept over an outage of the issuer."""

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt

from shared.errors import KeysUnavailable

FETCH_SECONDS = 5.0
REFRESH_AFTER_SECONDS = 24 * 3600.0
UNKNOWN_KEY_PAUSE_SECONDS = 60.0
"""At most one fetch a minute and tenant because of keys we do not know, so that junk cannot hammer the issuer."""
MAX_TENANTS = 1000
MAX_BYTES = 512 * 1024


@dataclass
class _KeySet:
    keys: dict[str, Any] = field(default_factory=dict)
    fetched_at: float | None = None
    tried_at: float | None = None
    fetching: asyncio.Lock = field(default_factory=asyncio.Lock)


class EntraKeys:
    """Implements SigningKeys from `{authority}/{tid}/discovery/v2.0/keys`; `clock` counts seconds."""

    def __init__(self, authority: str, client: httpx.AsyncClient, *, clock: Callable[[], float]) -> None:
        self._authority = authority
        self._client = client
        self._clock = clock
        self._sets: OrderedDict[str, _KeySet] = OrderedDict()

    async def key(self, entra_tenant_id: str, key_id: str) -> Any | None:
        """See SigningKeys."""
        known = self._sets.setdefault(entra_tenant_id, _KeySet())
        self._sets.move_to_end(entra_tenant_id)
        while len(self._sets) > MAX_TENANTS:
            self._sets.popitem(last=False)
        async with known.fetching:
            if self._should_fetch(known, key_id):
                await self._fetch(entra_tenant_id, known)
        if known.fetched_at is None:
            raise KeysUnavailable("the issuer's keys could not be fetched", reason="issuer_unavailable")
        return known.keys.get(key_id)

    def _should_fetch(self, known: _KeySet, key_id: str) -> bool:
        now = self._clock()
        if known.fetched_at is None:
            # Nothing to fall back on: each request may try, but not more than one a second.
            return known.tried_at is None or now - known.tried_at >= 1.0
        is_old = now - known.fetched_at >= REFRESH_AFTER_SECONDS
        may_try = known.tried_at is None or now - known.tried_at >= UNKNOWN_KEY_PAUSE_SECONDS
        return may_try and (is_old or key_id not in known.keys)

    async def _fetch(self, entra_tenant_id: str, known: _KeySet) -> None:
        known.tried_at = self._clock()
        try:
            url = f"{self._authority}/{entra_tenant_id}/discovery/v2.0/keys"
            answer = await self._client.get(url, timeout=FETCH_SECONDS)
            answer.raise_for_status()
            if len(answer.content) > MAX_BYTES:
                return
            known.keys = _signing_keys(answer.json())
            known.fetched_at = self._clock()
        except (httpx.HTTPError, ValueError, KeyError, TypeError, jwt.PyJWTError):
            # The last good keys stay; with none, the caller is told.
            return

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _signing_keys(document: dict[str, Any]) -> dict[str, Any]:
    usable = [one for one in document["keys"] if one.get("kty") == "RSA" and one.get("use", "sig") == "sig"]
    return {str(one["kid"]): jwt.PyJWK(one, algorithm="RS256").key for one in usable}


def entra_keys(authority: str, ca_file: str | None, *, clock: Callable[[], float]) -> EntraKeys:
    """Keys of the configured authority, over verified TLS."""
    tls = ssl.create_default_context(cafile=ca_file) if ca_file else ssl.create_default_context()
    client = httpx.AsyncClient(verify=tls, trust_env=False, follow_redirects=False)
    return EntraKeys(authority, client, clock=clock)
