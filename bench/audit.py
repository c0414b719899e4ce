"""What the store holds after a run, from a copy of the stand-in's own file: nothing of the product is trusted."""

import json
import shutil
import sqlite3
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DOCUMENTS = (
    "SELECT containers.id AS container, items.body AS body, items.written AS written"
    " FROM items JOIN containers ON items.container = containers.number"
)


@dataclass(frozen=True)
class Audit:
    """One tenant's documents, counted."""

    signals: Counter[str]
    """How many signals there are of each alert, by its fingerprint, over all incidents."""
    stored_at: dict[str, float]
    """When the signal of each alert was last written, in epoch seconds."""
    incidents: int
    """Without those that were merged into others."""
    openings: dict[str, int]
    """How often each incident's timeline says that it was opened."""
    dead_letters: int

    def lost(self, expected: frozenset[str]) -> int:
        """How many of the expected alerts have no signal."""
        return len(expected - self.signals.keys())

    def twice(self) -> int:
        """How many signals there are too many."""
        return sum(count - 1 for count in self.signals.values())

    def opened_twice(self) -> int:
        """How many incidents say more than once that they were opened."""
        return sum(1 for count in self.openings.values() if count > 1)


def audit(store: Path, tenant_id: str) -> Audit:
    """Count what a tenant has; nothing may be written to the store meanwhile."""
    signals, stored_at, openings = Counter[str](), dict[str, float](), defaultdict[str, int](int)
    incidents = dead_letters = 0
    for container, body, written in documents(store):
        if body.get("tenant_id") != tenant_id:
            continue
        match container, body.get("type"):
            case "incidents", "signal":
                signals[body["fingerprint"]] += 1
                stored_at[body["fingerprint"]] = written
            case "incidents", "incident":
                incidents += not body.get("merged_into")
            case "incidents", "timeline_entry" if body["event"] == "incident_opened":
                openings[body["incident_id"]] += 1
            case "deadletters", _:
                dead_letters += 1
    return Audit(signals, stored_at, incidents, dict(openings), dead_letters)


def documents(store: Path) -> Iterator[tuple[str, dict[str, Any], float]]:
    """Every document with its container and the time of its last write."""
    with tempfile.TemporaryDirectory(prefix="bench-audit-") as folder:
        # The stand-in holds its file for itself; its log beside the file has what is not in the file yet.
        for name in ("cosmos.sqlite", "cosmos.sqlite-wal"):
            if (store / name).exists():
                shutil.copy(store / name, folder)
        with closing(sqlite3.connect(Path(folder) / "cosmos.sqlite")) as connection:
            for container, body, written in connection.execute(_DOCUMENTS):
                yield container, json.loads(body), written
