"""The shop's control endpoint, and the command that runs the shop."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import disable_created_metrics
from pydantic import ValidationError

from dev.ports import Ports
from dev.shop.contract import FAULT, Deploy, Load
from dev.shop.shop import Shop

DEFAULT_REQUESTS_PER_SECOND = 40.0
SHUTDOWN_SECONDS = 0.1


def serve(ports: Ports, *, seed: int | None = None, requests_per_second: float = DEFAULT_REQUESTS_PER_SECOND) -> None:
    """Run the shop until SIGINT or SIGTERM; a taken port ends it with one sentence and exit code 1."""
    # The client library's `_created` gauges double the scrape and no other client emits them.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the package annotates all but this function
    try:
        asyncio.run(_run(ports, Load(requests_per_second=requests_per_second), seed=seed))
    except OSError as exc:
        first, last = ports.shop, ports.shop + 6
        print(
            f"The shop needs ports {first} to {last} on 127.0.0.1 and could not open them ({_reason(exc)}); "
            "stop what uses them or choose another --port-base.",
            file=sys.stderr,
        )
        raise SystemExit(1) from None


def _reason(exc: OSError) -> str:
    return os.strerror(exc.errno).lower() if exc.errno else str(exc)


async def _run(ports: Ports, load: Load, *, seed: int | None) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_number, stopped.set)
    async with running_shop(ports, load=load, seed=seed):
        print(f"The shop is open: control http://127.0.0.1:{ports.shop}, services on the six ports after it.")
        await stopped.wait()


@asynccontextmanager
async def running_shop(ports: Ports, *, load: Load, seed: int | None = None) -> AsyncIterator[Shop]:
    """The shop and its control endpoint, both listening. Raises OSError where a port is taken."""
    async with Shop(ports, load=load, seed=seed) as shop:
        runner = web.AppRunner(control_app(shop), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", ports.shop).start()
            yield shop
        finally:
            await runner.cleanup()


def control_app(shop: Shop) -> web.Application:
    """The control endpoint: JSON in, the shop's state out, 400 with one sentence for a body it refuses."""
    app = web.Application(middlewares=[_refuse_invalid_bodies])

    async def deploy(request: web.Request) -> web.Response:
        await shop.deploy(Deploy.model_validate_json(await request.read()))
        return _state(shop)

    async def inject(request: web.Request) -> web.Response:
        await shop.inject(FAULT.validate_json(await request.read()))
        return _state(shop)

    async def clear(_: web.Request) -> web.Response:
        await shop.clear()
        return _state(shop)

    async def change_load(request: web.Request) -> web.Response:
        await shop.change_load(Load.model_validate_json(await request.read()))
        return _state(shop)

    async def state(_: web.Request) -> web.Response:
        return _state(shop)

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    app.router.add_post("/deploy", deploy)
    app.router.add_post("/faults", inject)
    app.router.add_delete("/faults", clear)
    app.router.add_post("/load", change_load)
    app.router.add_get("/state", state)
    app.router.add_get("/healthz", healthz)
    return app


def _state(shop: Shop) -> web.Response:
    return web.Response(text=shop.state().model_dump_json(), content_type="application/json")


@web.middleware
async def _refuse_invalid_bodies(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ValidationError as exc:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in exc.errors())
        return web.json_response({"error": f"Not accepted: {problems}."}, status=HTTPStatus.BAD_REQUEST)
