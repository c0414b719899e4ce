"""Where telemetry goes: to Azure Monitor or to an OTLP collector, by the settings, and nowhere without them.

The SDK reads its own OTEL_* variables (sampler, intervals, resource). Providers are set up at once, which takes a
tenth of a second; the exporters, which take a second and more to import, are made by the SDK's threads with their
first batch. The worker may have set up providers of its own before us (older ones do for PYTHON_ENABLE_OPENTELEMETRY,
newer ones for PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY, both with Azure's distro): then everything is left to it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import LogRecordExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

FLUSH_MILLIS = 5_000
SERVICE = "srecopilot"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outlets:
    """How to make each exporter, and how its measures add up over time."""

    spans: "Callable[[], SpanExporter]"
    logs: "Callable[[], LogRecordExporter]"
    metrics: "Callable[[], MetricExporter]"
    of_each_interval: tuple[type, ...]
    """Which kinds hold what is new since the last export. A gauge always: what nobody measures anew is not told."""


class Export:
    """What is set up, until it is closed."""

    def __init__(self, tracers: "TracerProvider", meters: "MeterProvider", loggers: "LoggerProvider") -> None:
        from shared.adapters.telemetry_outlets import LogOutlet

        self.tracers, self.meters, self.loggers = tracers, meters, loggers
        self._outlet = LogOutlet(loggers)
        logging.getLogger().addHandler(self._outlet)

    def close(self) -> None:
        """Send what is still held, within seconds, and stop. Blocks: not for the event loop."""
        logging.getLogger().removeHandler(self._outlet)
        self.tracers.force_flush(FLUSH_MILLIS)
        self.tracers.shutdown()
        self.meters.shutdown(FLUSH_MILLIS)
        self.loggers.force_flush(FLUSH_MILLIS)
        self.loggers.shutdown()


def outlets(connection_string: str | None, otlp_endpoint: str | None, client_id: str | None) -> Outlets | None:
    """Azure Monitor by its connection string, else OTLP over HTTP by its endpoint, else none."""
    if connection_string:
        return _azure_monitor(connection_string, client_id)
    return _otlp(otlp_endpoint.rstrip("/")) if otlp_endpoint else None


def start_export(to: Outlets) -> Export | None:
    """Have spans, measures and logs go there from now on; None when the process has providers already."""
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.trace import TracerProvider

    if isinstance(trace.get_tracer_provider(), TracerProvider):
        log.warning("telemetry_set_up_already")
        return None
    export = made(to)
    # The process's own, so that the Azure SDKs' spans are parts of our traces.
    trace.set_tracer_provider(export.tracers)
    metrics.set_meter_provider(export.meters)
    _trace_azure_sdks()
    for ours in ("shared", "functions"):
        logging.getLogger(ours).setLevel(logging.INFO)
    return export


def made(to: Outlets) -> Export:
    """The providers, each with its exporter behind a thread; the sampler is what OTEL_TRACES_SAMPLER says."""
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from shared.adapters.telemetry_outlets import LazyLogs, LazyMetrics, LazySpans

    # What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say comes over ours.
    resource = Resource.create({SERVICE_NAME: SERVICE}).merge(OTELResourceDetector().detect())
    tracers = TracerProvider(resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(LazySpans(to.spans)))
    delta = dict.fromkeys(to.of_each_interval, AggregationTemporality.DELTA)
    reader = PeriodicExportingMetricReader(LazyMetrics(to.metrics, delta))
    meters = MeterProvider([reader], resource=resource)
    loggers = LoggerProvider(resource=resource)
    loggers.add_log_record_processor(BatchLogRecordProcessor(LazyLogs(to.logs)))
    return Export(tracers, meters, loggers)


def _trace_azure_sdks() -> None:
    from azure.core.settings import settings

    settings.tracing_enabled = True


def _azure_monitor(connection_string: str, client_id: str | None) -> Outlets:
    """Local authentication is off there: the process's identity sends. What cannot be sent is dropped, not kept on
    the instance's disk, which does not outlive it.
    """
    from opentelemetry.sdk.metrics import Counter, Histogram, _Gauge

    def arguments() -> dict[str, object]:
        from azure.identity import DefaultAzureCredential

        credential = DefaultAzureCredential(managed_identity_client_id=client_id)
        return {
            "connection_string": connection_string,
            "credential": credential,
            "disable_offline_storage": True,
        }

    def spans() -> "SpanExporter":
        from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter

        return AzureMonitorTraceExporter(**arguments())

    def logs() -> "LogRecordExporter":
        from azure.monitor.opentelemetry.exporter import AzureMonitorLogExporter

        return AzureMonitorLogExporter(**arguments())

    def metrics() -> "MetricExporter":
        from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter

        return AzureMonitorMetricExporter(**arguments())

    # Application Insights adds up what it gets, so each export holds what is new.
    return Outlets(spans, logs, metrics, (Counter, Histogram, _Gauge))


def _otlp(endpoint: str) -> Outlets:
    from opentelemetry.sdk.metrics import _Gauge

    def spans() -> "SpanExporter":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")

    def logs() -> "LogRecordExporter":
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

        return OTLPLogExporter(endpoint=f"{endpoint}/v1/logs")

    def metrics() -> "MetricExporter":
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        return OTLPMetricExporter(endpoint=f"{endpoint}/v1/metrics")

    return Outlets(spans, logs, metrics, (_Gauge,))
