"""Renders the tables of docs/conventions.md: python -m tests.unit.context.conventions_table [--write]."""

import re
import sys
from pathlib import Path

from shared.context.conventions import CONVENTIONS, RESOURCES, Convention

PAGE = Path(__file__).parents[3] / "docs" / "conventions.md"
_BLOCK = re.compile(
    r"(<!-- (\w+): made by tests/unit/context/conventions_table\.py -->\n).*?(<!-- end -->)", re.DOTALL
)


def _durations(row: Convention) -> str:
    return ", ".join(f"`{one.name}`{'' if one.seconds_per_unit == 1 else ' (ms)'}" for one in row.durations)


def _family(present: str) -> str:
    return present.replace("{$of,", "{").replace("{$of}", "")


def conventions() -> str:
    """A line a row, in the order in which they count."""
    lines = ["| row | whose metrics | there when | service in | durations |", "|---|---|---|---|---|"]
    for row in CONVENTIONS:
        about = " ".join(filter(None, (row.meaning, row.note)))
        labels = ", ".join(f"`{label}`" for label in row.service_labels)
        lines.append(f"| `{row.name}` | {about} | `{_family(row.present)}` | {labels} | {_durations(row)} |")
    return "\n".join(lines) + "\n"


def resources() -> str:
    """A line a limit."""
    lines = ["| row | of a | unit | what it says | there when |", "|---|---|---|---|---|"]
    lines += [
        f"| `{row.name}` | {row.carrier.value.replace('_', ' ')} | {row.unit} | {row.meaning} | `{row.present}` |"
        for row in RESOURCES
    ]
    return "\n".join(lines) + "\n"


TABLES = {"conventions": conventions, "resources": resources}


def rendered(page: str) -> str:
    """The page with its tables as they should be."""
    return _BLOCK.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n{found[3]}", page)


if __name__ == "__main__":
    text = rendered(PAGE.read_text(encoding="utf-8"))
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(text)  # noqa: T201 -- a command line prints
