"""The shop over real HTTP: failures travel up, deploys show, what is dead does not answer, and alerts reach us."""

import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from dev.ports import Ports
from dev.prometheus.render import (
    alert_rules,
    alertmanager_command,
    alertmanager_config,
    prometheus_command,
    prometheus_config,
    webhook_url,
)
from dev.shop.contract import Load
from dev.shop.control import ShopControl, ShopRefused
from dev.shop.server import running_shop
from dev.shop.topology import ServiceName, service_url

pytestmark = pytest.mark.integration


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_ports() -> Ports:
    """Ports that nobody uses, below the range the system hands out itself."""
    candidates = (Ports(base) for base in range(20000 + os.getpid() % 1000 * 10, 32000, 10))
    return next(ports for ports in candidates if all(map(is_free, needed(ports))))


def needed(ports: Ports) -> list[int]:
    return [ports.functions, ports.prometheus, ports.alertmanager, *(ports.shop + n for n in range(7))]


@pytest.fixture
async def ports() -> AsyncIterator[Ports]:
    """A shop without customers: the tests send the requests."""
    ports = free_ports()
    async with running_shop(ports, load=Load(requests_per_second=0), seed=1):
        yield ports


@pytest.fixture
async def control(ports: Ports) -> AsyncIterator[ShopControl]:
    async with ShopControl(f"http://127.0.0.1:{ports.shop}") as control:
        yield control


async def visit(ports: Ports, method: str, path: str) -> int:
    async with httpx.AsyncClient() as client:
        return (await client.request(method, service_url(ports, ServiceName.FRONTEND) + path)).status_code


async def metrics(ports: Ports, service: ServiceName) -> str:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{service_url(ports, service)}/metrics")).text


async def test_a_healthy_order_succeeds_and_leaves_an_edge_at_each_caller(ports: Ports, control: ShopControl) -> None:
    assert await visit(ports, "POST", "/orders") == 200
    checkout = await metrics(ports, ServiceName.CHECKOUT)
    for server, kind in (("cart", ""), ("catalog", ""), ("payment", ""), ("orders-db", "database")):
        edge = f'{{client="checkout",connection_type="{kind}",server="{server}"}}'
        assert f"traces_service_graph_request_total{edge} 1.0" in checkout
        assert f"traces_service_graph_request_server_seconds_count{edge} 1.0" in checkout
    assert (await control.state()).services[ServiceName.ORDERS_DB].requests == 3


async def test_errors_of_payment_fail_orders_all_the_way_up_but_not_browsing(
    ports: Ports, control: ShopControl
) -> None:
    await control.fault("errors", "payment", error_ratio=1)
    assert await visit(ports, "POST", "/orders") == 502
    assert await visit(ports, "GET", "/products") == 200
    services = (await control.state()).services
    failed = [name for name, service in services.items() if service.failed]
    assert failed == [ServiceName.FRONTEND, ServiceName.CHECKOUT, ServiceName.PAYMENT]
    assert 'code="500",method="POST",service="payment"} 1.0' in await metrics(ports, ServiceName.PAYMENT)
    assert 'code="502",method="POST",service="checkout"} 1.0' in await metrics(ports, ServiceName.CHECKOUT)


async def test_a_deploy_shows_as_a_new_version_with_counters_at_zero(ports: Ports, control: ShopControl) -> None:
    await visit(ports, "GET", "/products")
    before = (await control.state()).services[ServiceName.CATALOG]
    after = (await control.deploy("catalog", "9.9.9", revision="abc")).services[ServiceName.CATALOG]
    assert (before.requests, after.requests) == (1, 0)
    assert after.started_at > before.started_at
    exposed = await metrics(ports, ServiceName.CATALOG)
    assert 'catalog_build_info{revision="abc",service="catalog",version="9.9.9"} 1.0' in exposed
    assert before.version not in exposed


async def test_a_bad_version_fails_until_a_good_one_replaces_it(ports: Ports, control: ShopControl) -> None:
    await control.deploy("payment", "1.5.0", behaviour={"error_ratio": 1})
    await control.clear()
    assert await visit(ports, "POST", "/orders") == 502
    await control.deploy("payment", "1.5.1")
    assert await visit(ports, "POST", "/orders") == 200


async def test_a_dead_dependency_refuses_connections_until_the_fault_is_cleared(
    ports: Ports, control: ShopControl
) -> None:
    assert await visit(ports, "POST", "/cart") == 200
    await control.fault("dead_dependency", "orders-db")
    with pytest.raises(httpx.ConnectError):
        await metrics(ports, ServiceName.ORDERS_DB)
    assert await visit(ports, "POST", "/cart") == 502
    await control.clear()
    assert await visit(ports, "POST", "/cart") == 200


async def test_a_caller_gives_up_on_a_callee_that_is_too_slow(ports: Ports, control: ShopControl) -> None:
    await control.fault("latency", "orders-db", latency_seconds=3)
    async with httpx.AsyncClient() as client:
        answer = await client.post(service_url(ports, ServiceName.CART) + "/items")
    assert answer.status_code == 504


async def test_a_delayed_answer_is_late_for_the_caller_alone(ports: Ports, control: ShopControl) -> None:
    await control.fault("network_delay", "catalog", latency_seconds=0.15)
    assert await visit(ports, "GET", "/products") == 200
    frontend, catalog = await metrics(ports, ServiceName.FRONTEND), await metrics(ports, ServiceName.CATALOG)
    assert 'http_request_duration_seconds_bucket{le="0.1",method="GET",service="catalog"} 1.0' in catalog
    assert 'http_request_duration_seconds_bucket{le="0.1",method="GET",service="frontend"} 0.0' in frontend
    edge = 'client="frontend",connection_type="",le="0.1",server="catalog"'
    assert f"traces_service_graph_request_client_seconds_bucket{{{edge}}} 0.0" in frontend
    assert f"traces_service_graph_request_server_seconds_bucket{{{edge}}} 1.0" in frontend


async def test_a_service_that_burns_cpu_queues_and_is_charged_for_it(ports: Ports, control: ShopControl) -> None:
    await control.fault("cpu_burn", "catalog", cpu_seconds=0.05)
    assert await asyncio.gather(*(visit(ports, "GET", "/products") for _ in range(4))) == [200] * 4
    exposed = await metrics(ports, ServiceName.CATALOG)
    (spent,) = (line for line in exposed.splitlines() if line.startswith("process_cpu_seconds_total{"))
    assert float(spent.split()[1]) >= 0.2
    # One core: the last of four waits for the burn of the other three.
    assert 'http_request_duration_seconds_bucket{le="0.1",method="GET",service="catalog"} 4.0' not in exposed


async def test_the_load_generator_sends_customers_and_a_surge_multiplies_them(control: ShopControl) -> None:
    await control.load(30)
    state = await control.fault("surge", factor=3)
    assert state.load.requests_per_second == 90
    for _ in range(200):
        if (await control.state()).load.sent >= 20:
            break
        await asyncio.sleep(0.05)
    cleared = await control.clear()
    assert cleared.load.requests_per_second == 30
    assert cleared.load.sent >= 20


async def test_a_body_the_shop_does_not_know_is_refused_with_a_sentence(control: ShopControl) -> None:
    with pytest.raises(ShopRefused, match=r"Not accepted: errors\.error_ratio"):
        await control.fault("errors", "payment", error_ratio=7)
    with pytest.raises(ShopRefused, match="service"):
        await control.deploy("warehouse", "1.0.0")
    assert (await control.state()).faults == []


async def start_command(ports: Ports) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "dev", "shop", "--port-base", str(ports.base)),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_a_taken_port_ends_the_command_with_one_sentence(ports: Ports) -> None:
    command = await start_command(ports)
    _, said = await command.communicate()
    assert command.returncode == 1
    assert said.decode().count("\n") == 1
    assert f"needs ports {ports.shop} to {ports.shop + 6}" in said.decode()


async def test_sigterm_ends_the_command_cleanly() -> None:
    command = await start_command(free_ports())
    assert command.stdout is not None
    assert b"The shop is open" in await command.stdout.readline()
    command.send_signal(signal.SIGTERM)
    _, complaints = await command.communicate()
    assert (command.returncode, complaints) == (0, b"")


class WebhookSink:
    """Stands where the function app would and keeps what Alertmanager sends."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[tuple[str | None, dict[str, Any]]] = asyncio.Queue()

    async def take(self, request: web.Request) -> web.Response:
        await self.received.put((request.headers.get("Authorization"), await request.json()))
        return web.Response(status=202)

    async def about(self, service: str, status: str) -> tuple[str | None, dict[str, Any]]:
        """The next notification of that service with that status; others are passed over."""
        async with asyncio.timeout(60):
            while True:
                authorization, body = await self.received.get()
                if (body["groupLabels"], body["status"]) == ({"service": service}, status):
                    return authorization, body


@asynccontextmanager
async def webhook_sink(ports: Ports) -> AsyncIterator[WebhookSink]:
    sink, app = WebhookSink(), web.Application()
    app.router.add_post("/api/webhooks/alertmanager/int_1", sink.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", ports.functions).start()
        yield sink
    finally:
        await runner.cleanup()


@asynccontextmanager
async def started(command: list[str]) -> AsyncIterator[None]:
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def monitoring(ports: Ports, folder: Path) -> AsyncIterator[WebhookSink]:
    """Prometheus and Alertmanager over the shop, in a hurry: an alert holds for 1 s over rates of 3 s."""
    rules, token = folder / "rules.yml", folder / "token"
    rules.write_text(alert_rules(for_seconds=1, window_seconds=3))
    token.write_text("test-token")
    prometheus, alertmanager = folder / "prometheus.yml", folder / "alertmanager.yml"
    prometheus.write_text(prometheus_config(ports, rules))
    url = webhook_url(ports, "int_1")
    alertmanager.write_text(alertmanager_config(webhook_url=url, token_file=token, group_interval_seconds=1))
    commands = (
        alertmanager_command("prometheus-alertmanager", alertmanager, folder / "am", ports.alertmanager),
        prometheus_command("prometheus", prometheus, folder / "tsdb", ports.prometheus),
    )
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(webhook_sink(ports))
        for command in commands:
            await stack.enter_async_context(started(command))
        yield sink


@pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("prometheus-alertmanager")),
    reason="Prometheus and Alertmanager are not installed",
)
async def test_a_bad_deploy_reaches_the_webhook_and_its_fix_resolves_it(
    ports: Ports, control: ShopControl, tmp_path: Path
) -> None:
    await control.load(40)
    await control.deploy("payment", "1.5.0", behaviour={"error_ratio": 0.8})
    async with monitoring(ports, tmp_path) as sink:
        authorization, firing = await sink.about("payment", "firing")
        await control.deploy("payment", "1.5.1")
        _, resolved = await sink.about("payment", "resolved")
    assert authorization == "Bearer test-token"
    labels = {"alertname": "ShopHighErrorRatio", "service": "payment", "severity": "critical"}
    assert firing["commonLabels"] == labels
    assert firing["alerts"][0]["generatorURL"].startswith(f"http://127.0.0.1:{ports.prometheus}/graph?g0.expr=")
    assert resolved["alerts"][0]["startsAt"] == firing["alerts"][0]["startsAt"]
