"""What is measured of a service, and how a series of it moved against what is normal there."""

from enum import StrEnum

from shared.models.base import Instant, Value


class Metric(StrEnum):
    """What a series measures; its unit is fixed."""

    REQUEST_RATE = "request_rate"
    ERROR_RATIO = "error_ratio"
    LATENCY_P50 = "latency_p50"
    LATENCY_P95 = "latency_p95"
    LATENCY_P99 = "latency_p99"
    SATURATION = "saturation"

    @property
    def unit(self) -> str:
        """The unit of its values: requests/s, a share from 0 to 1, or seconds."""
        return {Metric.REQUEST_RATE: "requests/s", Metric.ERROR_RATIO: "ratio", Metric.SATURATION: "ratio"}.get(
            self, "s"
        )

    @property
    def propagates(self) -> bool:
        """Whether a caller shows its callee's trouble in this metric."""
        return self not in (Metric.REQUEST_RATE, Metric.SATURATION)


RED = (Metric.REQUEST_RATE, Metric.ERROR_RATIO, Metric.LATENCY_P95)
"""Rate, errors, duration: one of each, what is asked of every service."""
MOVING = (*RED, Metric.SATURATION)
"""By which a service is said to have moved; further quantiles say the same thing less steadily."""
QUANTILES = (Metric.LATENCY_P50, Metric.LATENCY_P95, Metric.LATENCY_P99)


class Direction(StrEnum):
    """How a series moved against its baseline."""

    UP = "up"
    DOWN = "down"
    STEADY = "steady"


class Relation(StrEnum):
    """What a service is to the one that alerted."""

    SELF = "self"
    CALLER = "caller"
    CALLEE = "callee"


class Baseline(StrEnum):
    """What a series was compared with."""

    HOUR_BEFORE = "hour_before"
    SAME_HOUR = "same_hour"
    """The same hour by the clock of earlier days or weeks."""


class TrafficShift(StrEnum):
    """What became of the requests, in words that people use."""

    SURGE = "surge"
    """At least half as many again as usual."""
    DROP = "drop"
    """At most seven tenths of what is usual."""
    ABSENCE = "absence"
    """None at all, or next to none: at most one in fifty of what is usual."""


class Movement(Value):
    """A series against its own baseline. Values are in the metric's unit, `score` counts robust deviations."""

    baseline_median: float | None
    baseline_spread: float | None
    baseline_samples: int
    current: float | None
    """The median since the onset, or of what followed the alert where nothing moved; None when it stopped."""
    score: float = 0.0
    direction: Direction = Direction.STEADY
    onset_at: Instant | None = None
    """None where it is steady, and where it had moved before the window began."""
    shift: TrafficShift | None = None
    """Of a request rate that moved far enough to be called so."""
    baseline: Baseline = Baseline.HOUR_BEFORE
    baseline_days: int = 0
    """From how many earlier days the baseline was taken; 0 where it is the time before."""


class Pressure(StrEnum):
    """How near something is to its limit, the worst first."""

    EXCEEDED = "exceeded"
    """At its limit, or as good as; of what counts failures, there are some."""
    NEAR = "near"
    BELOW = "below"
