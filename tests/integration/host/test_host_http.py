"""The HTTP side of the host, without storage."""

import asyncio
import threading
from pathlib import Path

import azure.functions as func
import pytest

from tests.integration.host.hosting import STORAGE, an_app, eventually, hosting

pytestmark = pytest.mark.integration
MASTER, HOST, OWN = ({"x-functions-key": f"{name}-key"} for name in ("master", "host", "own"))


def a_guarded_app() -> func.FunctionApp:
    app = an_app()

    @app.route(route="guarded", auth_level=func.AuthLevel.FUNCTION)
    async def guarded(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse("in")

    @app.route(route="other", auth_level=func.AuthLevel.FUNCTION)
    async def other(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse("in")

    @app.route(route="master", auth_level=func.AuthLevel.ADMIN)
    async def master(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse("in")

    return app


async def test_a_request_reaches_its_function_the_way_the_worker_builds_it(tmp_path: Path) -> None:
    app, seen = an_app(), []

    @app.route(route="items/{id:int}/{*rest}", methods=["POST"])
    async def item(req: func.HttpRequest) -> func.HttpResponse:
        seen.append(req)
        return func.HttpResponse(status_code=201)

    async with hosting(app, tmp_path) as http:
        headers = [("X-Twice", "a"), ("X-Twice", "b")]
        answer = await http.post("/api/items/7/a/b%20c?n=1&n=2&empty=", content=b"\x00raw", headers=headers)
    (request,) = seen
    assert (answer.status_code, request.method, request.get_body()) == (201, "POST", b"\x00raw")
    assert dict(request.route_params) == {"id": "7", "rest": "a/b c"}
    assert dict(request.params) == {"n": "1,2"}
    assert request.headers["x-twice"] == "a,b"
    assert request.url == "http://host/api/items/7/a/b%20c?n=1&n=2&empty="


async def test_an_unknown_path_and_an_unregistered_verb_answer_404(tmp_path: Path) -> None:
    async with hosting(a_guarded_app(), tmp_path) as http:
        unknown = await http.get("/api/nowhere", headers=MASTER)
        outside = await http.get("/guarded", headers=MASTER)
    app = an_app()

    @app.route(route="x", methods=["GET"])
    async def only_get(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse("x")

    async with hosting(app, tmp_path) as http:
        verb = await http.delete("/api/x")
    assert [answer.status_code for answer in (unknown, outside, verb)] == [404, 404, 404]


async def test_each_key_opens_what_its_level_allows_and_nothing_more(tmp_path: Path) -> None:
    async with hosting(a_guarded_app(), tmp_path) as http:
        allowed = {
            (path, name): (await http.get(f"/api/{path}", headers=key)).status_code
            for path in ("guarded", "other", "master")
            for name, key in {"none": {}, "own": OWN, "host": HOST, "master": MASTER}.items()
        }
    assert {pair for pair, status in allowed.items() if status == 200} == {
        ("guarded", "own"), ("guarded", "host"), ("guarded", "master"),
        ("other", "host"), ("other", "master"), ("master", "master"),
    }  # fmt: skip
    assert {status for status in allowed.values() if status != 200} == {401}


async def test_a_wrong_header_key_beats_a_right_code_parameter(tmp_path: Path) -> None:
    async with hosting(a_guarded_app(), tmp_path) as http:
        by_code = await http.get("/api/guarded?code=own-key")
        beaten = await http.get("/api/guarded?code=own-key", headers={"x-functions-key": "wrong"})
    assert (by_code.status_code, beaten.status_code, beaten.content) == (200, 401, b"")


async def test_an_exception_answers_500_without_a_body_and_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = an_app()

    @app.route(route="boom")
    async def boom(req: func.HttpRequest) -> func.HttpResponse:
        raise ZeroDivisionError

    async with hosting(app, tmp_path) as http:
        answer = await http.get("/api/boom?code=secret")
    assert (answer.status_code, answer.content) == (500, b"")
    assert "boom failed: ZeroDivisionError" in caplog.text
    assert "secret" not in caplog.text


async def test_a_function_that_returns_no_response_answers_500(tmp_path: Path) -> None:
    app = an_app()

    @app.route(route="nothing")
    async def nothing(req: func.HttpRequest):
        return

    async with hosting(app, tmp_path) as http:
        assert (await http.get("/api/nothing")).status_code == 500


async def test_a_body_over_the_limit_is_refused_with_413_before_the_function_runs(tmp_path: Path) -> None:
    app, calls = an_app(), []

    @app.route(route="in")
    async def takes(req: func.HttpRequest) -> func.HttpResponse:
        calls.append(req)
        return func.HttpResponse("ok")

    async with hosting(app, tmp_path, FUNCTIONS_REQUEST_BODY_SIZE_LIMIT="10") as http:
        fits = await http.post("/api/in", content=b"x" * 10)
        declared = await http.post("/api/in", content=b"x" * 11)
        streamed = await http.post("/api/in", content=_chunks(b"x" * 6, b"x" * 6))
    assert [answer.status_code for answer in (fits, declared, streamed)] == [200, 413, 413]
    assert len(calls) == 1


async def test_def_functions_run_in_a_thread_and_async_ones_on_the_loop(tmp_path: Path) -> None:
    app, threads = an_app(), {}

    @app.route(route="sync")
    def in_thread(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        threads["sync"] = threading.current_thread()
        return func.HttpResponse(context.thread_local_storage.invocation_id == context.invocation_id and "ok")

    @app.route(route="async")
    async def on_loop(req: func.HttpRequest) -> str:
        threads["async"] = threading.current_thread()
        return "plain"

    async with hosting(app, tmp_path) as http:
        assert (await http.get("/api/sync")).text == "ok"
        assert (await http.get("/api/async")).text == "plain"
    assert threads["async"] is threading.main_thread()
    assert threads["sync"] is not threading.main_thread()


async def test_an_invocation_has_a_span_of_its_own_in_the_callers_trace(tmp_path: Path) -> None:
    app, contexts = an_app(), []

    @app.route(route="traced")
    async def traced(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        contexts.append(context)
        return func.HttpResponse("x")

    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    async with hosting(app, tmp_path) as http:
        await http.get("/api/traced", headers={"traceparent": parent})
        await http.get("/api/traced")
    own = contexts[0].trace_context.trace_parent.split("-")
    assert (own[1], own[3]) == ("a" * 32, "01")
    assert own[2] != "b" * 16
    assert contexts[1].trace_context.Traceparent.split("-")[1] != "a" * 32
    assert (contexts[0].function_name, contexts[0].retry_context.retry_count) == ("traced", 0)


async def test_an_asgi_app_behind_a_catch_all_keeps_paths_bodies_and_both_cookies(tmp_path: Path) -> None:
    app, middleware = an_app(), func.AsgiMiddleware(_asgi_echo)

    @app.route(route="v1/{*route}")
    async def mounted(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        return await middleware.handle_async(req, context)

    async with hosting(app, tmp_path) as http:
        answer = await http.put("/api/v1/deep/path?q=1", content=b"body")
    assert (answer.status_code, answer.text) == (202, "PUT /api/v1/deep/path q=1 body")
    assert answer.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2; HttpOnly"]


async def test_a_disabled_function_answers_404(tmp_path: Path) -> None:
    async with hosting(a_guarded_app(), tmp_path, **{"AzureWebJobs.guarded.Disabled": "true"}) as http:
        assert (await http.get("/api/guarded", headers=MASTER)).status_code == 404


async def test_the_route_prefix_of_host_json_applies(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}')
    async with hosting(a_guarded_app(), tmp_path) as http:
        assert (await http.get("/guarded", headers=MASTER)).status_code == 200


async def test_a_timeout_fails_the_request_with_500(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = an_app()

    @app.route(route="hang")
    async def hang(req: func.HttpRequest) -> func.HttpResponse:
        await asyncio.Event().wait()
        return func.HttpResponse("never")

    async with hosting(app, tmp_path, AzureFunctionsJobHost__functionTimeout="00:00:00.1") as http:
        assert (await http.get("/api/hang")).status_code == 500
    assert "hang failed: it ran longer than 0.1 s" in caplog.text


async def test_ping_needs_no_key_and_status_needs_the_master_key(tmp_path: Path) -> None:
    async with hosting(a_guarded_app(), tmp_path) as http:
        assert (await http.get("/admin/host/ping")).status_code == 200
        assert (await http.post("/admin/host/ping")).status_code == 200
        assert (await http.get("/admin/host/status", headers=HOST)).status_code == 401
        assert (await http.get("/admin/host/status", headers=MASTER)).json()["state"] == "Running"
        assert (await http.post("/admin/functions/nowhere", headers=MASTER)).status_code == 404


async def test_the_master_key_starts_a_queue_or_timer_function_by_hand(tmp_path: Path) -> None:
    app, seen = an_app(), []

    @app.queue_trigger(arg_name="msg", queue_name="work", connection=STORAGE)
    async def work(msg: func.QueueMessage) -> None:
        seen.append(msg.get_body())

    @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
    async def yearly(timer: func.TimerRequest) -> None:
        seen.append(timer.past_due)

    async with hosting(app, tmp_path) as http:
        refused = await http.post("/admin/functions/work", json={"input": "hi"}, headers=HOST)
        queue = await http.post("/admin/functions/work", json={"input": "hi"}, headers=MASTER)
        timer = await http.post("/admin/functions/yearly", json={}, headers=MASTER)
        await eventually(lambda: _has(seen, 2))
    assert (refused.status_code, queue.status_code, timer.status_code) == (401, 202, 202)
    assert seen == [b"hi", False]


async def _has(seen: list[object], count: int) -> bool:
    return len(seen) == count


async def _chunks(*chunks: bytes):
    for chunk in chunks:
        yield chunk


async def _asgi_echo(scope, receive, send) -> None:
    body = (await receive())["body"].decode()
    text = f"{scope['method']} {scope['path']} {scope['query_string'].decode()} {body}"
    headers = [(b"set-cookie", b"a=1; Path=/"), (b"set-cookie", b"b=2; HttpOnly"), (b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
