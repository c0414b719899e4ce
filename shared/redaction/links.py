"""Masks secrets in addresses, which stay addresses: what is inside them is written with percent signs."""

import re
from functools import lru_cache
from urllib.parse import quote, unquote, unquote_plus

from shared.redaction.kinds import Kind, Tally
from shared.redaction.text import masked_by_name, redact

_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_OF_PATHS, _OF_QUERIES = re.compile(r"[^/]+"), re.compile(r"[^#&=]+")
_AFTER_PATH = re.compile(r"[?#]")
_AUTHORITY = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]{0,30}://)(?P<user>[^/?#]*@)?(?P<host>[^/?#]*)", re.IGNORECASE)
_OF_MASKS = "[]:"
"""Left as they are, for browsers do not mind and masks can be read."""
_OF_LINKS = f"{_OF_MASKS}/?#&=%"
_ROUNDS = 3
"""How often something may be written with percent signs of percent signs."""


def redact_link(url: str, tally: Tally | None = None) -> str:
    """The address without a user, and with its secrets masked; where it holds none it stays as it is."""
    if is_clean_link(url):
        return url
    parts = _AUTHORITY.match(url)
    if parts is None:
        return redact(url, tally)
    if parts["user"] and tally is not None:
        tally[Kind.URL_CREDENTIALS] += 1
    path, mark, query = _split(url[parts.end() :])
    masked = "".join((_each_masked(_OF_PATHS, path, tally), mark, _each_masked(_OF_QUERIES, query, tally)))
    # Then what spans several parts, a path below a host for instance.
    link = redact(f"{parts['scheme']}{parts['host']}{masked}", tally)
    return link if is_clean_link(link) else quote(redact(_plain(link), tally), safe=_OF_LINKS)


@lru_cache(maxsize=1024)
def is_clean_link(url: str) -> bool:
    """Whether there is nothing to mask; alerts of one rule come with the same links."""
    plain = _plain(url)
    return redact(plain) == plain


def _split(rest: str) -> tuple[str, str, str]:
    """The path, and what follows the first mark after it."""
    found = _AFTER_PATH.search(rest)
    return (rest[: found.start()], found[0], rest[found.end() :]) if found else (rest, "", "")


def _each_masked(parts: re.Pattern[str], rest: str, tally: Tally | None) -> str:
    """Part by part; in a query by the name before it, too."""
    kept: list[str] = []
    end = 0
    name = ""
    for match in parts.finditer(rest):
        between = rest[end : match.start()]
        kept += (between, _part(name if between == "=" else "", match[0], tally))
        name, end = match[0], match.end()
    return "".join((*kept, rest[end:]))


def _part(name: str, part: str, tally: Tally | None) -> str:
    plain = _plain(part)
    masked = masked_by_name(name, plain, tally) or redact(plain, tally)
    return part if masked == plain else quote(masked, safe=_OF_MASKS)


def _plain(part: str) -> str:
    plain = unquote_plus(part)
    for _ in range(_ROUNDS):
        if not _ESCAPED.search(plain):
            break
        plain = unquote(plain)
    return plain
