"""Reading JSON from outside: bounded, tolerant of what real senders do, and never an unexpected exception."""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from shared.errors import Malformed
from shared.redaction import redact
from shared.signals.normalise import SERVICE_LABELS
from shared.signals.sources.sizes import MAX_LABELS_BYTES, MAX_TITLE_BYTES, MAX_URL_BYTES, cut, fitted

MAX_LABELS = 128
MAX_VALUES = 32
MAX_NAME_CHARS = 256
MAX_VALUE_CHARS = 4096
MAX_ID_CHARS = 128
TELLING = frozenset({*SERVICE_LABELS, "severity", "priority", "rulename"})
"""Names that decide what an alert is about: they are kept, however many others there are."""
_OPAQUE = re.compile(r"[0-9A-Fa-f-]{0,64}")
"""Fingerprints and UUIDs, which hold nothing even where their digits happen to be a card's."""
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
        raise _not_json(body) from exc
    if not isinstance(parsed, dict):
        raise Malformed("the body is not a JSON object", reason="not_an_object")
    return parsed


def _not_json(body: bytes) -> Malformed:
    """What is wrong with it: most often another encoding, or compression."""
    try:
        body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Malformed("the body is not UTF-8 text", reason="not_utf8")
    if b"\0" in body:
        return Malformed("the body is not UTF-8 text", reason="not_utf8")
    return Malformed("the body is not JSON", reason="not_json")


def text_of(value: object, *, limit: int = MAX_VALUE_CHARS) -> str:
    """A value as text: capped, without control characters, and with half surrogate pairs replaced."""
    text = (value if isinstance(value, str) else spelled(value))[:limit]
    if text.isascii() and text.isprintable():
        return text
    whole = text.encode(errors="replace").decode()
    return "".join(c if c.isprintable() or c in "\n\t" else " " if _is_gap(c) else "" for c in whole)


def _is_gap(character: str) -> bool:
    """Whether words would grow together without it: a wide or unbreakable blank, a line end of another system."""
    return character.isspace() and character > "\x1f"


def line_of(value: object, *, limit: int) -> str:
    """A value as text of one line, as names and titles are."""
    return " ".join(text_of(value, limit=limit).split())


def title_of(value: object) -> str:
    """A name as it stands in lists: one line, not too long."""
    return cut(line_of(value, limit=MAX_TITLE_BYTES), MAX_TITLE_BYTES)


def spelled(value: object) -> str:
    """A value as JSON writes it; nothing for null, and for what is nested too deeply to write."""
    if value is None:
        return ""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (RecursionError, ValueError):
        return ""


def mapping_of(value: object) -> Mapping[str, Any]:
    """An object; anything else is an empty one."""
    return value if isinstance(value, Mapping) else {}


def string_map(value: object, *, max_bytes: int = MAX_LABELS_BYTES) -> dict[str, str]:
    """Labels or annotations: at most MAX_LABELS, names and values capped, and all of them together."""
    pairs = mapping_of(value).items()
    kept = sorted(pairs, key=lambda pair: (pair[0] not in TELLING, pair[0]))[:MAX_LABELS]
    return fitted({text_of(name, limit=MAX_NAME_CHARS): text_of(content) for name, content in kept}, max_bytes)


def id_of(value: object) -> str:
    """What a sender tells things apart by: its text or whole number; a digest where that is no short plain text.

    Also a digest of one that holds a secret: ids are kept and shown, and a mask would make one of many.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    written = value.strip() if isinstance(value, str) else spelled(value)
    if len(written) <= MAX_ID_CHARS and written.isascii() and written.isprintable():
        return kept_id(written)
    return _digest_of(written)


def kept_id(written: str) -> str:
    """The id as it is; a digest of it where it holds a secret."""
    return written if _OPAQUE.fullmatch(written) or redact(written) == written else _digest_of(written)


def _digest_of(written: str) -> str:
    return f"sha256-{sha256(written.encode(errors='surrogatepass')).hexdigest()[:32]}"


def fingerprint_of(labels: object) -> str:
    """Stands in for a sender's fingerprint: equal label sets as they were sent, and only those, give the same one."""
    named = {name: text if isinstance(text, str) else spelled(text) for name, text in mapping_of(labels).items()}
    pairs = "".join(f"{len(name)}:{name}{len(text)}:{text}" for name, text in sorted(named.items()))
    return sha256(pairs.encode(errors="surrogatepass")).hexdigest()[:16]


def link_of(value: object, *, max_bytes: int = MAX_URL_BYTES) -> str | None:
    """An address that may be shown as a link: http or https, and whole; None for everything else."""
    url = value.strip() if isinstance(value, str) else ""
    if len(url) > max_bytes or not url.lower().startswith(("http://", "https://")):
        return None
    return url if url.isascii() and url.isprintable() and " " not in url and cut(url, max_bytes) == url else None


def number_of(value: object) -> float | None:
    """A finite number; None for everything else, a truth value included."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def numbers_of(value: object) -> dict[str, float] | None:
    """What was measured: finite numbers by name, at most MAX_VALUES; None when there is none."""
    found: dict[str, float] = {}
    for name, content in mapping_of(value).items():
        number = number_of(content)
        if number is not None and len(found) < MAX_VALUES:
            found[cut(line_of(name, limit=MAX_NAME_CHARS), 64)] = number
    return found or None


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
