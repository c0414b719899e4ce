"""Sessions in memory."""

from shared.adapters.memory.documents import MemoryDocuments
from shared.models.sessions import Session
from shared.ports.stores import Versioned


class MemorySessions:
    """Implements SessionStore."""

    def __init__(self) -> None:
        self.documents = MemoryDocuments()

    async def read(self, session_id: str) -> Versioned[Session] | None:
        """See SessionStore."""
        held = self.documents.read((session_id,), session_id)
        return Versioned(Session.from_stored(held[0]), held[1]) if held else None

    async def create(self, session: Session) -> str:
        """See SessionStore."""
        return self.documents.create((session.id,), session.to_stored())

    async def replace(self, session: Session, etag: str) -> str:
        """See SessionStore."""
        return self.documents.replace((session.id,), session.to_stored(), etag)

    async def delete(self, session_id: str, etag: str) -> None:
        """See SessionStore."""
        self.documents.delete((session_id,), session_id, etag)
