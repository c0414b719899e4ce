"""Tokens: what is refused, whoever signed it."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest

from shared.access.tokens import MAX_TOKEN_CHARS, Expected, presented, subject_of, verified
from shared.errors import Unauthenticated
from tests.builders import NOON
from tests.unit.access.issuer import (
    ACME_TID,
    AUDIENCE,
    AUTHORITY,
    GLOBEX_TID,
    KEY_ID,
    a_key,
    a_token,
    claims,
    public_pem,
)

APP_ID_URI = "https://copilot.acme.example"
V1 = {"ver": "1.0", "iss": f"https://sts.windows.net/{ACME_TID}/", "appid": "33333333-3333-4333-8333-333333333333"}


def check(token: str, *, after: timedelta = timedelta()) -> dict[str, Any]:
    public = a_key(KEY_ID).public_key()
    expected = Expected(AUTHORITY, AUDIENCE, APP_ID_URI)
    return dict(verified(token, public, expected=expected, entra_tenant_id=ACME_TID, now=NOON + after))


def reason_of(call: Callable[..., object], *arguments: object, **named: object) -> str:
    with pytest.raises(Unauthenticated) as refused:
        call(*arguments, **named)
    return refused.value.reason


def test_a_token_names_its_key_and_tenant_before_it_is_checked() -> None:
    said = presented(a_token())
    assert (said.key_id, said.entra_tenant_id) == (KEY_ID, ACME_TID)


def test_a_good_token_gives_its_claims() -> None:
    assert check(a_token()) == claims()


@pytest.mark.parametrize("missing", ["exp", "nbf", "iat", "iss", "aud", "tid", "oid", "ver"])
def test_a_token_without_a_required_claim_is_refused(missing: str) -> None:
    assert reason_of(check, a_token(**{missing: None})) in {"token_invalid", "token_claims"}


@pytest.mark.parametrize(("after_seconds", "accepted"), [(3659, True), (3660, False), (-70, True), (-71, False)])
def test_a_token_is_good_from_nbf_to_exp_give_or_take_a_minute(after_seconds: int, accepted: bool) -> None:
    after = timedelta(seconds=after_seconds)
    if accepted:
        assert check(a_token(), after=after)
    else:
        assert reason_of(check, a_token(), after=after) == "token_time"


@pytest.mark.parametrize("name", ["iat", "nbf", "exp"])
@pytest.mark.parametrize("value", ["4102444800", True, float("nan"), [1]])
def test_a_time_that_is_no_number_is_refused(name: str, value: object) -> None:
    assert reason_of(check, a_token(**{name: value})) == "token_time"


def test_a_token_issued_in_the_future_is_refused() -> None:
    assert reason_of(check, a_token(iat=int(NOON.timestamp()) + 61)) == "token_time"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "22222222-2222-4222-8222-222222222222"},
        {"aud": [AUDIENCE, "22222222-2222-4222-8222-222222222222"]},
        {"iss": f"{AUTHORITY}/{GLOBEX_TID}/v2.0"},
        {"iss": f"{AUTHORITY}/{ACME_TID}/v2.0/"},
        {"iss": f"https://sts.windows.net/{ACME_TID}/"},
        {"tid": GLOBEX_TID, "iss": f"{AUTHORITY}/{ACME_TID}/v2.0"},
        {"oid": "not-a-guid"},
        {"ver": "1.0"},
        {"ver": "3.0"},
        {"ver": ["2.0"]},
        {**V1, "ver": "2.0"},
        {**V1, "iss": f"https://sts.windows.net/{GLOBEX_TID}/"},
        {**V1, "iss": f"https://sts.windows.net/{ACME_TID}"},
        {**V1, "aud": "https://another.acme.example"},
        {"aud": APP_ID_URI},
        {"idtyp": "app", "oid": "not-a-guid"},
        {"idtyp": "user", "oid": None, "azp": "33333333-3333-4333-8333-333333333333"},
    ],
    ids=[
        *("audience", "audience-list", "issuer", "issuer-slash", "v1-issuer", "tenant", "object-id", "version"),
        *("version-3", "version-list", "v1-issuer-in-v2", "v1-issuer-of-another", "v1-issuer-no-slash"),
        *("v1-audience", "uri-audience-in-v2", "app-object-id", "person-without-object-id"),
    ],
)
def test_a_claim_that_is_not_exactly_ours_is_refused(changes: dict[str, Any]) -> None:
    assert reason_of(check, a_token(**changes)) in {"token_invalid", "token_claims"}


@pytest.mark.parametrize("audience", [AUDIENCE, APP_ID_URI])
def test_a_v1_token_names_us_by_id_or_by_uri(audience: str) -> None:
    assert check(a_token(**V1, aud=audience))["aud"] == audience


def test_the_uri_is_the_usual_one_unless_another_is_configured() -> None:
    assert Expected(AUTHORITY, AUDIENCE).audiences("1.0") == (AUDIENCE, f"api://{AUDIENCE}")


def test_an_application_that_is_no_object_of_the_directory_is_known_by_its_own_id() -> None:
    assert subject_of(check(a_token(**V1, idtyp="app", oid=None))) == V1["appid"]


def test_the_header_does_not_choose_the_algorithm() -> None:
    for token in (
        jwt.encode(claims(), None, algorithm="none", headers={"kid": KEY_ID}),
        hs256_with_the_public_key(),
        jwt.encode(claims(), a_key(KEY_ID), algorithm="RS512", headers={"kid": KEY_ID}),
        jwt.encode(claims(), a_key(KEY_ID), algorithm="PS256", headers={"kid": KEY_ID}),
    ):
        assert reason_of(presented, token) == "token_algorithm"
        assert reason_of(check, token) == "token_invalid"


def hs256_with_the_public_key() -> str:
    header, payload, _ = a_token().split(".")
    head = jwt.utils.base64url_encode(b'{"alg":"HS256","typ":"JWT","kid":"key-1"}').decode()
    assert head != header
    signature = hmac.new(public_pem(), f"{head}.{payload}".encode(), hashlib.sha256).digest()
    return f"{head}.{payload}.{jwt.utils.base64url_encode(signature).decode()}"


@pytest.mark.parametrize("header", ["jku", "x5u", "jwk", "x5c"])
def test_a_header_that_brings_a_key_changes_nothing(header: str) -> None:
    brought = {"jwk": {"kty": "RSA"}, "x5c": ["MIIB"]}.get(header, "https://evil.test/keys")
    forged = a_token(headers={header: brought}, signed_with="forger")
    assert reason_of(check, forged) == "token_invalid"
    assert check(a_token(headers={header: brought})) == claims()


def test_a_header_that_must_be_understood_and_is_not_makes_the_token_unreadable() -> None:
    assert reason_of(presented, a_token(headers={"crit": ["urn:new"], "urn:new": True})) == "token_unreadable"


@pytest.mark.parametrize("tid", ["common", "../evil", ACME_TID.upper(), f"{ACME_TID}/", "", 7])
def test_a_tenant_that_is_no_guid_is_not_even_looked_up(tid: object) -> None:
    assert reason_of(presented, a_token(tid=tid)) == "token_incomplete"


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "a.b.c.d", "\udcff", "é.é.é", "." * 100])
def test_text_that_is_no_token_cannot_be_read(token: str) -> None:
    assert reason_of(presented, token) == "token_unreadable"


def test_a_payload_that_nests_without_end_cannot_be_read() -> None:
    nested = jwt.utils.base64url_encode(b"[" * 9000).decode()
    assert reason_of(presented, f"{a_token().split('.')[0]}.{nested}.c2ln") == "token_unreadable"


def test_a_token_of_more_than_16_kib_is_not_parsed() -> None:
    token = a_token(padding="x" * 20_000)
    assert len(token) > MAX_TOKEN_CHARS
    assert reason_of(presented, token) == "token_too_long"
