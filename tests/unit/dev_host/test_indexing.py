"""What the genuine worker rejects when it indexes an app, and what it lets pass."""

import types
from collections.abc import Callable
from typing import Any, Optional

import azure.functions as func
import pytest

from dev.host.bindings import AuthLevel, HostedFunction, HttpTrigger, QueueTrigger, TimerTrigger
from dev.host.errors import HostRefused
from dev.host.indexing import find_app, index

STORAGE = "AzureWebJobsStorage"


def indexed(call: Callable[..., Any], *decorators: str, **environ: str) -> tuple[HostedFunction, ...]:
    """Index an app whose one function `call` carries the named decorators, innermost first."""
    app = func.FunctionApp()
    choices = {
        "route": app.route(route="x"),
        "queue": app.queue_trigger(arg_name="msg", queue_name="%QUEUE%", connection=STORAGE),
        "timer": app.timer_trigger(arg_name="timer", schedule="0 0 * * * *"),
        "bad timer": app.timer_trigger(arg_name="timer", schedule="daily"),
        "output": app.queue_output(arg_name="out", queue_name="next", connection=STORAGE),
        "bad retry": app.retry(strategy="fixed", max_retry_count="1"),
        "blob": app.blob_trigger(arg_name="blob", path="a/b", connection=STORAGE),
    }
    decorated: Any = call
    for name in decorators:
        decorated = choices[name](decorated)
    return index(app, environ)


def test_triggers_are_read_with_the_settings_they_refer_to() -> None:
    def http(req: func.HttpRequest) -> func.HttpResponse: ...
    def queued(msg: func.QueueMessage) -> None: ...
    async def timed(timer: func.TimerRequest, context: func.Context) -> None: ...

    (first,), (second,) = indexed(http, "route"), indexed(queued, "queue", QUEUE="work")
    (third,) = indexed(timed, "timer")
    assert first.trigger == HttpTrigger("req", "x", frozenset(), AuthLevel.FUNCTION)
    assert second.trigger == QueueTrigger("msg", "work", STORAGE, binary=False)
    assert isinstance(third.trigger, TimerTrigger)
    assert (third.is_async, third.wants_context, second.is_async, second.wants_context) == (True, True, False, False)


def other_name(request: func.HttpRequest) -> func.HttpResponse: ...
def optional_response(req: func.HttpRequest) -> Optional[func.HttpResponse]: ...  # noqa: UP045 - both spellings
def union_response(req: func.HttpRequest) -> func.HttpResponse | None: ...
def wrong_response(req: func.HttpRequest) -> int: ...
def wrong_request(req: func.QueueMessage) -> func.HttpResponse: ...
def optional_message(msg: func.QueueMessage | None) -> None: ...
def wrong_message(msg: int) -> None: ...
def wrong_timer(timer: str) -> None: ...
def wrong_context(timer: func.TimerRequest, context: dict) -> None: ...
def unknown_annotation(msg: "Nowhere") -> None: ...  # noqa: F821 - the name must not resolve  # type: ignore
def plain_out(msg: str, out: str) -> None: ...
def lower_case_list_out(msg: str, out: func.Out[list[str]]) -> None: ...
def right_timer(timer: func.TimerRequest) -> None: ...
def right_blob(blob: bytes) -> None: ...
def missing_out(msg: str) -> None: ...


@pytest.mark.parametrize(
    ("call", "decorators", "sentence"),
    [
        (other_name, ["route"], "no binding declares: request"),
        (missing_out, ["queue", "output"], "without a parameter of that name: out"),
        (optional_response, ["route"], "invalid non-type return annotation"),
        (union_response, ["route"], "invalid non-type return annotation"),
        (wrong_response, ["route"], "does not match its HttpOutput"),
        (wrong_request, ["route"], "does not match its HttpTrigger"),
        (optional_message, ["queue"], "invalid non-type annotation"),
        (wrong_message, ["queue"], "does not match its QueueTrigger"),
        (wrong_timer, ["timer"], "does not match its TimerTrigger"),
        (wrong_context, ["timer"], "must be azure.functions.Context"),
        (unknown_annotation, ["queue"], "cannot be resolved"),
        (plain_out, ["queue", "output"], r"as func.Out\[...\]"),
        (lower_case_list_out, ["queue", "output"], "cannot send"),
        (right_timer, ["bad timer"], "bad schedule"),
        (right_timer, ["timer", "bad retry"], "unknown retry strategy"),
        (right_blob, ["blob"], "which the local host does not run"),
        (right_timer, ["output"], "does not have a trigger"),
    ],
)
def test_what_the_worker_rejects_is_refused_with_a_sentence(
    call: Callable[..., Any], decorators: list[str], sentence: str
) -> None:
    with pytest.raises(HostRefused, match=sentence):
        indexed(call, *decorators, QUEUE="work")


def test_a_missing_setting_in_a_queue_name_is_refused() -> None:
    with pytest.raises(HostRefused, match="QUEUE"):
        indexed(missing_out, "queue")


def test_two_functions_of_one_name_are_refused() -> None:
    app = func.FunctionApp()
    for _ in range(2):
        app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")(right_timer)
    with pytest.raises(HostRefused, match="unique"):
        index(app, {})


@pytest.mark.parametrize(("count", "sentence"), [(0, "no FunctionApp"), (2, "2 FunctionApps")])
def test_a_module_must_hold_exactly_one_function_app(count: int, sentence: str) -> None:
    module = types.ModuleType("function_app")
    for number in range(count):
        setattr(module, f"app{number}", func.FunctionApp())
    with pytest.raises(HostRefused, match=sentence):
        find_app(module)
