"""The SDK as a listener in memory: what spans and measures the product lets out while somebody listens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from shared.telemetry import Providers, use


@dataclass(frozen=True)
class Heard:
    """What was let out so far."""

    _spans: InMemorySpanExporter
    _reader: InMemoryMetricReader

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """The spans that have ended, the first to end first."""
        return self._spans.get_finished_spans()

    def named(self, name: str) -> ReadableSpan:
        """The one span of this name."""
        (found,) = [one for one in self.spans if one.name == name]
        return found

    def measured(self, name: str) -> dict[str, Any]:
        """By `label=value,…`: the sum of a counter, the count of a histogram, the value of a gauge."""
        found: dict[str, Any] = {}
        held = self._reader.get_metrics_data()
        for resource in held.resource_metrics if held else ():
            for scope in resource.scope_metrics:
                for metric in (one for one in scope.metrics if one.name == name):
                    for point in metric.data.data_points:
                        labels = ",".join(f"{key}={value}" for key, value in sorted((point.attributes or {}).items()))
                        found[labels] = getattr(point, "value", None) or getattr(point, "count", 0)
        return found

    def everything(self) -> str:
        """All that was let out, as one text."""
        held = self._reader.get_metrics_data()
        return "\n".join([*(one.to_json() for one in self.spans), held.to_json() if held else ""])


@contextmanager
def listening() -> Iterator[Heard]:
    """Listen, and give back whoever was in use before."""
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers = TracerProvider(sampler=ALWAYS_ON, shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    meters = MeterProvider([reader], shutdown_on_exit=False)
    before = use(Providers(tracers, meters))
    try:
        yield Heard(exporter, reader)
    finally:
        use(before)
        meters.shutdown()
        tracers.shutdown()
