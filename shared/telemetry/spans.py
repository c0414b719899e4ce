"""One trace from a webhook to the hypotheses: a span for each step, continued across queues by `traceparent`.

A span carries ids and reasons. What goes wrong inside is told by its reason or class, never by its message, which may
quote somebody.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.redaction import redact
from shared.telemetry.providers import tracer

MAX_CHARS = 100
_W3C = TraceContextTextMapPropagator()
Attributes = Mapping[str, str | int | float | bool]


@contextmanager
def span(name: str, *, kind: str = "internal", **attributes: str | int | float | bool) -> Iterator[Span]:
    """A step inside of the current one; of kind `client` where somebody else is asked."""
    with _running(name, None, (), SpanKind[kind.upper()], attributes) as begun:
        yield begun


@contextmanager
def stage_span(
    name: str,
    *,
    traceparent: str | None,
    linked: Sequence[str | None] = (),
    kind: str = "consumer",
    **attributes: str | int,
) -> Iterator[Span]:
    """The work on a message, as a part of the trace that its envelope names, or of a new one.

    Linked to those in `linked` (the attempt before, or the timer that sent it with many others) and to the host's
    span of this invocation, which is in a trace of its own. A webhook (`kind` server) goes on in the host's span
    instead, and is only linked to what its sender says: who may name a trace must not swallow other people's.
    """
    here, named = trace.get_current_span().get_span_context(), _read(traceparent)
    if kind == "server":
        parent, links = None, _links(named)
    else:
        parent = trace.set_span_in_context(trace.NonRecordingSpan(named), Context()) if named else Context()
        links = _links(*map(_read, linked), here)
    with _running(name, parent, links, SpanKind[kind.upper()], attributes) as begun:
        yield begun


@contextmanager
def _running(
    name: str, parent: Context | None, links: tuple[Link, ...], kind: SpanKind, attributes: Attributes
) -> Iterator[Span]:
    with tracer().start_as_current_span(
        name,
        context=parent,
        kind=kind,
        links=links,
        attributes={key: plain(value) for key, value in attributes.items()},
        record_exception=False,
        set_status_on_exception=False,
    ) as begun:
        try:
            yield begun
        except BaseException as exc:
            # What a caller did wrong is no failure of ours.
            tell_end(begun, reason=_reason_of(exc), failed=getattr(exc, "retryable", True))
            raise


def tell_end(begun: Span, *, reason: str, failed: bool = False) -> None:
    """How a step ended."""
    begun.set_attribute("reason", plain(reason))
    if failed:
        begun.set_status(Status(StatusCode.ERROR, str(plain(reason))))


def current_traceparent() -> str | None:
    """The current span, as it travels in an envelope; None outside of any."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get("traceparent")


def continued(traceparent: str | None) -> str | None:
    """What a message that follows from this work is to carry: the current span, else what the work came with."""
    return current_traceparent() or traceparent


def plain(value: str | int | float | bool) -> str | int | float | bool:
    """A value as a span may carry it: short, in one line, without secrets."""
    if not isinstance(value, str):
        return value
    return "".join(one if one.isprintable() else "?" for one in redact(value[: 4 * MAX_CHARS])[:MAX_CHARS])


def _reason_of(exc: BaseException) -> str:
    reason = getattr(exc, "reason", None)
    return reason if isinstance(reason, str) else f"bug_{type(exc).__name__}"


def _read(traceparent: str | None) -> SpanContext | None:
    if not traceparent:
        return None
    extracted = _W3C.extract({"traceparent": traceparent}, Context())
    found = trace.get_current_span(extracted).get_span_context()
    return found if found.is_valid else None


def _links(*contexts: SpanContext | None) -> tuple[Link, ...]:
    return tuple(Link(one) for one in contexts if one is not None and one.is_valid)
