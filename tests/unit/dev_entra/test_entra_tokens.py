"""Entra's claims and the keeping of keys, without a server."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pytest

from dev.entra.keys import ca_file, signing_key
from dev.entra.tokens import API_AUDIENCE, entra_object_guid, entra_tenant_guid, mint

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TENANT = entra_tenant_guid("acme")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("entra")


def claims_of(data: Path, **changes: Any) -> dict[str, Any]:
    wanted = {"tenant_id": TENANT, "role": "engineer", "email": "dana@acme.example", "audience": API_AUDIENCE}
    token = mint(data, **{"port": 1234, "now": NOON, **wanted, **changes})
    return jwt.decode(token, options={"verify_signature": False})


def test_guids_are_the_same_every_time_and_differ_by_what_they_name() -> None:
    assert entra_tenant_guid("acme") == entra_tenant_guid("acme") != entra_tenant_guid("globex")
    assert entra_object_guid("Dana@acme.example") == entra_object_guid("dana@ACME.example")
    assert {str(UUID(guid)) for guid in (TENANT, API_AUDIENCE)} == {TENANT, API_AUDIENCE}
    assert entra_tenant_guid("a@b.example") != entra_object_guid("a@b.example")


def test_a_token_lives_from_now_for_its_lifetime(data: Path) -> None:
    claims = claims_of(data, lifetime=timedelta(minutes=5))
    assert (claims["iat"], claims["nbf"], claims["exp"]) == (
        NOON.timestamp(),
        NOON.timestamp(),
        NOON.timestamp() + 300,
    )


def test_without_a_role_the_token_has_no_roles_at_all(data: Path) -> None:
    assert "roles" not in claims_of(data, role=None)


def test_a_scope_is_in_the_token_only_when_it_was_given(data: Path) -> None:
    assert "scp" not in claims_of(data)
    assert claims_of(data, scope="access")["scp"] == "access"


def test_the_subject_differs_by_application_and_the_object_id_does_not(data: Path) -> None:
    ours, theirs = claims_of(data), claims_of(data, audience="another-application")
    assert ours["sub"] != theirs["sub"]
    assert ours["oid"] == theirs["oid"] == entra_object_guid("dana@acme.example")


def test_a_tenant_that_is_no_guid_is_refused(data: Path) -> None:
    with pytest.raises(ValueError, match="UUID"):
        claims_of(data, tenant_id="acme")


def test_all_who_make_the_key_at_once_get_the_same_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        keys = list(pool.map(lambda _: signing_key(tmp_path / "data").kid, range(4)))
    assert len(set(keys)) == 1
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["signing-key.pem"]


def test_the_authority_is_made_once(tmp_path: Path) -> None:
    first = ca_file(tmp_path / "data").read_bytes()
    assert ca_file(tmp_path / "data").read_bytes() == first
    assert first.startswith(b"-----BEGIN CERTIFICATE-----")
    assert b"PRIVATE" not in first
