"""Azure OpenAI's chat completions over HTTP on loopback, answered from a script.

`POST /_script` queues answers (one, or a list), `GET /_requests` tells what was asked, `DELETE /_requests` forgets
both. Without a script it answers 503 and says what it is.
"""

import asyncio
import errno
import signal
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from dev.openai.script import Answer, azure_error

_CREDENTIALS = ("api-key", "authorization")
NO_SCRIPT = "This is a protocol simulator, not a model, and it has no scripted answer left: POST one to /_script."


@dataclass
class _Session:
    answers: deque[Answer] = field(default_factory=deque)
    requests: list[dict[str, Any]] = field(default_factory=list)


def create_app() -> FastAPI:
    """A simulator with an empty script."""
    app = FastAPI(title="Azure OpenAI protocol simulator", openapi_url=None)
    session = _Session()
    _add_control(app, session)

    @app.post("/openai/deployments/{deployment}/chat/completions")
    async def of_deployment(deployment: str, request: Request) -> Response:
        if "api-version" not in request.query_params:
            return JSONResponse(azure_error("404", "Resource not found"), status_code=404)
        return await _complete(session, request, model=deployment)

    @app.post("/openai/v1/chat/completions")
    async def of_model(request: Request) -> Response:
        return await _complete(session, request, model=None)

    return app


def _add_control(app: FastAPI, session: _Session) -> None:
    @app.post("/_script", status_code=204)
    async def script(answers: Answer | list[Answer]) -> None:
        session.answers.extend(answers if isinstance(answers, list) else [answers])

    @app.get("/_requests")
    async def requests() -> list[dict[str, Any]]:
        return session.requests

    @app.delete("/_requests", status_code=204)
    async def forget() -> None:
        session.answers.clear()
        session.requests.clear()


async def _complete(session: _Session, request: Request, *, model: str | None) -> Response:
    if not _has_credential(request):
        return JSONResponse(azure_error("401", "Access denied due to missing credentials."), status_code=401)
    try:
        body = await request.json()
    except ValueError:
        return _bad_request("The body is not JSON.")
    session.requests.append(_received(request, body))
    if why := _invalid(body, needs_model=model is None):
        return _bad_request(why)
    if not session.answers:
        return JSONResponse(azure_error("simulator_without_script", NO_SCRIPT), status_code=503)
    answer = session.answers.popleft()
    # The sleep ends with the client's patience: uvicorn cancels nothing, so a test must not hang it for long.
    await asyncio.sleep(answer.hang_seconds)
    return _respond(answer, model=model or body["model"], number=len(session.requests))


def _respond(answer: Answer, *, model: str, number: int) -> Response:
    headers = {} if answer.retry_after is None else {"retry-after": str(answer.retry_after)}
    if answer.raw is not None:
        return Response(answer.raw, answer.status, headers, media_type="application/json")
    if answer.status != 200:
        return JSONResponse(answer.error(), answer.status, headers)
    created = int(time.time())
    return JSONResponse(answer.completion(model=model, number=number, created=created), 200, headers)


def _has_credential(request: Request) -> bool:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return bool(request.headers.get("api-key")) or (scheme.lower() == "bearer" and bool(token.strip()))


def _received(request: Request, body: Any) -> dict[str, Any]:
    """What was asked, and how the caller identified itself, never with what."""
    return {
        "path": request.url.path,
        "query": dict(request.query_params),
        "credential": next(name for name in _CREDENTIALS if name in request.headers),
        "body": body,
    }


def _invalid(body: Any, *, needs_model: bool) -> str | None:
    """What Azure would refuse of a request; streaming is refused because the simulator cannot do it."""
    if not isinstance(body, dict) or not isinstance(body.get("messages"), list) or not body["messages"]:
        return "'messages' must be a list with at least one message."
    if needs_model and not body.get("model"):
        return "you must provide a model parameter"
    if body.get("stream"):
        return "The simulator does not stream."
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        schema = wanted.get("json_schema") or {}
        if not schema.get("name") or not isinstance(schema.get("schema"), dict):
            return "Missing required parameter: 'response_format.json_schema'."
    return None


def _bad_request(why: str) -> Response:
    return JSONResponse(azure_error("BadRequest", why), status_code=400)


def serve(*, port: int) -> None:
    """Serves until SIGINT or SIGTERM; a port that is taken is said in one sentence, with exit code 1."""
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except OSError as exc:
        if exc.errno != errno.EADDRINUSE:
            raise
        print(f"openai: port {port} of 127.0.0.1 is in use by another program.", file=sys.stderr)
        raise SystemExit(1) from exc
    print(f"openai: protocol simulator at http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
    server = uvicorn.Server(uvicorn.Config(create_app(), log_level="warning", timeout_graceful_shutdown=2))
    for signum in (signal.SIGINT, signal.SIGTERM):
        # uvicorn puts its own handlers over these, and raises the signal again once it has shut down.
        signal.signal(signum, lambda *_: None)
    server.run(sockets=[listener])
