"""Spelling PromQL safely: what comes from outside is only ever a quoted label value."""

import math
import re
from collections.abc import Iterable

_RE2_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")


def quoted(value: str) -> str:
    """A label value as a PromQL string."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def one_of(label: str, values: Iterable[str]) -> str:
    """A matcher for exactly these values of a label; sorted, so that equal sets give equal queries."""
    wanted = sorted(set(values))
    if not wanted:
        # An empty alternation would match every series without the label. Nothing stands before the start of a value.
        return f'{label}=~".^"'
    if len(wanted) == 1:
        return f"{label}={quoted(wanted[0])}"
    # Prometheus anchors the whole expression, so the alternation needs no group of its own.
    return f"{label}=~{quoted(alternation(wanted))}"


def alternation(values: Iterable[str]) -> str:
    """A regular expression for exactly these values; it still has to be quoted, and grouped where more follows."""
    return "|".join(_RE2_SPECIAL.sub(r"\\\1", value) for value in sorted(set(values)))


def duration(seconds: float) -> str:
    """Whole seconds, at least one, as PromQL writes them."""
    return f"{max(1, math.ceil(seconds))}s"
