"""What is masked, what is left alone, and that no text makes it work for long."""

import re
from re import _constants, _parser  # type: ignore[attr-defined]  # how the engine sees a pattern

import pytest

from shared.redaction import MASKED, Kind, Tally, redact
from shared.redaction.rules import RULES
from tests.planted import PLANTED, Planted


@pytest.mark.parametrize("planted", PLANTED, ids=lambda one: f"{one.kind.value}: {one.text[:30]}")
def test_a_secret_is_masked_by_its_kind_and_counted_once(planted: Planted) -> None:
    tally = Tally()
    masked = redact(planted.text, tally)
    assert planted.secret not in masked
    assert tally.total() >= 1
    assert MASKED in masked
    assert redact(masked) == masked, "what is masked stays as it is"


def test_at_least_sixty_secrets_of_at_least_twelve_kinds_are_planted() -> None:
    assert len({one.secret for one in PLANTED}) >= 60
    assert {one.kind for one in PLANTED} == set(Kind)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_found_under_its_own_name(kind: Kind) -> None:
    named = [one for one in PLANTED if one.kind is kind and kind.mask in redact(one.text)]
    assert named, "most secrets of a kind are masked as that kind"


@pytest.mark.parametrize(
    "text",
    [
        "payment fails 45% of its requests",
        'sum(rate(http_requests_total{service="payment",code=~"5.."}[5m])) > 0.05',
        "sum by (token) (rate(x[5m])) / on(secret_name) group_left kube_secret_info",
        'histogram_quantile(0.99, sum by (le) (rate(grpc_server_handling_seconds_bucket{job="a"}[5m]))) > 1.5e+10',
        "see https://runbooks.example/payment?design=2",
        "see https://wiki.example:8443/a#b@c",
        "http://prometheus.example/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
        '{}/{severity="page"}:{alertname="High", instance="10.0.0.1:9090"}',
        "10.0.0.1:9090",
        "[2001:db8::1]:9100",
        "getty@tty1.service and git@github.com:acme/shop.git and icon@2x.png and pkg@1.2.3-beta.rc",
        "0f3e2d1c4b5a69788796a5b4c3d2e1f00f3e2d1c",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "sha512-" + "pL" * 43 + "==",
        "123e4567-e89b-12d3-a456-426614174000",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "payment-7d9f8b6c5-x2x4z on ip-10-0-12-34.eu-west-1.compute.internal",
        "1764108000000000 1764108000000000000 4111111111111112 7234567890123456789",
        "2026-11-25T10:00:00.123456789+01:00 and 2022-08-31 05:54:04.52289368 +0000 UTC m=+42208.256292221",
        "v1.29.3+20231101123456 build 1.5.0-rc.1",
        "basic authentication failed, bearer authentication too, basic health check failed",
        "run it with --token-file /run/x or --password --verbose -u 1000:1000",
        "password policy v2 and password rotation, 3 pass, pass: 12, fail: 3, pass=true, bypass=x7",
        "the token bucket is empty; token: expired; password: missing; secret not found; token=${TOKEN}",
        "prompt_tokens: 500 max_tokens=200 token_count=3 code=500",
        "kubernetes.io/service-account-token-name task-scheduler-worker-deployment-12345",
        "phone home is broken, 42 calls, order 415-555-26710",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert redact(text) == text


def test_several_secrets_of_one_text_are_each_masked_and_counted() -> None:
    tally = Tally()
    masked = redact("a@example.com and b@example.com, password=hunter2 then 4111111111111111", tally)
    assert masked == (
        "[redacted:email] and [redacted:email], password=[redacted:secret_value] then [redacted:payment_card]"
    )
    assert tally == {Kind.EMAIL: 2, Kind.SECRET_VALUE: 1, Kind.PAYMENT_CARD: 1}


@pytest.mark.parametrize(
    "value", ["[redacted]hunter2", "[redacted:jwt]hunter2", "ab)hunter2", "ab]hunter2", "a\\hunter2"]
)
def test_a_secret_does_not_hide_behind_a_mask_or_a_bracket(value: str) -> None:
    assert "hunter2" not in redact(f"password={value}")
    assert "hunter2" not in redact(f"(login with password={value})")
    assert redact("(password=x1)") == "(password=[redacted:secret_value])"


def test_the_quotes_of_an_expression_stay() -> None:
    assert redact('up{token="0123"} == 0') == 'up{token="[redacted:secret_value]"} == 0'


KILOBYTES_32, MEGABYTE = 32 * 1024, 1024 * 1024
_PIECES = (
    *("://a:b", "@a.", "a@b.", "eyJ", "eyJa.", "-eyJ", "-----BEGIN PRIVATE KEY-----", "password", "password=\\"),
    *("-p ", "token token=", "--a-", "--password ", "bearer ", "mysql ", "sig=", "+1 ", "1 ", "1-", "4111 ", "DE89 "),
    *("DE89", "A", "a", "a.", "%40", "%3D", "aaaaQ~", "SG.", "cookie: a", "authorization: ", "password='", '"', "…"),
    *("xoxb", "ghp_", "+ASt", "A+ASt", "key-", "12345678:AA", "phone: 1", "[redacted", "-u a", "identified by "),
    *("pass ", "password is ", "ssn ", "jdbc:oracle:a:", "docker login ", "secret  ", "\\", "=="),
)


@pytest.mark.parametrize("piece", _PIECES)
def test_no_text_makes_it_work_for_long(piece: str) -> None:
    # Nothing here is timed: work that grew with the square of the length would take a minute and more for each.
    redact(piece * (KILOBYTES_32 // len(piece)))


def test_a_megabyte_of_the_worst_pieces_together_is_done_with() -> None:
    worst = "".join(_PIECES)
    redact(worst * (MEGABYTE // len(worst) + 1))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.kind.value}: {rule.expression[:30]}")
def test_no_repetition_stands_inside_an_unbounded_one(rule: object) -> None:
    parsed = _parser.parse(rule.pattern.pattern, rule.pattern.flags & (re.IGNORECASE | re.DOTALL))
    assert not list(_nested(parsed, inside=False))


def _nested(parsed: object, *, inside: bool) -> list[object]:
    """Unbounded repetitions that hold, or stand in, another repetition: the shape that runs away."""
    found: list[object] = []
    for operation, argument in parsed:
        if operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            least, most, body = argument
            is_unbounded = most is _constants.MAXREPEAT
            found += [operation] if inside and (is_unbounded or most > 1 + least) else []
            found += _nested(body, inside=inside or is_unbounded)
        elif operation is _constants.SUBPATTERN:
            found += _nested(argument[-1], inside=inside)
        elif operation is _constants.BRANCH:
            for branch in argument[1]:
                found += _nested(branch, inside=inside)
        elif operation in (_constants.ASSERT, _constants.ASSERT_NOT):
            found += _nested(argument[1], inside=inside)
    return found
