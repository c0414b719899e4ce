"""Items of one container: the rules of each write and read, on SQLite rows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Row
from typing import Any

from dev.cosmos import charges
from dev.cosmos.catalog import Clock, Container, checked_id, new_etag, refuse_ttl
from dev.cosmos.errors import conflict, item_not_found, precondition_failed, too_large
from dev.cosmos.http import MAX_REQUEST_BYTES
from dev.cosmos.partition_keys import PartitionKey, refuse_mismatch
from dev.cosmos.patches import Patch
from dev.cosmos.resource_ids import item_rid, last_number
from dev.cosmos.storage import Storage

SYSTEM_PROPERTIES = ("_rid", "_self", "_etag", "_attachments", "_ts")


@dataclass(frozen=True)
class Conditions:
    """The etags under which an operation may happen."""

    if_match: str | None = None
    if_none_match: str | None = None

    def check(self, etag: str | None) -> None:
        """412 unless they hold for the item's current etag; None when there is no item."""
        if etag is not None and self.if_match is not None and self.if_match not in {etag, "*"}:
            raise precondition_failed()
        if etag is not None and self.if_none_match in {etag, "*"}:
            raise precondition_failed()


@dataclass(frozen=True)
class Outcome:
    """What an operation on one item answers."""

    status: int
    charge: float
    document: dict[str, Any] | None = None

    @property
    def etag(self) -> str | None:
        return None if self.document is None else str(self.document["_etag"])


class Items:
    """The items of a container as of now; one instance serves one request and writes under one sequence number."""

    def __init__(self, storage: Storage, container: Container, clock: Clock) -> None:
        self._storage = storage
        self._container = container
        self._now = clock()
        self._lsn: int | None = None

    def visible(
        self, where: str, arguments: Sequence[Any], order: str = "number", *, index: str | None = None
    ) -> Iterator[Row]:
        """The rows that are not expired and match; `index` names the index that they are read by."""
        expiry, ttl_arguments = self._expiry()
        if index is not None:
            # Written out, as SQLite takes an index of one container only where the container is no parameter.
            table = f"items INDEXED BY {index} WHERE container = {self._container.number:d}"
            statement = f"SELECT * FROM {table} AND {expiry} AND {where} ORDER BY {order}"
            return self._storage.rows(statement, *ttl_arguments, *arguments)
        statement = f"SELECT * FROM items WHERE container = ? AND {expiry} AND {where} ORDER BY {order}"
        return self._storage.rows(statement, self._container.number, *ttl_arguments, *arguments)

    def document(self, row: Row) -> dict[str, Any]:
        """The item as the API shows it."""
        rid = self._rid(row["number"])
        return {
            **json.loads(row["body"]),
            "_rid": rid,
            "_self": f"{self._container.self_link}docs/{rid}/",
            "_etag": row["etag"],
            "_attachments": "attachments/",
            "_ts": int(row["written"]),
        }

    @property
    def lsn(self) -> int:
        """The container's sequence number after this request."""
        if self._lsn is not None:
            return self._lsn
        row = self._storage.row("SELECT lsn FROM containers WHERE number = ?", self._container.number)
        return 0 if row is None else int(row["lsn"])

    def read(self, key: PartitionKey, name: str) -> Outcome:
        """One item, or 404."""
        row = self._needed(key, name)
        return Outcome(200, charges.read(len(row["body"])), self.document(row))

    def create(self, key: PartitionKey, body: Mapping[str, Any]) -> Outcome:
        """A new item; 409 when the id is taken in its partition."""
        name, text = self._checked(key, body)
        if self._find(key, name) is not None:
            raise conflict()
        return self._insert(key, name, text)

    def upsert(self, key: PartitionKey, body: Mapping[str, Any], conditions: Conditions) -> Outcome:
        """Create (201) or replace (200)."""
        name, text = self._checked(key, body)
        row = self._find(key, name)
        conditions.check(None if row is None else row["etag"])
        return self._insert(key, name, text) if row is None else self._update(row, name, text)

    def replace(self, key: PartitionKey, name: str, body: Mapping[str, Any], conditions: Conditions) -> Outcome:
        """Replace an item; another id in the body renames it."""
        new_name, text = self._checked(key, body)
        row = self._needed(key, name)
        conditions.check(row["etag"])
        if new_name != row["id"] and self._find(key, new_name) is not None:
            raise conflict()
        return self._update(row, new_name, text)

    def patch(self, key: PartitionKey, name: str, patch: Patch, conditions: Conditions) -> Outcome:
        """Change parts of an item; 412 when the patch's condition does not hold."""
        row = self._needed(key, name)
        conditions.check(row["etag"])
        if not patch.applies_to(self.document(row)):
            raise precondition_failed()
        patch.refuse_reserved(self._container.key.paths)
        _, text = self._checked(key, patch.applied_to(json.loads(row["body"])))
        return self._update(row, row["id"], text)

    def delete(self, key: PartitionKey, name: str, conditions: Conditions) -> Outcome:
        """Remove an item, or 404."""
        row = self._needed(key, name)
        conditions.check(row["etag"])
        self._next_lsn()
        self._storage.run("DELETE FROM items WHERE number = ?", row["number"])
        return Outcome(204, charges.write(len(row["body"]), replaces=False))

    def delete_partition(self, key: PartitionKey) -> None:
        """Remove every item of a logical partition."""
        self._next_lsn()
        self._storage.run(
            "DELETE FROM items WHERE container = ? AND partition = ?", self._container.number, key.canonical
        )

    def _checked(self, key: PartitionKey, body: Mapping[str, Any]) -> tuple[str, str]:
        """The id and the text to store of an item that may be written."""
        name = checked_id(body)
        refuse_mismatch(body, key, self._container.key)
        if "ttl" in body:
            refuse_ttl("ttl", body["ttl"])
        stored = {name: value for name, value in body.items() if name not in SYSTEM_PROPERTIES}
        text = json.dumps(stored, separators=(",", ":"))
        if len(text) > MAX_REQUEST_BYTES:
            raise too_large()
        return name, text

    def _expiry(self) -> tuple[str, tuple[Any, ...]]:
        """The condition for not being expired; an item's ttl counts only where the container has a default."""
        default = self._container.default_ttl
        if default is None:
            return "1", ()
        return "(coalesce(ttl, ?) = -1 OR written + coalesce(ttl, ?) > ?)", (default, default, self._now)

    def _find(self, key: PartitionKey, name: str) -> Row | None:
        found = next(self.visible("partition = ? AND id = ?", (key.canonical, name)), None)
        if found is None and (number := last_number(name)) is not None and self._rid(number) == name:
            # The SDK addresses an item it holds as a whole by its resource id.
            found = next(self.visible("partition = ? AND number = ?", (key.canonical, number)), None)
        return found

    def _rid(self, number: int) -> str:
        return item_rid(self._container.database.number, self._container.number, number)

    def _needed(self, key: PartitionKey, name: str) -> Row:
        row = self._find(key, name)
        if row is None:
            raise item_not_found()
        return row

    def _make_room(self, partition: str, name: str) -> None:
        """Remove an expired item of this name: it is invisible, so it must not stand in the way."""
        self._storage.run(
            "DELETE FROM items WHERE container = ? AND partition = ? AND id = ?",
            *(self._container.number, partition, name),
        )

    def _insert(self, key: PartitionKey, name: str, text: str) -> Outcome:
        lsn = self._next_lsn()
        self._make_room(key.canonical, name)
        number = self._storage.run(
            "INSERT INTO items (container, partition, epk, id, body, etag, written, ttl, lsn)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, json_extract(?, '$.ttl'), ?)",
            *(self._container.number, key.canonical, key.epk, name, text, new_etag(), self._now, text, lsn),
        )
        return self._written(201, number, charges.write(len(text), replaces=False))

    def _update(self, row: Row, name: str, text: str) -> Outcome:
        lsn = self._next_lsn()
        if name != row["id"]:
            self._make_room(row["partition"], name)
        self._storage.run(
            "UPDATE items SET id = ?, body = ?, etag = ?, written = ?, ttl = json_extract(?, '$.ttl'), lsn = ?"
            " WHERE number = ?",
            *(name, text, new_etag(), self._now, text, lsn, row["number"]),
        )
        return self._written(200, row["number"], charges.write(len(text), replaces=True))

    def _written(self, status: int, number: int, charge: float) -> Outcome:
        row = next(self._storage.rows("SELECT * FROM items WHERE number = ?", number))
        return Outcome(status, charge, self.document(row))

    def _next_lsn(self) -> int:
        """One sequence number a request, so a whole batch has the same."""
        if self._lsn is None:
            row = self._storage.row(
                "UPDATE containers SET lsn = lsn + 1 WHERE number = ? RETURNING lsn", self._container.number
            )
            self._lsn = 0 if row is None else int(row["lsn"])
        return self._lsn
