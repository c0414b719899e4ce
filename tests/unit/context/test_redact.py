"""What is masked, and what is left alone."""

import pytest

from shared.context.redact import MASK, redact, safe_text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abcdef0123456789", "abcdef0123456789"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
        ("login failed, password=hunter2!", "hunter2"),
        ('{"db_password": "hunter2 with spaces"}', "hunter2"),
        ('{\\"api_key\\": \\"k-123456\\"}', "k-123456"),
        ('up{api_key="0123"}', "0123"),
        ("X-Api-Key: 0123abcd", "0123abcd"),
        ("AccountName=a;AccountKey=Zm9vYmFy==;EndpointSuffix=x", "Zm9vYmFy"),
        ("Endpoint=sb://x/;SharedAccessKey=Zm9v/YmFy=", "Zm9v"),
        ("https://x.blob.core.windows.net/a?sv=1&sig=abc%2Fdef&se=2", "abc%2Fdef"),
        ("cannot reach postgres://app:s3cr3t@db:5432/x", "s3cr3t"),
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
        "basic health check failed",
        "the token bucket is empty",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert redact(text) == text


def test_text_is_cut_and_can_always_be_encoded() -> None:
    assert len(safe_text("x" * 1000, 300)) == 300
    safe_text("bad \ud800 surrogate", 300).encode()


def test_a_secret_at_the_cut_is_not_half_shown() -> None:
    assert "hunter" not in safe_text("x" * 280 + " password=hunter2hunter2", 300)
