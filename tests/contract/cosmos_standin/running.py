"""A running stand-in, and builders for what the tests put into it."""

import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from azure.cosmos import ContainerProxy, DatabaseProxy, PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

from dev.cosmos.server import create_app

_names = itertools.count()


@dataclass
class TestClock:
    """The stand-in's time; it goes on by itself and can be moved forward."""

    __test__ = False
    ahead: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead

    def advance(self, seconds: float) -> None:
        self.ahead += seconds


@dataclass
class Standin:
    """Where a stand-in listens, and its controls."""

    port: int
    clock: TestClock

    @property
    def endpoint(self) -> str:
        return f"http://localhost:{self.port}/"

    def control(self, method: str, path: str, body: Any = None) -> httpx.Response:
        with httpx.Client(trust_env=False, base_url=f"http://127.0.0.1:{self.port}") as http:
            return http.request(method, path, json=body)

    def order_fault(self, **fault: Any) -> None:
        assert self.control("POST", "/_faults", fault).status_code == 204

    def counted(self, operation: str, container: str) -> int:
        listed = self.control("GET", "/_operations").json()["operations"]
        return sum(
            each["count"] for each in listed if (each["operation"], each["container"]) == (operation, container)
        )


@contextmanager
def running(data: Path, *, strict: bool = False) -> Iterator[Standin]:
    """A stand-in in a thread of this process, on a free port."""
    clock = TestClock()
    app = create_app(data, strict=strict, clock=clock)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = threading.Thread(target=server.run)
    serving.start()
    while not server.started:
        time.sleep(0.005)
    yield Standin(server.servers[0].sockets[0].getsockname()[1], clock)
    server.should_exit = True
    serving.join()


def a_container(database: DatabaseProxy, *paths: str, **options: Any) -> ContainerProxy:
    """A new container under a name of its own, with `/tenant` as its key unless told otherwise."""
    key = PartitionKey(path=list(paths) if len(paths) > 1 else (paths or ("/tenant",))[0])
    return database.create_container(f"c{next(_names)}", key, **options)


def an_item(name: str = "1", tenant: str = "a", **more: Any) -> dict[str, Any]:
    return {"id": name, "tenant": tenant, **more}


def refused(status: int, substatus: int | None = None) -> Any:
    """Expects the SDK to raise this status, and this substatus when it is given."""

    def check(error: CosmosHttpResponseError) -> bool:
        return error.status_code == status and (substatus is None or error.sub_status == substatus)

    return pytest.raises(CosmosHttpResponseError, check=check)


def ids(items: Sequence[Any] | Iterator[Any]) -> list[str]:
    return [item["id"] for item in items]
