"""From a row of the table, a metric and the names of services to one query: a series a service.

With `backs` (seconds into the past) the same is asked of each of those times in one query, and the label `back` tells
the answers apart; without, it is asked of now and there is no such label.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from string import Template

from shared.context.conventions.resources import PROCESS_ROWS
from shared.context.conventions.rows import SERVICE_LABELS, Binding, Durations
from shared.context.promql import duration, one_of, quoted
from shared.ports.metrics import Sample

BACK = "back"
BINDING = "binding"
_PROCESS_LABELS = (*SERVICE_LABELS, "application")


class Asked(StrEnum):
    """What can be asked of a binding: requests/s, share of requests (0 to 1), seconds, share of a limit (0 to 1)."""

    REQUEST_RATE = "request_rate"
    ERROR_RATIO = "error_ratio"
    LATENCY_P50 = "latency_p50"
    LATENCY_P95 = "latency_p95"
    LATENCY_P99 = "latency_p99"
    LATENCY_MEAN = "latency_mean"
    SATURATION = "saturation"


QUANTILES: Mapping[Asked, float] = {Asked.LATENCY_P50: 0.5, Asked.LATENCY_P95: 0.95, Asked.LATENCY_P99: 0.99}


def can_answer(binding: Binding, metric: str) -> bool:
    """Whether there is an expression for a metric, by its name: only processes tell how full they are."""
    return metric in set(Asked) and (metric != Asked.SATURATION or binding.label in _PROCESS_LABELS)


def expression(
    binding: Binding, metric: str, services: Iterable[str], *, window_seconds: float, backs: Sequence[int] = ()
) -> str:
    """One query for one metric of all these services; raises ValueError where `can_answer` says no."""
    asked = Asked(metric)
    names = tuple(services)
    if not can_answer(binding, asked):
        raise ValueError(f"{binding.name} has no {asked.value}")
    return over(lambda back: _one(binding, asked, _places(binding, names, window_seconds, back)), backs)


def _one(binding: Binding, asked: Asked, places: Mapping[str, str]) -> str:
    row = binding.convention
    match asked:
        case Asked.REQUEST_RATE:
            return Template(row.requests).substitute(places)
        case Asked.ERROR_RATIO:
            return error_ratio(Template(row.errors).substitute(places), Template(row.requests).substitute(places))
        case Asked.LATENCY_MEAN:
            return " or ".join(_mean(one, places) for one in row.durations)
        case Asked.SATURATION:
            return _fullest(places)
    return " or ".join(_quantile(one, QUANTILES[asked], places) for one in row.durations)


def over(ask: Callable[[str], str], backs: Sequence[int]) -> str:
    """What `ask` makes of an offset, for each of these times; `ask` gets the offset as PromQL writes it."""
    if not backs:
        return ask("")
    return " or ".join(labelled(ask(offset(back)), BACK, str(back)) for back in sorted(set(backs)))


def offset(seconds: float) -> str:
    """So far into the past, after a selector."""
    return f" offset {duration(seconds)}" if seconds >= 1 else ""


def labelled(promql: str, label: str, value: str) -> str:
    """The same with one more label. `value` is ours: a dollar in it would mean something."""
    return f'label_replace({promql}, "{label}", {quoted(value)}, "", "")'


def error_ratio(errors: str, requests: str) -> str:
    """0 with traffic and no error series; nothing at all, rather than NaN, without traffic."""
    return f"({errors} or {requests} * 0) / ({requests} > 0)"


def latency(
    binding: Binding, quantile: float, services: Iterable[str], *, window_seconds: float, backs: Sequence[int] = ()
) -> str:
    """One query for a quantile (0 to 1) of the latency, in seconds, of all these services."""
    names, rows = tuple(services), binding.convention.durations
    return over(
        lambda back: " or ".join(
            _quantile(one, quantile, _places(binding, names, window_seconds, back)) for one in rows
        ),
        backs,
    )


def saturation(
    binding: Binding, services: Iterable[str], *, window_seconds: float, backs: Sequence[int] = ()
) -> str | None:
    """One query for how full the fullest limit of the worst process is; None where processes are not known so."""
    if not can_answer(binding, Asked.SATURATION):
        return None
    return expression(binding, Asked.SATURATION, services, window_seconds=window_seconds, backs=backs)


def _quantile(durations: Durations, quantile: float, places: Mapping[str, str]) -> str:
    """From classic buckets, or else from native histograms, which have no `le` and no quantiles of their own."""
    by, series = places["by"], f"{places['of']}{durations.matchers}"
    tail = f"[{places['window']}]{places['back']}"
    classic = f"sum by (le, {by}) (rate({durations.name}_bucket{{{series}}}{tail}))"
    native = f'sum by ({by}) (rate({durations.name}{{{series},quantile=""}}{tail}))'
    asked = (f"histogram_quantile({quantile:g}, {buckets})" for buckets in (classic, native))
    return " or ".join(_in_seconds(one, durations) for one in asked)


def _mean(durations: Durations, places: Mapping[str, str]) -> str:
    """Summaries and histograms tell their sum and count; a native histogram holds both."""
    by, series = places["by"], f"{places['of']}{durations.matchers}"
    tail = f"[{places['window']}]{places['back']}"
    spent, calls = (f"sum by ({by}) (rate({durations.name}_{part}{{{series}}}{tail}))" for part in ("sum", "count"))
    native = f'sum by ({by}) (rate({durations.name}{{{series},quantile=""}}{tail}))'
    held = f"histogram_sum({native}) / (histogram_count({native}) > 0)"
    return " or ".join(_in_seconds(f"({one})", durations) for one in (f"{spent} / ({calls} > 0)", held))


def _in_seconds(promql: str, durations: Durations) -> str:
    return promql if durations.seconds_per_unit == 1 else f"{promql} * {durations.seconds_per_unit:g}"


def _fullest(places: Mapping[str, str]) -> str:
    """Limits of one process have equal labels, so each says which it is before they are put beside each other."""
    shares = [row for row in PROCESS_ROWS if row.unit == "ratio"]
    limits = (labelled(Template(row.expression).substitute(places), "resource", row.name) for row in shares)
    return f"max by ({places['by']}) ({' or '.join(limits)})"


def bounds(chosen: Mapping[Binding, Sequence[str]]) -> str:
    """One instant query, for all bindings at once, for the highest finite bucket bound of each service, in seconds.

    A quantile among the observations above that bound is answered with the bound itself, so it means "at least".
    The bounds are those of the series; their counts are made up, so that the median lies above the last of them.
    """
    return " or ".join(labelled(_bound(binding, names), BINDING, binding.name) for binding, names in chosen.items())


def _bound(binding: Binding, names: Sequence[str]) -> str:
    found = []
    for one in binding.convention.durations:
        series = f"{one_of(binding.label, names)}{one.matchers}"
        by = f"group by (le, {binding.label})"
        top = f'{by} ({one.name}_bucket{{{series},le="+Inf"}})'
        rest = f"{by} ({one.name}_bucket{{{series}}}) * 0"
        found.append(_in_seconds(f"histogram_quantile(0.5, {top} or {rest})", one))
    return " or ".join(found)


def bounds_of(samples: Iterable[Sample]) -> dict[tuple[str, str], float]:
    """From that answer: the bound in seconds by the binding's name and the service's name there."""
    found = {}
    for sample in samples:
        binding = sample.labels.get(BINDING, "")
        service = sample.labels.get(binding.rpartition("/")[2], "")
        if service and math.isfinite(sample.value):
            found[binding, service] = sample.value
    return found


def is_at_least(seconds: float, bound: float | None) -> bool:
    """Whether a quantile only says "at least this": it fell above the last finite bound. See `bounds`."""
    return bound is not None and (seconds > bound or math.isclose(seconds, bound, rel_tol=1e-9))


def _places(binding: Binding, services: Sequence[str], window_seconds: float, back: str) -> dict[str, str]:
    of = one_of(binding.label, services)
    return {"of": of, "by": binding.label, "window": duration(window_seconds), "back": back}
