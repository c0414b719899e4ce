"""The worker's process: reads one order from standard input, writes one report to standard output."""

import asyncio
import contextlib
import importlib
import json
import os
import sys
import uuid
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any

from dev.worker import messages
from dev.worker.messages import (
    FunctionMetadataResponse,
    InvocationResponse,
    ParameterBinding,
    RpcFunctionMetadata,
    RpcHttp,
    StatusResult,
    TypedData,
    WorkerInitResponse,
)


def prepare_path(app: str, library: str) -> None:
    """The search path of Azure: the app before its packages, the worker's own last, and this checkout nowhere."""
    checkout = os.getcwd()  # noqa: PTH109 -- compared with entries of sys.path, which are text
    sys.path[:] = [app, *(entry for entry in sys.path if entry not in ("", checkout)), library]
    os.chdir(app)


async def obey(order: dict[str, Any]) -> dict[str, Any]:
    """Init (which indexes), metadata, then load and invoke each call's function."""
    prepare_path(order["app"], order["library"])
    library = importlib.import_module("azure_functions_runtime")
    library.start_threadpool_executor()
    try:
        init: WorkerInitResponse = await library.worker_init_request(_init(order["app"]))
        if refusal := _failure(init.result):
            return {"refused": refusal}
        listed: FunctionMetadataResponse = await library.functions_metadata_request(messages.request(messages))
        functions = {one.name: one for one in listed.function_metadata_results or ()}
        return {
            "refused": None,
            "worker_version": init.worker_metadata.worker_version,
            "functions": {name: [json.loads(raw) for raw in one.raw_bindings] for name, one in functions.items()},
            "answers": [await _call(library, functions[call["function"]], call) for call in order["calls"]],
        }
    finally:
        library.stop_threadpool_executor()


def _init(app: str) -> SimpleNamespace:
    init = SimpleNamespace(capabilities={}, function_app_directory=app)
    return messages.request(messages, worker_init_request=init)


async def _call(library: ModuleType, function: RpcFunctionMetadata, call: dict[str, Any]) -> dict[str, Any]:
    load = SimpleNamespace(function_id=function.function_id)
    loaded = await library.function_load_request(messages.request(messages, function_load_request=load))
    if refusal := _failure(loaded.result):
        return {"failure": refusal, "status": None, "headers": {}, "body": None, "outputs": {}}
    invocation = messages.request(messages, invocation_request=_invocation(function, call))
    response: InvocationResponse = await library.invocation_request(invocation)
    return {
        "failure": _failure(response.result),
        **_returned(response.return_value),
        "outputs": {one.name: _text(one.data) for one in response.output_data},
    }


def _invocation(function: RpcFunctionMetadata, call: dict[str, Any]) -> SimpleNamespace:
    trigger = next(name for name, binding in function.bindings.items() if binding.type.endswith("Trigger"))
    value = TypedData(string=call["message"]) if "message" in call else TypedData(http=_http(call))
    return SimpleNamespace(
        invocation_id=str(uuid.uuid4()),
        function_id=function.function_id,
        input_data=[ParameterBinding(name=trigger, data=value)],
        trigger_metadata=_queue_metadata(call) if "message" in call else {},
        trace_context=SimpleNamespace(trace_parent="", trace_state="", attributes={}),
        retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
    )


def _http(call: dict[str, Any]) -> RpcHttp:
    body = TypedData(bytes=call["body"].encode())
    return RpcHttp(call["method"], call["url"], headers=call["headers"], params=call["params"], body=body)


def _queue_metadata(call: dict[str, Any]) -> dict[str, TypedData]:
    moment = json.dumps(datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00"))
    return {
        "Id": TypedData(string=str(uuid.uuid4())),
        "PopReceipt": TypedData(string="receipt"),
        "DequeueCount": TypedData(json=str(call["dequeue_count"])),
        "InsertionTime": TypedData(json=moment),
        "ExpirationTime": TypedData(json=moment),
        "NextVisibleTime": TypedData(json=moment),
    }


def _failure(result: StatusResult) -> str | None:
    if result.status == StatusResult.Success:
        return None
    return result.exception.message if result.exception else "the worker gave no reason"


def _returned(value: TypedData | None) -> dict[str, Any]:
    if value is None or value.http is None:
        return {"status": None, "headers": {}, "body": _text(value)}
    answer = value.http
    return {"status": int(answer.status_code), "headers": dict(answer.headers), "body": _text(answer.body)}


def _text(value: TypedData | None) -> str | None:
    if value is None:
        return None
    return value.bytes.decode() if value.bytes is not None else value.string or value.json


if __name__ == "__main__":
    # What an app prints must not end up in the report.
    with contextlib.redirect_stdout(sys.stderr):
        report = asyncio.run(obey(json.load(sys.stdin)))
    print(json.dumps(report))
