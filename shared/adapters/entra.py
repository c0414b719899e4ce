"""Entra ID's signing keys, fetched without blocking and kept over an outage of the issuer."""

import asyncio
import json
import ssl
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt

from shared.access.tokens import GUID
from shared.errors import KeysUnavailable
from shared.telemetry import logger

log = logger(__name__)

FETCH_SECONDS = 5.0
REFRESH_AFTER_SECONDS = 24 * 3600.0
UNKNOWN_KEY_PAUSE_SECONDS = 60.0
"""At most one fetch a minute and tenant because of keys we do not know, so that junk cannot hammer the issuer."""
NO_KEYS_PAUSE_SECONDS = 1.0
ANY_DIRECTORY = "{tenantid}"
"""In the `issuer` of a published key: it signs for every directory."""
MAX_TENANTS = 1000
MAX_BYTES = 512 * 1024


@dataclass
class _KeySet:
    keys: Mapping[str, Any] = field(default_factory=dict)
    fetched_at: float | None = None
    tried_at: float | None = None
    fetching: asyncio.Lock = field(default_factory=asyncio.Lock)


class EntraKeys:
    """Implements SigningKeys from `{authority}/{tid, or common}/discovery/v2.0/keys`; `clock` counts seconds."""

    def __init__(
        self,
        authority: str,
        client: httpx.AsyncClient,
        *,
        clock: Callable[[], float],
        fetch_seconds: float = FETCH_SECONDS,
        max_tenants: int = MAX_TENANTS,
    ) -> None:
        self._authority = authority
        self._client = client
        self._clock = clock
        self._fetch_seconds = fetch_seconds
        self._max_tenants = max_tenants
        self._sets: OrderedDict[str, _KeySet] = OrderedDict()
        self._shared = _KeySet()

    async def key(self, entra_tenant_id: str, key_id: str) -> Any | None:
        """See SigningKeys. What is no GUID has no keys: it never reaches a URL."""
        if not GUID.fullmatch(entra_tenant_id):
            return None
        return await self._key_of(entra_tenant_id, self._set_of(entra_tenant_id), key_id)

    async def shared_key(self, key_id: str) -> Any | None:
        """See SigningKeys. One set serves all directories that we do not know, so junk shares one pause."""
        return await self._key_of("common", self._shared, key_id)

    async def _key_of(self, directory: str, known: _KeySet, key_id: str) -> Any | None:
        # While somebody refreshes keys that are merely old, everybody else goes on with them.
        waits = not (key_id in known.keys and known.fetching.locked())
        if waits and self._should_fetch(known, key_id):
            async with known.fetching:
                # Whoever had to wait for the lock finds what the one before has fetched, or that it could not.
                if self._should_fetch(known, key_id):
                    await self._refresh(directory, known)
        if known.fetched_at is None:
            raise KeysUnavailable("the issuer's keys could not be fetched", reason="issuer_unavailable")
        return known.keys.get(key_id)

    def _set_of(self, entra_tenant_id: str) -> _KeySet:
        known = self._sets.setdefault(entra_tenant_id, _KeySet())
        self._sets.move_to_end(entra_tenant_id)
        while len(self._sets) > self._max_tenants:
            self._sets.popitem(last=False)
        return known

    def _should_fetch(self, known: _KeySet, key_id: str) -> bool:
        now = self._clock()
        # With nothing to fall back on, try sooner: until then every request of the tenant is answered with 503.
        pause = NO_KEYS_PAUSE_SECONDS if known.fetched_at is None else UNKNOWN_KEY_PAUSE_SECONDS
        if known.tried_at is not None and now - known.tried_at < pause:
            return False
        is_old = known.fetched_at is None or now - known.fetched_at >= REFRESH_AFTER_SECONDS
        return is_old or key_id not in known.keys

    async def _refresh(self, directory: str, known: _KeySet) -> None:
        try:
            known.keys = _signing_keys(await self._published(directory), directory)
            known.fetched_at = self._clock()
        except (httpx.HTTPError, TimeoutError, ValueError, RecursionError) as exc:
            # The last good keys stay; with none, the caller is told.
            log.warning("issuer_keys_not_fetched", extra={"reason": type(exc).__name__})
        finally:
            # From the end of the attempt, or all who waited through a timeout would each wait through their own.
            known.tried_at = self._clock()

    async def _published(self, directory: str) -> bytes:
        url = f"{self._authority}/{directory}/discovery/v2.0/keys"
        # httpx counts its timeouts an operation, so a trickle of bytes needs a deadline of its own.
        async with asyncio.timeout(self._fetch_seconds), self._client.stream("GET", url) as answer:
            answer.raise_for_status()
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise ValueError("the issuer's answer is too large")
            return bytes(body)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _signing_keys(published: bytes, directory: str) -> dict[str, Any]:
    document = json.loads(published)
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("the issuer's answer holds no list of keys")
    found = {one["kid"]: _public_key(one) for one in listed if _signs_for(one, directory)}
    usable = {key_id: key for key_id, key in found.items() if key is not None}
    if not usable:
        raise ValueError("the issuer published no key that we can use")
    return usable


def _signs_for(one: object, directory: str) -> bool:
    """Whether a key signs tokens of this directory: Entra ID says of a key whose it is, as an issuer or a template.

    One that it keeps for another directory, or for personal accounts, must not vouch for a company's people.
    """
    if not isinstance(one, dict) or not isinstance(one.get("kid"), str):
        return False
    issuer = one.get("issuer", ANY_DIRECTORY)
    is_of_theirs = isinstance(issuer, str) and (ANY_DIRECTORY in issuer or directory in issuer.split("/"))
    return is_of_theirs and one.get("kty") == "RSA" and one.get("use", "sig") == "sig"


def _public_key(one: dict[str, Any]) -> Any | None:
    try:
        return jwt.PyJWK(one, algorithm="RS256").key
    except (jwt.PyJWTError, ValueError, TypeError):
        # One key that cannot be read must not cost us the others.
        return None


def entra_keys(authority: str, ca_file: str | None, *, clock: Callable[[], float]) -> EntraKeys:
    """Keys of the configured authority, over verified TLS."""
    tls = ssl.create_default_context(cafile=ca_file) if ca_file else ssl.create_default_context()
    client = httpx.AsyncClient(verify=tls, timeout=FETCH_SECONDS, trust_env=False, follow_redirects=False)
    return EntraKeys(authority, client, clock=clock)
