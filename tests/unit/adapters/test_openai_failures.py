"""What a refused question means, and how long a busy model asks to be left alone."""

import pytest

from shared.adapters.openai_failures import MOST_SECONDS, for_status, retry_after_of
from tests.builders import NOON


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "60"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "60"}, 60.0),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "1e9"}, MOST_SECONDS),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "later"}, None),
        ({"retry-after": "Mon, 99 Nov 2026 12:00:30 GMT"}, None),
        ({}, None),
    ],
)
def test_the_wait_is_read_in_every_spelling_and_never_believed_beyond_an_hour(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after_of(headers, now=NOON) == seconds


def test_only_a_throttled_model_is_waited_for() -> None:
    assert for_status(429, None, retry_after_seconds=7).retry_after_seconds == 7
    assert for_status(503, None, retry_after_seconds=7).retry_after_seconds is None


def test_a_filtered_prompt_is_told_from_a_bad_request() -> None:
    assert for_status(400, "content_filter", retry_after_seconds=None).reason == "model_filtered_prompt"
    assert for_status(400, "BadRequest", retry_after_seconds=None).reason == "model_rejected"
