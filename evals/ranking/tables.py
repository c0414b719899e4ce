"""Series in a CSV file: `time` in epoch seconds, then one column a series, whatever shape the file is in."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MAX_BYTES = 256 * 1024 * 1024
TIME = "time"


class Unreadable(Exception):
    """A file or a case cannot be read; says why in a sentence's part."""


@dataclass(frozen=True)
class Table:
    """Samples at ascending, distinct times; NaN where there is none."""

    times: np.ndarray
    columns: Mapping[str, np.ndarray]

    def part(self, chosen: np.ndarray | slice) -> "Table":
        """Some of the rows."""
        return Table(self.times[chosen], {name: column[chosen] for name, column in self.columns.items()})


def read_table(path: Path) -> Table:
    """A file's samples; rows without a time are left out, of rows of one time the last counts.

    Raises Unreadable when there is no row or no column `time`, or the file is larger than 256 MiB or no CSV.
    """
    if path.stat().st_size > MAX_BYTES:
        raise Unreadable(f"{path.name} is larger than {MAX_BYTES} bytes")
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            rows = list(csv.reader(lines))
    except csv.Error as exc:
        raise Unreadable(f"{path.name} is no CSV: {exc}") from exc
    if not rows or TIME not in rows[0]:
        raise Unreadable(f"{path.name} has no column `{TIME}`")
    head = rows[0]
    values = np.array([_numbers(row, len(head)) for row in rows[1:] if row]).reshape(-1, len(head))
    at = head.index(TIME)
    values = values[np.isfinite(values[:, at])]
    if not len(values):
        raise Unreadable(f"{path.name} has no sample")
    # Backwards, so that of equal times the last row is the first that is met.
    times, first = np.unique(values[::-1, at], return_index=True)
    values = values[::-1][first]
    columns = {name: values[:, place] for place, name in reversed(list(enumerate(head))) if place != at}
    return Table(times, dict(reversed(columns.items())))


def _numbers(row: Sequence[str], width: int) -> list[float]:
    found = [_number(cell) for cell in row[:width]]
    return found + [math.nan] * (width - len(found))


def _number(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
