"""Paths of properties, as partition keys and indexing policies write them: `/a/"b c"/?`."""

import re

from dev.cosmos.errors import bad_request

_SEGMENT = re.compile(r"""/(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^/"'][^/]*))""")


def segments_of(path: str) -> tuple[str, ...]:
    """The names in a path; quoted ones may hold a slash."""
    names: list[str] = []
    position = 0
    while position < len(path):
        match = _SEGMENT.match(path, position)
        if match is None:
            raise bad_request(f"The path '{path}' is not valid.")
        names.append(next(group for group in match.groups() if group is not None))
        position = match.end()
    return tuple(names)
