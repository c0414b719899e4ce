"""What the web app is told of its session."""

from pydantic import BaseModel, Field

from shared.access.principals import Principal
from shared.models.base import Instant
from shared.models.sessions import Session
from shared.models.tenants import Role


class SessionView(BaseModel):
    """A session, as far as its own browser may know."""

    csrf_token: str = Field(description="To be sent as `X-CSRF-Token` with every write.")
    refresh_before: Instant = Field(description="After this it needs a refresh to be of use.")
    ends_at: Instant = Field(description="When it is over unless it is refreshed before.")


class SignedIn(BaseModel):
    """The caller, with the session when it was a cookie that said so."""

    tenant_id: str
    object_id: str
    email: str
    role: Role
    session: SessionView | None = None

    @classmethod
    def of(cls, principal: Principal, session: Session | None, csrf_token: str | None) -> "SignedIn":
        """Beside a bearer token there is no session."""
        shown = None
        if session is not None and csrf_token is not None:
            before = min(session.token_expires_at, session.ends_at)
            shown = SessionView(csrf_token=csrf_token, refresh_before=before, ends_at=session.ends_at)
        return cls(
            tenant_id=principal.tenant_id,
            object_id=principal.object_id,
            email=principal.email,
            role=principal.role,
            session=shown,
        )
