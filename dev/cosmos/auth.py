"""Verification of the master-key signature on every request."""

import base64
import hashlib
import hmac
from urllib.parse import parse_qs, unquote

from dev.cosmos.errors import Refusal, unauthorized
from dev.cosmos.http import Request

# The key of Microsoft's emulator: published, the same everywhere, protects nothing.
EMULATOR_KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
_KEY_BYTES = base64.b64decode(EMULATOR_KEY)


def refuse_unsigned(request: Request) -> Refusal | None:
    """The 401 to answer with, or None when the signature is that of the emulator's key."""
    # The header arrives URL-quoted; its signature is base64, whose '+' a form parser would turn into a space.
    fields = parse_qs(unquote(request.headers.get("authorization", "")).replace("+", "%2B"))
    if fields.get("type") == ["aad"]:
        return unauthorized("This stand-in knows the emulator's key only; it does not take Entra ID tokens.")
    if fields.get("type") != ["master"] or "sig" not in fields:
        return unauthorized("Required Header authorization is missing. Ensure a valid Authorization token is passed.")
    kind, links = _signed_links(request.segments)
    given = fields["sig"][0].encode()
    if any(hmac.compare_digest(given, _signature(request, kind, link)) for link in links):
        return None
    return unauthorized(
        "The input authorization token can't serve the request. The wrong key is being used or the expected payload"
        " is not built as per the protocol."
    )


def _signature(request: Request, kind: str, link: str) -> bytes:
    date = request.headers.get("x-ms-date", "").lower()
    text = f"{request.method.lower()}\n{kind}\n{link}\n{date}\n\n"
    return base64.b64encode(hmac.new(_KEY_BYTES, text.encode(), hashlib.sha256).digest())


def _signed_links(segments: tuple[str, ...]) -> tuple[str, list[str]]:
    """The resource type, and the link both as the names and as the last resource id sign it."""
    if segments[-2:] == ("operations", "partitionkeydelete"):
        return "colls", ["/".join(segments[:-2])]
    if len(segments) % 2:
        kind, owner = segments[-1], segments[:-1]
    else:
        kind, owner = (segments[-2] if segments else ""), segments
    return kind.lower(), ["/".join(owner), owner[-1].lower() if owner else ""]
