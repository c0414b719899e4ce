"""What a request may weigh: decided before anything of it is understood."""

import json
import math
import re
from dataclasses import dataclass
from typing import Any, ClassVar

from shared.errors import CopilotError, Malformed

_TOKENS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
"""Strings from their first quote, which hide what is in them, and brackets."""


class TooMuch(CopilotError):
    """A request that is refused for its size or its number; `status` says for which."""

    default_reason = "too_much"
    status: ClassVar[int]


class BodyTooLarge(TooMuch):
    """The body has more bytes than we read."""

    default_reason = "body_too_large"
    status = 413


class UrlTooLong(TooMuch):
    """Path and query together are too long."""

    default_reason = "url_too_long"
    status = 414


class TooManyRequests(TooMuch):
    """The caller is faster than it may be."""

    default_reason = "too_many_requests"
    status = 429

    def __init__(self, message: str, *, wait_seconds: float, reason: str | None = None) -> None:
        super().__init__(message, reason=reason)
        self.retry_after_seconds = max(1, math.ceil(wait_seconds))


class HeadersTooLarge(TooMuch):
    """There are too many headers, or they are too long."""

    default_reason = "headers_too_large"
    status = 431


@dataclass(frozen=True)
class RequestLimits:
    """How much of a request is looked at; a token alone may have 16 KiB."""

    max_body_bytes: int = 256 * 1024
    max_json_depth: int = 20
    max_url_bytes: int = 8 * 1024
    max_headers: int = 100
    max_headers_bytes: int = 48 * 1024

    def check_head(self, url_bytes: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Raise UrlTooLong, HeadersTooLarge or BodyTooLarge for what the head of a request alone tells."""
        if url_bytes > self.max_url_bytes:
            raise UrlTooLong(f"path and query may have {self.max_url_bytes} bytes")
        size = sum(len(name) + len(value) for name, value in headers)
        if len(headers) > self.max_headers or size > self.max_headers_bytes:
            raise HeadersTooLarge(
                f"there may be {self.max_headers} headers and {self.max_headers_bytes} bytes of them"
            )
        for name, value in headers:
            if name == b"content-length":
                # What is no number is the server's to refuse; the bytes are counted in any case.
                self.check_body(int(value) if value.isdigit() and len(value) < 20 else 0)  # noqa: PLR2004 -- 64 bits

    def check_body(self, size: int) -> None:
        """Raise BodyTooLarge when a body has so many bytes."""
        if size > self.max_body_bytes:
            raise BodyTooLarge(f"the body may have {self.max_body_bytes} bytes")

    def check_json(self, body: bytes) -> None:
        """Raise Malformed unless the body is JSON that everybody reads in the same way (RFC 8259, RFC 7493)."""
        if _depth(body, self.max_json_depth) > self.max_json_depth:
            raise Malformed(f"the JSON may be nested {self.max_json_depth} deep", reason="too_deep")
        try:
            parsed = json.loads(body.decode(), **_STRICT)
            # Half a surrogate pair is JSON, but it is no text that could be stored.
            json.dumps(parsed, ensure_ascii=False).encode()
        except UnicodeError as exc:
            raise Malformed("the body is not UTF-8 text", reason="not_utf8") from exc
        except (ValueError, RecursionError) as exc:
            raise Malformed("the body is not JSON", reason="not_json") from exc


def _depth(body: bytes, enough: int) -> int:
    """How deep brackets are nested outside of strings; stops looking one past `enough`."""
    depth = deepest = 0
    for token in _TOKENS.finditer(body):
        first = body[token.start()]
        depth += (first in b"[{") - (first in b"]}")
        deepest = max(deepest, depth)
        if deepest > enough:
            break
    return deepest


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        # Parsers differ on which of them counts, so one that checks and one that acts may read different things.
        raise Malformed("a name comes twice in a JSON object", reason="duplicate_name")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Malformed("a number is too large", reason="not_finite")
    return number


def _no_constant(text: str) -> None:
    raise Malformed(f"{text} is not JSON", reason="not_finite")


_STRICT: dict[str, Any] = {
    "object_pairs_hook": _once_each,
    "parse_float": _finite,
    "parse_constant": _no_constant,
}
