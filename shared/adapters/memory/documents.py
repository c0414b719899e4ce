"""A container in memory: documents by partition and id, with etags, create-once and atomic batches."""

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from shared.adapters.writes import can_be_id
from shared.errors import AlreadyExists, Conflict, StoreRejected

PartitionKey = tuple[str, ...]
Body = dict[str, Any]


@dataclass(frozen=True)
class Write:
    """One operation of a batch: create without an etag, replace with one."""

    body: Body
    etag: str | None = None


@dataclass
class MemoryDocuments:
    """Bodies are kept as JSON text, so nothing stored can be changed by who reads it."""

    _partitions: dict[PartitionKey, dict[str, tuple[str, str]]] = field(default_factory=dict)
    _etags: Any = field(default_factory=lambda: count(1))

    def read(self, key: PartitionKey, document_id: str) -> tuple[Body, str] | None:
        """The body and its etag."""
        found = self._partitions.get(key, {}).get(document_id)
        return (json.loads(found[0]), found[1]) if found else None

    def partition(self, key: PartitionKey) -> list[tuple[Body, str]]:
        """All documents under one full key."""
        return [(json.loads(text), etag) for text, etag in self._partitions.get(key, {}).values()]

    def create(self, key: PartitionKey, body: Body) -> str:
        """Keep a new document; raises AlreadyExists."""
        if self.read(key, str(body["id"])):
            raise AlreadyExists(f"{body['type']} {body['id']} is there already")
        return self._put(key, body)

    def replace(self, key: PartitionKey, body: Body, etag: str) -> str:
        """Keep a changed document; raises Conflict when it moved or is gone."""
        held = self.read(key, str(body["id"]))
        if held is None or held[1] != etag:
            raise Conflict(f"{body['type']} {body['id']} moved")
        return self._put(key, body)

    def upsert(self, key: PartitionKey, body: Body) -> str:
        """Keep a document, whether it was there or not."""
        return self._put(key, body)

    def delete(self, key: PartitionKey, document_id: str, etag: str) -> None:
        """Remove a document; raises Conflict when it moved or is gone."""
        held = self.read(key, document_id)
        if held is None or held[1] != etag:
            raise Conflict(f"{document_id} moved")
        del self._partitions[key][document_id]

    def batch(self, key: PartitionKey, writes: Sequence[Write], removals: Sequence[tuple[str, str]] = ()) -> None:
        """All writes and removals (id and etag) or none; raises Conflict for the first that cannot be."""
        before = copy.deepcopy(self._partitions.get(key, {}))
        try:
            for write in writes:
                if write.etag is None:
                    self.create(key, write.body)
                else:
                    self.replace(key, write.body, write.etag)
            for document_id, etag in removals:
                self.delete(key, document_id, etag)
        except (AlreadyExists, Conflict) as exc:
            self._partitions[key] = before
            raise Conflict(str(exc)) from exc
        except StoreRejected:
            self._partitions[key] = before
            raise

    def _put(self, key: PartitionKey, body: Body) -> str:
        if not can_be_id(str(body["id"])):
            raise StoreRejected("the store takes no such id", reason="bad_id")
        etag = f'"{next(self._etags)}"'
        self._partitions.setdefault(key, {})[str(body["id"])] = (json.dumps(body), etag)
        return etag
