"""Request charges by a formula. They are NOT Cosmos DB's: good for comparing two designs, not for a bill.

Read: 1 RU a started KB. Write: 5.3 RU a started KB, twice for a replacement (the old index entries go as well).
Query: at least 2.8 RU, plus what reading the returned pages would cost, plus 0.05 RU a document looked at.
"""

import math

_WRITE_PER_KB = 5.3
_QUERY_MINIMUM = 2.8
_QUERY_PER_DOCUMENT = 0.05
METADATA = 1.0


def _kilobytes(size: int) -> int:
    return max(1, math.ceil(size / 1024))


def read(size: int) -> float:
    """Of a point read of `size` bytes."""
    return float(_kilobytes(size))


def write(size: int, *, replaces: bool) -> float:
    """Of writing or deleting `size` bytes."""
    return round(_WRITE_PER_KB * _kilobytes(size) * (2 if replaces else 1), 2)


def query(*, documents: int, size: int) -> float:
    """Of a page of `size` bytes for which `documents` were looked at."""
    return round(_QUERY_MINIMUM + _kilobytes(size) - 1 + _QUERY_PER_DOCUMENT * documents, 2)
