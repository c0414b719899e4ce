"""What every SessionStore promises."""

from datetime import timedelta

import pytest

from shared.access.sessions import Handle, hashed
from shared.adapters.cosmos.sessions import CosmosSessions
from shared.adapters.memory import MemorySessions
from shared.errors import AlreadyExists, Conflict
from shared.models.sessions import Session
from shared.models.tenants import Role
from shared.ports.sessions import SessionStore
from tests.builders import ACME, NOON
from tests.contract.conftest import BACKENDS


@pytest.fixture(params=BACKENDS)
def sessions(request: pytest.FixtureRequest) -> SessionStore:
    if request.param == "memory":
        return MemorySessions()
    return CosmosSessions(request.getfixturevalue("database"))


def a_session() -> Session:
    handle = Handle.fresh()
    return Session(
        id=handle.session_id,
        tenant_id=ACME,
        object_id="oid-1",
        email="dana@acme.example",
        name="Dana",
        granted=Role.ENGINEER,
        token_expires_at=NOON + timedelta(hours=1),
        secret_hash=hashed(handle.secret),
        rotated_at=NOON,
        sealed="v1.sealed",
        created_at=NOON,
        ttl=3600,
    )


async def test_a_session_is_read_back_by_its_id_alone(sessions: SessionStore) -> None:
    session = a_session()
    etag = await sessions.create(session)
    held = await sessions.read(session.id)
    assert held is not None
    assert (held.value, held.etag) == (session, etag)


@pytest.mark.parametrize("odd", ["ses-unknown", "../x", "a/b", "x" * 2000])
async def test_an_id_that_none_has_leads_nowhere(sessions: SessionStore, odd: str) -> None:
    assert await sessions.read(odd) is None


async def test_a_session_is_created_once(sessions: SessionStore) -> None:
    session = a_session()
    await sessions.create(session)
    with pytest.raises(AlreadyExists):
        await sessions.create(session)


async def test_of_two_who_change_a_session_one_is_told(sessions: SessionStore) -> None:
    session = a_session()
    etag = await sessions.create(session)
    rotated = session.model_copy(update={"previous_hash": session.secret_hash, "secret_hash": "other"})
    newer = await sessions.replace(rotated, etag)
    with pytest.raises(Conflict):
        await sessions.replace(session, etag)
    with pytest.raises(Conflict):
        await sessions.delete(session.id, etag)
    held = await sessions.read(session.id)
    assert held is not None
    assert (held.value, held.etag) == (rotated, newer)


async def test_a_session_that_was_ended_is_gone_for_everybody(sessions: SessionStore) -> None:
    session = a_session()
    etag = await sessions.create(session)
    await sessions.delete(session.id, etag)
    assert await sessions.read(session.id) is None
    with pytest.raises(Conflict):
        await sessions.delete(session.id, etag)
    with pytest.raises(Conflict):
        await sessions.replace(session, etag)
