"""Azure OpenAI's chat completions over HTTP on loopback, for tests and load only: it is no model and says so.

`POST /_script` queues answers (one, or a list), `PUT /_behaviour` says how it behaves without one, `GET /_requests`
tells what was asked, `DELETE /_requests` forgets script and requests. Without either it answers 503 and what it is.
"""

import errno
import signal
import socket
import sys
import time
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from dev.openai.answering import Session
from dev.openai.credentials import is_good
from dev.openai.script import Answer, Behaviour, azure_error

_CREDENTIALS = ("api-key", "authorization")
NO_SCRIPT = "This is a protocol simulator, not a model, and it has no scripted answer left: POST one to /_script."
LABEL = {"x-simulator": "SRE Copilot protocol simulator, not a model"}


def create_app(behaviour: Behaviour | None = None, answers: tuple[Answer, ...] = ()) -> FastAPI:
    """A simulator with this script; by default an empty one."""
    app = FastAPI(title="Azure OpenAI protocol simulator", openapi_url=None)
    session = Session(behaviour or Behaviour())
    session.answers.extend(answers)
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


def _add_control(app: FastAPI, session: Session) -> None:
    @app.post("/_script", status_code=204)
    async def script(answers: Answer | list[Answer]) -> None:
        session.answers.extend(answers if isinstance(answers, list) else [answers])

    @app.put("/_behaviour", status_code=204)
    async def behave(behaviour: Behaviour) -> None:
        session.behaviour = behaviour

    @app.get("/_requests")
    async def requests() -> list[dict[str, Any]]:
        return list(session.requests)

    @app.delete("/_requests", status_code=204)
    async def forget() -> None:
        session.answers.clear()
        session.requests.clear()


async def _complete(session: Session, request: Request, *, model: str | None) -> Response:
    began = time.monotonic()
    if not is_good(request.headers, session.behaviour):
        return JSONResponse(azure_error("401", "Access denied due to missing or wrong credentials."), 401, LABEL)
    try:
        body = await request.json()
    except ValueError:
        return _bad_request("The body is not JSON.")
    session.asked += 1
    session.requests.append(_received(request, body))
    if why := _invalid(body, needs_model=model is None):
        return _bad_request(why)
    answer = session.next_answer(body)
    if answer is None:
        return JSONResponse(azure_error("simulator_without_script", NO_SCRIPT), 503, LABEL)
    await session.take_time(answer, began)
    return _respond(answer, model=model or body["model"], number=session.asked)


def _respond(answer: Answer, *, model: str, number: int) -> Response:
    after = {} if answer.retry_after is None else {"retry-after": str(answer.retry_after)}
    headers = {**LABEL, **after, **answer.headers}
    if answer.raw is not None:
        return Response(answer.raw, answer.status, headers, media_type="application/json")
    if answer.status != 200:
        return JSONResponse(answer.error(), answer.status, headers)
    named = f"simulator-{answer.mode.value}-no-model" if answer.mode else model
    return JSONResponse(answer.completion(model=named, number=number, created=int(time.time())), 200, headers)


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
    if not all(isinstance(one, dict) and isinstance(one.get("content"), str) for one in body["messages"]):
        return "The simulator reads messages with a text alone."
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
    return JSONResponse(azure_error("BadRequest", why), 400, LABEL)


def serve(*, port: int, behaviour: Behaviour | None = None, answers: tuple[Answer, ...] = ()) -> None:
    """Serves until SIGINT or SIGTERM; a port that is taken is said in one sentence, with exit code 1."""
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except OSError as exc:
        if exc.errno != errno.EADDRINUSE:
            raise
        print(f"openai: port {port} of 127.0.0.1 is in use by another program.", file=sys.stderr)
        raise SystemExit(1) from exc
    print(f"openai: protocol simulator at http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
    app = create_app(behaviour, answers)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2))
    for signum in (signal.SIGINT, signal.SIGTERM):
        # uvicorn puts its own handlers over these, and raises the signal again once it has shut down.
        signal.signal(signum, lambda *_: None)
    server.run(sockets=[listener])
