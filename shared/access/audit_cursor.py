"""The cursor of the trail: where a page ended, opaque to who passes it on."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from datetime import datetime

from shared.errors import Malformed
from shared.ports.audit import Place

MAX_CHARS = 400
_PLACE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ([^/\\?#\s]{1,255})")


def cursor_of(place: Place) -> str:
    """The text that goes on behind a place."""
    return urlsafe_b64encode(f"{place.timestamp} {place.id}".encode()).decode().rstrip("=")


def place_behind(cursor: str) -> Place:
    """The place that a cursor names; raises Malformed for anything that is not one of ours."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        named = _PLACE.fullmatch(urlsafe_b64decode(padded).decode())
        if len(cursor) > MAX_CHARS or named is None:
            raise ValueError("not the values of an entry")
        place = Place(timestamp=named[1], id=named[2])
        datetime.fromisoformat(place.timestamp)
        # Each place has one spelling; base64 alone would take many.
        if cursor_of(place) != cursor:
            raise ValueError("not as we spell it")
    except (ValueError, Base64Error) as exc:
        raise Malformed("the cursor is not one of ours", reason="bad_cursor") from exc
    return place
