"""Requests of one tenant's people: many of a test reach the same app, for making one takes a while."""

import json
from typing import Any

import httpx
from fastapi import FastAPI

from shared.adapters.entra import EntraKeys
from tests.unit.access.issuer import AUTHORITY, a_token
from tests.unit.api.serving import Served, bearer

_latest: list[tuple[Served, FastAPI]] = []


def _app_of(served: Served) -> FastAPI:
    if not _latest or _latest[0][0] is not served:
        _latest[:] = [(served, served.app(EntraKeys(AUTHORITY, served.endpoint.client(), clock=served.clock)))]
    return _latest[0][1]


async def asked(
    served: Served,
    method: str,
    path: str,
    body: Any = None,
    *,
    role: str = "admin",
    claims: dict[str, Any] | None = None,
    **headers: str,
) -> httpx.Response:
    """The answer to somebody with this role and these other claims."""
    token = bearer(a_token(roles=[role], **(claims or {})))
    transport = httpx.ASGITransport(_app_of(served))
    content = None if body is None else json.dumps(body)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test/api/v1") as client:
        named = {"Content-Type": "application/json", **token, **headers}
        return await client.request(method, path, content=content, headers=named)
