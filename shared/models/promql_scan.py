"""Looks over PromQL before a parser does: how deep and long it is, and where its comparisons stand.

The parser is native code that overflows its stack, and with it the process, on a few thousand nested brackets; and it
prints label values without escaping them. So what is deep never reaches it, and pieces are cut from the text itself.
"""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<comment>\#[^\n]*)
    | (?P<string>"(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | `[^`\\]*`)
    | (?P<quote>["'`])
    | (?P<open>[(\[{]) | (?P<close>[)\]}])
    | (?P<compare>==|!=(?![~])|>=|<=|>|<)
    | (?P<match>=~|!~|=)
    | (?P<sign>[-+*/%^])
    | (?P<word>[A-Za-z_:][A-Za-z0-9_:]*)
    | (?P<number>[0-9.][A-Za-z0-9_.]*)
    | (?P<blank>\s+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_OPERATOR_WORDS = frozenset({"and", "or", "unless", "atan2"})


@dataclass(frozen=True)
class Comparison:
    """A comparison operator outside all brackets, and where it stands in the text."""

    operator: str
    start: int
    end: int


@dataclass(frozen=True)
class Scan:
    """`text` is without its comments, which would swallow what is put after them."""

    text: str
    depth: int
    operators: int
    is_closed: bool
    """Whether every quote and bracket finds its end."""
    comparisons: tuple[Comparison, ...]


def scan(promql: str) -> Scan:
    """Look over it once, in time that grows with its length alone."""
    text = "".join(
        " " if found.lastgroup == "comment" else found.group() for found in _TOKEN.finditer(promql)
    ).strip()
    depth = deepest = operators = 0
    is_closed = True
    comparisons = []
    for found in _TOKEN.finditer(text):
        match found.lastgroup:
            case "open":
                depth += 1
                deepest = max(deepest, depth)
            case "close":
                depth -= 1
                is_closed = is_closed and depth >= 0
            case "quote":
                is_closed = False
            case "compare":
                operators += 1
                if depth == 0:
                    comparisons.append(Comparison(found.group(), found.start(), found.end()))
            case "sign":
                operators += 1
            case "word" if found.group().lower() in _OPERATOR_WORDS:
                operators += 1
    return Scan(text, deepest, operators, is_closed and depth == 0, tuple(comparisons))
