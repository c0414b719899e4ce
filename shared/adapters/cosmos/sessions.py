"""Sessions in Cosmos DB, which removes those that are over."""

from shared.adapters.cosmos.client import Container, CosmosDatabase
from shared.models.sessions import Session
from shared.ports.stores import Versioned


class CosmosSessions:
    """Implements SessionStore. Each session is alone in its partition: its id is the key."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._container = Container(database, "sessions")

    async def read(self, session_id: str) -> Versioned[Session] | None:
        """See SessionStore."""
        found = await self._container.read((session_id,), session_id)
        return Versioned(Session.from_stored(found), str(found["_etag"])) if found else None

    async def create(self, session: Session) -> str:
        """See SessionStore."""
        return await self._container.create((session.id,), session.to_stored())

    async def replace(self, session: Session, etag: str) -> str:
        """See SessionStore."""
        return await self._container.replace((session.id,), session.to_stored(), etag)

    async def delete(self, session_id: str, etag: str) -> None:
        """See SessionStore."""
        await self._container.batch((session_id,), [], [(session_id, etag)])
