"""What a refused question to Azure OpenAI means, and how long a busy one asks to be left alone."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from shared.errors import ModelUnavailable

MOST_SECONDS = 3600.0
"""Whoever asks for more than an hour is taken to mean an hour."""
_REASONS = {
    400: "model_rejected",
    401: "model_unauthorised",
    403: "model_unauthorised",
    404: "model_not_deployed",
    408: "model_timeout",
    429: "model_throttled",
}


def for_status(status: int, code: str | None, *, retry_after_seconds: float | None) -> ModelUnavailable:
    """The failure behind a status. A prompt that Azure's filter stops is a 400 with a code of its own."""
    reason = "model_filtered_prompt" if code == "content_filter" else _REASONS.get(status, "model_unavailable")
    wait = retry_after_seconds if reason == "model_throttled" else None
    return ModelUnavailable(f"the model answered {status}", reason=reason, retry_after_seconds=wait)


def retry_after_of(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Seconds to wait: `retry-after-ms` first, then Retry-After as seconds or as an HTTP date (RFC 9110, 10.2.3).

    None when neither says a usable time.
    """
    text = headers.get("retry-after", "")
    milliseconds = _number(headers.get("retry-after-ms", ""))
    seconds = _number(text) if milliseconds is None else milliseconds / 1000
    if seconds is None:
        seconds = _until(text, now or datetime.now(UTC))
    return None if seconds is None else min(max(0.0, seconds), MOST_SECONDS)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _until(text: str, now: datetime) -> float | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now.timestamp()
