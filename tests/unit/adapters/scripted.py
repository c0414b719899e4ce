"""HTTP servers in a few lines, behind the genuine guarded client and without a socket."""

import asyncio
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpcore

from shared.adapters.guarded_http import GuardedHttp
from shared.errors import SecretUnreadable
from shared.models.base import IntegrationId, TenantId
from shared.models.tenants import Integration
from tests.builders import ACME, an_integration


@dataclass(frozen=True)
class Asked:
    """One request, as it went over the wire."""

    method: str
    path: str
    params: dict[str, list[str]]
    headers: dict[str, str]
    form: dict[str, list[str]]


# Never used, as nothing here speaks TLS; to make one for each client would take longer than the tests.
_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

Script = Callable[[Asked], bytes | None]


def responding(
    body: object = b"", status: int = 200, *, headers: str = "", cut: int = 0, endless: bool = False
) -> bytes:
    """A response; `cut` bytes of its body never come, and one that is endless never ends."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    length = "" if endless else f"Content-Length: {len(content)}\r\n"
    head = f"HTTP/1.1 {status} Said\r\nConnection: close\r\n{length}{headers}\r\n"
    return head.encode() + content[: len(content) - cut]


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, servers: "Servers") -> None:
        self._servers = servers
        self._sent = b""
        self._left: bytes | None = None

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._sent += buffer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._left is None:
            said = self._servers.answer(self._sent)
            if said is None:
                await asyncio.sleep(3600)
            self._left = said or b""
        now, self._left = self._left[:max_bytes], self._left[max_bytes:]
        return now

    async def aclose(self) -> None:
        pass


@dataclass
class Servers(httpcore.AsyncNetworkBackend):
    """Every address answers as the script says; None is silence."""

    script: Script
    asked: list[Asked] = field(default_factory=list)

    async def connect_tcp(self, host: str, port: int, *_: object) -> httpcore.AsyncNetworkStream:
        return _Stream(self)

    def answer(self, sent: bytes) -> bytes | None:
        head, _, body = sent.partition(b"\r\n\r\n")
        line, *fields = head.decode().split("\r\n")
        method, target, _ = line.split(" ")
        parts = urlsplit(target)
        headers = dict(one.lower().split(": ", 1) if ": " in one else (one, "") for one in fields)
        asked = Asked(method, parts.path, parse_qs(parts.query), headers, parse_qs(body.decode()))
        self.asked.append(asked)
        return self.script(asked)

    def client(self, **named: Any) -> GuardedHttp:
        """The guarded client, for which there is nothing but these."""
        return GuardedHttp(allow_private=True, network=self, tls=_TLS, **named)


class Refusing(Servers):
    """Nobody listens."""

    async def connect_tcp(self, host: str, port: int, *_: object) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError


class BoundBox:
    """Seals as `tenant|integration|plain`, and opens nothing that was sealed for another."""

    async def seal(self, tenant_id: TenantId, integration_id: IntegrationId, plaintext: str) -> str:
        return f"{tenant_id}|{integration_id}|{plaintext}"

    async def open(self, tenant_id: TenantId, integration_id: IntegrationId, sealed: str) -> str:
        prefix = f"{tenant_id}|{integration_id}|"
        if not sealed.startswith(prefix):
            raise SecretUnreadable("sealed for another")
        return sealed.removeprefix(prefix)


def connected_to(url: str, tenant_id: TenantId = ACME, **changes: Any) -> Integration:
    """An integration whose config, sealed by the box above, has this URL and a token."""
    integration_id = changes.pop("id", "int-1")
    config = json.dumps({"url": url, "bearer_token": "s3cret-token"})
    sealed = changes.pop("config", f"{tenant_id}|{integration_id}|{config}")
    return an_integration(id=integration_id, tenant_id=tenant_id, config=sealed, **changes)
