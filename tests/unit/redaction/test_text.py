"""Text, labels, identities and links: masked where it must be, the same bytes where not."""

import pytest

from shared.redaction import (
    Kind,
    Tally,
    counts,
    mask_personal_data,
    redact,
    redact_identity,
    redact_link,
    redact_map,
    redact_value,
    safe_text,
)


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


@pytest.mark.parametrize(
    "name",
    [
        *(
            "password",
            "db_password",
            "DB-PASSWORD",
            "userPassword",
            "api_key",
            "apiKey",
            "x-api-key",
            "authorization",
        ),
        *(
            "token",
            "access_token",
            "client.secret",
            "http/cookie",
            "private_key",
            "sas_token",
            "session_id",
            "dbpassword",
        ),
    ],
)
def test_a_label_of_a_secret_name_is_masked_whatever_its_value(name: str) -> None:
    assert redact_value(name, "hello") == "[redacted:secret_value]"


@pytest.mark.parametrize(
    "name",
    [
        *("token_bucket_size", "secret_name", "password_policy", "key", "cache_key", "tokens", "tokenizer", "job"),
        *("partition_key", "k8s.pod name", "authorizationpolicy_name", "cookie_count", "", "…"),
    ],
)
def test_a_label_whose_name_only_holds_such_a_word_is_ordinary(name: str) -> None:
    assert redact_value(name, "hello") == "hello"


@pytest.mark.parametrize("value", ["", "true", "False", "none", "[redacted:jwt]"])
def test_what_is_no_secret_stays_under_a_secret_name(value: str) -> None:
    assert redact_value("token", value) == value


def test_a_secret_under_a_secret_name_does_not_hide_behind_a_mask() -> None:
    assert redact_value("token", "[redacted:jwt]hunter2") == "[redacted:secret_value]"


def test_personal_names_mask_what_could_be_personal() -> None:
    assert redact_value("user_email", "alice@corp") == "[redacted:email]"
    assert redact_value("phone_number", "0171 1234567") == "[redacted:phone]"
    assert redact_value("email", "enabled") == "enabled"


def test_names_of_labels_are_masked_too() -> None:
    assert redact_map({"to alice@example.com": "sent"}) == {"to [redacted:email]": "sent"}


def test_services_whose_names_hold_secrets_stay_apart_and_stay_the_same() -> None:
    alice, bob = (redact_identity(f"{name}@example.com", salt="ten-1") for name in ("alice", "bob"))
    assert alice != bob
    assert alice.startswith("[redacted:email]~")
    assert alice == redact_identity("alice@example.com", salt="ten-1")
    assert alice != redact_identity("alice@example.com", salt="ten-2"), "tenants cannot be joined by it"
    assert redact_identity(alice, salt="ten-1") == alice
    assert redact_identity("payment", salt="ten-1") == "payment"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://u:hunter2@prom.example/graph?g0.tab=1", "https://prom.example/graph?g0.tab=1"),
        ("https://x.example/?token=hunter2&v=1", "https://x.example/?token=[redacted:secret_value]&v=1"),
        ("https://x.example/u/a%40b.example/x", "https://x.example/u/[redacted:email]/x"),
        (
            "http://p/graph?g0.expr=up%7Btoken%3D%22hunter2%22%7D&g0.tab=1",
            "http://p/graph?g0.expr=up%7Btoken%3D%22[redacted:secret_value]%22%7D&g0.tab=1",
        ),
        (
            "http://p/x?left=%257B%2522password%2522%253A%2522hunter2%2522%257D",
            "http://p/x?left=%7B%22password%22:%22[redacted:secret_value]%22%7D",
        ),
        (
            "http://p/graph?g0.expr=postgres%3A//app%3Ahunter2%40db",
            "http://p/graph?g0.expr=postgres:%2F%2F[redacted:url_credentials]%40db",
        ),
        ("https://x.example/a%3Ftoken%3Dhunter2/b", "https://x.example/a%3Ftoken%3D[redacted:secret_value]/b"),
        (
            "https://hooks.slack.com/services/T0/B0/hunter2",
            "https://hooks.slack.com/services/[redacted:webhook_url]",
        ),
    ],
)
def test_a_link_stays_a_link_without_its_secrets(url: str, kept: str) -> None:
    tally = Tally()
    assert redact_link(url, tally) == kept
    assert tally.total() == 1
    assert redact_link(kept) == kept


@pytest.mark.parametrize(
    "url",
    [
        "http://prometheus.example/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
        "https://grafana.example/d/abc/x?orgId=1&from=1764108000000&var-pod=a%2Fb",
        "https://x.example:8443/a#b@c",
        "",
    ],
)
def test_an_ordinary_link_stays_byte_for_byte(url: str) -> None:
    assert redact_link(url) == url


def test_personal_data_may_be_left_alone_and_secrets_never() -> None:
    mask_personal_data(False)
    try:
        assert (
            redact("mail a@example.com, password=hunter2") == "mail a@example.com, password=[redacted:secret_value]"
        )
        assert redact_value("email", "a@example.com") == "a@example.com"
    finally:
        mask_personal_data(True)
    assert redact("mail a@example.com") == "mail [redacted:email]"


def test_counts_are_kept_by_name_and_sorted() -> None:
    assert counts(Tally({Kind.JWT: 2, Kind.EMAIL: 1, Kind.IBAN: 0})) == {"email": 1, "jwt": 2}
