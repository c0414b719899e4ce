"""What is so for every row and proved once: no traffic, no errors, no bucket that is high enough, summaries."""

from tests.unit.context.proofs.proof import Proof, counts, stands

EDGE_PROOFS = (
    Proof(
        "prometheus_client/job",
        {
            'http_requests_total{job="$me",code="200"}': counts(60, 0),
            'http_request_duration_seconds_sum{job="$me"}': counts(6, 0),
            'http_request_duration_seconds_count{job="$me"}': counts(60, 0),
        },
        # A rate of 0 is an answer; a share of nothing, or the mean of it, is none.
        now={"request_rate": 0},
        before={"request_rate": 1, "error_ratio": 0, "latency_mean": 0.1},
    ),
    Proof(
        # A Prometheus 2 writes the bound 1 as `1`, a Prometheus 3 as `1.0`.
        "prometheus_histogram/service",
        {
            'http_request_duration_seconds_count{service="$me"}': counts(60, 60),
            'http_request_duration_seconds_bucket{service="$me",le="0.1"}': counts(60, 0),
            'http_request_duration_seconds_bucket{service="$me",le="1.0"}': counts(60, 0),
            'http_request_duration_seconds_bucket{service="$me",le="+Inf"}': counts(60, 60),
        },
        # All are slower than the highest bound, which is what each quantile says.
        now={"request_rate": 1, "error_ratio": 0, "latency_p50": 1, "latency_p95": 1, "latency_p99": 1},
        before={
            "request_rate": 1,
            "error_ratio": 0,
            "latency_p50": 0.05,
            "latency_p95": 0.095,
            "latency_p99": 0.099,
        },
        bound=1,
    ),
    Proof(
        "micrometer/service",
        {
            'http_server_requests_seconds_count{service="$me",status="200"}': counts(60, 60),
            'http_server_requests_seconds_sum{service="$me",status="200"}': counts(6, 12),
            'http_server_requests_seconds{service="$me",status="200",quantile="0.95"}': stands(0.1, 0.2),
        },
        # A summary's own quantiles cannot be put together, so there is only the mean.
        now={"request_rate": 1, "error_ratio": 0, "latency_mean": 0.2},
        before={"request_rate": 1, "error_ratio": 0, "latency_mean": 0.1},
    ),
    Proof(
        # A database has no spans of its own.
        "service_graph/server",
        {
            'traces_service_graph_request_total{client="a",server="$me",connection_type="database"}': counts(60, 60),
            'traces_service_graph_request_client_seconds_bucket{server="$me",le="0.1"}': counts(60, 60),
            'traces_service_graph_request_client_seconds_bucket{server="$me",le="+Inf"}': counts(60, 60),
        },
        now={
            "request_rate": 1,
            "error_ratio": 0,
            "latency_p50": 0.05,
            "latency_p95": 0.095,
            "latency_p99": 0.099,
        },
        before={
            "request_rate": 1,
            "error_ratio": 0,
            "latency_p50": 0.05,
            "latency_p95": 0.095,
            "latency_p99": 0.099,
        },
        bound=0.1,
        case="database",
    ),
)
