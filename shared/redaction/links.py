"""Masks secrets in addresses, which stay addresses: what is inside them is written with percent signs."""

import re
from urllib.parse import quote, unquote, unquote_plus

from shared.redaction.kinds import Kind, Tally
from shared.redaction.text import masked_by_name, redact

_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_PART = re.compile(r"[^/?#&;=]+")
_AUTHORITY = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]{0,30}://)(?P<user>[^/?#]*@)?(?P<host>[^/?#]*)", re.IGNORECASE)
_OF_MASKS = "[]:"
"""Left as they are, for browsers do not mind and masks can be read."""
_ROUNDS = 3
"""How often something may be written with percent signs of percent signs."""


def redact_link(url: str, tally: Tally | None = None) -> str:
    """The address without a user, and with its secrets masked; where it holds none it stays as it is."""
    plain = _plain(url)
    if redact(plain) == plain:
        return url
    parts = _AUTHORITY.match(url)
    if parts is None:
        return redact(url, tally)
    if parts["user"] and tally is not None:
        tally[Kind.URL_CREDENTIALS] += 1
    masked = _each_masked(url[parts.end() :], tally)
    # Then what spans several parts, a path below a host for instance.
    return redact(f"{parts['scheme']}{parts['host']}{masked}", tally)


def _each_masked(rest: str, tally: Tally | None) -> str:
    """Path, query and fragment, part by part; in a query by the name before it, too."""
    kept: list[str] = []
    end = 0
    name = ""
    for match in _PART.finditer(rest):
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
