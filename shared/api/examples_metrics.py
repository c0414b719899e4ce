"""What the operations on metrics and dashboards may answer, for the documentation."""

from collections.abc import Mapping
from typing import Any

_START, _END = "2026-11-23T11:00:00.000000Z", "2026-11-23T12:00:00.000000Z"
_INTEGRATION_ID = "int-5b1d3c2f9a8e4d7c6b5a4f3e"
_RATE = 'sum by (service) (rate(http_requests_total{service="payment"}[60s]))'

_INSTANT = {
    "status": "success",
    "data": {
        "resultType": "vector",
        "result": [
            {"metric": {"service": "payment"}, "value": [1795435200.0, "15.2"]},
            {"metric": {"service": "idle"}, "value": [1795435200.0, "NaN"]},
        ],
    },
    "errorType": None,
    "error": None,
    "warnings": ["store gateway 3 is down: the result may be partial"],
    "infos": [],
}

_RANGE = {
    **_INSTANT,
    "data": {
        "resultType": "matrix",
        "result": [
            {"metric": {"service": "payment"}, "values": [[1795435200.0, "15.2"], [1795435215.0, "+Inf"]]},
        ],
    },
    "warnings": [],
}


def _metric(metric: str, unit: str, **changes: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {"status": "ok", "reason": None, "query": None, "points": [], "warnings": []}
    return {"metric": metric, "unit": unit, **usual, **changes}


_SERVICE_METRICS = {
    "service": "payment",
    "start": _START,
    "end": _END,
    "step_seconds": 15.0,
    "convention": "prometheus_client/service",
    "highest_bound_seconds": 10.0,
    "metrics": [
        _metric("request_rate", "requests/s", query=_RATE, points=[[1795435200.0, 15.2], [1795435215.0, None]]),
        _metric("latency_p99", "s", status="failed", reason="timeout"),
        _metric("saturation", "ratio", status="empty", reason="no_series"),
    ],
    "warnings": [],
}

_SOURCE: dict[str, Any] = {
    "integration_id": _INTEGRATION_ID,
    "name": "production",
    "status": "ok",
    "reason": None,
    "warnings": [],
}

_LISTED = {
    "uid": "aX3kPz",
    "title": "Payment",
    "folder": "Shop",
    "tags": ["payment"],
    "url": "https://grafana.example.com/d/aX3kPz?orgId=1",
}

_DASHBOARDS = {
    "services": ["payment"],
    "window": {"start": _START, "end": _END},
    "sources": [_SOURCE],
    "dashboards": [
        {
            **_LISTED,
            "url": "https://grafana.example.com/d/aX3kPz?orgId=1&from=1795431600000&to=1795435200000&var-service=payment",
            "integration_id": _INTEGRATION_ID,
            "service": "payment",
            "matched_by": "tag",
        }
    ],
}

METRICS_EXAMPLES: Mapping[str, dict[str, Any]] = {
    "query_prometheus": _INSTANT,
    "query_prometheus_range": _RANGE,
    "read_service_metrics": _SERVICE_METRICS,
    "list_grafana_dashboards": {"source": _SOURCE, "items": [_LISTED], "page": 1, "limit": 100},
    "read_service_dashboards": _DASHBOARDS,
    "read_incident_dashboards": {
        **_DASHBOARDS,
        "carried": [
            {
                "alert": "High latency",
                "service": "payment",
                "url": "https://grafana.example.com/d/aX3kPz?orgId=1&viewPanel=4",
            }
        ],
        "services_left_out": 0,
    },
}
