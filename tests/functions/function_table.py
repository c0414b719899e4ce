"""The table in docs/functions.md, and the same table made from what a function app declares."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
NOT_APPLICABLE = "–"  # noqa: RUF001 -- the dash that the document's reader sees
_ROW = re.compile(
    r"^\| `(?P<name>\w+)` \| (?P<trigger>\w+) \| `(?P<place>[^`]+)` \| (?P<verbs>[^|]+) \| (?P<auth>[^|]+) \| \S"
)


@dataclass(frozen=True)
class TableRow:
    """One function without its description."""

    name: str
    trigger: str
    place: str
    verbs: str
    auth_level: str


def documented_functions() -> list[TableRow]:
    """The rows of docs/functions.md."""
    lines = (ROOT / "docs" / "functions.md").read_text(encoding="utf-8").splitlines()
    return [TableRow(*match.groups()) for line in lines if (match := _ROW.match(line))]


def declared_functions(raw_bindings: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[TableRow]:
    """The rows that an index amounts to, given each function's raw bindings."""
    return [_row(name, bindings) for name, bindings in raw_bindings.items()]


def _row(name: str, bindings: Sequence[Mapping[str, Any]]) -> TableRow:
    (trigger,) = (binding for binding in bindings if binding["type"].endswith("Trigger"))
    kind = trigger["type"].removesuffix("Trigger")
    if kind == "queue":
        assert trigger["connection"] == "AzureWebJobsStorage"
        return TableRow(name, kind, trigger["queueName"], NOT_APPLICABLE, NOT_APPLICABLE)
    if kind == "timer":
        return TableRow(name, kind, trigger["schedule"], NOT_APPLICABLE, NOT_APPLICABLE)
    assert kind == "http", f"the table has no column for a {kind} trigger yet"
    verbs = ", ".join(trigger.get("methods") or ["all"])
    return TableRow(name, kind, f"/{_route_prefix()}/{trigger['route']}", verbs, trigger["authLevel"].lower())


def _route_prefix() -> str:
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
    return str(host["extensions"]["http"]["routePrefix"])
