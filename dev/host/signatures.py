"""The genuine worker's rules for a function's parameters and annotations, so that it fails here and not in Azure."""

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

import azure.functions as func
from azure.functions import http, queue, timer

from dev.host.bindings import RETURN, HttpOutput, HttpTrigger, Output, QueueTrigger, Trigger
from dev.host.errors import HostRefused

Check = Callable[[Any], bool]


def check_signature(
    *, name: str, call: Callable[..., Any], trigger: Trigger, outputs: tuple[Output, ...]
) -> tuple[bool, type | None]:
    """Whether the function wants a context, and the type its trigger argument asks for; raises HostRefused."""
    annotations = _annotations(name, call)
    parameters = set(inspect.signature(call).parameters)
    declared = {trigger.arg_name} | {output.arg_name for output in outputs if output.arg_name != RETURN}
    wants_context = "context" in parameters - declared
    if wants_context:
        parameters.remove("context")
        _check_context(name, annotations)
    _check_names(name, parameters, declared)
    for output in outputs:
        if output.arg_name == RETURN:
            _check_return(name, annotations, output)
        else:
            _check_out(name, annotations, output)
    return wants_context, _check_trigger(name, annotations, trigger)


def _annotations(name: str, call: Callable[..., Any]) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(call)
    except (NameError, TypeError, SyntaxError) as exc:
        raise HostRefused(f"function {name} has an annotation that cannot be resolved: {exc}") from exc


def _check_context(name: str, annotations: Mapping[str, Any]) -> None:
    annotation = annotations.get("context", func.Context)
    if not (isinstance(annotation, type) and issubclass(annotation, func.Context)):
        raise HostRefused(f'the "context" parameter of function {name} must be azure.functions.Context')


def _check_names(name: str, parameters: set[str], declared: set[str]) -> None:
    if extra := sorted(parameters - declared):
        raise HostRefused(
            f"function {name} has parameters that no binding declares: {', '.join(extra)}; arg_name must match"
        )
    if missing := sorted(declared - parameters):
        raise HostRefused(f"function {name} has bindings without a parameter of that name: {', '.join(missing)}")


def _check_trigger(name: str, annotations: Mapping[str, Any], trigger: Trigger) -> type | None:
    annotation = annotations.get(trigger.arg_name)
    if annotation is None:
        return None
    if not isinstance(annotation, type):
        raise HostRefused(f"function {name} has the invalid non-type annotation {annotation!r} on {trigger.arg_name}")
    if not _trigger_check(trigger)(annotation):
        raise HostRefused(
            f"function {name} annotates {trigger.arg_name} as {_shown(annotation)}, "
            f"which does not match its {type(trigger).__name__} binding"
        )
    return annotation


def _trigger_check(trigger: Trigger) -> Check:
    match trigger:
        case HttpTrigger():
            return http.HttpRequestConverter.check_input_type_annotation
        case QueueTrigger():
            return lambda annotation: (
                annotation in (str, bytes) or queue.QueueMessageInConverter.check_input_type_annotation(annotation)
            )
    return timer.TimerRequestConverter.check_input_type_annotation


def _check_out(name: str, annotations: Mapping[str, Any], output: Output) -> None:
    annotation = annotations.get(output.arg_name)
    if annotation is None:
        return
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is not func.Out or len(arguments) != 1:
        raise HostRefused(f"function {name} must annotate the output {output.arg_name} as func.Out[...]")
    _refuse_unless_type(name, output.arg_name, arguments[0])
    if not _output_check(output)(arguments[0]):
        raise HostRefused(f"function {name} cannot send {_shown(arguments[0])} through {output.arg_name}")


def _check_return(name: str, annotations: Mapping[str, Any], output: Output) -> None:
    annotation = annotations.get("return")
    if annotation is None:
        return
    # A return annotation must be a plain class: the worker refuses even List[str], which it takes inside Out.
    if not isinstance(annotation, type):
        raise HostRefused(f"function {name} has the invalid non-type return annotation {annotation!r}")
    if not _output_check(output)(annotation):
        raise HostRefused(
            f"function {name} has the return annotation {_shown(annotation)}, "
            f"which does not match its {type(output).__name__} binding"
        )


def _output_check(output: Output) -> Check:
    if isinstance(output, HttpOutput):
        # The worker's own check calls issubclass, which only takes plain classes.
        return lambda annotation: (
            isinstance(annotation, type) and http.HttpResponseConverter.check_output_type_annotation(annotation)
        )
    return queue.QueueMessageOutConverter.check_output_type_annotation


def _refuse_unless_type(name: str, parameter: str, annotation: object) -> None:
    if not _is_type(annotation):
        raise HostRefused(f"function {name} has the invalid non-type annotation {annotation!r} on {parameter}")


def _is_type(annotation: object) -> bool:
    origin = typing.get_origin(annotation)
    return isinstance(annotation, type) or (isinstance(origin, type) and origin is not types.UnionType)


def _shown(annotation: object) -> str:
    return annotation.__name__ if isinstance(annotation, type) else repr(annotation)
