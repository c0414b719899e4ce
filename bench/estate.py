"""A synthetic estate of services in OpenMetrics: who calls whom, 20 series a service, one that breaks its callers.

The alerting service has the same neighbourhood in an estate of any size: only what it does not ask about grows.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOUR, DAY, WEEK = 3600, 86_400, 7 * 86_400
STEP = 60
WINDOWS = (WEEK, DAY, 0)
"""One hour each: a week ago, a day ago, and now, ending so many seconds before the end."""
BOUNDS = ("0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf")
SERIES_A_SERVICE = 20
ALERTING = "checkout"
NEAR = (
    ("frontend", "checkout"), ("mobile", "checkout"), ("checkout", "payment"), ("checkout", "cart"),
    ("payment", "bank"), ("payment", "fraud"), ("cart", "orders-db"),
)  # fmt: skip
BROKEN = "payment"
BROKEN_FOR = 300
"""Seconds before the end since when it answers a third of its requests with errors."""


@dataclass(frozen=True)
class Estate:
    """So many services; `calls` are pairs of caller and callee."""

    services: tuple[str, ...]
    calls: tuple[tuple[str, str], ...]
    end: int
    """Epoch seconds, a multiple of a minute."""
    broken_for: int = BROKEN_FOR

    @property
    def times(self) -> tuple[int, ...]:
        """When samples are, ascending."""
        return tuple(at for back in WINDOWS for at in range(self.end - back - HOUR, self.end - back + 1, STEP))


def an_estate(count: int, end: int, *, seed: int = 1) -> Estate:
    """The neighbourhood of the alerting service first, as far as it fits, and others that call each other."""
    near = list(dict.fromkeys(name for call in NEAR for name in (call[1], call[0])))
    near.sort(key=lambda name: name != ALERTING)
    names = [*near[:count], *(f"service-{number:03}" for number in range(count - len(near)))]
    chance = random.Random(seed)
    far = names[len(near) :]
    calls = [call for call in NEAR if set(call) <= set(names)]
    calls += [(name, chance.choice(far)) for name in far for _ in range(2)]
    return Estate(tuple(names), tuple(dict.fromkeys(call for call in calls if call[0] != call[1])), end)


def write_estate(estate: Estate, file: Path) -> int:
    """Write it as OpenMetrics, family by family, and return how many series it has."""
    series = 0
    with file.open("w", encoding="utf-8") as out:
        for family, kind, lines in _families(estate):
            out.write(f"# TYPE {family} {kind}\n")
            for labels, values in lines:
                series += 1
                out.writelines(f"{labels} {value:g} {at}\n" for at, value in zip(estate.times, values, strict=True))
        out.write("# EOF\n")
    return series


Line = tuple[str, list[float]]


def _families(estate: Estate) -> Iterator[tuple[str, str, Iterator[Line]]]:
    yield "http_requests", "counter", _requests(estate)
    yield "http_request_duration_seconds", "histogram", _durations(estate)
    yield "traces_service_graph_request", "counter", _edges(estate, "traces_service_graph_request_total", 1.0)
    yield "traces_service_graph_request_failed", "counter", _failed_edges(estate)
    for family, value in (("process_open_fds", 80.0), ("process_max_fds", 1024.0), ("up", 1.0)):
        yield family, "gauge", _gauges(estate, family, value)
    yield "build_info", "gauge", _builds(estate)


def _pace(name: str) -> float:
    """Requests per second of a service, by its name alone."""
    return 5.0 + sum(name.encode()) % 20


def _counter(estate: Estate, rate: float, broken_rate: float | None = None) -> list[float]:
    """A counter that grows steadily, and otherwise once its service is broken."""
    total, before, values = 0.0, estate.times[0], list[float]()
    for at in estate.times:
        is_broken = broken_rate is not None and at > estate.end - estate.broken_for
        total += (at - before) * (broken_rate if is_broken and broken_rate is not None else rate)
        before = at
        values.append(round(total, 3))
    return values


def _requests(estate: Estate) -> Iterator[Line]:
    for name in estate.services:
        pace = _pace(name)
        ill = name in (BROKEN, ALERTING)
        for code, share, broken in (("200", 0.99, 0.67), ("404", 0.008, 0.008), ("500", 0.002, 0.322)):
            values = _counter(estate, pace * share, pace * broken if ill else None)
            yield f'http_requests_total{{service="{name}",code="{code}"}}', values


def _durations(estate: Estate) -> Iterator[Line]:
    shares = (0.3, 0.6, 0.85, 0.95, 0.99, 0.999, 1.0)
    for name in estate.services:
        of, pace = f'service="{name}"', _pace(name)
        for bound, share in zip(BOUNDS, shares, strict=True):
            yield f'http_request_duration_seconds_bucket{{{of},le="{bound}"}}', _counter(estate, pace * share)
        yield f"http_request_duration_seconds_sum{{{of}}}", _counter(estate, pace * 0.12)
        yield f"http_request_duration_seconds_count{{{of}}}", _counter(estate, pace)


def _edges(estate: Estate, metric: str, share: float) -> Iterator[Line]:
    for caller, callee in estate.calls:
        yield f'{metric}{{client="{caller}",server="{callee}"}}', _counter(estate, _pace(caller) * share)


def _failed_edges(estate: Estate) -> Iterator[Line]:
    for caller, callee in estate.calls:
        ill = callee == BROKEN
        values = _counter(estate, 0.0, _pace(caller) * 0.3 if ill else None)
        yield f'traces_service_graph_request_failed_total{{client="{caller}",server="{callee}"}}', values


def _gauges(estate: Estate, family: str, value: float) -> Iterator[Line]:
    label = "job" if family == "up" else "service"
    for name in estate.services:
        yield f'{family}{{{label}="{name}"}}', [value] * len(estate.times)


def _builds(estate: Estate) -> Iterator[Line]:
    for name in estate.services:
        yield f'build_info{{service="{name}",version="1.4.0"}}', [1.0] * len(estate.times)
