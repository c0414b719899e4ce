"""The receiver: OTLP over HTTP in, a page and JSON out. Loopback only, and everything is forgotten when it stops.

`POST /v1/traces`, `/v1/logs`, `/v1/metrics` take protobuf; `GET /traces`, `/traces/{id}`, `/logs`, `/measures` show.
"""

from collections.abc import Callable
from html import escape

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from google.protobuf.message import DecodeError

from dev.telemetry.kept import Fields, Kept

SHOWN = 30
PROTOBUF = "application/x-protobuf"


def create_app(kept: Kept | None = None) -> FastAPI:
    """A receiver that keeps its telemetry there."""
    app, held = FastAPI(title="Telemetry of the local stack", openapi_url=None), kept or Kept()
    for path, take in (("traces", held.take_spans), ("logs", held.take_logs), ("metrics", held.take_measures)):
        _receives(app, path, take)

    @app.get("/traces")
    async def traces() -> list[Fields]:
        return held.traces()

    @app.get("/traces/{trace_id}")
    async def trace(trace_id: str) -> list[Fields]:
        return held.trace(trace_id)

    @app.get("/logs")
    async def logs() -> list[Fields]:
        return list(held.logs)

    @app.get("/measures")
    async def measures() -> dict[str, Fields]:
        return dict(sorted(held.measures.items()))

    @app.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse(_page(held))

    return app


def _receives(app: FastAPI, path: str, take: Callable[[bytes], None]) -> None:
    async def receive(request: Request) -> Response:
        try:
            take(await request.body())
        except DecodeError:
            return Response("not what OTLP sends", status_code=400)
        return Response(media_type=PROTOBUF)

    app.add_api_route(f"/v1/{path}", receive, methods=["POST"])


def _page(held: Kept) -> str:
    traces = "".join(
        f'<tr><td>{escape(one["began"])}<td><a href="/traces/{one["trace_id"]}">{one["trace_id"]}</a>'
        f"<td>{escape(', '.join(one['spans'][:12]))}"
        for one in held.traces()[:SHOWN]
    )
    measures = "".join(
        f"<tr><td>{escape(name)}<td>{escape(', '.join(f'{key} {value}' for key, value in said.items()))}"
        for name, said in sorted(held.measures.items())
    )
    logs = "".join(
        f"<tr><td>{escape(one['at'])}<td>{escape(one['severity'])}<td>{escape(one['event'])}"
        f"<td>{escape(', '.join(f'{k}={v}' for k, v in one.items() if k not in ('at', 'severity', 'event')))}"
        for one in list(held.logs)[: -SHOWN - 1 : -1]
    )
    return (
        "<!doctype html><meta charset=utf-8><title>Telemetry</title>"
        "<style>body{font:14px system-ui;margin:2em}td{padding:2px 12px 2px 0;vertical-align:top}</style>"
        f"<h1>Telemetry of the local stack</h1><h2>Traces</h2><table>{traces}</table>"
        f"<h2>Measures</h2><table>{measures}</table><h2>Logs</h2><table>{logs}</table>"
    )


def serve(*, port: int) -> None:
    """Serve on loopback until stopped."""
    uvicorn.run(create_app(), host="127.0.0.1", port=port, log_level="warning", access_log=False)
