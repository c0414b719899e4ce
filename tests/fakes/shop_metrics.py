"""What a shop's Prometheus answers to the questions of the context engine: rules for a FakePrometheus.

`payment` is called by `frontend` and calls `db`; its errors went up when it was deployed, half of the window ago.
"""

import math
from collections.abc import Sequence
from datetime import datetime

from tests.fakes.prometheus_server import Asked, Behaviour, Reply, Rule, mentioned, series

SERVICES = ("payment", "db", "frontend")
CALLS = (("frontend", "payment"), ("payment", "db"))


def pace(seconds: float = 15) -> Behaviour:
    """How many samples the series have of late, at this scrape interval."""
    return series(({"pace": "0", "over": "120"}, 120 / seconds))


def instrumented(services: Sequence[str] = SERVICES) -> Behaviour:
    """By which convention the services that are asked about are known."""

    async def behave(asked: Asked) -> Reply:
        found = [name for name in services if f'"{name}' in asked.query or f"|{name}" in asked.query]
        labels = [{"binding": "prometheus_client/service", "service": name} for name in found]
        return await series(*((one, 1.0) for one in labels))(asked)

    return behave


def edges(*calls: tuple[str, str]) -> Behaviour:
    """Who calls whom, five times a second."""
    return series(*((call_told(client, server), 5.0) for client, server in calls))


def call_told(client: str, server: str) -> dict[str, str]:
    """The labels under which a service graph tells of a call that is made now."""
    return {"told": "service_graph now", "client": client, "server": server}


def versions(deployed_at: datetime) -> Behaviour:
    """A payment that was 1.4.0 and is 1.5.0."""
    labels = {"__name__": "payment_build_info", "binding": "service", "service": "payment"}
    at = deployed_at.timestamp()
    old, new = {**labels, "version": "1.4.0"}, {**labels, "version": "1.5.0"}
    return series((old, lambda now: 1.0 if now < at else math.nan), (new, lambda now: 1.0 if now >= at else math.nan))


def objectives() -> Behaviour:
    """What sloth recorded of payment: a budget that burns 20 times as fast as it may."""
    labels = {"sloth_id": "payment-requests", "sloth_service": "payment", "sloth_slo": "requests"}
    recorded = {"slo:sli_error:ratio_rate5m": 0.02, "slo:sli_error:ratio_rate1h": 0.02, "slo:objective:ratio": 0.999}
    return series(*(({**labels, "__name__": name}, value) for name, value in recorded.items()))


def shop(broken_at: datetime) -> list[Rule]:
    """All of it, for the collectors that there are: rules that come before these change a part."""
    at = broken_at.timestamp()
    return [
        ("count_over_time(", pace()),
        ("payment:errors:ratio", series(({"service": "payment"}, lambda now: 0.5 if now >= at else 0.0))),
        ("slo:", objectives()),
        ("build_info", versions(broken_at)),
        ("label_replace(count by", instrumented()),
        ("graph_request_failed_total", series((call_told("frontend", "payment"), 0.5))),
        ("topk(", edges(*CALLS)),
        ("histogram_quantile", mentioned("service", SERVICES, 0.1)),
        ('code=~"5.."', mentioned("service", SERVICES, lambda now: 0.5 if now >= at else 0.0)),
        ("rate(http_requests_total", mentioned("service", SERVICES, 20.0)),
    ]
