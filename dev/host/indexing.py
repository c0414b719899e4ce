"""Finds the function app of a folder and reads its functions once, refusing what the genuine worker refuses."""

import asyncio
import importlib
import inspect
import json
import sys
import traceback
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType

from azure.functions.decorators.function_app import Function, FunctionRegister

from dev.host import ncrontab
from dev.host.bindings import (
    RETURN,
    HostedFunction,
    Output,
    QueueOutput,
    QueueTrigger,
    RetryPolicy,
    TimerTrigger,
    Trigger,
    read_output,
    read_trigger,
)
from dev.host.errors import HostRefused
from dev.host.settings import resolve_references
from dev.host.signatures import check_signature

_DIRECTION_OUT = "OUT"


def import_app(folder: Path) -> ModuleType:
    """Import `function_app` from `folder`; raises HostRefused with where it failed."""
    if not (folder / "function_app.py").is_file():
        raise HostRefused(f"there is no function_app.py in {folder}")
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module("function_app")
    except Exception as exc:
        raise HostRefused(
            f"function_app.py cannot be imported: {type(exc).__name__}: {exc}{_where(folder, exc)}"
        ) from exc


def _where(folder: Path, exc: Exception) -> str:
    # The app's own deepest line, rather than the library's, is where its developer can act.
    lines = [
        f" ({Path(frame.filename).relative_to(folder)}:{frame.lineno})"
        for frame in traceback.extract_tb(exc.__traceback__)
        if Path(frame.filename).is_relative_to(folder)
    ]
    return lines[-1] if lines else ""


def find_app(module: ModuleType) -> FunctionRegister:
    """The one FunctionApp of a module; an alias of it counts as a second, as in the worker."""
    apps = [value for value in vars(module).values() if isinstance(value, FunctionRegister)]
    if not apps:
        raise HostRefused("function_app.py defines no FunctionApp")
    if len(apps) > 1:
        raise HostRefused(f"function_app.py defines {len(apps)} FunctionApps, the worker takes exactly one")
    return apps[0]


def index(app: FunctionRegister, environ: Mapping[str, str]) -> tuple[HostedFunction, ...]:
    """Every function of `app`; call it once per app, since the library refuses a second indexing."""
    try:
        declared = app.get_functions()
    except ValueError as exc:
        raise HostRefused(str(exc)) from exc
    return tuple(_hosted(function, environ) for function in declared)


def _hosted(function: Function, environ: Mapping[str, str]) -> HostedFunction:
    name = str(function.get_function_name())
    trigger, outputs = _bindings(name, function)
    call = function.get_user_function()
    wants_context, argument_type = check_signature(name=name, call=call, trigger=trigger, outputs=outputs)
    return HostedFunction(
        name=name,
        call=call,
        trigger=_resolved_trigger(name, trigger, environ),
        outputs=tuple(_resolved_output(output, environ) for output in outputs),
        wants_context=wants_context,
        is_async=inspect.iscoroutinefunction(call) or asyncio.iscoroutinefunction(call),
        argument_type=argument_type,
        retry=_retry_policy(name, function),
    )


def _bindings(name: str, function: Function) -> tuple[Trigger, tuple[Output, ...]]:
    trigger: Trigger | None = None
    outputs: list[Output] = []
    for text in function.get_raw_bindings():
        declared = json.loads(text)
        if declared["direction"] == _DIRECTION_OUT:
            outputs.append(read_output(name, declared))
        elif declared["type"].endswith("Trigger"):
            trigger = read_trigger(name, declared)
        else:
            raise HostRefused(f"function {name} has a {declared['type']} input, which the local host does not run")
    if trigger is None:
        raise HostRefused(f"function {name} has no trigger")
    if sum(output.arg_name == RETURN for output in outputs) > 1:
        raise HostRefused(f"function {name} declares $return twice")
    return trigger, tuple(outputs)


def _resolved_trigger(name: str, trigger: Trigger, environ: Mapping[str, str]) -> Trigger:
    match trigger:
        case QueueTrigger(arg_name, queue, connection, binary):
            return QueueTrigger(arg_name, resolve_references(queue, environ), connection, binary)
        case TimerTrigger(arg_name, schedule, run_on_startup, use_monitor):
            expression = resolve_references(schedule, environ)
            _check_schedule(name, expression)
            return TimerTrigger(arg_name, expression, run_on_startup, use_monitor)
    return trigger


def _resolved_output(output: Output, environ: Mapping[str, str]) -> Output:
    if isinstance(output, QueueOutput):
        return QueueOutput(output.arg_name, resolve_references(output.queue, environ), output.connection)
    return output


def _check_schedule(name: str, expression: str) -> None:
    try:
        ncrontab.parse(expression)
    except ncrontab.BadSchedule as exc:
        raise HostRefused(f"function {name} has a bad schedule: {exc}") from exc


def _retry_policy(name: str, function: Function) -> RetryPolicy | None:
    declared = function.get_settings_dict("retry_policy")
    if declared is None:
        return None
    try:
        match declared["strategy"]:
            case "fixed_delay":
                delay = _retry_seconds(declared["delay_interval"])
                return RetryPolicy(int(declared["max_retry_count"]), delay, delay, exponential=False)
            case "exponential_backoff":
                first, longest = (_retry_seconds(declared[f"{end}_interval"]) for end in ("minimum", "maximum"))
                return RetryPolicy(int(declared["max_retry_count"]), first, longest, exponential=True)
    except (ValueError, KeyError, AttributeError, TypeError) as exc:
        raise HostRefused(f"function {name} has a retry policy without a usable count or interval") from exc
    raise HostRefused(f"function {name} has an unknown retry strategy, use fixed_delay or exponential_backoff")


def _retry_seconds(text: str) -> float:
    # The worker reads retry intervals with this very format: no days, no fractions, no hours above 23.
    at = datetime.strptime(text, "%H:%M:%S")  # noqa: DTZ007 -- a duration, not a moment
    return timedelta(hours=at.hour, minutes=at.minute, seconds=at.second).total_seconds()
