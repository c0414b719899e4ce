"""What telemetry passes on its way out: exporters made on first use, cleaned spans, logs as the SDK's records.

An exporter runs in a thread of the SDK's. Neither making it nor its failing is seen by whoever did the work.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar
from urllib.parse import urlsplit, urlunsplit

from opentelemetry._logs import LoggerProvider, LogRecord, SeverityNumber
from opentelemetry.context import get_current
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status

from shared.redaction import redact
from shared.telemetry import SCOPE, fields_of

MAX_TEXT_CHARS = 2000
MAX_SEGMENTS = 4
"""`/dbs/<database>/colls/<container>`: what follows may be made of a tenant's words."""
_OURS = ("shared.", "functions.")
_LOOPS = ("azure.monitor.", "azure.core.pipeline.", "opentelemetry.", "urllib3.")
"""An exporter that logs what it exports would never come to an end."""
_OF_OTHERS = frozenset(
    (
        "az.namespace", "error.type", "http.request.method", "http.response.status_code", "server.address",
        "server.port", "http.request.resend_count",
    )
)  # fmt: skip
"""What a span of an SDK may say; statements, headers and messages it may not."""
_URLS = frozenset(("url.full", "http.url"))
Attributes = Mapping[str, object]
MadeT = TypeVar("MadeT")


class LazySpans(SpanExporter):
    """Exports spans, cleaned, by an exporter that is made with the first batch."""

    def __init__(self, make: Callable[[], SpanExporter]) -> None:
        self._made = _Once[SpanExporter](make)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export; what fails is lost, and the SDK says so."""
        return self._made.get().export([cleaned(one) for one in spans])

    def shutdown(self) -> None:
        """Close what was made."""
        if self._made.held is not None:
            self._made.held.shutdown()


class LazyLogs(LogRecordExporter):
    """Exports logs by an exporter that is made with the first batch."""

    def __init__(self, make: Callable[[], LogRecordExporter]) -> None:
        self._made = _Once[LogRecordExporter](make)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Export; what fails is lost, and the SDK says so."""
        return self._made.get().export(batch)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:  # noqa: ARG002 -- the interface's shape
        """Nothing is held back here."""
        return True

    def shutdown(self) -> None:
        """Close what was made."""
        if self._made.held is not None:
            self._made.held.shutdown()  # type: ignore[no-untyped-call]  # the SDK leaves it unannotated


class LazyMetrics(MetricExporter):
    """Exports measures by an exporter that is made with the first batch."""

    def __init__(
        self, make: Callable[[], MetricExporter], temporality: dict[type, AggregationTemporality] | None
    ) -> None:
        super().__init__(preferred_temporality=temporality)
        self._made = _Once[MetricExporter](make)

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object
    ) -> MetricExportResult:
        """Export; what fails is lost, and the SDK says so."""
        return self._made.get().export(metrics_data, timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:  # noqa: ARG002 -- the interface's shape
        """Nothing is held back here."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        """Close what was made."""
        if self._made.held is not None:
            self._made.held.shutdown(timeout_millis, **kwargs)


class _Once(Generic[MadeT]):
    """Something made on first use, by one thread."""

    def __init__(self, make: Callable[[], MadeT]) -> None:
        self._make, self._lock = make, threading.Lock()
        self.held: MadeT | None = None

    def get(self) -> MadeT:
        with self._lock:
            if self.held is None:
                self.held = self._make()
            return self.held


def cleaned(span: ReadableSpan) -> ReadableSpan:
    """A span as it may leave: one of ours as it is, an SDK's with what it did and where, and nobody's words."""
    scope = span.instrumentation_scope
    if scope is not None and scope.name == SCOPE:
        return span
    return ReadableSpan(
        name=span.name.partition("?")[0][:100],
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=dict(_kept(span.attributes or {})),  # type: ignore[arg-type]  # the SDK takes what it gave
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=scope,
    )


def _kept(attributes: Attributes) -> list[tuple[str, object]]:
    kept = [(name, value) for name, value in attributes.items() if name in _OF_OTHERS]
    return kept + [(name, _bare(str(value))) for name, value in attributes.items() if name in _URLS]


def _bare(url: str) -> str:
    """A URL without its query, without who asks, and without the id of the one document that is asked for."""
    parts = urlsplit(url)
    path = "/".join(parts.path.split("/")[: MAX_SEGMENTS + 1])
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, "", ""))


class LogOutlet(logging.Handler):
    """Hands log records to the SDK: the constant event as the body, ids and reasons as attributes.

    Of others' loggers only warnings leave. Masking is done where records are made (`guard_logs`) and once more here,
    as this is the last that sees them.
    """

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__(logging.INFO)
        self._provider = provider

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it leaves at all."""
        if record.name.startswith(_LOOPS):
            return False
        return record.name.startswith(_OURS) or record.levelno >= logging.WARNING

    def emit(self, record: logging.LogRecord) -> None:
        """Hand it on; the SDK queues it and returns."""
        event = getattr(record, "event", None)
        attributes = fields_of(record)
        if record.exc_text:
            attributes["exception_text"] = redact(record.exc_text)[:MAX_TEXT_CHARS]
        self._provider.get_logger(record.name).emit(
            LogRecord(
                timestamp=int(record.created * 1e9),
                observed_timestamp=time.time_ns(),
                context=get_current(),
                severity_text=record.levelname,
                severity_number=_severity(record.levelno),
                body=str(event) if event else redact(record.getMessage())[:MAX_TEXT_CHARS],
                attributes=attributes,
            )
        )


def _severity(level: int) -> SeverityNumber:
    if level >= logging.CRITICAL:
        return SeverityNumber.FATAL
    if level >= logging.ERROR:
        return SeverityNumber.ERROR
    return SeverityNumber.WARN if level >= logging.WARNING else SeverityNumber.INFO
