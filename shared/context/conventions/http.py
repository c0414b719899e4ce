"""HTTP servers that measure themselves: Prometheus client libraries and OpenTelemetry."""

from shared.context.conventions.rows import SERVICE_LABELS, Convention, Durations, Family

OTEL_LABELS = ("job", "service_name")
"""`job` is `namespace/name`, or the name alone; `service_name` where resource attributes are promoted."""

# Libraries disagree on the label; `or` keeps one of each label set, so nothing is counted twice.
_ANY_STATUS_LABEL = (
    'sum by ($by) (rate({family}{{$of,code=~"5..|5xx"}}[$window]$back)'
    ' or rate({family}{{$of,status=~"5..|5xx"}}[$window]$back)'
    ' or rate({family}{{$of,status_code=~"5..|5xx"}}[$window]$back))'
)
# `error_type` is also set where no status was sent; not every library sets it beside a status.
_OTEL_ERRORS = (
    'sum by ($by) (rate({family}{{$of,http_response_status_code=~"5.."}}[$window]$back)'
    ' or rate({family}{{$of,error_type!=""}}[$window]$back))'
)
_OTEL_NATIVE_ERRORS = (
    'sum by ($by) (histogram_count(rate({family}{{$of,http_response_status_code=~"5.."}}[$window]$back))'
    ' or histogram_count(rate({family}{{$of,error_type!=""}}[$window]$back)))'
)

HTTP_ROWS = (
    Convention(
        name="prometheus_client",
        family=Family.HTTP,
        meaning="HTTP requests counted by a Prometheus client library.",
        present="http_requests_total{$of}",
        service_labels=SERVICE_LABELS,
        requests="sum by ($by) (rate(http_requests_total{$of}[$window]$back))",
        errors=_ANY_STATUS_LABEL.format(family="http_requests_total"),
        durations=(Durations("http_request_duration_seconds"),),
        note="The status is under `code`, `status` or `status_code`, as a number or as `5xx`.",
    ),
    Convention(
        name="prometheus_net",
        family=Family.HTTP,
        meaning="HTTP requests counted by the .NET client library.",
        present="http_requests_received_total{$of}",
        service_labels=SERVICE_LABELS,
        requests="sum by ($by) (rate(http_requests_received_total{$of}[$window]$back))",
        errors='sum by ($by) (rate(http_requests_received_total{$of,code=~"5.."}[$window]$back))',
        durations=(Durations("http_request_duration_seconds"),),
    ),
    Convention(
        name="micrometer",
        family=Family.HTTP,
        meaning="HTTP requests timed by Micrometer (Spring Boot).",
        present="http_server_requests_seconds_count{$of}",
        service_labels=("application", *SERVICE_LABELS),
        requests="sum by ($by) (rate(http_server_requests_seconds_count{$of}[$window]$back))",
        errors='sum by ($by) (rate(http_server_requests_seconds_count{$of,status=~"5.."}[$window]$back))',
        durations=(Durations("http_server_requests_seconds"),),
        note="Quantiles need `percentiles-histogram`; without it there is only the mean.",
    ),
    Convention(
        name="prometheus_histogram",
        family=Family.HTTP,
        meaning="HTTP requests known by their duration histogram or summary alone.",
        present="http_request_duration_seconds_count{$of}",
        service_labels=SERVICE_LABELS,
        requests="sum by ($by) (rate(http_request_duration_seconds_count{$of}[$window]$back))",
        errors=_ANY_STATUS_LABEL.format(family="http_request_duration_seconds_count"),
        durations=(Durations("http_request_duration_seconds"),),
    ),
    Convention(
        name="otel_http",
        family=Family.HTTP,
        meaning="HTTP requests by OpenTelemetry's stable semantic conventions (1.23 and later).",
        present="http_server_request_duration_seconds_count{$of}",
        service_labels=OTEL_LABELS,
        requests="sum by ($by) (rate(http_server_request_duration_seconds_count{$of}[$window]$back))",
        errors=_OTEL_ERRORS.format(family="http_server_request_duration_seconds_count"),
        durations=(Durations("http_server_request_duration_seconds"),),
    ),
    Convention(
        name="otel_http_native",
        family=Family.HTTP,
        meaning="The same, exported as exponential and kept as native histograms.",
        present="http_server_request_duration_seconds{$of}",
        service_labels=OTEL_LABELS,
        requests="sum by ($by) (histogram_count(rate(http_server_request_duration_seconds{$of}[$window]$back)))",
        errors=_OTEL_NATIVE_ERRORS.format(family="http_server_request_duration_seconds"),
        durations=(Durations("http_server_request_duration_seconds"),),
    ),
    Convention(
        name="otel_http_old",
        family=Family.HTTP,
        meaning="HTTP requests by OpenTelemetry's earlier semantic conventions, in milliseconds.",
        present="http_server_duration_milliseconds_count{$of}",
        service_labels=OTEL_LABELS,
        requests="sum by ($by) (rate(http_server_duration_milliseconds_count{$of}[$window]$back))",
        errors=(
            'sum by ($by) (rate(http_server_duration_milliseconds_count{$of,http_status_code=~"5.."}[$window]$back))'
        ),
        durations=(Durations("http_server_duration_milliseconds", seconds_per_unit=0.001),),
    ),
)
