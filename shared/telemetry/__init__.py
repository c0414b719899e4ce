"""What the product tells of itself: logs, measures and spans. Ids and reasons, never payloads, secrets or prompts.

Only OpenTelemetry's interface is used here, which does nothing until somebody brings an SDK: see `use`.
"""

from opentelemetry.trace import Span

from shared.telemetry.logs import bound, fields_of, guard_logs, logger
from shared.telemetry.measures import CATALOG, Counter, Gauge, Histogram, Measure
from shared.telemetry.providers import SCOPE, Providers, use
from shared.telemetry.spans import continued, current_traceparent, span, stage_span, tell_end

__all__ = [
    "CATALOG",
    "SCOPE",
    "Counter",
    "Gauge",
    "Histogram",
    "Measure",
    "Providers",
    "Span",
    "bound",
    "continued",
    "current_traceparent",
    "fields_of",
    "guard_logs",
    "logger",
    "span",
    "stage_span",
    "tell_end",
    "use",
]
