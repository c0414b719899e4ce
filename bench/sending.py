"""Posts deliveries, as fast as a given concurrency allows or at their own times, and notes each acknowledgement."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp

from bench.generator import Delivery
from bench.tenants import BenchTenant

TRIES = 400
PAUSE_SECONDS = 0.1
TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Sent:
    """One delivery that was taken: when it was first posted (epoch seconds), how long the last try took."""

    delivery: Delivery
    began: float
    seconds: float
    refusals: int = 0
    receipt_id: str | None = None


Send = Callable[[Delivery], Awaitable[Sent]]


class Webhook:
    """Posts to one tenant's webhook, again and again until it is accepted, as Alertmanager does."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, tenant: BenchTenant) -> None:
        self._session = session
        self._url = f"{base_url}{tenant.path}"
        self._headers = {"Authorization": f"Bearer {tenant.token}", "Content-Type": "application/json"}

    async def send(self, delivery: Delivery) -> Sent:
        """Post until a try is answered with 202; raises TimeoutError when none of very many is."""
        began = time.time()
        for refusals in range(TRIES):
            tried = time.perf_counter()
            try:
                receipt_id = await self._post(delivery)
            except (aiohttp.ClientError, TimeoutError):
                receipt_id = None
            if receipt_id is not None:
                return Sent(delivery, began, time.perf_counter() - tried, refusals, receipt_id)
            await asyncio.sleep(PAUSE_SECONDS)
        raise TimeoutError("a delivery was never accepted")

    async def _post(self, delivery: Delivery) -> str | None:
        async with self._session.post(self._url, data=delivery.body, headers=self._headers) as answer:
            if answer.status != HTTPStatus.ACCEPTED:
                return None
            return str((await answer.json())["receipt_id"])


def a_session(concurrency: int) -> aiohttp.ClientSession:
    """A client with so many connections; use it as a context."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=concurrency), timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    )


async def send_fast(deliveries: Sequence[Delivery], send: Send, *, concurrency: int) -> list[Sent]:
    """All deliveries in order, so many at a time, each as soon as an earlier one is acknowledged."""
    waiting, sent = iter(deliveries), list[Sent]()

    async def work() -> None:
        for delivery in waiting:
            sent.append(await send(delivery))

    await asyncio.gather(*(work() for _ in range(concurrency)))
    return sent


async def send_in_time(deliveries: Sequence[Delivery], send: Send) -> list[Sent]:
    """Every delivery at its own time, whether or not the earlier ones are acknowledged."""
    start = asyncio.get_running_loop().time()

    async def post(delivery: Delivery) -> Sent:
        await asyncio.sleep(max(0.0, start + delivery.at_seconds - asyncio.get_running_loop().time()))
        return await send(delivery)

    return list(await asyncio.gather(*(post(one) for one in deliveries)))
