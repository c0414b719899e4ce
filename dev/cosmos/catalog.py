"""Databases and containers: what is known of them, and how they are found by name or resource id."""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from sqlite3 import Row
from typing import Any

from dev.cosmos import sorted_indexes
from dev.cosmos.errors import bad_request, conflict, item_not_found, owner_not_found
from dev.cosmos.indexing import complete_policy
from dev.cosmos.partition_keys import KeyDefinition, parse_definition
from dev.cosmos.resource_ids import container_rid, database_rid, last_number
from dev.cosmos.storage import Storage

Clock = Callable[[], float]
_FORBIDDEN_IN_IDS = frozenset("/\\?#")
_MAX_ID_BYTES = 1023
_MAX_TTL = 2**31 - 1
# What would be silently without effect is refused instead.
_NOT_SERVED = ("uniqueKeyPolicy", "computedProperties", "vectorEmbeddingPolicy", "fullTextPolicy", "changeFeedPolicy")


def new_etag() -> str:
    """A fresh etag; the quotes are part of it."""
    return f'"{uuid.uuid4()}"'


def checked_id(body: Mapping[str, Any]) -> str:
    """The id of a new resource, or a 400."""
    if "id" not in body:
        raise bad_request("The input content is invalid because the required properties - 'id; ' - are missing")
    name = body["id"]
    if not isinstance(name, str) or not name:
        raise bad_request("The input name is invalid. Ensure to provide a unique non-empty string.")
    # A lone surrogate is JSON, and cannot be stored as UTF-8.
    too_long = len(name.encode("utf-8", "replace")) > _MAX_ID_BYTES
    if too_long or _FORBIDDEN_IN_IDS & set(name) or any("\ud800" <= character <= "\udfff" for character in name):
        raise bad_request("The input name is invalid: it is too long, is no text, or has one of '/', '\\', '#', '?'.")
    return name


def refuse_ttl(name: str, ttl: Any) -> None:
    """400 unless it is -1 (never) or a positive number of seconds."""
    if isinstance(ttl, bool) or not isinstance(ttl, int) or not (ttl == -1 or 0 < ttl <= _MAX_TTL):
        raise bad_request(f"The value of {name} must be -1 or a positive whole number of seconds.")


@dataclass(frozen=True)
class Database:
    """One database."""

    number: int
    id: str
    etag: str
    ts: int

    @property
    def rid(self) -> str:
        return database_rid(self.number)

    def resource(self) -> dict[str, Any]:
        """As the API shows it."""
        own = {"_rid": self.rid, "_self": f"dbs/{self.rid}/", "_etag": self.etag, "_ts": self.ts}
        return {"id": self.id, **own, "_colls": "colls/", "_users": "users/"}


@dataclass(frozen=True)
class Container:
    """One container."""

    number: int
    database: Database
    id: str
    properties: Mapping[str, Any]
    etag: str
    ts: int

    @property
    def rid(self) -> str:
        return container_rid(self.database.number, self.number)

    @property
    def self_link(self) -> str:
        return f"dbs/{self.database.rid}/colls/{self.rid}/"

    @property
    def name_link(self) -> str:
        return f"dbs/{self.database.id}/colls/{self.id}"

    @cached_property
    def key(self) -> KeyDefinition:
        return parse_definition(self.properties["partitionKey"])

    @property
    def default_ttl(self) -> int | None:
        ttl: int | None = self.properties.get("defaultTtl")
        return ttl

    def resource(self) -> dict[str, Any]:
        """As the API shows it."""
        own = {"_rid": self.rid, "_self": self.self_link, "_etag": self.etag, "_ts": self.ts}
        links = {name: f"{name[1:]}/" for name in ("_docs", "_sprocs", "_triggers", "_udfs", "_conflicts")}
        return {"id": self.id, **self.properties, **own, **links}


def container_properties(body: Mapping[str, Any]) -> dict[str, Any]:
    """The properties to store of a container definition, completed and checked."""
    for name in _NOT_SERVED:
        if body.get(name):
            raise bad_request(f"This stand-in does not serve '{name}'.")
    parse_definition(body.get("partitionKey"))
    properties = {"indexingPolicy": complete_policy(body.get("indexingPolicy")), "partitionKey": body["partitionKey"]}
    ttl = body.get("defaultTtl")
    if ttl is not None:
        refuse_ttl("defaultTtl", ttl)
        properties["defaultTtl"] = ttl
    return properties


class Catalog:
    """The databases and containers of one account, kept in memory and written through."""

    def __init__(self, storage: Storage, clock: Clock = time.time) -> None:
        self._storage = storage
        self._clock = clock
        self._databases: dict[int, Database] = {}
        self._containers: dict[int, Container] = {}
        for row in storage.rows("SELECT * FROM databases"):
            self._databases[row["number"]] = Database(**row)
        for row in storage.rows("SELECT * FROM containers"):
            self._containers[row["number"]] = self._container_of(row)
            self._make_indexes(self._containers[row["number"]])

    def _container_of(self, row: Row) -> Container:
        database = self._databases[row["database"]]
        properties = json.loads(row["properties"])
        return Container(row["number"], database, row["id"], properties, row["etag"], row["ts"])

    def databases(self) -> list[Database]:
        """All databases, oldest first."""
        return list(self._databases.values())

    def containers(self, database: Database) -> list[Container]:
        """All containers of a database, oldest first."""
        return [container for container in self._containers.values() if container.database == database]

    def database(self, name: str) -> Database:
        """By name or resource id, else 404."""
        for database in self._databases.values():
            if database.id == name:
                return database
        found = self._databases.get(last_number(name) or 0)
        if found is None or found.rid != name:
            raise item_not_found()
        return found

    def container(self, database_name: str, name: str) -> Container:
        """By names or resource ids; 404/1003 without the database, 404 without the container."""
        database = self.owner_database(database_name)
        for container in self._containers.values():
            if container.id == name and container.database == database:
                return container
        found = self._containers.get(last_number(name) or 0)
        if found is None or found.rid != name:
            raise item_not_found()
        return found

    def owner_database(self, name: str) -> Database:
        """The database that should hold a container, else 404/1003."""
        try:
            return self.database(name)
        except type(item_not_found()) as exc:
            raise owner_not_found() from exc

    def create_database(self, body: Mapping[str, Any]) -> Database:
        """A new database; 409 when the name is taken."""
        name, etag, ts = checked_id(body), new_etag(), int(self._clock())
        if any(database.id == name for database in self._databases.values()):
            raise conflict()
        number = self._storage.run("INSERT INTO databases (id, etag, ts) VALUES (?, ?, ?)", name, etag, ts)
        self._databases[number] = Database(number, name, etag, ts)
        return self._databases[number]

    def delete_database(self, database: Database) -> None:
        """The database with all it holds."""
        for container in self.containers(database):
            self.delete_container(container)
        self._storage.run("DELETE FROM databases WHERE number = ?", database.number)
        self._storage.run("DELETE FROM offers WHERE resource = ?", f"dbs/{database.rid}/")
        del self._databases[database.number]

    def create_container(self, database: Database, body: Mapping[str, Any]) -> Container:
        """A new container; 409 when the name is taken."""
        name, properties = checked_id(body), container_properties(body)
        if any(container.id == name for container in self.containers(database)):
            raise conflict()
        etag, ts = new_etag(), int(self._clock())
        number = self._storage.run(
            "INSERT INTO containers (database, id, properties, etag, ts) VALUES (?, ?, ?, ?, ?)",
            *(database.number, name, json.dumps(properties), etag, ts),
        )
        self._containers[number] = Container(number, database, name, properties, etag, ts)
        self._make_indexes(self._containers[number])
        return self._containers[number]

    def replace_container(self, container: Container, body: Mapping[str, Any]) -> Container:
        """New properties; the id and the partition key cannot change."""
        properties = container_properties(body)
        if body.get("id") != container.id:
            raise bad_request("The id of a container cannot be changed.")
        if properties["partitionKey"]["paths"] != container.properties["partitionKey"]["paths"]:
            raise bad_request("The partition key of a container cannot be changed.")
        etag, ts = new_etag(), int(self._clock())
        self._storage.run(
            "UPDATE containers SET properties = ?, etag = ?, ts = ? WHERE number = ?",
            *(json.dumps(properties), etag, ts, container.number),
        )
        replaced = Container(container.number, container.database, container.id, properties, etag, ts)
        self._drop_indexes(container)
        self._make_indexes(replaced)
        self._containers[container.number] = replaced
        return replaced

    def _make_indexes(self, container: Container) -> None:
        for statement in sorted_indexes.definitions(container.number, container.properties["indexingPolicy"]):
            self._storage.run(statement)

    def _drop_indexes(self, container: Container) -> None:
        for name in sorted_indexes.names(container.number, container.properties["indexingPolicy"]):
            self._storage.run(f"DROP INDEX IF EXISTS {name}")

    def delete_container(self, container: Container) -> None:
        """The container with its items."""
        self._drop_indexes(container)
        with self._storage.transaction():
            self._storage.run("DELETE FROM items WHERE container = ?", container.number)
            self._storage.run("DELETE FROM containers WHERE number = ?", container.number)
            self._storage.run("DELETE FROM offers WHERE resource = ?", container.self_link)
        del self._containers[container.number]
