"""Telemetry leaves by threads of its own: it blocks nobody, raises nothing, and holds ids and reasons alone."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from shared.adapters.telemetry_export import Export, Outlets, made, outlets
from shared.telemetry import Counter, Gauge, Providers, guard_logs, logger, span, use
from tests.planted import PLANTED, Planted

ROOT = Path(__file__).resolve().parents[3]
CONNECTION = "InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=https://x.invalid/"


class HeldMetrics(MetricExporter):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[MetricsData] = []

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        self.held.append(metrics_data)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        return None

    def values(self) -> list[dict[str, Any]]:
        """What each export said of each measure."""
        return [
            {metric.name: [point.value for point in metric.data.data_points if hasattr(point, "value")]}
            for one in self.held
            for resource in one.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]


class Out:
    """An export into memory, and which thread made its exporters."""

    def __init__(self) -> None:
        self.spans, self.logs, self.metrics = InMemorySpanExporter(), InMemoryLogRecordExporter(), HeldMetrics()
        self.made_by: list[str] = []
        kinds = outlets(CONNECTION, None, None)
        assert kinds is not None
        to = Outlets(self._made(self.spans), self._made(self.logs), self._made(self.metrics), kinds.of_each_interval)
        self.export: Export = made(to)
        self.before = use(Providers(self.export.tracers, self.export.meters))

    def _made(self, exporter: Any) -> Callable[[], Any]:
        def make() -> Any:
            self.made_by.append(threading.current_thread().name)
            return exporter

        return make

    def flush(self) -> None:
        self.export.tracers.force_flush()
        self.export.meters.force_flush()
        self.export.loggers.force_flush()

    def everything(self) -> str:
        self.flush()
        said = [one.to_json() for one in self.spans.get_finished_spans()]
        return "\n".join([*said, *(one.to_json() for one in self.logs.get_finished_logs())])


@pytest.fixture
def out() -> Iterator[Out]:
    factory, root = logging.getLogRecordFactory(), logging.getLogger()
    level = root.level
    guard_logs()
    root.setLevel(logging.DEBUG)
    held = Out()
    yield held
    use(held.before)
    held.export.close()
    root.setLevel(level)
    logging.setLogRecordFactory(factory)


def test_an_event_leaves_as_a_log_with_its_ids_in_the_trace_it_happened_in(out: Out) -> None:
    with span("signals", tenant_id="ten-acme"):
        logger("shared.of_this_test").info("signals_recorded", extra={"incident_id": "inc-1", "signals": 3})
    out.flush()
    (only,) = out.logs.get_finished_logs()
    (done,) = out.spans.get_finished_spans()
    record = only.log_record
    assert record.body == "signals_recorded"
    assert dict(record.attributes or {}) == {"incident_id": "inc-1", "signals": 3}
    assert (record.trace_id, record.span_id) == (done.context.trace_id, done.context.span_id)


def test_of_others_only_warnings_leave_and_nothing_of_who_exports(out: Out) -> None:
    for name in ("azure.cosmos", "azure.monitor.opentelemetry", "opentelemetry.sdk", "urllib3.connectionpool"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("trouble")
    out.flush()
    assert [one.instrumentation_scope.name for one in out.logs.get_finished_logs()] == ["azure.cosmos"]


@pytest.mark.parametrize("planted", PLANTED[::3], ids=lambda one: f"{one.kind.value}: {one.text[:30]}")
def test_nothing_planted_leaves_by_a_log_a_span_or_an_sdks_own_span(planted: Planted, out: Out) -> None:
    logger("shared.of_this_test").warning("event", extra={"detail": planted.text})
    logging.getLogger("somebody.else").warning("asked %s", planted.text)
    try:
        raise ValueError(planted.text)
    except ValueError:
        logging.getLogger("somebody.else").exception("failed")
    theirs = out.export.tracers.get_tracer("azure.cosmos")
    with theirs.start_as_current_span("query", attributes={"db.query.text": planted.text}) as begun:
        begun.add_event("exception", {"exception.message": planted.text})
        begun.set_status(StatusCode.ERROR, planted.text)
    with span("ours", detail=planted.text):
        pass
    told = out.everything()
    assert "asked" in told
    assert planted.secret not in told
    assert planted.secret.replace("\n", "?") not in told


def test_an_sdks_span_says_where_it_went_and_how_that_ended_and_no_query(out: Out) -> None:
    theirs = out.export.tracers.get_tracer("azure.core")
    told = {
        "http.request.method": "GET",
        "http.response.status_code": 429,
        "server.address": "a.documents.azure.com",
        "url.full": "https://user:pw@a.documents.azure.com/dbs/x/colls/y/docs/slug-secret?sig=secret#f",
        "http.request.header.authorization": "Bearer x",
    }
    with theirs.start_as_current_span("GET", kind=SpanKind.CLIENT, attributes=told):
        pass
    out.flush()
    (only,) = out.spans.get_finished_spans()
    assert dict(only.attributes or {}) == {
        "http.request.method": "GET",
        "http.response.status_code": 429,
        "server.address": "a.documents.azure.com",
        "url.full": "https://a.documents.azure.com/dbs/x/colls/y",
    }


def test_no_exporter_is_made_before_there_is_something_to_export(out: Out) -> None:
    with span("signals"):
        logger("shared.of_this_test").info("event")
    assert out.made_by == []
    out.flush()
    assert len(out.made_by) == 2


def test_a_gauge_that_nobody_measures_anew_is_not_told_again(out: Out) -> None:
    Gauge("queue_length").set(3, queue="signals")
    Counter("signals").add(2, outcome="created")
    out.export.meters.force_flush()
    out.export.meters.force_flush()
    Counter("signals").add(5, outcome="created")
    out.export.meters.force_flush()
    assert out.metrics.values() == [{"queue_length": [3]}, {"signals": [2]}, {"signals": [5]}]


class Failing(SpanExporter):
    """Cannot be reached."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        raise OSError("down")

    def shutdown(self) -> None:
        return None


def test_an_exporter_that_fails_or_cannot_be_made_is_seen_by_nobody_who_works() -> None:
    def broken() -> Any:
        raise ImportError("not installed")

    export = made(Outlets(Failing, broken, broken, ()))
    before = use(Providers(export.tracers, export.meters))
    try:
        with span("signals"):
            logger("shared.of_this_test").warning("event")
        Counter("signals").add(outcome="created")
    finally:
        use(before)
    export.close()


def test_azure_comes_before_a_collector_and_without_either_there_is_nowhere_to_go() -> None:
    azure, otlp = outlets(CONNECTION, "http://127.0.0.1:4318", None), outlets(None, "http://127.0.0.1:4318/", None)
    assert azure is not None
    assert otlp is not None
    assert len(azure.of_each_interval) == 3
    assert len(otlp.of_each_interval) == 1
    assert outlets(None, None, None) is None


def test_an_otlp_exporter_is_made_for_the_endpoints_own_paths() -> None:
    otlp = outlets(None, "http://127.0.0.1:4318/", None)
    assert otlp is not None
    made_now: list[Any] = [otlp.spans(), otlp.logs(), otlp.metrics()]
    assert [one._endpoint.removeprefix("http://127.0.0.1:4318") for one in made_now] == [
        "/v1/traces",
        "/v1/logs",
        "/v1/metrics",
    ]
    for one in made_now:
        one.shutdown()


_START_TWICE = """
import sys
from opentelemetry import trace
from shared.adapters.telemetry_export import outlets, start_export
from shared.telemetry import current_traceparent, span

to = outlets(None, "http://127.0.0.1:9", None)
export = start_export(to)
with span("signals"):
    print(bool(current_traceparent()))
print(trace.get_tracer_provider() is export.tracers)
print(start_export(to))
print([name for name in sys.modules if name.startswith("opentelemetry.exporter")])
print(export.tracers.resource.attributes["service.name"])
import os; os._exit(0)
"""


def test_a_process_has_one_export_which_the_azure_sdks_use_too_and_imports_no_exporter_for_it() -> None:
    environment = {**os.environ, "OTEL_TRACES_SAMPLER": "always_on", "OTEL_BSP_SCHEDULE_DELAY": "60000"}
    command = [sys.executable, "-u", "-c", _START_TWICE]
    told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.split("\n")[:5] == ["True", "True", "None", "[]", "srecopilot"]
