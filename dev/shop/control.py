"""The client of the shop's control endpoint, for the demo and the tests."""

from typing import Any

import httpx

from dev.shop.contract import ShopState


class ShopRefused(RuntimeError):
    """The shop did not accept a request; the message is its own sentence."""


class ShopControl:
    """Deploys to the shop, breaks it and asks how it is; use it as an async context manager.

    Raises ShopRefused for a request the shop does not accept, httpx.TransportError where no shop listens.
    """

    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=10)

    async def __aenter__(self) -> "ShopControl":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def deploy(
        self,
        service: str,
        version: str,
        *,
        revision: str | None = None,
        behaviour: dict[str, float] | None = None,
    ) -> ShopState:
        """Put a version in place; without a behaviour it is a good one."""
        body = {"service": service, "version": version, "revision": revision, "behaviour": behaviour or {}}
        return await self._send("POST", "/deploy", body)

    async def fault(self, kind: str, service: str | None = None, **settings: float) -> ShopState:
        """Inject a fault, with the settings of its kind: error_ratio, latency_seconds, cpu_seconds or factor."""
        target = {} if service is None else {"service": service}
        return await self._send("POST", "/faults", {"kind": kind, **target, **settings})

    async def clear(self) -> ShopState:
        """Take all faults away; deployed versions stay."""
        return await self._send("DELETE", "/faults")

    async def load(self, requests_per_second: float) -> ShopState:
        """Let customers arrive at another rate; 0 stops them."""
        return await self._send("POST", "/load", {"requests_per_second": requests_per_second})

    async def state(self) -> ShopState:
        """Versions, faults and request counts now."""
        return await self._send("GET", "/state")

    async def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> ShopState:
        response = await self._client.request(method, path, json=body)
        if response.status_code == httpx.codes.BAD_REQUEST:
            raise ShopRefused(response.json()["error"])
        response.raise_for_status()
        return ShopState.model_validate_json(response.content)
