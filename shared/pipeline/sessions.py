"""Sessions of the web app: opened at sign-in, resumed with each request, refreshed, and ended."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from shared.access.authentication import Authenticator, Forbidden, Identity
from shared.access.principals import Principal, RequestedFrom
from shared.access.sessions import Handle, Standing, csrf_token, hashed, is_csrf_token, is_renewal_due, standing
from shared.access.tokens import SKEW_SECONDS
from shared.errors import Conflict, ProviderUnavailable, Unauthenticated
from shared.models.audit import AuditAction, AuditEntry
from shared.models.base import IntegrationId, TenantId
from shared.models.sessions import Session, SessionSecrets
from shared.models.tenants import Role
from shared.ports.secrets import SecretBox
from shared.ports.services import Services
from shared.ports.sign_in import IdentityProvider, Tokens
from shared.ports.stores import Versioned
from shared.telemetry import logger

log = logger(__name__)

MAX_RACES = 5
RENEWING = timedelta(seconds=30)
"""Longer than the provider is given to answer; after that somebody else may try."""
RENEWAL_POLL_SECONDS = 0.2
RENEWAL_POLLS = 50
TTL_SLACK_SECONDS = 60

Append = Callable[[TenantId, AuditEntry, Services, datetime], Awaitable[None]]
"""Adds an entry to the audit trail, for what changes no document of the tenant."""


@dataclass(frozen=True)
class Opened:
    """A session for a browser to hold."""

    session: Session
    handle: Handle
    csrf_token: str


@dataclass(frozen=True)
class Sessions:
    """What a session cookie is good for; whatever ends a session is audited before anybody is answered."""

    provider: IdentityProvider
    authenticator: Authenticator
    secret_box: SecretBox
    services: Services
    append: Append
    now: Callable[[], datetime]

    async def open(self, identity: Identity, tokens: Tokens, requested_from: RequestedFrom) -> Opened:
        """A new session under a handle that nobody has seen, whatever cookie the browser came with."""
        handle, now = Handle.fresh(), self.now()
        rotation, csrf = Handle.fresh(), Handle.fresh()
        kept = SessionSecrets(refresh_token=tokens.refresh_token, rotation_key=rotation.secret, csrf_key=csrf.secret)
        session = Session(
            id=handle.session_id,
            tenant_id=identity.tenant_id,
            object_id=identity.object_id,
            email=identity.email,
            name=identity.name,
            granted=identity.granted,
            token_expires_at=identity.expires_at,
            secret_hash=hashed(handle.secret),
            rotated_at=now,
            sealed=await self._seal(identity.tenant_id, handle.session_id, kept),
            created_at=now,
            ttl=1,
        )
        session = _with_ttl(session, now)
        await self._audit(session, "finish_sign_in", AuditAction.SIGN_IN, "signed_in", requested_from)
        await self.services.sessions.create(session)
        return Opened(session, handle, csrf_token(kept.csrf_key, session.id))

    async def resume(self, handle: Handle, requested_from: RequestedFrom) -> Versioned[Session]:
        """The session of a good handle; raises Unauthenticated. An old handle ends its session for everybody."""
        held = await self.services.sessions.read(handle.session_id)
        if held is None:
            raise Unauthenticated("there is no such session", reason="no_session")
        match standing(held.value, handle, self.now()):
            case Standing.CURRENT | Standing.REPLACED:
                return held
            case Standing.REUSED:
                log.warning("session_handle_reused", extra={"session_id": held.value.id})
                await self.end(held.value, "end_session", "handle_reused", requested_from)
                raise Unauthenticated("an old handle was used again", reason="handle_reused")
            case Standing.OVER:
                raise Unauthenticated("the session is over", reason="session_over")

    async def principal(self, session: Session) -> Principal:
        """Who is signed in, admitted anew; raises Unauthenticated once the tokens need a refresh, and Forbidden."""
        if self.now() >= session.token_expires_at + timedelta(seconds=SKEW_SECONDS):
            raise Unauthenticated("the session needs a refresh", reason="session_stale")
        return await self.authenticator.admit_user(_identity_of(session))

    async def secrets(self, session: Session) -> SessionSecrets:
        """What the session keeps to itself."""
        opened = await self.secret_box.open(session.tenant_id, IntegrationId(session.id), session.sealed)
        return SessionSecrets.model_validate_json(opened)

    async def csrf_token(self, session: Session) -> str:
        """What the web app sends with every write."""
        return csrf_token((await self.secrets(session)).csrf_key, session.id)

    async def is_csrf_token(self, session: Session, shown: str) -> bool:
        """Whether a header holds this session's."""
        return is_csrf_token(shown, (await self.secrets(session)).csrf_key, session.id)

    async def refresh(self, handle: Handle, requested_from: RequestedFrom) -> Opened:
        """The session under its next handle, with new tokens when they are due; raises as `principal` does."""
        for _ in range(MAX_RACES):
            held = await self._undisturbed(handle, requested_from)
            try:
                return await self._refreshed(held, handle, requested_from)
            except Conflict:
                continue  # another tab was first: its handle is then ours too
        raise Conflict(f"session {handle.session_id} moved {MAX_RACES} times")

    async def end(self, session: Session, event: str, reason: str, requested_from: RequestedFrom) -> None:
        """End a session: no handle of it is good any more."""
        await self._audit(session, event, AuditAction.SIGN_OUT, reason, requested_from)
        log.info("session_ended", extra={"reason": reason, "session_id": session.id})
        for _ in range(MAX_RACES):
            held = await self.services.sessions.read(session.id)
            if held is None:
                return
            try:
                await self.services.sessions.delete(session.id, held.etag)
            except Conflict:
                continue
            return
        raise Conflict(f"session {session.id} moved {MAX_RACES} times")

    async def _undisturbed(self, handle: Handle, requested_from: RequestedFrom) -> Versioned[Session]:
        """The session once no other tab is renewing its tokens."""
        for _ in range(RENEWAL_POLLS):
            held = await self.resume(handle, requested_from)
            busy_until = held.value.renewing_until
            if busy_until is None or self.now() >= busy_until:
                return held
            await asyncio.sleep(RENEWAL_POLL_SECONDS)
        raise Conflict(f"the tokens of session {handle.session_id} are being renewed")

    async def _refreshed(self, held: Versioned[Session], handle: Handle, requested_from: RequestedFrom) -> Opened:
        session, now = held.value, self.now()
        kept = await self.secrets(session)
        csrf, following = csrf_token(kept.csrf_key, session.id), handle.next(kept.rotation_key)
        if standing(session, handle, now) is Standing.REPLACED:
            return Opened(session, following, csrf)
        await self._require_admitted(session, requested_from)
        if is_renewal_due(session, now):
            held = await self._renewed(held, kept, requested_from)
        rotated = _rotated(held.value, following, self.now())
        await self.services.sessions.replace(rotated, held.etag)
        return Opened(rotated, following, csrf)

    async def _renewed(
        self, held: Versioned[Session], kept: SessionSecrets, requested_from: RequestedFrom
    ) -> Versioned[Session]:
        """The session with new tokens, still to be written; with the old ones while the provider is down."""
        claimed = held.value.model_copy(update={"renewing_until": self.now() + RENEWING})
        etag = await self.services.sessions.replace(claimed, held.etag)
        try:
            tokens = await self.provider.renew(kept.refresh_token)
            identity = _same_person(claimed, await self.authenticator.identify(tokens.access_token))
        except ProviderUnavailable:
            if self.now() < claimed.token_expires_at:
                return Versioned(claimed, etag)
            await self.services.sessions.replace(held.value, etag)
            raise
        except (Unauthenticated, Forbidden) as refused:
            await self.end(claimed, "refresh_session", refused.reason, requested_from)
            raise
        following = kept.model_copy(update={"refresh_token": tokens.refresh_token})
        sealed = await self._seal(claimed.tenant_id, claimed.id, following)
        renewed = claimed.model_copy(
            update={"granted": identity.granted, "token_expires_at": identity.expires_at, "sealed": sealed}
        )
        await self._require_admitted(renewed, requested_from)
        return Versioned(renewed, etag)

    async def _require_admitted(self, session: Session, requested_from: RequestedFrom) -> None:
        try:
            await self.authenticator.admit_user(_identity_of(session))
        except Forbidden as refused:
            await self.end(session, "refresh_session", refused.reason, requested_from)
            raise

    async def _seal(self, tenant_id: TenantId, session_id: str, kept: SessionSecrets) -> str:
        return await self.secret_box.seal(tenant_id, IntegrationId(session_id), kept.model_dump_json())

    async def _audit(
        self, session: Session, event: str, action: AuditAction, outcome: str, requested_from: RequestedFrom
    ) -> None:
        now = self.now()
        who = principal_for_audit(_identity_of(session), requested_from)
        entry = who.entry(event, action, "session", session.id, after={"outcome": outcome}, now=now)
        await self.append(session.tenant_id, entry, self.services, now)


def principal_for_audit(identity: Identity, requested_from: RequestedFrom) -> Principal:
    """Whom an audit entry names, admitted or not."""
    return Principal(
        tenant_id=identity.tenant_id,
        object_id=identity.object_id,
        email=identity.email,
        role=identity.granted or Role.VIEWER,
        requested_from=requested_from,
    )


def _identity_of(session: Session) -> Identity:
    return Identity(
        tenant_id=session.tenant_id,
        object_id=session.object_id,
        email=session.email,
        name=session.name,
        granted=session.granted,
        is_app=False,
        expires_at=session.token_expires_at,
    )


def _same_person(session: Session, identity: Identity) -> Identity:
    if (identity.tenant_id, identity.object_id) != (session.tenant_id, session.object_id):
        raise Unauthenticated("the new tokens are another person's", reason="another_person")
    return identity


def _rotated(session: Session, following: Handle, now: datetime) -> Session:
    changed = {
        "secret_hash": hashed(following.secret),
        "previous_hash": session.secret_hash,
        "rotated_at": now,
        "renewing_until": None,
    }
    return _with_ttl(session.model_copy(update=changed), now)


def _with_ttl(session: Session, now: datetime) -> Session:
    seconds = ceil((session.ends_at - now).total_seconds()) + TTL_SLACK_SECONDS
    return session.model_copy(update={"ttl": max(1, seconds)})
