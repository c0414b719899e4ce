"""Times as callers write them: RFC 3339 with an offset, and nothing else that could be read as a time."""

import re
from typing import Annotated

from pydantic import BeforeValidator

from shared.models.base import Instant

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _as_documented(value: object) -> object:
    # pydantic takes numbers too, and guesses from their size whether they count seconds or milliseconds.
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise ValueError("give a time as RFC 3339 has it, such as 2026-11-23T12:00:00Z")
    return value


RFC_3339 = BeforeValidator(_as_documented)
"""For a field of another kind of time."""
AskedTime = Annotated[Instant, RFC_3339]
"""A time in a query or a body."""
