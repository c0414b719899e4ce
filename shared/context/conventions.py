"""A table: which metric families say how a service does, and the PromQL that asks them. A convention is a row.

Templates know `$of` (the matcher for the services), `$by` (the label that carries the service) and `$window`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import Template

from shared.context.promql import duration, one_of, quoted
from shared.models.measures import Metric
from shared.ports.metrics import Sample

SERVICE_LABELS = ("service", "job", "app")
_BINDING = "binding"


@dataclass(frozen=True)
class Convention:
    """How one kind of instrumentation names things."""

    name: str
    present_when: str
    """The metric whose series show that a service is instrumented this way."""
    service_labels: tuple[str, ...]
    """Labels that may carry the service, the likeliest first."""
    requests: str
    errors: str
    latency_buckets: str
    latency_unit_seconds: float = 1.0
    saturation: str | None = None
    """How full the fullest of its limits is (0 to 1), where the instrumentation tells one."""


CONVENTIONS = (
    Convention(
        name="prometheus_client",
        present_when="http_requests_total",
        service_labels=SERVICE_LABELS,
        requests="sum by ($by) (rate(http_requests_total{$of}[$window]))",
        # Libraries disagree on the label; `or` keeps one of each label set, so nothing is counted twice.
        errors=(
            'sum by ($by) (rate(http_requests_total{$of,code=~"5.."}[$window])'
            ' or rate(http_requests_total{$of,status=~"5.."}[$window])'
            ' or rate(http_requests_total{$of,status_code=~"5.."}[$window]))'
        ),
        latency_buckets="sum by (le, $by) (rate(http_request_duration_seconds_bucket{$of}[$window]))",
        # Client libraries tell of their own process; the worst instance counts, as an average would hide it.
        saturation="max by ($by) (process_open_fds{$of} / (process_max_fds{$of} > 0))",
    ),
    Convention(
        name="service_graph",
        present_when="traces_service_graph_request_total",
        service_labels=("server",),
        requests="sum by ($by) (rate(traces_service_graph_request_total{$of}[$window]))",
        errors="sum by ($by) (rate(traces_service_graph_request_failed_total{$of}[$window]))",
        latency_buckets="sum by (le, $by) (rate(traces_service_graph_request_server_seconds_bucket{$of}[$window]))",
    ),
)


@dataclass(frozen=True)
class Binding:
    """A convention together with the label that carries the service here."""

    convention: Convention
    label: str

    @property
    def name(self) -> str:
        """What tells it from the others in an answer."""
        return f"{self.convention.name}/{self.label}"


BINDINGS = tuple(Binding(row, label) for row in CONVENTIONS for label in row.service_labels)


QUANTILES = {Metric.LATENCY_P50: 0.5, Metric.LATENCY_P95: 0.95, Metric.LATENCY_P99: 0.99}


def error_ratio(errors: str, requests: str) -> str:
    """0 with traffic and no error series; nothing at all, rather than NaN, without traffic."""
    return f"({errors} or {requests} * 0) / ({requests} > 0)"


def expression(binding: Binding, metric: Metric, services: Iterable[str], *, window_seconds: float) -> str:
    """One query for one metric of all these services, a series a service."""
    row = binding.convention
    places = _places(binding, services, window_seconds)
    requests = Template(row.requests).substitute(places)
    match metric:
        case Metric.REQUEST_RATE:
            return requests
        case Metric.ERROR_RATIO:
            return error_ratio(Template(row.errors).substitute(places), requests)
        case Metric.LATENCY_P50 | Metric.LATENCY_P95 | Metric.LATENCY_P99:
            return latency(binding, QUANTILES[metric], services, window_seconds=window_seconds)
        case Metric.SATURATION:
            return saturation(binding, services, window_seconds=window_seconds) or ""


def latency(binding: Binding, quantile: float, services: Iterable[str], *, window_seconds: float) -> str:
    """One query for a quantile (0 to 1) of the latency in seconds of all these services, a series a service."""
    row = binding.convention
    buckets = Template(row.latency_buckets).substitute(_places(binding, services, window_seconds))
    asked = f"histogram_quantile({quantile:g}, {buckets})"
    return asked if row.latency_unit_seconds == 1 else f"{asked} * {row.latency_unit_seconds:g}"


def saturation(binding: Binding, services: Iterable[str], *, window_seconds: float) -> str | None:
    """One query for how full these services are, a series a service; None where the convention tells of none."""
    template = binding.convention.saturation
    return template and Template(template).substitute(_places(binding, services, window_seconds))


def _places(binding: Binding, services: Iterable[str], window_seconds: float) -> dict[str, str]:
    return {"of": one_of(binding.label, services), "by": binding.label, "window": duration(window_seconds)}


def detection(services: Sequence[str], *, seconds_ago: float) -> str:
    """One query that tells which binding carries which service, now or when the alert began.

    Asking about now only would lose a service that has since stopped being scraped.
    """
    return " or ".join(_present(binding, services, seconds_ago) for binding in BINDINGS)


def paces(service: str) -> list[list[str]]:
    """Selectors of series that show how often this service is sampled, those that will be measured first.

    Its neighbours may be scraped more often, and a rate over too short a window would be empty, so they come last.
    """
    own = [[_series_of(Binding(row, label), [service]) for label in row.service_labels] for row in CONVENTIONS]
    return [*own, [f"up{{{one_of(label, [service])}}}" for label in SERVICE_LABELS], ["up"]]


def _series_of(binding: Binding, services: Sequence[str]) -> str:
    return f"{binding.convention.present_when}{{{one_of(binding.label, services)}}}"


def _present(binding: Binding, services: Sequence[str], seconds_ago: float) -> str:
    series = _series_of(binding, services)
    either = f"{series} or {series} offset {duration(seconds_ago)}" if seconds_ago >= 1 else series
    counted = f"count by ({binding.label}) ({either})"
    return f'label_replace({counted}, "{_BINDING}", {quoted(binding.name)}, "", "")'


def bindings_of(samples: Iterable[Sample], services: Sequence[str]) -> dict[Binding, list[str]]:
    """Each service under the first row and label of the table that carries it."""
    found = {(sample.labels.get(_BINDING), label) for sample in samples for label in sample.labels.values()}
    chosen: dict[Binding, list[str]] = {}
    for service in services:
        binding = next((one for one in BINDINGS if (one.name, service) in found), None)
        if binding is not None:
            chosen.setdefault(binding, []).append(service)
    return chosen


_OTHERS_BUILD_INFO = "(prometheus|alertmanager|go)_build_info"
VERSION_LABEL = "version"


def build_versions(services: Sequence[str]) -> str:
    """Which versions of these services run, by their `*_build_info`; the value is constant, the labels change."""
    return " or ".join(_versions(label, services) for label in SERVICE_LABELS)


def _versions(label: str, services: Sequence[str]) -> str:
    # Client libraries add build information of their own, whose version is not the service's.
    matchers = (
        f'__name__=~".+_build_info",__name__!~"{_OTHERS_BUILD_INFO}",{VERSION_LABEL}!="",{one_of(label, services)}'
    )
    counted = f"count by (__name__, {label}, {VERSION_LABEL}) ({{{matchers}}})"
    return f'label_replace({counted}, "{_BINDING}", "{label}", "", "")'


def build_service_of(labels: Mapping[str, str]) -> tuple[int, str]:
    """Of an answer to `build_versions`: the place of its label among SERVICE_LABELS, and the service."""
    label = labels.get(_BINDING, "")
    return (SERVICE_LABELS.index(label) if label in SERVICE_LABELS else len(SERVICE_LABELS)), labels.get(label, "")


GRAPH_CALLS = "traces_service_graph_request_total"
GRAPH_FAILED = "traces_service_graph_request_failed_total"


def edge_rate(family: str, names: Sequence[str], *, seconds: float, ago: float = 0) -> str:
    """Calls per second by edge, of the edges that start or end at one of these services."""
    back = f" offset {duration(ago)}" if ago >= 1 else ""
    sides = [f"rate({family}{{{one_of(label, names)}}}[{duration(seconds)}]{back})" for label in ("client", "server")]
    return f"sum by (client, server) ({' or '.join(sides)})"
