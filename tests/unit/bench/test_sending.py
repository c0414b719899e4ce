import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from bench.generator import Delivery
from bench.local import request_kind
from bench.sending import Sent, Webhook, a_session, send_fast
from bench.tenants import BenchTenant
from shared.models.base import TenantId

TENANT = BenchTenant(TenantId("ten-a"), "/hook", "secret")


def a_delivery(number: int = 0) -> Delivery:
    return Delivery(float(number), b"{}", (str(number),))


@asynccontextmanager
async def a_receiver(*statuses: int) -> AsyncIterator[tuple[str, list[str | None]]]:
    """Answers with these statuses in turn; notes the Authorization header of each request."""
    seen: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.json_response({"receipt_id": f"rcp-{len(seen)}"}, status=statuses[len(seen) - 1])

    app = web.Application()
    app.router.add_post("/hook", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}", seen
    finally:
        await runner.cleanup()


async def test_a_refused_delivery_is_posted_again_until_it_is_accepted() -> None:
    async with a_receiver(503, 503, 202) as (url, seen), a_session(1) as session:
        sent = await Webhook(session, url, TENANT).send(a_delivery())
    assert (sent.refusals, sent.receipt_id) == (2, "rcp-3")
    assert seen == ["Bearer secret"] * 3


async def test_never_more_deliveries_are_under_way_than_allowed() -> None:
    under_way, most = 0, 0

    async def send(delivery: Delivery) -> Sent:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return Sent(delivery, 0.0, 0.0)

    sent = await send_fast([a_delivery(number) for number in range(20)], send, concurrency=3)
    assert most == 3
    assert {one.delivery.at_seconds for one in sent} == set(range(20))


def test_requests_for_messages_and_blobs_are_told_apart_and_looks_at_a_queue_left_out() -> None:
    def line(request: str) -> str:
        return f'127.0.0.1 - - [24/Nov/2026:02:00:00 +0000] "{request} HTTP/1.1" 201 -'

    account = "/devstoreaccount1"
    assert request_kind(line(f"POST {account}/signals/messages?messagettl=-1")) == "queue POST"
    assert request_kind(line(f"DELETE {account}/signals/messages/1?popreceipt=x")) == "queue DELETE"
    assert request_kind(line(f"PUT {account}/raw/ten-a/rcp-1")) == "blob PUT"
    assert request_kind(line(f"GET {account}/signals?comp=metadata")) is None
    assert request_kind("Azurite Queue service is successfully listening") is None
