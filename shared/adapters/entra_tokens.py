"""Tokens for a tenant's service principal, kept until shortly before they expire.

Only service principals of the tenant's: with an identity of ours, whoever names the URL of a workspace that it may
read would read it, be it another tenant's (docs/decisions/0010-azure-monitor-with-the-tenants-own-principal.md).
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from shared.errors import SourceUnavailable
from shared.models.azure_monitor import AzureCloud, ServicePrincipal

RENEWED_SECONDS_BEFORE: Final = 300.0
REFUSAL_KEPT_SECONDS: Final = 60.0
"""A secret that has expired must not send a question to Entra ID for every query of every snapshot."""
WITHIN_SECONDS: Final = 5.0
MAX_KEPT: Final = 512

Fetched = tuple[str, float]
"""A token, and when it expires in epoch seconds."""
Fetch = Callable[[ServicePrincipal, AzureCloud], Awaitable[Fetched]]


async def entra_token(principal: ServicePrincipal, cloud: AzureCloud, **named: Any) -> Fetched:
    """A token from Entra ID itself, by the grant of client credentials; raises what azure-identity raises."""
    from azure.identity.aio import ClientSecretCredential

    # Made for one question: tokens are kept here, so nothing has to be kept open for an hour.
    async with ClientSecretCredential(
        principal.directory_id,
        principal.client_id,
        principal.client_secret,
        authority=cloud.authority,
        retry_total=1,
        **named,
    ) as credential:
        found = await credential.get_token(cloud.scope)
        return found.token, float(found.expires_on)


@dataclass
class _Kept:
    """What is known of one principal; the lock makes many questions at once one to Entra ID."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: str | None = field(default=None, repr=False)
    good_until: float = 0.0
    refused_until: float = 0.0


class EntraTokens:
    """Implements AccessTokens. `clock` tells epoch seconds."""

    def __init__(self, *, fetch: Fetch = entra_token, clock: Callable[[], float] = time.time) -> None:
        self._fetch = fetch
        self._clock = clock
        self._kept: OrderedDict[tuple[ServicePrincipal, AzureCloud], _Kept] = OrderedDict()

    async def token(self, principal: ServicePrincipal, cloud: AzureCloud) -> str:
        """See AccessTokens."""
        kept = self._of(principal, cloud)
        async with kept.lock:
            now = self._clock()
            if kept.token is not None and now < kept.good_until:
                return kept.token
            if now < kept.refused_until:
                raise _refused()
            kept.token, expires_at = await self._fetched(kept, principal, cloud)
            kept.good_until = expires_at - RENEWED_SECONDS_BEFORE
            return kept.token

    async def _fetched(self, kept: _Kept, principal: ServicePrincipal, cloud: AzureCloud) -> Fetched:
        from azure.core.exceptions import AzureError, ClientAuthenticationError

        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                return await self._fetch(principal, cloud)
        except ClientAuthenticationError as exc:
            kept.refused_until = self._clock() + REFUSAL_KEPT_SECONDS
            raise _refused() from exc
        except (AzureError, TimeoutError) as exc:
            raise SourceUnavailable("Entra ID could not be asked for a token.", reason="entra_unavailable") from exc

    def _of(self, principal: ServicePrincipal, cloud: AzureCloud) -> _Kept:
        key = principal, cloud
        if key not in self._kept:
            self._kept[key] = _Kept()
        self._kept.move_to_end(key)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]


def _refused() -> SourceUnavailable:
    return SourceUnavailable("Entra ID gives this application no token.", reason="entra_refused")
