"""A stack for an end-to-end test: ports and data of its own, and the few things a test does to it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from dev.demo import ApiClient
from dev.ports import Ports, a_free_base
from dev.stack import Layout, Stack, StackOptions


@dataclass
class Sender:
    """Posts what Alertmanager posts, with the tenant's token."""

    client: httpx.AsyncClient
    path: str

    async def post(self, *alerts: dict[str, Any]) -> int:
        """The status of one delivery; 0 when nobody answered."""
        body = json.dumps({"version": "4", "groupKey": "g", "alerts": list(alerts)})
        try:
            return (await self.client.post(self.path, content=body)).status_code
        except httpx.TransportError:
            return 0

    async def post_until_accepted(self, *alerts: dict[str, Any]) -> None:
        """Send again until it is durable, as Alertmanager does."""
        for _ in range(200):
            if await self.post(*alerts) == httpx.codes.ACCEPTED:
                return
            await asyncio.sleep(0.1)
        raise AssertionError("the delivery was never accepted")


def an_item(name: str, service: str, status: str = "firing") -> dict[str, Any]:
    """One alert as Alertmanager writes it."""
    return {
        "status": status,
        "labels": {"alertname": f"Alert-{name}", "service": service, "severity": "critical"},
        "annotations": {"summary": f"{service} is ill"},
        "startsAt": "2026-11-23T11:59:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": name,
    }


@asynccontextmanager
async def a_stack(data: Path, *, lease_seconds: float, **host_settings: str) -> AsyncIterator[tuple[Stack, Sender]]:
    """Storage, store, identity and host; no shop and no Prometheus. Stopped at the end, whatever happened."""
    ports = Ports(a_free_base())
    stack = Stack(StackOptions(ports, Layout(data), lease_seconds=lease_seconds, own_host=True))
    stack.environment.update(host_settings)
    try:
        integration_id = await stack.start_storage(lambda _: None)
        await stack.start_host(lambda _: None)
        token = stack.options.layout.webhook_token.read_text()
        base = f"http://127.0.0.1:{ports.functions}"
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=base, headers=headers, timeout=15, trust_env=False) as client:
            yield stack, Sender(client, f"/api/webhooks/alertmanager/{integration_id}")
    finally:
        await stack.down()


async def incidents_once_quiet(stack: Stack, *, services: int, within_seconds: float) -> list[dict[str, Any]]:
    """Every incident with everything, once there is one for each service and each has its final answer."""
    api = ApiClient(stack)
    found: list[dict[str, Any]] = []
    try:
        for _ in range(int(within_seconds / 0.5)):
            found = [await api.incident(one["id"]) for one in await api.incidents()]
            if len(found) >= services and all(is_answered(one) for one in found):
                return found
            await asyncio.sleep(0.5)
    finally:
        await api.aclose()
    raise AssertionError(f"after {within_seconds} s there were {len(found)} incidents, not all answered")


def is_answered(incident: dict[str, Any]) -> bool:
    """Whether the final answer is there."""
    answer = incident["hypotheses"]
    return bool(answer) and answer["reason"] != "ranked"
