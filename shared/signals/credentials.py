"""Which integration a delivery is from: looked up, remembered over a store outage, proved by what came with it."""

import asyncio
import re
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.errors import CopilotError, KeysUnavailable, SecretUnreadable, StoreUnavailable, Unauthenticated
from shared.models.base import IntegrationId
from shared.models.signals import Source
from shared.models.tenants import InboundCredential
from shared.ports.secrets import SecretBox
from shared.ports.stores import LookupStore
from shared.signals.schemes import Accepted, Presented, hash_token, proves
from shared.telemetry import logger

__all__ = ["InboundCredentials", "Presented", "hash_token"]

log = logger(__name__)

FRESH_FOR = timedelta(seconds=60)
LAST_GOOD_FOR = timedelta(hours=24)
UNKNOWN_FOR = timedelta(seconds=30)
MAX_CACHED = 4096
ASK_AGAIN_AFTER = timedelta(seconds=10)
PATIENCE_SECONDS = 1.5
"""A store that hangs must not use up the four seconds that a delivery has, while its last good answer is at hand."""

_INTEGRATION_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_NOTHING = Accepted()


@dataclass(frozen=True)
class _Known:
    credential: InboundCredential | None
    accepted: Accepted = field(repr=False)
    read_at: datetime
    ask_at: datetime


class InboundCredentials:
    """Finds credentials by integration, remembering the last good answer so that pages outlive a store outage."""

    def __init__(
        self, lookups: LookupStore, secrets: SecretBox, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._lookups = lookups
        self._secrets = secrets
        self._patience_seconds = patience_seconds
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def authenticate(
        self, integration_id: str, source: Source, presented: Presented, *, now: datetime
    ) -> InboundCredential:
        """The credential that a delivery proves.

        Raises Unauthenticated; and with none remembered StoreUnavailable, KeysUnavailable or SecretUnreadable.
        """
        known = await self._find(integration_id, now)
        credential = known.credential if known else None
        is_proved = proves(presented, known.accepted if known else _NOTHING, now=now)
        if credential is None or not is_proved or not _is_for(credential, source):
            raise Unauthenticated("the integration is unknown or what it presents is wrong")
        return credential

    async def _find(self, integration_id: str, now: datetime) -> _Known | None:
        if not _INTEGRATION_ID.fullmatch(integration_id):
            return None
        known = self._known.get(integration_id)
        if known is None or now >= known.ask_at:
            is_last_good = known and known.credential and now - known.read_at < LAST_GOOD_FOR
            known = await self._ask(integration_id, known if is_last_good else None, now)
            self._remember(integration_id, known)
        return known

    async def _ask(self, integration_id: str, last_good: _Known | None, now: datetime) -> _Known:
        kept = replace(last_good, ask_at=now + ASK_AGAIN_AFTER) if last_good else None
        if kept:
            # One delivery asks; those that come meanwhile go on with what is known, and in an outage do not wait.
            self._remember(integration_id, kept)
        try:
            async with asyncio.timeout(self._patience_seconds if kept else None):
                found = await self._lookups.inbound(integration_id)
                accepted = await self._accepted(found)
        except (TimeoutError, StoreUnavailable, KeysUnavailable, SecretUnreadable) as exc:
            if kept is None:
                raise
            reason = exc.reason if isinstance(exc, CopilotError) else "lookup_timeout"
            log.warning("credential_kept", extra={"integration_id": integration_id, "reason": reason})
            return kept
        return _Known(found, accepted, now, ask_at=now + (FRESH_FOR if found else UNKNOWN_FOR))

    async def _accepted(self, credential: InboundCredential | None) -> Accepted:
        if credential is None:
            return _NOTHING
        owner, integration = credential.tenant_id, IntegrationId(credential.integration_id)
        secrets = [await self._secrets.open(owner, integration, sealed) for sealed in credential.sealed_secrets]
        return Accepted(
            schemes=frozenset(credential.schemes),
            token_hashes=credential.token_hashes,
            secrets=tuple(secrets),
            signature_header=credential.signature_header,
            timestamp_header=credential.timestamp_header,
        )

    def _remember(self, integration_id: str, known: _Known) -> None:
        self._known[integration_id] = known
        self._known.move_to_end(integration_id)
        while len(self._known) > MAX_CACHED:
            # Junk ids must not push out the last good answers of real ones.
            junk = next((key for key, one in self._known.items() if one.credential is None), None)
            self._known.pop(junk if junk is not None else next(iter(self._known)))


def _is_for(credential: InboundCredential, source: Source) -> bool:
    return credential.is_active and credential.integration_type.value == source.value
