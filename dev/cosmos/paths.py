"""Paths of properties, as partition keys and indexing policies write them: `/a/"b c"/?`."""

import re
from typing import Any

from dev.cosmos.errors import bad_request

_SEGMENT = re.compile(r"""/(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^/"'][^/]*))""")


def segments_of(path: Any) -> tuple[str, ...]:
    """The names in a path; quoted ones may hold a slash. 400 for what is no path."""
    if not isinstance(path, str) or not path:
        raise bad_request(f"The path '{path}' is not valid.")
    names: list[str] = []
    position = 0
    while position < len(path):
        match = _SEGMENT.match(path, position)
        if match is None:
            raise bad_request(f"The path '{path}' is not valid.")
        names.append(next(group for group in match.groups() if group is not None))
        position = match.end()
    return tuple(names)
