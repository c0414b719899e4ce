"""What is masked, and what is left alone."""

import pytest

from shared.context.redact import MASK, redact, safe_text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abcdef0123456789", "abcdef0123456789"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
        ("login failed, password=hunter2!", "hunter2"),
        ("psql --db-password hunter2 --verbose", "hunter2"),
        ("ssh_passphrase: hunter2", "hunter2"),
        ('{"db_password": "hunter2 with spaces"}', "hunter2"),
        ('{\\"api_key\\": \\"k-123456\\"}', "k-123456"),
        ('up{api_key="0123"}', "0123"),
        ("X-Api-Key: 0123abcd", "0123abcd"),
        ("AccountName=a;AccountKey=Zm9vYmFy==;EndpointSuffix=x", "Zm9vYmFy"),
        ("Endpoint=sb://x/;SharedAccessKey=Zm9v/YmFy=", "Zm9v"),
        ("https://x.blob.core.windows.net/a?sv=1&sig=abc%2Fdef&se=2", "abc%2Fdef"),
        ("cannot reach postgres://app:s3cr3t@db:5432/x", "s3cr3t"),
        ("cannot reach postgres://app:p@ssw0rd@db:5432/x", "ssw0rd"),
        ("mongodb+srv://app:s3cr3t@cluster0.example", "s3cr3t"),
        ("post to https://hooks.slack.com/services/T000/B000/abcDEF123456", "abcDEF123456"),
        ("clone https://token0123@github.com/x", "token0123"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def_1", "eyJzdWIiOiIxIn0"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEcutoff", "MIIE"),
        ("key ghp_0123456789abcdefABCD and more", "0123456789abcdef"),
        ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
    ],
)
def test_a_secret_is_masked(text: str, secret: str) -> None:
    masked = redact(text)
    assert secret not in masked
    assert MASK in masked
    assert redact(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "payment fails 45% of its requests",
        'sum(rate(http_requests_total{service="payment",code=~"5.."}[5m])) > 0.05',
        "see https://runbooks.example/payment?design=2",
        "mail ops@example.com",
        "see https://wiki.example?page=1 or mail ops@example.com",
        "see https://wiki.example/a#b@c",
        "basic health check failed",
        "run it with --token-file /run/x or --password --verbose",
        "the token bucket is empty",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert redact(text) == text


def test_text_is_cut_and_can_always_be_encoded() -> None:
    assert len(safe_text("x" * 1000, 300)) == 300
    safe_text("bad \ud800 surrogate", 300).encode()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("payment\x00 fails\x1b[31m", "payment fails[31m"),
        ("first\r\nsecond\tthird\u2028fourth", "first  second third fourth"),
        ("version \u202e1.5.0\u200b", "version 1.5.0"),
        ("Zahlung fällt aus 🚨", "Zahlung fällt aus 🚨"),
    ],
)
def test_unseen_characters_are_removed_and_lines_joined(text: str, kept: str) -> None:
    assert safe_text(text, 300) == kept


@pytest.mark.parametrize("text", ["pass\x00word=hunter2", "pass\u200bword=hunter2", "password\n=\nhunter2"])
def test_a_secret_does_not_hide_behind_unseen_characters(text: str) -> None:
    assert "hunter2" not in safe_text(text, 300)


def test_a_secret_at_the_cut_is_not_half_shown() -> None:
    assert "hunter" not in safe_text("x" * 280 + " password=hunter2hunter2", 300)
