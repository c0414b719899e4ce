"""Sign-in to the web app: the browser is sent to the identity provider, comes back, and gets a session."""

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.access.authentication import Forbidden, Identity
from shared.access.principals import RequestedFrom
from shared.access.returning import page_of_ours
from shared.errors import AlreadyExists, SecretUnreadable, Unauthenticated
from shared.models.audit import AuditAction, AuditHome, AuditWhere
from shared.models.base import IntegrationId, TenantId
from shared.models.tenants import Role, User
from shared.pipeline.auditing import announce
from shared.pipeline.sessions import Opened, Sessions, principal_for_audit
from shared.ports.sign_in import Tokens
from shared.telemetry import logger

log = logger(__name__)

CALLBACK_PATH = "/api/v1/auth/callback"
FLOW_LIFETIME = timedelta(minutes=10)
"""So long does somebody have to sign in."""
MAX_SEALED_CHARS = 4096
MAX_CODE_CHARS = 4096
_BASE_URL = re.compile(r"https://[\w.-]+(:\d+)?|http://(localhost|127\.0\.0\.1)(:\d+)?")
# A sign-in belongs to no tenant before it is done; no tenant has this id.
_NOBODY, _FLOW = TenantId("sign-in"), IntegrationId("flow")


@dataclass(frozen=True)
class SignIn:
    """Sign-in for the product at `base_url`. The browser that begins is the only one that can finish."""

    sessions: Sessions
    base_url: str

    def __post_init__(self) -> None:
        # Browsers keep our cookies only where there is TLS, or at home.
        if not _BASE_URL.fullmatch(self.base_url):
            raise ValueError("the product's own address must be https, without a path")

    async def begin(self, return_to: str, login_hint: str | None) -> tuple[str, str]:
        """Where to send the browser, and the sealed flow for its cookie; raises Malformed, ProviderUnavailable."""
        page = page_of_ours(return_to)
        begun = await self.sessions.provider.begin(
            redirect_uri=f"{self.base_url}{CALLBACK_PATH}", login_hint=login_hint
        )
        kept = {"flow": begun.flow, "return_to": page, "at": self.sessions.now().isoformat()}
        return begun.address, await self.sessions.secret_box.seal(_NOBODY, _FLOW, json.dumps(kept))

    async def finish(
        self, answer: Mapping[str, str], sealed: str | None, requested_from: RequestedFrom
    ) -> tuple[Opened, str]:
        """A new session and the page to go to; raises Unauthenticated, or Forbidden for who may not come in."""
        try:
            flow, return_to = await self._begun(answer, sealed)
            tokens = await self.sessions.provider.complete(flow, answer)
            identity = await self._proven(tokens)
        except (Unauthenticated, Forbidden) as refused:
            # Nobody is known here, so there is no tenant whose trail could tell of it.
            log.info("sign_in_refused", extra={"reason": refused.reason})
            raise
        await self._require_admitted(identity, requested_from)
        await self._welcome(identity, requested_from)
        opened = await self.sessions.open(identity, tokens, requested_from)
        return opened, f"{self.base_url}{return_to}"

    async def _begun(self, answer: Mapping[str, str], sealed: str | None) -> tuple[str, str]:
        kept = await self._opened(sealed)
        flow = str(kept["flow"])
        if self.sessions.now() >= datetime.fromisoformat(str(kept["at"])) + FLOW_LIFETIME:
            raise Unauthenticated("the sign-in was begun too long ago", reason="flow_expired")
        expected, brought = str(json.loads(flow)["state"]), answer.get("state", "")
        if not hmac.compare_digest(expected.encode(), brought.encode()):
            raise Unauthenticated("the answer belongs to another sign-in", reason="flow_mismatch")
        if not 0 < len(answer.get("code", "")) <= MAX_CODE_CHARS:
            raise Unauthenticated("nobody was signed in", reason="provider_refused")
        return flow, str(kept["return_to"])

    async def _opened(self, sealed: str | None) -> Mapping[str, Any]:
        if not sealed or len(sealed) > MAX_SEALED_CHARS:
            raise Unauthenticated("this browser began no sign-in", reason="no_flow")
        try:
            kept: Mapping[str, Any] = json.loads(await self.sessions.secret_box.open(_NOBODY, _FLOW, sealed))
        except SecretUnreadable as exc:
            raise Unauthenticated("this browser began no sign-in of ours", reason="no_flow") from exc
        return kept

    async def _proven(self, tokens: Tokens) -> Identity:
        """The access token is checked as everybody's is; the identity token must be of the same person."""
        identity = await self.sessions.authenticator.identify(tokens.access_token)
        if identity.is_app or identity.object_id != tokens.object_id:
            raise Unauthenticated("the tokens are not of one person", reason="another_person")
        return identity

    async def _require_admitted(self, identity: Identity, requested_from: RequestedFrom) -> None:
        try:
            await self.sessions.authenticator.admit(identity)
        except Forbidden as refused:
            log.info("sign_in_refused", extra={"reason": refused.reason})
            now = self.sessions.now()
            entry = principal_for_audit(identity, requested_from).entry(
                "finish_sign_in",
                AuditAction.SIGN_IN,
                "user",
                User.id_of(identity.object_id),
                after={"outcome": "refused", "reason": refused.reason},
                now=now,
            )
            await self.sessions.append(identity.tenant_id, entry, self.sessions.services, now)
            raise

    async def _welcome(self, identity: Identity, requested_from: RequestedFrom) -> None:
        """Who comes for the first time gets a user, with the least role until somebody gives them more."""
        services, user_id = self.sessions.services, User.id_of(identity.object_id)
        if await services.directory.user_by_object_id(identity.tenant_id, identity.object_id) is not None:
            return
        now = self.sessions.now()
        entry = principal_for_audit(identity, requested_from).entry(
            "finish_sign_in", AuditAction.CREATE, "user", user_id, after={"role": Role.VIEWER.value}, now=now
        )
        user = User(
            id=user_id,
            tenant_id=identity.tenant_id,
            email=identity.email,
            entra_object_id=identity.object_id,
            full_name=identity.name,
            role=Role.VIEWER,
            created_at=now,
        )
        await announce(identity.tenant_id, entry, AuditWhere(home=AuditHome.DIRECTORY, id=user_id), services)
        try:
            await services.records.create(identity.tenant_id, user.with_audit(entry))
        except AlreadyExists:
            log.info("user_was_there", extra={"reason": "signed_in_twice_at_once"})
