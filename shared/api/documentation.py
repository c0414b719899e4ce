"""The page that shows the API, and the OpenAPI document behind it. Both work without leaving this host."""

import asyncio
import json
import re
from base64 import b64encode
from hashlib import sha256
from threading import Lock
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from shared.access.idempotency import MAX_KEY_CHARS
from shared.access.roles import LEAST_ROLE
from shared.api.examples import EXAMPLES
from shared.api.examples_requests import REQUESTS
from shared.api.problems import OF_KEYS, Problem

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A repeat with the same key is answered as the first request was, and does nothing.",
    "schema": {"type": "string", "pattern": f"^[!-~]{{1,{MAX_KEY_CHARS}}}$"},
}
JSON = "application/json"
_INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


class DocumentedApi(FastAPI):
    """FastAPI whose OpenAPI document also shows an example an operation, and the shape of our problems."""

    _document: dict[str, Any] | None = None

    def openapi(self) -> dict[str, Any]:
        """The document; made once."""
        if self._document is None:
            self._document = self._made()
        return self._document

    def _made(self) -> dict[str, Any]:
        made = super().openapi()
        made["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        for methods in made["paths"].values():
            for method, operation in methods.items():
                if method == "post" and operation["operationId"] in LEAST_ROLE:
                    _takes_key(operation)
                _show_request(operation)
                # Set here, for FastAPI drops what is null from the examples it is given.
                shown = answered_with(operation)
                if shown is not None:
                    shown["example"] = EXAMPLES[operation["operationId"]]
        return made


def _show_request(operation: dict[str, Any]) -> None:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is not None and operation["operationId"] in REQUESTS:
        content["example"] = REQUESTS[operation["operationId"]]


def _takes_key(operation: dict[str, Any]) -> None:
    operation["parameters"] = [
        *(one for one in operation.get("parameters", []) if one["name"] != _IDEMPOTENCY_KEY["name"]),
        _IDEMPOTENCY_KEY,
    ]
    operation["responses"] |= OF_KEYS


def answered_with(operation: dict[str, Any]) -> dict[str, Any] | None:
    """The JSON that an operation answers with when it succeeds; None when it answers with none."""
    success = next(answer for status, answer in operation["responses"].items() if status.startswith(("2", "3")))
    found: dict[str, Any] | None = success.get("content", {}).get("application/json")
    return found


def add_document(api: FastAPI, prefix: str) -> None:
    """Serve the document at `{prefix}/openapi.json`, to everybody, so it must cost little: it is written once.

    Making it takes seconds of a processor. In a thread, the other requests go on meanwhile.
    """
    making, written = Lock(), list[bytes]()

    def document() -> bytes:
        with making:
            if not written:
                written.append(json.dumps(api.openapi(), ensure_ascii=False, separators=(",", ":")).encode())
            return written[0]

    async def openapi() -> Response:
        return Response(written[0] if written else await asyncio.to_thread(document), media_type=JSON)

    api.add_api_route(f"{prefix}/openapi.json", openapi, include_in_schema=False, response_class=Response)


def add_docs_page(api: FastAPI, prefix: str) -> None:
    """Serve Swagger UI at `{prefix}/docs`."""
    assets = f"{prefix}/docs/assets"
    page = get_swagger_ui_html(
        openapi_url=f"{prefix}/openapi.json",
        title="SRE Copilot API",
        swagger_js_url=f"{assets}/swagger-ui-bundle.js",
        swagger_css_url=f"{assets}/swagger-ui.css",
        swagger_favicon_url=f"{assets}/favicon-32x32.png",
    )
    content = bytes(page.body)
    headers = {"Content-Security-Policy": _policy(content)}

    async def docs() -> HTMLResponse:
        return HTMLResponse(content, headers=headers)

    # Swagger UI comes with a package: no page of ours loads code from somebody else's host.
    api.mount(assets, StaticFiles(packages=[("fastapi_swagger", "resources")]))
    api.add_api_route(f"{prefix}/docs", docs, include_in_schema=False, response_class=HTMLResponse)


def _policy(page: bytes) -> str:
    # The page's own script is allowed by its hash, so an injected one would not run.
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in _INLINE_SCRIPT.findall(page))
    return (
        f"default-src 'none'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )


def _digest(script: bytes) -> str:
    return b64encode(sha256(script).digest()).decode()
