"""The Cosmos DB client: one a process, errors translated once, writes retried, no query without a full key."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import uuid4

from shared.adapters.cosmos.containers import BY_NAME
from shared.adapters.writes import can_be_id
from shared.errors import AlreadyExists, Conflict, StoreRejected, StoreUnavailable

T = TypeVar("T")
Body = dict[str, Any]

CALL_SECONDS = 8.0
"""For one call with its retries; a webhook may wait for it and its sender gives up after ten seconds."""
MAX_TRIES = 4
WRITE_ID = "write_id"
"""Marks a created document with the call that made it. A create whose answer was lost is repeated, by us or (after
a 503) by the SDK unseen, and meets a 409: the mark tells our own document from another worker's."""


class CosmosDatabase:
    """Opens the database on first use, on the running loop; `connect` makes the SDK's client."""

    def __init__(self, connect: Callable[[], Any], database: str) -> None:
        self._connect = connect
        self._name = database
        self._opening = asyncio.Lock()
        self._client: Any = None
        self._seen: set[str] = set()

    async def container(self, name: str) -> Any:
        """The SDK's proxy of a container; raises StoreUnavailable when there is no such container."""
        if self._client is None:
            async with self._opening:
                if self._client is None:
                    self._client = await _opened(self._connect())
        proxy = self._client.get_database_client(self._name).get_container_client(name)
        if name not in self._seen:
            await _require_exists(proxy, name)
            self._seen.add(name)
        return proxy

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()


async def _opened(client: Any) -> Any:
    try:
        await client.__aenter__()
    except BaseException:
        await client.close()
        raise
    return client


async def _require_exists(proxy: Any, name: str) -> None:
    """The SDK reads the same metadata on first use, but its 404 then looks like that of a missing document."""
    from azure.cosmos.exceptions import CosmosResourceNotFoundError

    try:
        await proxy.read()
    except CosmosResourceNotFoundError as exc:
        raise StoreUnavailable(f"container {name} does not exist", reason="container_missing") from exc


class Container:
    """One container, with the promises of the ports: every call names a full partition key.

    A replace or batch whose answer was lost is repeated under the same etags and then raises Conflict: whoever
    writes under an etag reads again and decides again, and finds it done.
    """

    def __init__(self, database: CosmosDatabase, name: str) -> None:
        self._database = database
        self._name = name
        self._fields = tuple(path.removeprefix("/") for path in BY_NAME[name].partition_key_paths)

    async def read(self, key: Sequence[str], item_id: str) -> Body | None:
        """A document with its `_etag`, or None."""
        from shared.adapters.cosmos.failures import DocumentMissing

        full = self._full(key)
        if not can_be_id(item_id):
            return None
        try:
            found: Body = await self._call(lambda proxy: proxy.read_item(item_id, partition_key=full))
        except DocumentMissing:
            return None
        return self._under(key, found)

    async def create(self, key: Sequence[str], body: Body) -> str:
        """Create once and return the etag; raises AlreadyExists."""
        marked = {**self._under(key, body), WRITE_ID: uuid4().hex}
        try:
            made: Body = await self._call(lambda proxy: proxy.create_item(marked))
        except AlreadyExists:
            held = await self.read(key, str(body["id"]))
            if held is None or held.get(WRITE_ID) != marked[WRITE_ID]:
                raise
            made = held
        return str(made["_etag"])

    async def replace(self, key: Sequence[str], body: Body, etag: str) -> str:
        """Replace what still has this etag and return the new one; raises Conflict."""
        from azure.core import MatchConditions

        from shared.adapters.cosmos.failures import DocumentMissing

        self._under(key, body)
        condition = MatchConditions.IfNotModified
        try:
            made: Body = await self._call(
                lambda proxy: proxy.replace_item(str(body["id"]), body, etag=etag, match_condition=condition)
            )
        except DocumentMissing as exc:
            raise Conflict(f"container {self._name}: what was to be replaced is gone") from exc
        return str(made["_etag"])

    async def upsert(self, key: Sequence[str], body: Body) -> None:
        """Create or replace; only for records that an operator owns."""
        self._under(key, body)
        await self._call(lambda proxy: proxy.upsert_item(body))

    async def batch(
        self,
        key: Sequence[str],
        writes: Sequence[tuple[Body, str | None]],
        removals: Sequence[tuple[str, str]] = (),
    ) -> list[str]:
        """All or nothing under one key: create without an etag, replace with one, delete by id and etag.

        Returns the new etags of the writes; raises Conflict.
        """
        from shared.adapters.cosmos.failures import DocumentMissing

        full = self._full(key)
        operations: list[tuple[Any, ...]] = []
        for body, etag in writes:
            self._under(key, body)
            operations.append(
                ("create", (body,)) if etag is None else ("replace", (body["id"], body), {"if_match_etag": etag})
            )
        operations += [("delete", (item_id,), {"if_match_etag": etag}) for item_id, etag in removals]
        try:
            results = await self._call(lambda proxy: proxy.execute_item_batch(operations, partition_key=full))
        except AlreadyExists as exc:
            raise Conflict(f"container {self._name}: something to create is there already") from exc
        except DocumentMissing as exc:
            raise Conflict(f"container {self._name}: something to replace is gone") from exc
        return [str(result["eTag"]) for result in results[: len(writes)]]

    async def query(
        self,
        key: Sequence[str],
        text: str,
        parameters: Mapping[str, object] | None = None,
        *,
        limit: int | None = None,
    ) -> list[Body]:
        """Whole documents (all, or the first `limit`) under one full partition key; values only as parameters."""
        full = self._full(key)
        named = [{"name": f"@{name}", "value": value} for name, value in (parameters or {}).items()]

        async def run(proxy: Any) -> list[Body]:
            pages = proxy.query_items(text, parameters=named, partition_key=full, max_item_count=limit or 100)
            found: list[Body] = []
            async for item in pages:
                found.append(self._under(key, item))
                if limit is not None and len(found) == limit:
                    break
            return found

        return await self._call(run)

    async def query_page(
        self, key: Sequence[str], text: str, parameters: Mapping[str, object], *, limit: int
    ) -> tuple[list[Body], bool]:
        """The first `limit` documents, and whether the store says that there are more: none is read to find out."""
        full = self._full(key)
        named = [{"name": f"@{name}", "value": value} for name, value in parameters.items()]

        async def run(proxy: Any) -> tuple[list[Body], bool]:
            query = proxy.query_items(text, parameters=named, partition_key=full, max_item_count=limit)
            pages, found = query.by_page(), list[Body]()
            # A page may hold less than it could, even nothing; the store says when it was the last one.
            async for page in pages:
                found += [self._under(key, item) async for item in page]
                if len(found) >= limit:
                    break
            return found[:limit], len(found) > limit or bool(pages.continuation_token)

        return await self._call(run)

    def _full(self, key: Sequence[str]) -> Any:
        """The key as the SDK wants it. A part that is missing would make the SDK read every tenant."""
        levels = len(self._fields)
        if isinstance(key, str) or len(key) != levels or not all(isinstance(k, str) and k for k in key):
            raise StoreRejected(f"container {self._name} needs its full partition key", reason="partial_key")
        return list(key) if levels > 1 else key[0]

    def _under(self, key: Sequence[str], body: Body) -> Body:
        """The same body; raises StoreRejected unless it lies under this key, so that tenants never meet."""
        self._full(key)
        if any(body.get(name) != part for name, part in zip(self._fields, key, strict=True)):
            raise StoreRejected(f"container {self._name}: a document lies under another key", reason="foreign_key")
        if not can_be_id(str(body.get("id", ""))):
            raise StoreRejected(f"container {self._name}: the store takes no such id", reason="bad_id")
        return body

    async def _call(self, operation: Callable[[Any], Awaitable[T]]) -> T:
        from shared.adapters.cosmos.failures import SDK_FAULTS, is_passing, translated

        try:
            async with asyncio.timeout(CALL_SECONDS):
                for attempt in range(1, MAX_TRIES):
                    try:
                        return await operation(await self._database.container(self._name))
                    except SDK_FAULTS as exc:
                        if not is_passing(exc):
                            raise
                        pause = 0.1 * 2.0**attempt
                        await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311 -- spreads load
                return await operation(await self._database.container(self._name))
        except TimeoutError as exc:
            raise StoreUnavailable(f"container {self._name} did not answer in time", reason="store_timeout") from exc
        except SDK_FAULTS as exc:
            raise translated(exc, self._name) from exc


def cosmos_database(endpoint: str, key: str | None, database: str, client_id: str | None) -> CosmosDatabase:
    """The database by key (local), or with managed identity."""

    def connect() -> Any:
        from azure.core.pipeline.transport import AioHttpTransport
        from azure.cosmos.aio import CosmosClient

        # Else aiohttp looks for proxies and netrc files before every request: a quarter of the worker's CPU.
        options["transport"] = AioHttpTransport(use_env_settings=False, connection_timeout=3)
        if key:
            return CosmosClient(endpoint, key, **options)
        from shared.adapters.identity import credential

        return CosmosClient(endpoint, credential(client_id), **options)

    options: dict[str, Any] = {
        "consistency_level": "Session",
        "retry_throttle_total": 2,
        "retry_throttle_backoff_max": 2,
        "retry_total": 1,
        "connection_timeout": 3,
    }
    return CosmosDatabase(connect, database)
