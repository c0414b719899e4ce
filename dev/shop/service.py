"""One service of the shop: serves its operations and its metrics on its own port, calls the services it needs."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from random import Random

from aiohttp import ClientConnectionError, ClientSession, ClientTimeout, web
from aiohttp.typedefs import Handler

from dev.ports import Ports
from dev.shop.behaviour import STATUS_AFTER, CallOutcome, delay_between, fails, work_seconds
from dev.shop.contract import Behaviour, Deploy, Fault, ServiceState
from dev.shop.metrics import ServiceMetrics
from dev.shop.topology import SHOP, Call, Operation, ServiceName, service_port, service_url

# Above this many requests at once a service sheds load with 503, so that a fault cannot grow without bound.
MAX_CONCURRENT_REQUESTS = 64
USUAL_CPU_SECONDS = 0.002
SHUTDOWN_SECONDS = 0.1
SERVER_TIMING = "Server-Timing"


@dataclass(frozen=True)
class Release:
    """The version that runs and how it behaves."""

    version: str
    revision: str
    behaviour: Behaviour


def release_of(deploy: Deploy) -> Release:
    """The release a deploy brings; a revision that was not given is derived from service and version."""
    derived = sha256(f"{deploy.service}@{deploy.version}".encode()).hexdigest()[:10]
    return Release(deploy.version, deploy.revision or derived, deploy.behaviour)


def server_seconds(server_timing: str | None) -> float | None:
    """The callee's own duration out of its Server-Timing header, where it sent one."""
    if server_timing is None:
        return None
    return float(server_timing.rpartition("dur=")[2]) / 1000


class Service:
    """A service that can be deployed, misbehave, stop listening and come back."""

    def __init__(self, name: ServiceName, ports: Ports, client: ClientSession, random: Random) -> None:
        self.name = name
        self.behaviour = Behaviour()
        self.faults: Sequence[Fault] = ()
        """All that are upon the shop: some are upon the way between two services."""
        self._ports = ports
        self._client = client
        self._random = random
        self._timeout = ClientTimeout(total=SHOP[name].call_timeout_seconds)
        self._core = asyncio.Lock()
        self._in_flight = 0
        self._runner: web.AppRunner | None = None
        self.deploy(Deploy(service=name, version=SHOP[name].first_version))

    def deploy(self, deploy: Deploy) -> None:
        """Run another version from the next request on; its counters start at zero."""
        self.release = release_of(deploy)
        self.restart()

    def restart(self) -> None:
        """Run the same version in a new process: its counters start at zero."""
        self.metrics = ServiceMetrics(self.name, version=self.release.version, revision=self.release.revision)

    async def start(self) -> None:
        """Listen, unless it does already. Raises OSError where the port is taken."""
        if self._runner is not None:
            return
        app = web.Application()
        app.router.add_get("/metrics", self._expose)
        for operation in SHOP[self.name].operations:
            app.router.add_route(operation.method, operation.path, self._handler(operation))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", service_port(self._ports, self.name)).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner

    async def stop(self) -> None:
        """Stop listening and drop the open connections."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def state(self) -> ServiceState:
        """What the control endpoint tells about this service."""
        return ServiceState(
            version=self.release.version,
            revision=self.release.revision,
            behaviour=self.release.behaviour,
            started_at=self.metrics.started_at,
            listening=self._runner is not None,
            requests=self.metrics.requests_served,
            failed=self.metrics.requests_failed,
        )

    async def _expose(self, _: web.Request) -> web.Response:
        return web.Response(body=self.metrics.exposition(), headers={"Content-Type": "text/plain; version=0.0.4"})

    def _handler(self, operation: Operation) -> Handler:
        async def serve(_: web.Request) -> web.Response:
            metrics, started = self.metrics, time.perf_counter()
            status = await self._admit(operation)
            seconds = time.perf_counter() - started
            metrics.answered(operation.method, status, seconds)
            return web.Response(status=status, headers={SERVER_TIMING: f"total;dur={seconds * 1000:.3f}"})

        return serve

    async def _admit(self, operation: Operation) -> int:
        if self._in_flight >= MAX_CONCURRENT_REQUESTS:
            return 503
        self._in_flight += 1
        try:
            return await self._perform(operation)
        finally:
            self._in_flight -= 1

    async def _perform(self, operation: Operation) -> int:
        behaviour = self.behaviour
        await self._use_cpu(behaviour.cpu_seconds)
        await asyncio.sleep(work_seconds(operation.own_seconds, behaviour, self._random))
        if fails(behaviour, self._random):
            return 500
        for call in operation.calls:
            outcome = await self._call(call)
            if outcome is not CallOutcome.ANSWERED:
                return STATUS_AFTER[outcome]
        return 200

    async def _use_cpu(self, burn_seconds: float) -> None:
        # All services share one process: burning for real would slow every one of them alike and hide the culprit.
        # So each has one imaginary core that a request holds while it burns, and others queue for it.
        if burn_seconds:
            async with self._core:
                await asyncio.sleep(burn_seconds)
        self.metrics.used_cpu(USUAL_CPU_SECONDS + burn_seconds)

    async def _call(self, call: Call) -> CallOutcome:
        metrics, started = self.metrics, time.perf_counter()
        await asyncio.sleep(delay_between(self.faults, self.name, call.server))
        outcome, header = await self._request(call)
        metrics.called(
            call,
            failed=outcome is not CallOutcome.ANSWERED,
            client_seconds=time.perf_counter() - started,
            server_seconds=server_seconds(header),
        )
        return outcome

    async def _request(self, call: Call) -> tuple[CallOutcome, str | None]:
        url = service_url(self._ports, call.server) + call.path
        try:
            async with self._client.request(call.method, url, timeout=self._timeout) as response:
                failed = response.status >= 500
                return CallOutcome.FAILED if failed else CallOutcome.ANSWERED, response.headers.get(SERVER_TIMING)
        except TimeoutError:
            return CallOutcome.TIMED_OUT, None
        except ClientConnectionError:
            return CallOutcome.FAILED, None
