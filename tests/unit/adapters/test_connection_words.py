"""Each failure has one named reason, and words that say what to do about it."""

import pytest

from shared.adapters.addresses import Refusal
from shared.adapters.connection_words import PRODUCTS, reason_of, reason_of_answer, words_for
from shared.errors import AddressRefused, CopilotError, SourceUnavailable
from shared.models.tenants import IntegrationType
from shared.ports.connections import Reason

FAILURES: list[tuple[CopilotError, Reason]] = [
    (SourceUnavailable("x", reason="unresolvable"), Reason.UNRESOLVABLE),
    (SourceUnavailable("x", reason="connect"), Reason.NOT_LISTENING),
    (SourceUnavailable("x", reason="tls"), Reason.TLS),
    (SourceUnavailable("x", reason="timeout"), Reason.TIMEOUT),
    (SourceUnavailable("x", reason="protocol"), Reason.WRONG_PORT),
    (SourceUnavailable("x", reason="http_5xx"), Reason.SERVER_ERROR),
    (SourceUnavailable("x", reason="too_large"), Reason.TOO_LARGE),
    (SourceUnavailable("x", reason="encoding"), Reason.BAD_ENCODING),
    (SourceUnavailable("x", reason="not_json"), Reason.NOT_JSON),
    (SourceUnavailable("x", reason="unexpected_shape"), Reason.ANOTHER_SERVICE),
    (SourceUnavailable("x", reason="unauthorised"), Reason.UNAUTHORISED),
    (SourceUnavailable("x", reason="throttled"), Reason.THROTTLED),
    (SourceUnavailable("x", reason="bad_query"), Reason.REFUSED),
    (SourceUnavailable("x", reason="something new"), Reason.REFUSED),
    (AddressRefused("x", reason=Refusal.REDIRECT), Reason.REDIRECT),
    (AddressRefused("x", reason=Refusal.HEADER), Reason.BAD_CREDENTIAL),
    (AddressRefused("x", reason=Refusal.SCHEME), Reason.BAD_URL),
    (AddressRefused("x", reason=Refusal.USERINFO), Reason.BAD_URL),
    (AddressRefused("x", reason=Refusal.PORT), Reason.BAD_URL),
    (AddressRefused("x", reason=Refusal.METADATA), Reason.ADDRESS_REFUSED),
    (AddressRefused("x", reason=Refusal.PRIVATE), Reason.ADDRESS_REFUSED),
    (AddressRefused("x", reason=Refusal.DISGUISED), Reason.ADDRESS_REFUSED),
]


@pytest.mark.parametrize(("failure", "reason"), FAILURES, ids=[one.reason for one, _ in FAILURES])
def test_a_failure_has_its_reason(failure: CopilotError, reason: Reason) -> None:
    assert reason_of(failure) is reason


@pytest.mark.parametrize(
    ("status", "content_type", "body", "reason"),
    [
        (401, "application/json", b"{}", Reason.UNAUTHORISED),
        (401, "text/html", b"<html>", Reason.UNAUTHORISED),
        (403, "application/json", b"{}", Reason.FORBIDDEN),
        (404, "text/plain", b"404 page not found", Reason.NOT_FOUND),
        (405, "text/plain", b"", Reason.NOT_FOUND),
        (407, "text/html", b"", Reason.FORBIDDEN),
        (429, "text/plain", b"", Reason.THROTTLED),
        (200, "text/html; charset=utf-8", b"{}", Reason.HTML),
        (200, "", b"\n  <!DOCTYPE html><title>Sign in</title>", Reason.HTML),
        (400, "text/plain", b"Client sent an HTTP request to an HTTPS server.\n", Reason.WRONG_PORT),
        (400, "text/html", b"The plain HTTP request was sent to HTTPS port", Reason.WRONG_PORT),
        (200, "application/json", b'{"status": "success"}', None),
        (422, "application/json", b'{"status": "error"}', None),
    ],
)
def test_an_answer_may_say_enough_against_itself(
    status: int, content_type: str, body: bytes, reason: Reason | None
) -> None:
    assert reason_of_answer(status, content_type, body) is reason


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("kind", PRODUCTS)
def test_every_reason_has_sentences_for_every_system(reason: Reason, kind: IntegrationType) -> None:
    said = words_for(reason, kind, detail="The port is odd.")
    assert said.endswith(".")
    assert not any(left in said for left in "{}\n")
    assert 20 < len(said) < 300


def test_words_never_repeat_what_the_other_side_sent() -> None:
    assert "secret" not in words_for(reason_of(SourceUnavailable("a secret", reason="x")), IntegrationType.PROMETHEUS)


def test_a_wrong_url_of_github_is_told_where_its_api_is() -> None:
    for reason in (Reason.NOT_FOUND, Reason.HTML):
        words = words_for(reason, IntegrationType.GITHUB)
        assert "https://api.github.com" in words
        assert "/api/v3" in words
        assert "github" not in words_for(reason, IntegrationType.GRAFANA)
