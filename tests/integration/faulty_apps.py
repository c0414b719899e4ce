"""Small function apps, each with one fault that the genuine worker refuses, and a sound one to compare with."""

from dataclasses import dataclass

_HEAD = "from typing import List, Optional\nimport azure.functions as func\napp = func.FunctionApp()\n"
_ROUTE = '@app.route(route="x")\n'
_QUEUE = '@app.queue_trigger(arg_name="msg", queue_name="work", connection="AzureWebJobsStorage")\n'
_OUTPUT = '@app.queue_output(arg_name="out", queue_name="next", connection="AzureWebJobsStorage")\n'
_TIMER = '@app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")\n'
_SOUND_HTTP = f"{_ROUTE}def ask(req: func.HttpRequest) -> func.HttpResponse: ...\n"
_SOUND_TIMER = f"{_TIMER}def ask(timer: func.TimerRequest) -> None: ...\n"

SOUND = _HEAD + _SOUND_HTTP

# Failures that only an invocation shows, and what the worker makes of a message's metadata.
QUEUES = f"""{_HEAD}
{_QUEUE}def returning(msg: func.QueueMessage): return msg.get_body().decode()
{_QUEUE}{_OUTPUT}def passing_on(msg: func.QueueMessage, out: func.Out[str]) -> None:
    out.set(f"{{msg.get_body().decode()}}, delivery {{msg.dequeue_count}}")
{_QUEUE}async def raising(msg: str) -> None: raise ValueError(msg)
"""


@dataclass(frozen=True)
class FaultyApp:
    """The text of a function_app.py, and patterns of what the worker and our host say about it."""

    fault: str
    source: str
    worker_says: str
    host_says: str


def _app(fault: str, body: str, worker_says: str, host_says: str) -> FaultyApp:
    return FaultyApp(fault, f"{_HEAD}{body}\n", worker_says, host_says)


FAULTY_APPS = [
    _app("duplicate names", _SOUND_HTTP + _SOUND_TIMER, "unique function name", "unique function name"),
    _app(
        "a parameter under another name than the binding's",
        f"{_QUEUE}def ask(message: func.QueueMessage) -> None: ...",
        "declared in Python but not in the function definition",
        "no binding declares: message",
    ),
    _app(
        "a parameter without a binding, although it has a default",
        f"{_ROUTE}def ask(req: func.HttpRequest, limit: int = 1) -> str: ...",
        "declared in Python but not in the function definition",
        "no binding declares: limit",
    ),
    _app(
        "a binding without a parameter",
        f"{_QUEUE}{_OUTPUT}def ask(msg: str) -> None: ...",
        "not present in Python",
        "without a parameter of that name: out",
    ),
    _app(
        "an Optional return annotation",
        f"{_ROUTE}def ask(req: func.HttpRequest) -> Optional[func.HttpResponse]: ...",
        "invalid non-type return annotation",
        "invalid non-type return annotation",
    ),
    _app(
        "a union return annotation",
        f"{_ROUTE}def ask(req: func.HttpRequest) -> func.HttpResponse | None: ...",
        "invalid non-type return annotation",
        "invalid non-type return annotation",
    ),
    _app(
        "a return annotation that HTTP cannot send",
        f"{_ROUTE}def ask(req: func.HttpRequest) -> None: ...",
        'does not match binding type "http"',
        "does not match its HttpOutput",
    ),
    _app(
        "a trigger annotated with another type",
        f"{_QUEUE}def ask(msg: dict) -> None: ...",
        "annotation dict",
        "does not match its QueueTrigger",
    ),
    _app(
        "an output that is not an Out",
        f"{_QUEUE}{_OUTPUT}def ask(msg: str, out: str) -> None: ...",
        "not a subclass of azure.functions.Out",
        r"as func.Out\[...\]",
    ),
    _app(
        "a context of another type",
        f"{_QUEUE}def ask(msg: str, context: str) -> None: ...",
        "expected to be of type azure.functions.Context",
        "must be azure.functions.Context",
    ),
    _app(
        "an annotation that cannot be resolved",
        f"{_ROUTE}def ask(req: 'Nowhere') -> str: ...",
        "name 'Nowhere' is not defined",
        "cannot be resolved",
    ),
    _app("an import error", "import no_such_module", "No module named 'no_such_module'", "cannot be imported"),
    _app(
        "no trigger", f"{_OUTPUT}def ask(out: func.Out[str]) -> None: ...", "not have a trigger", "not have a trigger"
    ),
    _app("a second app", f"{_SOUND_HTTP}again = app", "More than one FunctionApp", "defines 2 FunctionApps"),
    _app("no app", "del app", "Could not find top level function app", "defines no FunctionApp"),
    _app(
        "a retry policy without an interval",
        f'@app.retry(strategy="fixed_delay", max_retry_count="1")\n{_SOUND_TIMER}',
        "strptime",
        "without a usable count or interval",
    ),
    _app(
        "a return annotation that is a list",
        _QUEUE + _OUTPUT.replace('"out"', '"$return"') + "def ask(msg: str) -> List[str]: ...",
        "invalid non-type return annotation",
        "invalid non-type return annotation",
    ),
    _app(
        "a trigger annotated as an Out",
        f"{_QUEUE}def ask(msg: func.Out[str]) -> None: ...",
        'declared to have the "in" direction',
        "invalid non-type annotation",
    ),
    _app(
        "a retry interval with days",
        f'@app.retry(strategy="fixed_delay", max_retry_count="1", delay_interval="1.00:00:10")\n{_SOUND_TIMER}',
        "does not match format '%H:%M:%S'",
        "without a usable count or interval",
    ),
]
