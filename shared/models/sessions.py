"""Sessions of the web app: what a browser's cookie stands for."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from shared.models.base import Document, Instant, Value
from shared.models.tenants import Role

IDLE = timedelta(hours=1)
"""A session that nobody refreshes for so long is over; the web app refreshes it while it is open."""
ABSOLUTE = timedelta(hours=12)
"""No session is older: people sign in once a shift."""


class Session(Document):
    """One browser that is signed in (container `sessions`, alone in its partition).

    `sealed` holds SessionSecrets, bound to this session. The handle's own text is nowhere: `secret_hash` is the
    SHA-256 of the current one's secret, `previous_hash` of the one before.
    """

    type: Literal["session"] = "session"
    object_id: str
    email: str
    name: str
    granted: Role | None
    """By the last token; what it comes to is decided anew with every request."""
    token_expires_at: Instant
    secret_hash: str
    previous_hash: str | None = None
    rotated_at: Instant
    renewing_until: Instant | None = None
    """Somebody is renewing the tokens: a refresh token works once, so nobody else may."""
    sealed: str
    created_at: Instant
    ttl: int = Field(ge=1)

    @property
    def ends_at(self) -> datetime:
        """When it is over unless it is refreshed before."""
        return min(self.rotated_at + IDLE, self.created_at + ABSOLUTE)


class SessionSecrets(Value):
    """What a session keeps to itself. Access tokens are not kept: nothing calls another API with them."""

    refresh_token: str
    rotation_key: str
    """The next handle's secret derives from it and from the current one."""
    csrf_key: str
