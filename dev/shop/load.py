"""The shop's customers: an open loop, so that a slow shop does not slow the arrivals down."""

import asyncio
import time
from random import Random

from aiohttp import ClientConnectionError, ClientSession, ClientTimeout

from dev.shop.contract import LoadState
from dev.shop.topology import VISITS, Visit

# Customers beyond this many at once are counted as dropped instead of sent: a bound on memory and sockets.
MAX_CUSTOMERS = 256
PATIENCE = ClientTimeout(total=8)
# A changed rate is noticed within this time, however long the pause to the next arrival would have been.
LONGEST_PAUSE_SECONDS = 0.25
LATEST_SECONDS = 1.0


class LoadGenerator:
    """Sends visits to the frontend at a rate that can change while it runs."""

    def __init__(self, frontend_url: str, client: ClientSession, random: Random) -> None:
        self.requests_per_second = 0.0
        self._frontend_url = frontend_url
        self._client = client
        self._random = random
        self._sent = 0
        self._failed = 0
        self._dropped = 0
        self._customers: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Send visits until cancelled; visits under way are cancelled with it."""
        try:
            await self._arrivals()
        finally:
            for customer in self._customers:
                customer.cancel()
            await asyncio.gather(*self._customers, return_exceptions=True)

    async def _arrivals(self) -> None:
        next_at = time.monotonic()
        while True:
            wait = next_at - time.monotonic()
            if wait > 0 or self.requests_per_second <= 0:
                await asyncio.sleep(min(max(wait, 0.01), LONGEST_PAUSE_SECONDS))
                continue
            self._arrive()
            pause = self._random.expovariate(self.requests_per_second)
            # Behind schedule it catches up, but not a whole outage's worth of arrivals at once.
            next_at = max(next_at, time.monotonic() - LATEST_SECONDS) + pause

    def _arrive(self) -> None:
        (visit,) = self._random.choices(VISITS, weights=[visit.weight for visit in VISITS])
        if len(self._customers) >= MAX_CUSTOMERS:
            self._dropped += 1
            return
        customer = asyncio.create_task(self._visit(visit))
        self._customers.add(customer)
        customer.add_done_callback(self._customers.discard)

    async def _visit(self, visit: Visit) -> None:
        self._sent += 1
        try:
            url = self._frontend_url + visit.path
            async with self._client.request(visit.method, url, timeout=PATIENCE) as response:
                self._failed += response.status >= 500
        except (TimeoutError, ClientConnectionError):
            self._failed += 1

    def state(self) -> LoadState:
        """What the control endpoint tells about the load."""
        return LoadState(
            requests_per_second=self.requests_per_second, sent=self._sent, failed=self._failed, dropped=self._dropped
        )
