"""The SQLite file under the stand-in: one writer, WAL, one commit a write; it survives `kill -9`."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS databases (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, etag TEXT NOT NULL, ts INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS containers (
    number INTEGER PRIMARY KEY AUTOINCREMENT, database INTEGER NOT NULL, id TEXT NOT NULL, properties TEXT NOT NULL,
    etag TEXT NOT NULL, ts INTEGER NOT NULL, lsn INTEGER NOT NULL DEFAULT 0, UNIQUE (database, id));
CREATE TABLE IF NOT EXISTS offers (
    number INTEGER PRIMARY KEY AUTOINCREMENT, resource TEXT NOT NULL UNIQUE, offer TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS items (
    number INTEGER PRIMARY KEY AUTOINCREMENT, container INTEGER NOT NULL, partition TEXT NOT NULL, epk TEXT NOT NULL,
    id TEXT NOT NULL, body TEXT NOT NULL, etag TEXT NOT NULL, written REAL NOT NULL, ttl INTEGER,
    lsn INTEGER NOT NULL, UNIQUE (container, partition, id));
CREATE INDEX IF NOT EXISTS items_by_range ON items (container, epk, number);
CREATE INDEX IF NOT EXISTS items_by_lsn ON items (container, lsn);
"""


class Storage:
    """The connection. Statements outside `transaction` commit by themselves."""

    def __init__(self, folder: Path) -> None:
        """Open or create the file; OSError or sqlite3.Error when that is not possible."""
        folder.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(
            folder / "cosmos.sqlite", isolation_level=None, check_same_thread=False, timeout=0.5
        )
        self._connection.row_factory = sqlite3.Row
        # A second process on the same file is refused instead of handing out the same sequence numbers.
        self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file; what was committed is in it."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: any exception rolls back."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def rows(self, statement: str, *arguments: Any) -> Iterator[sqlite3.Row]:
        """The rows, read as they are asked for."""
        return iter(self._connection.execute(statement, arguments))

    def row(self, statement: str, *arguments: Any) -> sqlite3.Row | None:
        """The first row, or None."""
        found: sqlite3.Row | None = self._connection.execute(statement, arguments).fetchone()
        return found

    def run(self, statement: str, *arguments: Any) -> int:
        """Run a statement; answers the number of the row it inserted."""
        return self._connection.execute(statement, arguments).lastrowid or 0
