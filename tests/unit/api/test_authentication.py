"""Tokens at the door of the API: every attack meets the same blank refusal."""

from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest

from shared.models.tenants import Role, User
from shared.ports.stores import DirectoryStore
from tests.builders import ACME, NOON, a_tenant
from tests.unit.access.issuer import (
    ACME_TID,
    AUDIENCE,
    AUTHORITY,
    GLOBEX_TID,
    KEY_ID,
    NOW,
    OBJECT_ID,
    STRANGER_TID,
    a_token,
    claims,
    published,
)
from tests.unit.access.test_tokens import hs256_with_the_public_key
from tests.unit.api.serving import INCIDENT, Served, bearer

ATTACKS: dict[str, Callable[[], str]] = {
    "alg none": lambda: jwt.encode(claims(), None, algorithm="none", headers={"kid": KEY_ID}),
    "HS256 with the public key as secret": hs256_with_the_public_key,
    "issuer of another authority": lambda: a_token(iss=f"https://evil.test/{ACME_TID}/v2.0"),
    "issuer of another tenant": lambda: a_token(iss=f"{AUTHORITY}/{GLOBEX_TID}/v2.0"),
    "audience of another application": lambda: a_token(aud="22222222-2222-4222-8222-222222222222"),
    "tid of another tenant": lambda: a_token(tid=GLOBEX_TID, iss=f"{AUTHORITY}/{ACME_TID}/v2.0"),
    "tid that is a path": lambda: a_token(tid="../../evil"),
    "expired": lambda: a_token(exp=NOW - 61),
    "not yet valid": lambda: a_token(nbf=NOW + 61),
    "issued in the future": lambda: a_token(iat=NOW + 61),
    "no kid": lambda: a_token(headers={"kid": None}),
    "unknown kid": lambda: a_token(headers={"kid": "key-9"}),
    "another key under a known kid": lambda: a_token(signed_with="forger"),
    "jku that points at the forger's keys": lambda: a_token(
        headers={"jku": "https://evil.test/keys"}, signed_with="forger"
    ),
    "jwk that brings the forger's key": lambda: a_token(headers={"jwk": published("forger")}, signed_with="forger"),
    "truncated": lambda: a_token()[:-20],
    "only its first half": lambda: a_token()[: len(a_token()) // 2],
    "a claim changed after signing": lambda: with_the_claims_of(a_token(), a_token(roles=["admin"])),
    "20 KiB": lambda: a_token(padding="x" * 20 * 1024),
    "no oid": lambda: a_token(oid=None),
    "v1.0 from the v2.0 issuer": lambda: a_token(ver="1.0"),
    "v2.0 from the v1.0 issuer": lambda: a_token(iss=f"https://sts.windows.net/{ACME_TID}/"),
    "x5u that points at the forger's certificate": lambda: a_token(
        headers={"x5u": "https://evil.test/certificates"}, signed_with="forger"
    ),
    "an unknown directory, forged": lambda: a_token(tid=STRANGER_TID, signed_with="forger"),
    "an unknown directory, for another application": lambda: a_token(tid=STRANGER_TID, aud=ACME_TID),
    "an unknown directory, expired": lambda: a_token(tid=STRANGER_TID, exp=NOW - 61),
}


def with_the_claims_of(signed: str, other: str) -> str:
    header, _, signature = signed.split(".")
    return f"{header}.{other.split('.')[1]}.{signature}"


def is_blank_refusal(answer: httpx.Response) -> bool:
    told = {name: value for name, value in answer.json().items() if name != "request_id"}
    blank = {"type": "urn:sre-copilot:problem:unauthorized", "title": "Unauthorized", "status": 401}
    return (answer.status_code, told, answer.headers["WWW-Authenticate"]) == (401, blank, "Bearer")


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_bad_token_is_refused_without_a_word_on_why(served: Served, attack: str) -> None:
    async with served.client(headers=bearer(ATTACKS[attack]())) as client:
        assert is_blank_refusal(await client.get("/me"))


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer  ")],
        [("Authorization", "Basic ZGFuYTpzZWNyZXQ=")],
        [("Authorization", a_token())],
        [("Authorization", f"Bearer {a_token()}"), ("Authorization", f"Bearer {a_token()}")],
        [("Authorization", f"Bearer {a_token()},Bearer {a_token()}")],
        [("Authorization", f"Bearer {a_token()} {a_token()}")],
        [("Cookie", f"access_token={a_token()}")],
    ],
    ids=["none", "empty", "bare", "blank", "basic", "no-scheme", "two", "two-joined", "two-tokens", "cookie"],
)
async def test_anything_but_one_bearer_token_is_refused(served: Served, headers: list[tuple[str, str]]) -> None:
    async with served.client(headers=headers) as client:
        assert is_blank_refusal(await client.get("/me"))


async def test_a_token_in_an_address_lets_nobody_in(served: Served) -> None:
    async with served.client(headers={}) as client:
        answer = await client.get("/me", params={"access_token": a_token()})
    assert (answer.status_code, answer.json()["detail"]) == (400, "There is no query parameter 'access_token'.")


async def test_a_good_token_says_who_its_owner_is(served: Served) -> None:
    async with served.client() as client:
        answer = await client.get("/me")
    assert answer.json() == {
        "tenant_id": ACME,
        "object_id": claims()["oid"],
        "email": "dana.ops@acme.example",
        "role": "engineer",
    }


async def test_the_scheme_is_read_without_regard_to_case(served: Served) -> None:
    async with served.client(headers={"Authorization": f"bearer {a_token()}"}) as client:
        assert (await client.get("/me")).status_code == 200


async def test_a_good_token_of_a_directory_that_we_do_not_know_is_403(served: Served) -> None:
    async with served.client(headers=bearer(a_token(tid=STRANGER_TID))) as client:
        answer = await client.get("/me")
    assert (answer.status_code, answer.json()["detail"]) == (403, "This directory belongs to no tenant.")


async def test_junk_of_many_unknown_directories_makes_us_call_the_issuer_once(served: Served) -> None:
    async with served.client() as client:
        for number in range(20):
            tid = f"{STRANGER_TID[:-2]}{number:02}"
            junk = a_token(tid=tid, headers={"kid": f"junk-{number}"}, signed_with="forger")
            assert is_blank_refusal(await client.get("/me", headers=bearer(junk)))
    assert served.endpoint.paths == ["/common/discovery/v2.0/keys"]


async def test_an_unknown_directory_is_401_while_the_shared_keys_cannot_be_had(served: Served) -> None:
    served.endpoint.is_down = True
    async with served.client(headers=bearer(a_token(tid=STRANGER_TID))) as client:
        assert is_blank_refusal(await client.get("/me"))


async def test_a_v1_token_is_as_good(served: Served) -> None:
    issuer = f"https://sts.windows.net/{ACME_TID}/"
    token = a_token(ver="1.0", iss=issuer, aud=f"api://{AUDIENCE}", preferred_username=None, upn="dana@acme.example")
    async with served.client(headers=bearer(token)) as client:
        answer = await client.get("/me")
    assert (answer.json()["email"], answer.json()["role"]) == ("dana@acme.example", "engineer")


async def test_a_token_that_never_expires_is_no_bug_of_ours(served: Served) -> None:
    async with served.client(headers=bearer(a_token(exp=float("inf")))) as client:
        assert (await client.get("/me")).status_code == 200


async def test_an_application_has_no_user_and_is_asked_for_none(served: Served) -> None:
    await served.services.directory.put(ACME, a_user(is_active=False))
    async with served.client(headers=bearer(a_token(idtyp="app", preferred_username=None))) as client:
        answer = await client.get("/me")
    assert (answer.status_code, answer.json()["role"], answer.json()["email"]) == (200, "engineer", "")


@pytest.mark.parametrize(
    ("scope", "role"),
    [("Incidents.Read", "viewer"), ("openid Incidents.ReadWrite", "engineer"), ("access", None), ("", None)],
)
async def test_scopes_count_where_there_are_no_roles(served: Served, scope: str, role: str | None) -> None:
    async with served.client(headers=bearer(a_token(roles=None, scp=scope))) as client:
        answer = await client.get("/me")
    assert answer.json().get("role") == role
    assert answer.status_code == (200 if role else 403)


@pytest.mark.parametrize("changes", [{"roles": []}, {"roles": ["owner"]}, {"roles": None, "idtyp": "app"}])
async def test_scopes_add_nothing_to_roles_and_nothing_to_applications(
    served: Served, changes: dict[str, object]
) -> None:
    async with served.client(headers=bearer(a_token(scp="Incidents.ReadWrite", **changes))) as client:
        assert (await client.get("/me")).status_code == 403


@pytest.mark.parametrize(
    ("kept", "granted", "effective"),
    [
        (Role.VIEWER, "admin", "viewer"),
        (Role.ENGINEER, "admin", "engineer"),
        (Role.ADMIN, "viewer", "viewer"),
        (Role.ADMIN, "admin", "admin"),
    ],
)
async def test_the_users_record_narrows_the_role_and_never_widens_it(
    served: Served, kept: Role, granted: str, effective: str
) -> None:
    await served.services.directory.put(ACME, a_user(role=kept))
    async with served.client(headers=bearer(a_token(roles=[granted]))) as client:
        assert (await client.get("/me")).json()["role"] == effective


async def test_a_request_reads_its_tenant_and_its_user_once_each(served: Served) -> None:
    counted = Counting(served.services.directory)
    async with served.without(directory=counted).client() as client:
        assert (await client.get("/me")).status_code == 200
    assert sorted(counted.asked) == ["tenant", "user_by_object_id"]


class Counting:
    """A store that keeps what it was asked."""

    def __init__(self, store: object) -> None:
        self._store = store
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(self._store, name)


async def test_a_good_token_of_an_inactive_user_is_403(served: Served) -> None:
    await served.services.directory.put(ACME, a_user(is_active=False))
    async with served.client() as client:
        answer = await client.get("/me")
    assert (answer.status_code, answer.json()["detail"]) == (403, "This user is not active.")


def a_user(role: Role = Role.ENGINEER, *, is_active: bool = True) -> User:
    return User(
        id=User.id_of(OBJECT_ID),
        tenant_id=ACME,
        email="dana.ops@acme.example",
        entra_object_id=OBJECT_ID,
        full_name="Dana Ops",
        role=role,
        is_active=is_active,
        created_at=NOON,
    )


async def test_junk_keys_make_us_call_the_issuer_once(served: Served) -> None:
    async with served.client() as client:
        for number in range(20):
            junk = bearer(a_token(headers={"kid": f"junk-{number}"}))
            assert is_blank_refusal(await client.get("/me", headers=junk))
        assert (await client.get("/me")).status_code == 200
    assert len(served.endpoint.paths) == 1


async def test_no_header_of_a_token_makes_us_call_its_address(served: Served) -> None:
    headers = {"jku": "https://evil.test/keys", "x5u": "https://evil.test/certificates"}
    async with served.client(headers=bearer(a_token(headers=headers))) as client:
        assert (await client.get("/me")).status_code == 200
    assert served.endpoint.paths == [f"/{ACME_TID}/discovery/v2.0/keys"]


async def test_cached_keys_serve_while_the_issuer_is_down(served: Served) -> None:
    async with served.client() as client:
        await client.get("/me")
        served.endpoint.is_down = True
        served.clock.seconds += 25 * 3600
        assert (await client.get("/me")).status_code == 200
    assert len(served.endpoint.paths) == 2


async def test_without_cached_keys_an_issuer_that_is_down_is_503(served: Served) -> None:
    served.endpoint.is_down = True
    async with served.client() as client:
        answer = await client.get("/me")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "detail" not in answer.json()


async def test_a_good_token_of_an_inactive_tenant_is_403(served: Served) -> None:
    await served.services.directory.put(ACME, a_tenant(is_active=False))
    async with served.client() as client:
        answer = await client.get("/me")
    assert (answer.status_code, answer.json()["detail"]) == (403, "This tenant is not active.")


async def test_a_good_token_of_a_tenant_that_the_directory_does_not_know_is_403(served: Served) -> None:
    empty: DirectoryStore = type(served.services.directory)()
    async with served.without(directory=empty).client() as client:
        assert (await client.get("/me")).status_code == 403


@pytest.mark.parametrize("roles", [None, [], ["owner"], "admin"])
async def test_a_good_token_without_a_role_of_ours_is_403(served: Served, roles: object) -> None:
    async with served.client(headers=bearer(a_token(roles=roles))) as client:
        answer = await client.get("/me")
    assert answer.status_code == 403
    assert answer.json()["detail"] == "The token carries none of the roles admin, engineer and viewer."


async def test_a_bad_token_of_an_inactive_tenant_learns_nothing(served: Served) -> None:
    await served.services.directory.put(ACME, a_tenant(is_active=False))
    async with served.client(headers=bearer(a_token(signed_with="forger"))) as client:
        assert is_blank_refusal(await client.get("/me"))


async def test_who_may_not_come_in_learns_nothing_of_the_parameters(served: Served) -> None:
    async with served.client(headers={}) as client:
        assert is_blank_refusal(await client.get("/incidents", params={"limit": 1000}))
        assert is_blank_refusal(await client.get(f"/incidents/{INCIDENT}"))
