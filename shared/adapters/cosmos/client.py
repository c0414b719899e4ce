"""The Cosmos DB client: one a process, errors translated once, writes retried, no query without a full key."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from shared.adapters.cosmos.containers import BY_NAME
from shared.errors import AlreadyExists, Conflict, CopilotError, StoreRejected, StoreUnavailable

T = TypeVar("T")
Body = dict[str, Any]

CALL_SECONDS = 8.0
"""For one call with its retries; a webhook may wait for it and its sender gives up after ten seconds."""
MAX_TRIES = 4
PASSING = frozenset({408, 410, 429, 449, 500, 502, 503, 504})
"""The SDK retries reads; writes it leaves to us, and ours can be repeated: create-once or under an etag."""


class CosmosDatabase:
    """Opens the database on first use, on the running loop; `connect` makes the SDK's client."""

    def __init__(self, connect: Callable[[], Any], database: str) -> None:
        self._connect = connect
        self._name = database
        self._opening = asyncio.Lock()
        self._client: Any = None

    async def container(self, name: str) -> Any:
        """The SDK's proxy of a container."""
        if self._client is None:
            async with self._opening:
                if self._client is None:
                    self._client = await _opened(self._connect())
        return self._client.get_database_client(self._name).get_container_client(name)

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


class Container:
    """One container, with the promises of the ports: every call names a full partition key."""

    def __init__(self, database: CosmosDatabase, name: str) -> None:
        self._database = database
        self._name = name
        self._levels = len(BY_NAME[name].partition_key_paths)

    async def read(self, key: Sequence[str], item_id: str) -> Body | None:
        """A document with its `_etag`, or None."""
        from azure.cosmos.exceptions import CosmosResourceNotFoundError

        full = self._full(key)
        try:
            found: Body = await self._call(lambda proxy: proxy.read_item(item_id, partition_key=full))
        except CosmosResourceNotFoundError:
            return None
        return found

    async def create(self, key: Sequence[str], body: Body) -> str:
        """Create once and return the etag; raises AlreadyExists."""
        self._full(key)
        made: Body = await self._call(lambda proxy: proxy.create_item(body))
        return str(made["_etag"])

    async def replace(self, key: Sequence[str], body: Body, etag: str) -> str:
        """Replace what still has this etag and return the new one; raises Conflict."""
        from azure.core import MatchConditions
        from azure.cosmos.exceptions import CosmosResourceNotFoundError

        self._full(key)
        condition = MatchConditions.IfNotModified
        try:
            made: Body = await self._call(
                lambda proxy: proxy.replace_item(str(body["id"]), body, etag=etag, match_condition=condition)
            )
        except CosmosResourceNotFoundError as exc:
            raise Conflict(f"container {self._name}: what was to be replaced is gone") from exc
        return str(made["_etag"])

    async def upsert(self, key: Sequence[str], body: Body) -> None:
        """Create or replace; only for records that an operator owns."""
        self._full(key)
        await self._call(lambda proxy: proxy.upsert_item(body))

    async def batch(self, key: Sequence[str], writes: Sequence[tuple[Body, str | None]]) -> None:
        """All or nothing under one key: create without an etag, replace with one. Raises Conflict."""
        full = self._full(key)
        operations = [
            ("create", (body,)) if etag is None else ("replace", (body["id"], body), {"if_match_etag": etag})
            for body, etag in writes
        ]
        await self._call(lambda proxy: proxy.execute_item_batch(operations, partition_key=full))

    async def query(
        self,
        key: Sequence[str],
        text: str,
        parameters: Mapping[str, object] | None = None,
        *,
        limit: int | None = None,
    ) -> list[Body]:
        """All answers (or the first `limit`) inside one full partition key; values only as parameters."""
        full = self._full(key)
        named = [{"name": f"@{name}", "value": value} for name, value in (parameters or {}).items()]

        async def run(proxy: Any) -> list[Body]:
            pages = proxy.query_items(text, parameters=named, partition_key=full, max_item_count=limit or 100)
            found: list[Body] = []
            async for item in pages:
                found.append(item)
                if limit is not None and len(found) == limit:
                    break
            return found

        return await self._call(run)

    def _full(self, key: Sequence[str]) -> Any:
        """The key as the SDK wants it. A part that is missing would make the SDK read every tenant."""
        if isinstance(key, str) or len(key) != self._levels or not all(isinstance(k, str) and k for k in key):
            raise StoreRejected(f"container {self._name} needs its full partition key", reason="partial_key")
        return list(key) if self._levels > 1 else key[0]

    async def _call(self, operation: Callable[[Any], Awaitable[T]]) -> T:
        from azure.core.exceptions import AzureError

        try:
            async with asyncio.timeout(CALL_SECONDS):
                for attempt in range(1, MAX_TRIES):
                    try:
                        return await operation(await self._database.container(self._name))
                    except AzureError as exc:
                        if not _is_passing(exc):
                            raise
                        pause = 0.1 * 2.0**attempt
                        await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311 -- spreads load
                return await operation(await self._database.container(self._name))
        except TimeoutError as exc:
            raise StoreUnavailable(f"container {self._name} did not answer in time", reason="store_timeout") from exc
        except AzureError as exc:
            raise _translated(exc, self._name) from exc


def _is_passing(exc: Exception) -> bool:
    status = getattr(exc, "status_code", None)
    return status is None or status in PASSING


def _translated(exc: Exception, container: str) -> Exception:
    """Our error for the SDK's; a 404 stays what it is, since only the caller knows what it means."""
    from azure.cosmos.exceptions import CosmosResourceNotFoundError

    if isinstance(exc, CosmosResourceNotFoundError):
        return exc
    kind = _KINDS.get(getattr(exc, "status_code", None) or 0, StoreUnavailable)
    return kind(f"container {container}: {type(exc).__name__}")


# 424 is what a batch's other operations answer; the SDK raises with the one that failed.
_KINDS: Mapping[int, type[CopilotError]] = {
    400: StoreRejected,
    401: StoreUnavailable,
    403: StoreUnavailable,
    409: AlreadyExists,
    412: Conflict,
    413: StoreRejected,
}


def cosmos_database(endpoint: str, key: str | None, database: str, client_id: str | None) -> CosmosDatabase:
    """The database by key (local), or with managed identity."""

    def connect() -> Any:
        from azure.cosmos.aio import CosmosClient

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
