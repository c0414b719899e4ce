"""What a function declares, read from the same JSON that the genuine worker sends to the host."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dev.host.errors import HostRefused

RETURN = "$return"


class AuthLevel(StrEnum):
    """Which key a caller of an HTTP function must hold."""

    ANONYMOUS = "anonymous"
    FUNCTION = "function"
    ADMIN = "admin"


@dataclass(frozen=True)
class HttpTrigger:
    """An HTTP route; `methods` empty means every verb."""

    arg_name: str
    route: str
    methods: frozenset[str]
    auth_level: AuthLevel


@dataclass(frozen=True)
class QueueTrigger:
    """A queue to listen to; `binary` asks for the body as bytes where a string is the default."""

    arg_name: str
    queue: str
    connection: str
    binary: bool


@dataclass(frozen=True)
class TimerTrigger:
    """An NCRONTAB schedule."""

    arg_name: str
    schedule: str
    run_on_startup: bool
    use_monitor: bool


@dataclass(frozen=True)
class HttpOutput:
    """The HTTP answer."""

    arg_name: str


@dataclass(frozen=True)
class QueueOutput:
    """A queue that the function adds messages to."""

    arg_name: str
    queue: str
    connection: str


Trigger = HttpTrigger | QueueTrigger | TimerTrigger
Output = HttpOutput | QueueOutput


@dataclass(frozen=True)
class RetryPolicy:
    """`@app.retry`; -1 retries without end."""

    max_retries: int
    first_delay_seconds: float
    longest_delay_seconds: float
    exponential: bool


@dataclass(frozen=True)
class HostedFunction:
    """One function as the host runs it."""

    name: str
    call: Callable[..., Any]
    trigger: Trigger
    outputs: tuple[Output, ...]
    wants_context: bool
    is_async: bool
    argument_type: type | None
    retry: RetryPolicy | None

    @property
    def returns(self) -> Output | None:
        """The `$return` binding, if declared."""
        return next((output for output in self.outputs if output.arg_name == RETURN), None)


def read_trigger(function: str, declared: Mapping[str, Any]) -> Trigger:
    """The trigger in one raw binding; raises HostRefused for a kind this host does not run."""
    match declared["type"]:
        case "httpTrigger":
            return HttpTrigger(
                declared["name"],
                declared["route"],
                frozenset(str(method).upper() for method in declared.get("methods") or ()),
                AuthLevel(str(declared["authLevel"]).lower()),
            )
        case "queueTrigger":
            binary = str(declared.get("dataType")).upper() == "BINARY"
            return QueueTrigger(declared["name"], declared["queueName"], declared["connection"], binary)
        case "timerTrigger":
            return TimerTrigger(
                declared["name"],
                declared["schedule"],
                run_on_startup=bool(declared.get("runOnStartup")),
                use_monitor=declared.get("useMonitor") is not False,
            )
        case kind:
            raise HostRefused(f"function {function} has a {kind}, which the local host does not run")


def read_output(function: str, declared: Mapping[str, Any]) -> Output:
    """The output in one raw binding; raises HostRefused for a kind this host does not run."""
    match declared["type"]:
        case "http":
            return HttpOutput(declared["name"])
        case "queue":
            return QueueOutput(declared["name"], declared["queueName"], declared["connection"])
        case kind:
            raise HostRefused(f"function {function} has a {kind} binding, which the local host does not run")
