"""Rows that count requests. `$me` is the service.

In each, a request is answered well 45 times a minute and badly 15 times (1/s, a quarter), and before that well 30
times and never badly (0.5/s, none), unless it says otherwise.
"""

from tests.unit.context.proofs.proof import DURATIONS_BEFORE, DURATIONS_NOW, Lines, Proof, Values, counts, spread

GOOD, BAD = counts(30, 45), counts(0, 15)
RATES_NOW: Values = {"request_rate": 1, "error_ratio": 0.25}
RATES_BEFORE: Values = {"request_rate": 0.5, "error_ratio": 0}
NOW, BEFORE = {**RATES_NOW, **DURATIONS_NOW}, {**RATES_BEFORE, **DURATIONS_BEFORE}


def counted(family: str, good: str, *bad: str, durations: Lines) -> Lines:
    """A counter beside a histogram of its own; a bad kind each, an equal share of the 15."""
    failures = {f"{family}{{{labels}}}": counts(0, 15 / len(bad)) for labels in bad}
    return {f"{family}{{{good}}}": GOOD, **failures, **durations}


def proved(binding: str, series: Lines, bound: float = 1) -> Proof:
    return Proof(binding, series, NOW, BEFORE, bound)


def measured(family: str, good: str, bad: str, *, middle: str = "0.5", top: str = "1") -> Lines:
    """A histogram whose count is the counter: the good all faster than `middle` before, the rest between the two."""
    half, total = f'le="{middle}"', f'le="{top}"'
    return {
        f"{family}_count{{{good}}}": GOOD,
        f"{family}_count{{{bad}}}": BAD,
        f"{family}_bucket{{{good},{half}}}": counts(30, 0),
        f"{family}_bucket{{{good},{total}}}": GOOD,
        f'{family}_bucket{{{good},le="+Inf"}}': GOOD,
        f"{family}_bucket{{{bad},{half}}}": counts(0, 0),
        f"{family}_bucket{{{bad},{total}}}": BAD,
        f'{family}_bucket{{{bad},le="+Inf"}}': BAD,
        # 6 a minute for 30 requests is 0.2 each; then 48 for 60.
        f"{family}_sum{{{good}}}": counts(6 * float(top), 48 * float(top)),
    }


def told_apart(binding: str, family: str, good: str, *bad: str) -> Proof:
    """One of the bad has a status alone, another an error alone."""
    me = f'{binding.partition("/")[2]}="$me"'
    series = counted(family, f"{me},{good}", *(f"{me},{one}" for one in bad), durations={})
    return Proof(binding, series, RATES_NOW, RATES_BEFORE, case="apart")


HTTP_PROOFS = (
    proved(
        "prometheus_client/service",
        counted(
            "http_requests_total",
            'service="$me",code="200"',
            'service="$me",code="503"',
            'service="$me",status="500"',
            'service="$me",status_code="5xx"',
            durations=spread("http_request_duration_seconds", 'service="$me"'),
        ),
    ),
    proved(
        "prometheus_net/job",
        counted(
            "http_requests_received_total",
            'job="$me",code="404"',
            'job="$me",code="500"',
            durations=spread("http_request_duration_seconds", 'job="$me"'),
        ),
    ),
    proved(
        "micrometer/application",
        measured(
            "http_server_requests_seconds",
            'application="$me",status="200",outcome="SUCCESS"',
            'application="$me",status="500",outcome="SERVER_ERROR"',
        ),
    ),
    proved(
        "prometheus_histogram/app",
        measured("http_request_duration_seconds", 'app="$me",status="201"', 'app="$me",status="502"'),
    ),
    proved(
        "otel_http/job",
        {
            **measured(
                "http_server_request_duration_seconds",
                'job="$me",http_response_status_code="200"',
                'job="$me",http_response_status_code="500",error_type="500"',
            ),
        },
    ),
    told_apart(
        "otel_http/service_name",
        "http_server_request_duration_seconds_count",
        'http_response_status_code="404"',
        'error_type="java.io.IOException"',
        'http_response_status_code="503"',
    ),
    # On float series a native histogram's row answers nothing, rather than something wrong.
    Proof("otel_http_native/job", {'http_server_request_duration_seconds{job="$me"}': GOOD}, {}),
    proved(
        "otel_http_old/job",
        measured(
            "http_server_duration_milliseconds",
            'job="$me",http_status_code="200"',
            'job="$me",http_status_code="500"',
            middle="500",
            top="1000",
        ),
    ),
)

RPC_PROOFS = (
    proved(
        "grpc/service",
        counted(
            "grpc_server_handled_total",
            'service="$me",grpc_code="NotFound"',
            *(
                f'service="$me",grpc_code="{code}"'
                for code in ("Unknown", "DeadlineExceeded", "Internal", "Unavailable", "DataLoss")
            ),
            durations=spread("grpc_server_handling_seconds", 'service="$me"'),
        ),
    ),
    proved(
        "otel_rpc/job",
        measured(
            "rpc_server_call_duration_seconds",
            'job="$me",rpc_response_status_code="NOT_FOUND"',
            'job="$me",rpc_response_status_code="UNAVAILABLE"',
        ),
    ),
    told_apart(
        "otel_rpc/service_name",
        "rpc_server_call_duration_seconds_count",
        'rpc_response_status_code="RESOURCE_EXHAUSTED"',
        'rpc_response_status_code="INTERNAL"',
        'error_type="timeout"',
    ),
    proved(
        "otel_rpc_old/job",
        measured(
            "rpc_server_duration_milliseconds",
            'job="$me",rpc_grpc_status_code="5"',
            'job="$me",rpc_grpc_status_code="14"',
            middle="500",
            top="1000",
        ),
    ),
)


def spans(binding: str, calls: str, durations: str, label: str, kind: str, *, in_ms: bool, case: str = "me") -> Proof:
    """Beside spans of another kind, which must not count."""
    own, other = f'{label}="$me",span_kind="{kind}"', f'{label}="$me",span_kind="SPAN_KIND_INTERNAL"'
    scale = {"middle": "500", "top": "1000"} if in_ms else {}
    return Proof(
        binding,
        {
            **counted(
                calls,
                f'{own},status_code="STATUS_CODE_UNSET"',
                f'{own},status_code="STATUS_CODE_ERROR"',
                durations=spread(durations, own, **scale),
            ),
            f'{calls}{{{other},status_code="STATUS_CODE_ERROR"}}': counts(600, 600),
            f'{durations}_bucket{{{other},le="+Inf"}}': counts(600, 600),
        },
        *(NOW, BEFORE, 1, case),
    )


SERVER, CONSUMER = "SPAN_KIND_SERVER", "SPAN_KIND_CONSUMER"
TEMPO, TEMPO_LATENCY = "traces_spanmetrics_calls_total", "traces_spanmetrics_latency"
OTEL, OTEL_MS = "traces_span_metrics_calls_total", "traces_span_metrics_duration_milliseconds"
OTEL_S = "traces_span_metrics_duration_seconds"
OLD, OLD_MS, OLD_S = "calls_total", "duration_milliseconds", "duration_seconds"
SPAN_PROOFS = (
    spans("tempo_spans/service", TEMPO, TEMPO_LATENCY, "service", SERVER, in_ms=False),
    spans("tempo_spans_consumer/service", TEMPO, TEMPO_LATENCY, "service", CONSUMER, in_ms=False),
    *(
        spans(f"{row}/service_name", calls, durations, "service_name", kind, in_ms=bool(in_ms), case=durations)
        for row, calls, kind, families in (
            ("otel_spans", OTEL, SERVER, (OTEL_S, OTEL_MS)),
            ("otel_spans_consumer", OTEL, CONSUMER, (OTEL_S, OTEL_MS)),
            ("otel_spans_old", OLD, SERVER, (OLD_S, OLD_MS)),
            ("otel_spans_old_consumer", OLD, CONSUMER, (OLD_S, OLD_MS)),
        )
        for in_ms, durations in enumerate(families)
    ),
)


def istio(binding: str, reporter: str) -> Proof:
    """The same requests are reported by another proxy too, and slower: counted once."""
    label = binding.partition("/")[2]
    own, other = f'{label}="$me",reporter="{reporter}"', f'{label}="$me",reporter="another"'
    family = "istio_request_duration_milliseconds"
    return proved(
        binding,
        {
            **counted(
                "istio_requests_total",
                f'{own},response_code="200"',
                f'{own},response_code="503"',
                f'{own},response_code="0"',
                durations=spread(family, own, middle="500", top="1000"),
            ),
            f'istio_requests_total{{{other},response_code="500"}}': counts(600, 600),
            f'{family}_bucket{{{other},le="+Inf"}}': counts(600, 600),
        },
    )


MESH_PROOFS = (
    istio("istio/destination_service_name", "destination"),
    istio("istio_waypoint/destination_workload", "waypoint"),
    istio("istio_source/destination_canonical_service", "source"),
    proved(
        "envoy/envoy_cluster_name",
        {
            'envoy_cluster_upstream_rq_total{envoy_cluster_name="$me",pod="a"}': counts(20, 20),
            'envoy_cluster_upstream_rq_total{envoy_cluster_name="$me",pod="b"}': counts(10, 40),
            'envoy_cluster_upstream_rq_xx{envoy_cluster_name="$me",pod="b",envoy_response_code_class="5"}': BAD,
            'envoy_cluster_upstream_rq_xx{envoy_cluster_name="$me",pod="b",envoy_response_code_class="2"}': GOOD,
            **spread("envoy_cluster_upstream_rq_time", 'envoy_cluster_name="$me"', middle="500", top="1000"),
        },
    ),
)

CLIENT_PROOFS = (
    proved(
        "service_graph/server",
        {
            'traces_service_graph_request_total{client="a",server="$me"}': counts(20, 20),
            'traces_service_graph_request_total{client="b",server="$me"}': counts(10, 40),
            'traces_service_graph_request_total{client="$me",server="elsewhere"}': counts(600, 600),
            'traces_service_graph_request_failed_total{client="b",server="$me"}': BAD,
            **spread("traces_service_graph_request_server_seconds", 'client="b",server="$me"'),
        },
    ),
    proved(
        "otel_http_client/server_address",
        measured(
            "http_client_request_duration_seconds",
            'server_address="$me",http_response_status_code="404",error_type="404"',
            'server_address="$me",error_type="timeout"',
        ),
    ),
    told_apart(
        "otel_http_client/server_address",
        "http_client_request_duration_seconds_count",
        'http_response_status_code="404",error_type="404"',
        'http_response_status_code="502"',
        'error_type="500",http_response_status_code="500"',
    ),
    proved(
        "otel_db_client/server_address",
        measured(
            "db_client_operation_duration_seconds",
            'server_address="$me",db_system_name="postgresql"',
            'server_address="$me",db_system_name="postgresql",error_type="08006"',
        ),
    ),
)

PROOFS = HTTP_PROOFS + RPC_PROOFS + SPAN_PROOFS + MESH_PROOFS + CLIENT_PROOFS
