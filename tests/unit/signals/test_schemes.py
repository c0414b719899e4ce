"""Who may send: every scheme, good and bad, over the raw bytes."""

import hmac
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from shared.models.tenants import Scheme
from shared.signals.schemes import NO_SECRET, REPLAY_SECONDS, Accepted, Presented, hash_token, proves
from tests.builders import NOON

BODY = b'{"alerts": [\xc3\xa4]}'
SECRET = "8fj3-secret-text"
STAMP = str(int(NOON.timestamp()))
# Made with `openssl dgst -sha256 -hmac`, so that the code under test is not its own judge.
SIGNED = {
    "body alone": "005904598ac1d6c745515a58e6e5f5ce38312edfbbdc5450b71e17f3cc5fd278",
    "with its time": "5c76e05cb1e9553281b27289361ddcc231ffed1a61be7d71e4b2a89e88c22de4",
}


def sign(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode(), signed, sha256).hexdigest()


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def presented(code: str | None = None, body: bytes = BODY, **headers: str) -> Presented:
    return Presented({name.replace("_", "-"): value for name, value in headers.items()}, body, code)


def accepting(*schemes: Scheme, **more: str) -> Accepted:
    return Accepted(
        schemes=frozenset(schemes),
        token_hashes=(hash_token("old-token"), hash_token("new-token")),
        secrets=("old-secret", SECRET),
        **more,
    )


GOOD = [
    (Scheme.BEARER, presented(authorization="Bearer new-token")),
    (Scheme.BEARER, presented(authorization="bearer old-token")),
    (Scheme.BASIC, presented(authorization=basic("anybody", "new-token"))),
    (Scheme.BASIC, presented(authorization=basic("", "old-token"))),
    (Scheme.CODE, presented(code="new-token")),
    (Scheme.GRAFANA_HMAC, presented(x_grafana_alerting_signature=sign(SECRET, BODY))),
    (Scheme.GRAFANA_HMAC, presented(x_grafana_alerting_signature=sign("old-secret", BODY))),
    (Scheme.PAGERDUTY, presented(x_pagerduty_signature=f"v1={sign(SECRET, BODY)}")),
    (Scheme.PAGERDUTY, presented(x_pagerduty_signature=f"v2=abc, v1={'0' * 64}, v1={sign(SECRET, BODY)}")),
    (Scheme.GITHUB, presented(x_hub_signature_256=f"sha256={sign(SECRET, BODY)}")),
]


@pytest.mark.parametrize(("scheme", "delivery"), GOOD)
def test_a_good_proof_is_good_under_its_own_scheme_and_no_other(scheme: Scheme, delivery: Presented) -> None:
    for accepted in Scheme:
        assert proves(delivery, accepting(accepted), now=NOON) is (accepted is scheme)
    assert proves(delivery, accepting(*Scheme), now=NOON)
    assert not proves(delivery, Accepted(schemes=frozenset(Scheme)), now=NOON), "with no secret nothing is proved"


@pytest.mark.parametrize(("scheme", "delivery"), GOOD)
def test_one_changed_byte_of_a_signed_body_proves_nothing(scheme: Scheme, delivery: Presented) -> None:
    changed = Presented(delivery.headers, BODY.replace(b"{", b"[", 1), delivery.code)
    is_signed = scheme in {Scheme.GRAFANA_HMAC, Scheme.PAGERDUTY, Scheme.GITHUB}
    assert proves(changed, accepting(scheme), now=NOON) is not is_signed


@pytest.mark.parametrize(
    "delivery",
    [
        presented(),
        presented(authorization="Bearer "),
        presented(authorization="Bearer wrong"),
        presented(authorization="Basic ???"),
        presented(authorization=basic("new-token", "")),
        presented(authorization="Basic " + "A" * 100_000),
        presented(code=""),
        presented(code="wrong"),
        presented(x_grafana_alerting_signature=sign(SECRET, BODY).upper()),
        presented(x_grafana_alerting_signature="sha256=" + sign(SECRET, BODY)),
        presented(x_pagerduty_signature=sign(SECRET, BODY)),
        presented(x_pagerduty_signature="v1=" + "ä" * 64),
        presented(x_pagerduty_signature="v1=,v1=,v1="),
        presented(x_pagerduty_signature=",".join(["v1=" + "0" * 64] * 20 + [f"v1={sign(SECRET, BODY)}"])),
        presented(x_hub_signature_256="sha1=" + sign(SECRET, BODY)),
        presented(x_hub_signature_256="\ud800"),
    ],
)
def test_a_bad_proof_is_refused_whatever_the_integration_accepts(delivery: Presented) -> None:
    assert not proves(delivery, accepting(*Scheme), now=NOON)


def stamped(stamp: str, signed: bytes) -> Presented:
    return presented(x_grafana_alerting_signature=sign(SECRET, signed), x_sent_at=stamp)


@pytest.mark.parametrize(("off_by", "is_good"), [(0, True), (REPLAY_SECONDS, True), (-REPLAY_SECONDS, True)])
def test_a_signature_with_its_time_is_good_within_the_window(off_by: int, is_good: bool) -> None:
    stamp = str(int(STAMP) + off_by)
    delivery = stamped(stamp, stamp.encode() + b":" + BODY)
    assert proves(delivery, accepting(Scheme.GRAFANA_HMAC, timestamp_header="X-Sent-At"), now=NOON) is is_good


@pytest.mark.parametrize(
    ("stamp", "signed"),
    [
        (str(int(STAMP) - REPLAY_SECONDS - 1), None),
        (str(int(STAMP) + REPLAY_SECONDS + 1), None),
        (STAMP, BODY),
        ("", None),
        ("now", None),
        ("\u0663" * 10, None),
        ("9" * 400, None),
    ],
)
def test_a_replayed_or_odd_time_proves_nothing(stamp: str, signed: bytes | None) -> None:
    delivery = stamped(stamp, signed if signed is not None else stamp.encode() + b":" + BODY)
    assert not proves(delivery, accepting(Scheme.GRAFANA_HMAC, timestamp_header="X-Sent-At"), now=NOON)


@pytest.mark.parametrize("secrets", [(), (SECRET,)])
def test_what_stands_in_for_a_missing_secret_proves_nothing(secrets: tuple[str, ...]) -> None:
    signature = sign(NO_SECRET, BODY)
    accepted = Accepted(schemes=frozenset(Scheme), secrets=secrets)
    for delivery in (
        presented(x_hub_signature_256=f"sha256={signature}"),
        presented(x_pagerduty_signature=f"v1={signature}"),
        presented(x_grafana_alerting_signature=signature),
    ):
        assert not proves(delivery, accepted, now=NOON)


def test_the_example_of_githubs_documentation_is_good() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    accepted = Accepted(schemes=frozenset({Scheme.GITHUB}), secrets=("It's a Secret to Everybody",))
    assert proves(presented(body=b"Hello, World!", x_hub_signature_256=signature), accepted, now=NOON)


def test_the_test_vector_of_pagerdutys_go_client_is_good() -> None:
    # github.com/PagerDuty/go-pagerduty, webhookv3/webhookv3_test.go (Apache-2.0). The secret is text, not base64.
    body = (Path(__file__).parent / "signed" / "go-pagerduty.json").read_bytes()
    signature = "v1=0c0b9495b893a39e70d1fea2fe11fbe0a825f88b9f67846f6cc07dd2bc5476cd"
    secret = "lDQHScfUeXUKaQRNF+8XIiDKZ7XX3itBAYzwU0TARw8lJqRnkKl2iB1anSb0Z+IK"
    accepted = Accepted(schemes=frozenset({Scheme.PAGERDUTY}), secrets=(secret,))
    assert proves(presented(body=body, x_pagerduty_signature=signature), accepted, now=NOON)
    assert not proves(presented(body=body + b"\n", x_pagerduty_signature=signature), accepted, now=NOON)


@pytest.mark.parametrize(
    ("accepted", "delivery"),
    [
        ({}, presented(x_grafana_alerting_signature=SIGNED["body alone"])),
        ({"signature_header": "X-Signed"}, presented(x_signed=SIGNED["body alone"])),
        (
            {"timestamp_header": "X-Sent-At"},
            presented(x_grafana_alerting_signature=SIGNED["with its time"], x_sent_at="1795435200"),
        ),
    ],
)
def test_a_signature_as_openssl_makes_it_is_good_under_the_headers_that_the_operator_chose(
    accepted: dict[str, str], delivery: Presented
) -> None:
    assert proves(delivery, accepting(Scheme.GRAFANA_HMAC, **accepted), now=NOON)


def test_nothing_secret_is_in_any_representation() -> None:
    delivery, accepted = presented("a-code", authorization="Bearer new-token"), accepting(*Scheme)
    shown = repr(delivery) + repr(accepted)
    assert not [one for one in ("a-code", "new-token", SECRET, hash_token("new-token")) if one in shown]
