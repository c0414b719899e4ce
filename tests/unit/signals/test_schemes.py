"""Who may send: every scheme, good and bad, over the raw bytes."""

import hmac
from base64 import b64encode
from hashlib import sha256

import pytest

from shared.models.tenants import Scheme
from shared.signals.schemes import REPLAY_SECONDS, Accepted, Presented, hash_token, proves
from tests.builders import NOON

BODY = b'{"alerts": [\xc3\xa4]}'
SECRET = "8fj3-secret-text"
STAMP = str(int(NOON.timestamp()))


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


def test_the_example_of_githubs_documentation_is_good() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    accepted = Accepted(schemes=frozenset({Scheme.GITHUB}), secrets=("It's a Secret to Everybody",))
    assert proves(presented(body=b"Hello, World!", x_hub_signature_256=signature), accepted, now=NOON)


def test_nothing_secret_is_in_any_representation() -> None:
    delivery, accepted = presented("a-code", authorization="Bearer new-token"), accepting(*Scheme)
    shown = repr(delivery) + repr(accepted)
    assert not [one for one in ("a-code", "new-token", SECRET, hash_token("new-token")) if one in shown]
