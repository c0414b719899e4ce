"""Runs one function once: builds its arguments, waits no longer than allowed and turns its result into data."""

import asyncio
import logging
import os
import threading
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import azure.functions as func
from azure.functions._abc import RetryContext as AbstractRetryContext
from azure.functions._abc import TraceContext as AbstractTraceContext
from azure.functions.http import HttpResponseConverter
from azure.functions.meta import Datum

from dev.host.bindings import RETURN, HostedFunction, HttpOutput, QueueOutput
from dev.host.outbox import Outbox

log = logging.getLogger("dev.host")


@dataclass(frozen=True)
class TraceContext(AbstractTraceContext):
    """Where an invocation sits in a distributed trace."""

    trace_parent: str = ""
    trace_state: str = ""

    @property
    def attributes(self) -> dict[str, str]:
        """Always empty: this host exports nothing."""
        return {}

    @property
    def Traceparent(self) -> str:  # noqa: N802 - the worker's name, which apps use
        """The W3C traceparent of this invocation."""
        return self.trace_parent

    @property
    def Tracestate(self) -> str:  # noqa: N802 - the worker's name, which apps use
        """The W3C tracestate of this invocation."""
        return self.trace_state


@dataclass(frozen=True)
class RetryContext(AbstractRetryContext):
    """Which attempt of the retry policy this is."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: Any = None


@dataclass(frozen=True)
class Context(func.Context):
    """What a function may ask about its own invocation."""

    invocation_id: str = ""
    function_name: str = ""
    function_directory: str = ""
    trace_context: TraceContext = TraceContext()
    retry_context: RetryContext = RetryContext()
    thread_local_storage: Any = None


class Out(func.Out[Any]):
    """An output parameter that remembers what the function set."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, val: Any) -> None:
        """Remember `val`."""
        self._value = val

    def get(self) -> Any:
        """What was set last, or None."""
        return self._value


@dataclass(frozen=True)
class Succeeded:
    """The function returned; `response` is its HTTP answer when it has one."""

    response: Datum | None = None


@dataclass(frozen=True)
class Failed:
    """The function raised, timed out or returned what no binding can carry."""

    reason: str


Outcome = Succeeded | Failed


class UnusableResult(Exception):
    """The function returned something that its bindings cannot carry."""


def new_trace(parent: str | None = None, state: str = "") -> TraceContext:
    """A span of its own, in the caller's trace when `parent` is a valid traceparent."""
    parts = (parent or "").split("-")
    if len(parts) == 4 and [len(part) for part in parts] == [2, 32, 16, 2]:
        return TraceContext(f"00-{parts[1]}-{os.urandom(8).hex()}-{parts[3]}", state)
    return TraceContext(f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01")


class Invoker:
    """Invokes functions: `async def` on the event loop, `def` in a pool of threads; the app's faults become data."""

    def __init__(self, *, folder: str, timeout_seconds: float | None, threads: int, outbox: Outbox) -> None:
        self._folder = folder
        self._timeout_seconds = timeout_seconds
        self._outbox = outbox
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="function")
        self._thread_local = threading.local()
        self._threaded: set[Future[Any]] = set()

    async def invoke(
        self,
        function: HostedFunction,
        argument: object,
        *,
        trace: TraceContext | None = None,
        retry: RetryContext = RetryContext(),
    ) -> Outcome:
        """Run `function` on `argument` and send what it outputs; a failure is logged once, with its traceback."""
        invocation_id = str(uuid.uuid4())
        arguments: dict[str, Any] = {function.trigger.arg_name: argument}
        outs = {output.arg_name: Out() for output in function.outputs if output.arg_name != RETURN}
        arguments.update(outs)
        if function.wants_context:
            arguments["context"] = Context(
                invocation_id, function.name, self._folder, trace or new_trace(), retry, self._thread_local
            )
        scope = asyncio.timeout(self._timeout_seconds)
        try:
            async with scope:
                result = await self._run(function, arguments, invocation_id)
            return await self._deliver(function, result, outs)
        except asyncio.CancelledError:
            if _host_is_cancelling():
                raise
            return _failed(function, invocation_id, "it was cancelled from within")
        except Exception as exc:  # noqa: BLE001 - the outermost wrapper: an app may raise anything
            if scope.expired():
                return _failed(function, invocation_id, f"it ran longer than {self._timeout_seconds:g} s")
            return _failed(function, invocation_id, type(exc).__name__, exc)

    def close(self) -> bool:
        """Take no further calls; False when a thread still runs app code, which nothing can stop."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        return not self._threaded

    async def _run(self, function: HostedFunction, arguments: Mapping[str, Any], invocation_id: str) -> Any:
        if function.is_async:
            return await function.call(**arguments)
        future = self._pool.submit(self._in_thread, function.call, arguments, invocation_id)
        self._threaded.add(future)
        future.add_done_callback(self._threaded.discard)
        return await asyncio.wrap_future(future)

    def _in_thread(self, call: Callable[..., Any], arguments: Mapping[str, Any], invocation_id: str) -> Any:
        self._thread_local.invocation_id = invocation_id
        return call(**arguments)

    async def _deliver(self, function: HostedFunction, result: Any, outs: Mapping[str, Out]) -> Outcome:
        if result is not None and function.returns is None:
            raise UnusableResult(f"function {function.name} without a $return binding returned a non-None value")
        response: Datum | None = None
        additions: list[tuple[QueueOutput, Any]] = []
        for output in function.outputs:
            value = result if output.arg_name == RETURN else outs[output.arg_name].get()
            if isinstance(output, HttpOutput):
                response = _encoded(function, value)
            elif value is not None:
                additions.append((output, value))
        for output, value in additions:
            await self._outbox.send(output, value)
        return Succeeded(response)


def _encoded(function: HostedFunction, value: object) -> Datum:
    try:
        return HttpResponseConverter.encode(value, expected_type=None)
    except NotImplementedError as exc:
        raise UnusableResult(
            f"function {function.name} returned {type(value).__name__} instead of an HttpResponse"
        ) from exc


def _failed(function: HostedFunction, invocation_id: str, reason: str, exc: BaseException | None = None) -> Failed:
    log.error("%s failed: %s (invocation %s)", function.name, reason, invocation_id, exc_info=exc)
    return Failed(reason)


def _host_is_cancelling() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
