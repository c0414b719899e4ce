"""Reading JSON from outside: bounded, tolerant of what real senders do, and never an unexpected exception."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.errors import Malformed
from shared.signals.normalise import SERVICE_LABELS

MAX_LABELS = 128
MAX_NAME_CHARS = 256
MAX_VALUE_CHARS = 4096
TELLING = frozenset({*SERVICE_LABELS, "severity", "priority", "rulename"})
"""Names that decide what an alert is about: they are kept, however many others there are."""
MAX_MAP_CHARS = 32 * 1024
SHORT_CHARS = 128
ZERO_TIME_YEAR = 1
"""Go's zero time, which senders use for "not ended"."""


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; raises Malformed with what is wrong. A BOM and bad UTF-8 bytes are forgiven."""
    text = body.decode("utf-8-sig", errors="replace")
    try:
        parsed = json.loads(text)
    except RecursionError as exc:
        raise Malformed("the body is nested too deeply", reason="too_deep") from exc
    except ValueError as exc:
        raise Malformed("the body is not JSON", reason="not_json") from exc
    if not isinstance(parsed, dict):
        raise Malformed("the body is not a JSON object", reason="not_an_object")
    return parsed


def text_of(value: object, *, limit: int = MAX_VALUE_CHARS) -> str:
    """A value as text: capped, without control characters, and with half surrogate pairs replaced."""
    text = value if isinstance(value, str) else "" if value is None else _spelled(value)[:limit]
    cut = text[:limit].encode(errors="replace").decode()
    return cut if cut.isprintable() else "".join(c for c in cut if c.isprintable() or c in "\n\t")


def _spelled(value: object) -> str:
    try:
        return str(value)
    except (RecursionError, ValueError):
        # Nested too deeply, or an integer with more digits than Python writes.
        return ""


def string_map(value: object) -> dict[str, str]:
    """Labels or annotations: at most MAX_LABELS, names and values capped, and all of them together.

    Anything but an object is empty.
    """
    if not isinstance(value, Mapping):
        return {}
    kept = sorted(value.items(), key=lambda pair: (pair[0] not in TELLING, pair[0]))[:MAX_LABELS]
    found = {text_of(name, limit=MAX_NAME_CHARS): text_of(content) for name, content in kept}
    if sum(len(name) + len(content) for name, content in found.items()) <= MAX_MAP_CHARS:
        return found
    # Many long values: each keeps its beginning, so that the alert as a whole can still be stored.
    return {name: f"{text[:SHORT_CHARS]}…" if len(text) > SHORT_CHARS else text for name, text in found.items()}


def number_of(value: object) -> float | None:
    """A finite number; None for everything else, a truth value included."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def time_of(value: object) -> datetime | None:
    """An RFC 3339 time in UTC; None for nothing, for Go's zero time, and for what is no time."""
    if not isinstance(value, str):
        return None
    try:
        # Nanoseconds are cut to microseconds, which is far finer than two episodes of one alert can be.
        parsed = datetime.fromisoformat(value[:64])
        return None if parsed.year == ZERO_TIME_YEAR or parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
