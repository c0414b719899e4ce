"""Where sessions of the web app are kept, found by what a cookie holds and so without a tenant."""

from typing import Protocol

from shared.models.sessions import Session
from shared.ports.stores import Versioned


class SessionStore(Protocol):
    """Sessions, each alone in its partition; every method may raise StoreUnavailable.

    A session that is over may still be found for a while: whoever reads one looks at the time.
    """

    async def read(self, session_id: str) -> Versioned[Session] | None:
        """A session as it stands."""
        ...

    async def create(self, session: Session) -> str:
        """Keep a new session and return its etag; raises AlreadyExists."""
        ...

    async def replace(self, session: Session, etag: str) -> str:
        """Keep a changed session and return its new etag; raises Conflict when it moved or is gone."""
        ...

    async def delete(self, session_id: str, etag: str) -> None:
        """End a session; raises Conflict when it moved or is gone."""
        ...
