"""The whole shop: its services, its customers and the faults upon them."""

import asyncio
from contextlib import suppress
from random import Random

from aiohttp import ClientSession, DummyCookieJar, TCPConnector

from dev.ports import Ports
from dev.shop.behaviour import behaviour_now, is_dead, load_now
from dev.shop.contract import Deploy, Fault, Load, ShopState
from dev.shop.load import LoadGenerator
from dev.shop.service import Service
from dev.shop.topology import ServiceName, service_url


class Shop:
    """Six services under one load; use it as an async context manager. Entering raises OSError on a taken port."""

    def __init__(self, ports: Ports, *, load: Load, seed: int | None = None) -> None:
        self._ports = ports
        self._seed = seed
        self._load = load
        self._faults: list[Fault] = []
        self._running: asyncio.Task[None] | None = None
        # Two changes at once must not both try to start a service that is coming back.
        self._changing = asyncio.Lock()

    async def __aenter__(self) -> "Shop":
        # The number of connections is bounded by the services' and the customers' own limits.
        self._client = ClientSession(connector=TCPConnector(limit=0), cookie_jar=DummyCookieJar())
        self._services = {name: Service(name, self._ports, self._client, self._random(name)) for name in ServiceName}
        self._customers = LoadGenerator(
            service_url(self._ports, ServiceName.FRONTEND), self._client, self._random("customers")
        )
        try:
            for service in self._services.values():
                await service.start()
        except OSError:
            await self._close()
            raise
        await self._apply()
        self._running = asyncio.create_task(self._customers.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
        await self._close()

    def _random(self, name: str) -> Random:
        return Random() if self._seed is None else Random(f"{self._seed}:{name}")

    async def _close(self) -> None:
        # Callers stop before what they call, and all of them before the client their last requests need.
        for service in self._services.values():
            await service.stop()
        await self._client.close()

    async def _apply(self) -> None:
        async with self._changing:
            await self._apply_to_services()
        self._customers.requests_per_second = load_now(self._load.requests_per_second, self._faults)

    async def _apply_to_services(self) -> None:
        for service in self._services.values():
            service.faults = self._faults
            service.behaviour = behaviour_now(service.release.behaviour, self._faults, service.name)
            if is_dead(self._faults, service.name):
                await service.stop()
            elif not service.state().listening:
                service.restart()
                await service.start()

    async def deploy(self, deploy: Deploy) -> None:
        """Put another version of a service in place, with whatever it brings."""
        self._services[deploy.service].deploy(deploy)
        await self._apply()

    async def inject(self, fault: Fault) -> None:
        """Add a fault; one of the same kind on the same service is replaced."""
        others = [known for known in self._faults if (known.kind, known.service) != (fault.kind, fault.service)]
        self._faults = [*others, fault]
        await self._apply()

    async def clear(self) -> None:
        """Take all faults away; deployed versions stay."""
        self._faults = []
        await self._apply()

    async def change_load(self, load: Load) -> None:
        """Let customers arrive at another rate."""
        self._load = load
        await self._apply()

    def state(self) -> ShopState:
        """Everything about the shop now."""
        return ShopState(
            services={name: service.state() for name, service in self._services.items()},
            faults=list(self._faults),
            load=self._customers.state(),
        )
