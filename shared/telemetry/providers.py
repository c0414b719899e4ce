"""Who takes measures and spans: whoever was brought, else whatever the process has set up, which may be nobody."""

from dataclasses import dataclass

from opentelemetry import metrics, trace

SCOPE = "srecopilot"


@dataclass(frozen=True)
class Providers:
    """Where spans and measures go."""

    tracers: trace.TracerProvider
    meters: metrics.MeterProvider


_brought: list[Providers | None] = [None]


def use(providers: Providers | None) -> Providers | None:
    """Have everything go there from now on; returns who was in use before, to be given back. None: the process's."""
    before, _brought[0] = _brought[0], providers
    return before


def tracer() -> trace.Tracer:
    """For a span that begins now."""
    brought = _brought[0]
    return (brought.tracers if brought else trace.get_tracer_provider()).get_tracer(SCOPE)


def meters() -> metrics.MeterProvider:
    """For a measure that is taken now."""
    brought = _brought[0]
    return brought.meters if brought else metrics.get_meter_provider()
