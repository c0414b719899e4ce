"""What arrived by OTLP, as plain values: the last spans and logs, and what each measure says now."""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

MOST_KEPT = 20_000
SCOPE = "srecopilot"
Fields = dict[str, Any]


class Kept:
    """Takes export requests, and forgets the oldest of what is too much."""

    def __init__(self) -> None:
        self.spans: deque[Fields] = deque(maxlen=MOST_KEPT)
        self.logs: deque[Fields] = deque(maxlen=MOST_KEPT)
        self.measures: dict[str, Fields] = {}

    def take_spans(self, body: bytes) -> None:
        """One export of spans."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(_span(one, scope.scope.name) for one in scope.spans)

    def take_logs(self, body: bytes) -> None:
        """One export of logs."""
        for resource in ExportLogsServiceRequest.FromString(body).resource_logs:
            for scope in resource.scope_logs:
                for one in scope.log_records:
                    self.logs.append(
                        {
                            "at": _time(one.time_unix_nano),
                            "severity": one.severity_text,
                            "event": one.body.string_value,
                            "trace_id": one.trace_id.hex() or None,
                            **_plain(one.attributes),
                        }
                    )

    def take_measures(self, body: bytes) -> None:
        """One export of measures: what a series said before is replaced."""
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in _points(metric):
                        labels = _plain(point.attributes)
                        shown = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
                        self.measures[f"{metric.name}{{{shown}}}"] = _values(point)

    def trace(self, trace_id: str) -> list[Fields]:
        """The spans of a trace, the first to begin first."""
        return sorted(
            (one for one in self.spans if one["trace_id"] == trace_id), key=lambda one: int(one["began_nanos"])
        )

    def traces(self) -> list[Fields]:
        """The traces with spans of the product, the latest first: our own host's polling makes many more."""
        ids = dict.fromkeys(one["trace_id"] for one in reversed(self.spans) if one["scope"] == SCOPE)
        return [_summary(one, self.trace(one)) for one in ids]


def _summary(trace_id: str, spans: list[Fields]) -> Fields:
    return {"trace_id": trace_id, "began": spans[0]["began"], "spans": [one["name"] for one in spans]}


def _span(one: Span, scope: str) -> Fields:
    return {
        "scope": scope,
        "name": one.name,
        "kind": Span.SpanKind.Name(one.kind).removeprefix("SPAN_KIND_").lower(),
        "trace_id": one.trace_id.hex(),
        "span_id": one.span_id.hex(),
        "parent_id": one.parent_span_id.hex() or None,
        "began": _time(one.start_time_unix_nano),
        "began_nanos": one.start_time_unix_nano,
        "seconds": round((one.end_time_unix_nano - one.start_time_unix_nano) / 1e9, 4),
        "failed": one.status.code == Status.STATUS_CODE_ERROR,
        "links": [f"{link.trace_id.hex()}/{link.span_id.hex()}" for link in one.links],
        "attributes": _plain(one.attributes),
    }


def _points(metric: Any) -> Iterator[Any]:
    for kind in ("sum", "gauge", "histogram"):
        if metric.HasField(kind):
            yield from getattr(metric, kind).data_points


def _values(point: Any) -> Fields:
    if hasattr(point, "bucket_counts"):
        return {"count": point.count, "sum": round(point.sum, 4), "max": round(point.max, 4)}
    return {"value": getattr(point, point.WhichOneof("value"))}


def _plain(attributes: Iterable[KeyValue]) -> Fields:
    return {one.key: getattr(one.value, one.value.WhichOneof("value") or "string_value") for one in attributes}


def _time(nanos: int) -> str:
    return datetime.fromtimestamp(nanos / 1e9, UTC).isoformat(timespec="milliseconds")
