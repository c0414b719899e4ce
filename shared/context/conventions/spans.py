"""Metrics made of traces: span metrics (Tempo, OpenTelemetry Collector), service graphs, and client-side views."""

from shared.context.conventions.rows import Convention, Durations, Family

_FAILED = 'status_code="STATUS_CODE_ERROR"'


def _spans(
    name: str, meaning: str, *, calls: str, durations: tuple[tuple[str, float], ...], label: str, kind: str
) -> Convention:
    """Only spans of one kind count: a request has a span in each part of a service that it passes."""
    spans = f'$of,span_kind="{kind}"'
    return Convention(
        name=name,
        family=Family.SPANS,
        meaning=meaning,
        present=f"{calls}{{{spans}}}",
        service_labels=(label,),
        requests=f"sum by ($by) (rate({calls}{{{spans}}}[$window]$back))",
        errors=f"sum by ($by) (rate({calls}{{{spans},{_FAILED}}}[$window]$back))",
        durations=tuple(Durations(family, f',span_kind="{kind}"', unit) for family, unit in durations),
    )


_SOURCES = (
    (
        "tempo_spans",
        "made by Tempo",
        "traces_spanmetrics_calls_total",
        (("traces_spanmetrics_latency", 1.0),),
        "service",
    ),
    (
        "otel_spans",
        "made by the OpenTelemetry Collector",
        "traces_span_metrics_calls_total",
        (("traces_span_metrics_duration_milliseconds", 0.001), ("traces_span_metrics_duration_seconds", 1.0)),
        "service_name",
    ),
    (
        "otel_spans_old",
        "made by an older OpenTelemetry Collector, without a prefix",
        "calls_total",
        (("duration_milliseconds", 0.001), ("duration_seconds", 1.0)),
        "service_name",
    ),
)

SPAN_ROWS = tuple(
    _spans(name, f"Server spans, {made}.", calls=calls, durations=durations, label=label, kind="SPAN_KIND_SERVER")
    for name, made, calls, durations, label in _SOURCES
)

CONSUMER_ROWS = tuple(
    # A service that only takes messages from a queue has no server spans.
    _spans(
        f"{name}_consumer",
        f"Spans of message consumers, {made}.",
        calls=calls,
        durations=durations,
        label=label,
        kind="SPAN_KIND_CONSUMER",
    )
    for name, made, calls, durations, label in _SOURCES
)

GRAPH_CALLS = "traces_service_graph_request_total"
GRAPH_FAILED = "traces_service_graph_request_failed_total"

CLIENT_SIDE_ROWS = (
    Convention(
        name="service_graph",
        family=Family.CLIENT_SIDE,
        meaning="Requests between two services, made of traces (Tempo, OpenTelemetry Collector, Beyla).",
        present=f"{GRAPH_CALLS}{{$of}}",
        service_labels=("server",),
        requests=f"sum by ($by) (rate({GRAPH_CALLS}{{$of}}[$window]$back))",
        errors=f"sum by ($by) (rate({GRAPH_FAILED}{{$of}}[$window]$back))",
        durations=(
            Durations("traces_service_graph_request_server_seconds"),
            # A database has no spans of its own: then the callers' view is all there is.
            Durations("traces_service_graph_request_client_seconds"),
        ),
    ),
    Convention(
        name="otel_http_client",
        family=Family.CLIENT_SIDE,
        meaning="HTTP requests as their callers measured them (OpenTelemetry): of hosts outside, all there is.",
        present="http_client_request_duration_seconds_count{$of}",
        service_labels=("server_address",),
        requests="sum by ($by) (rate(http_client_request_duration_seconds_count{$of}[$window]$back))",
        errors=(
            "sum by ($by) (rate(http_client_request_duration_seconds_count"
            '{$of,http_response_status_code=~"5.."}[$window]$back)'
            # A caller calls every 4xx an error; that one says nothing about who was called.
            " or rate(http_client_request_duration_seconds_count"
            '{$of,error_type!="",error_type!~"4.."}[$window]$back))'
        ),
        durations=(Durations("http_client_request_duration_seconds"),),
    ),
    Convention(
        name="otel_db_client",
        family=Family.CLIENT_SIDE,
        meaning="Database operations as their callers measured them (OpenTelemetry).",
        present="db_client_operation_duration_seconds_count{$of}",
        service_labels=("server_address", "db_namespace"),
        requests="sum by ($by) (rate(db_client_operation_duration_seconds_count{$of}[$window]$back))",
        errors='sum by ($by) (rate(db_client_operation_duration_seconds_count{$of,error_type!=""}[$window]$back))',
        durations=(Durations("db_client_operation_duration_seconds"),),
    ),
)
