"""A local stack of the bench's own: fresh data, free ports, loopback only, stopped at the end.

It has two hosts, one for the HTTP functions and one for all others: on Flex Consumption they never share a process.
"""

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from bench.cpu import cpu_seconds, own_cpu_seconds
from bench.prices import Operations, operations_of
from dev.binaries import ROOT
from dev.ports import Ports, a_free_base
from dev.processes import Part, http_ready
from dev.sentences import CannotRun
from dev.stack import Layout, Stack, StackOptions
from shared.messages import QueueName

POLL_SECONDS = 0.2
WEB, WORKER = "web-host", "worker-host"
PARTS = (WEB, WORKER, "cosmos", "azurite")
NO_SETTINGS: Mapping[str, str] = {}
HTTP_TRIGGER, TIMER_TRIGGER = "httpTrigger", "timerTrigger"


class Local:
    """A running stack and what is measured on it."""

    def __init__(self, stack: Stack, *, with_timers: bool) -> None:
        self.stack = stack
        self._resting = set() if with_timers else functions(TIMER_TRIGGER)
        self.environment: Mapping[str, str] = stack.environment
        ports = stack.options.ports
        self.base_url = f"http://127.0.0.1:{ports.functions}"
        self.data = stack.options.layout.data
        self._cosmos = f"http://127.0.0.1:{ports.cosmos}"
        self._storage_log = stack.options.layout.logs / "azurite.log"

    async def start_hosts(self) -> None:
        """Start both hosts."""
        await self.start_host(WEB)
        await self.start_host(WORKER)

    async def start_host(self, name: str) -> None:
        """Start one of the hosts; again after it was killed."""
        options, web = self.stack.options, functions(HTTP_TRIGGER)
        port = options.ports.functions if name == WEB else options.ports.worker
        disabled = functions() - web if name == WEB else web | self._resting
        environment = {**self.environment, **{f"AzureWebJobs.{one}.Disabled": "true" for one in disabled}}
        line = [sys.executable, "-m", "dev", "host", "--port", str(port)]
        lease = ["--lease-seconds", str(options.lease_seconds)]
        ready = http_ready(f"http://127.0.0.1:{port}/admin/host/ping")
        await self.stack.processes.start(Part(name, [*line, *lease], [port], ready, environment, ROOT))

    async def kill_host(self, name: str) -> None:
        """End a host with `kill -9`."""
        await self.stack.processes.kill(name)

    async def drained(self, queues: Sequence[QueueName] = tuple(QueueName), *, within_seconds: float) -> float:
        """Wait until these queues and their poison queues are empty and return when that was (epoch seconds)."""
        from azure.storage.queue.aio import QueueServiceClient

        names = [name for queue in queues for name in (queue.value, queue.poison)]
        deadline, left = time.monotonic() + within_seconds, dict[str, int]()
        async with QueueServiceClient.from_connection_string(self.environment["AzureWebJobsStorage"]) as service:
            while time.monotonic() < deadline:
                # Messages that are leased or not visible yet count too. Stages are looked at in their order: each
                # message is deleted after those that it leads to are sent.
                looks = [await service.get_queue_client(name).get_queue_properties() for name in names]
                left = {one.name: one.approximate_message_count or 0 for one in looks}
                if not any(left.values()):
                    return time.time()
                await asyncio.sleep(POLL_SECONDS)
        waiting = ", ".join(f"{count} in {name}" for name, count in left.items() if count)
        raise CannotRun(f"there are still messages after {within_seconds:g} s: {waiting}")

    def cpu(self) -> dict[str, float]:
        """CPU seconds of each part so far, and of this process, which sends."""
        parts = {name: cpu_seconds(self.stack.processes.pid(name)) for name in PARTS}
        return {**parts, "sender": own_cpu_seconds()}

    async def operations(self) -> Operations:
        """What the store was asked since the counters were reset."""
        return operations_of(await self._control("GET"))

    async def reset_operations(self) -> None:
        """Begin to count anew."""
        await self._control("DELETE")

    def storage_requests(self) -> Counter[str]:
        """What Azurite was asked so far, by service and verb; looks at a queue's length are left out."""
        lines = self._storage_log.read_text(errors="replace").splitlines() if self._storage_log.exists() else []
        return Counter(kind for line in lines if (kind := request_kind(line)))

    async def _control(self, method: str) -> Any:
        async with httpx.AsyncClient(trust_env=False, base_url=self._cosmos) as http:
            answer = (await http.request(method, "/_operations")).raise_for_status()
            return answer.json() if answer.content else None


def request_kind(line: str) -> str | None:
    """The kind of one line of Azurite's access log, None for what is no operation on messages or blobs."""
    request = line.partition('"')[2].partition('"')[0].split(" ")
    if len(request) < 2 or "comp=" in request[1] or "restype=" in request[1]:  # noqa: PLR2004 -- verb and path
        return None
    return f"{'queue' if '/messages' in request[1] else 'blob'} {request[0]}"


@cache
def _triggers() -> Mapping[str, str]:
    """What triggers each function of the product. The library can tell that only once in a process."""
    from function_app import app

    triggers = {one.get_function_name(): one.get_trigger() for one in app.get_functions()}
    return {str(name): str(trigger.type) for name, trigger in triggers.items() if trigger}


def functions(kind: str | None = None) -> frozenset[str]:
    """The names of the product's functions, or of those with one kind of trigger."""
    return frozenset(name for name, trigger in _triggers().items() if kind in {None, trigger})


@asynccontextmanager
async def a_local(
    *,
    lease_seconds: float = 600,
    with_timers: bool = True,
    settings: Mapping[str, str] = NO_SETTINGS,
    openai: tuple[str, ...] = (),
) -> AsyncIterator[Local]:
    """A stack with storage, store and identity, Azurite freshly started; its hosts are not started yet."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        options = StackOptions(
            Ports(a_free_base()),
            Layout(Path(folder)),
            lease_seconds=lease_seconds,
            own_host=True,
            storage_log=True,
            openai=openai,
        )
        stack = Stack(options)
        stack.environment.update(settings)
        try:
            await stack.start_storage(lambda _: None)
            yield Local(stack, with_timers=with_timers)
        finally:
            await stack.down()
