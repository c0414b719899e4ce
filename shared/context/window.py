"""Which stretch of time is looked at, how finely, and over how long rates are taken."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.models.incidents import Incident
from shared.models.signals import AlertStatus, Signal
from shared.ports.metrics import MetricsSource, Sample

DEFAULT_SCRAPE_SECONDS = 15.0
OLDEST_REFERENCE = timedelta(hours=6)
MAX_POINTS = 300
SCRAPES_IN_RATE, SHORTEST_RATE_SECONDS = 4, 4.0
SCRAPES_BEFORE, SHORTEST_LOOKBACK_SECONDS, LONGEST_LOOKBACK_SECONDS = 120, 600.0, 3600.0
_SHORT_SECONDS, _LONG_SECONDS = 15, 120
_SHORT_NEEDS_SAMPLES = 10


@dataclass(frozen=True)
class Window:
    """The range of every query. `reference` is when the alert began to fire: the trouble began at or before it."""

    start: datetime
    end: datetime
    reference: datetime
    step_seconds: float
    scrape_seconds: float
    rate_seconds: float

    @property
    def smear_samples(self) -> int:
        """How many neighbouring samples one burst shows up in, as each rate looks back over the rate window."""
        return math.ceil(self.rate_seconds / self.step_seconds)

    @property
    def seconds_since_reference(self) -> float:
        """From the reference to the end."""
        return (self.end - self.reference).total_seconds()


def onset_reference(incident: Incident, signals: Sequence[Signal], now: datetime) -> datetime:
    """The earliest start among the signals this look is about, within the last six hours.

    Those are the firing ones that came since a look was last wanted: an alert that has been firing for long, or was
    never resolved, must not put the time of a new one out of sight. Or else all that fire, or else all.
    """
    firing = [one for one in signals if one.status is AlertStatus.FIRING]
    wanted_at = incident.context_wanted_at
    new = [one for one in firing if wanted_at is not None and one.created_at >= wanted_at]
    earliest = min((one.timestamp for one in new or firing or signals), default=incident.detected_at)
    # A sender's clock may be ahead of ours, and an alert may have been firing for days.
    return max(min(earliest, now), now - OLDEST_REFERENCE)


def window_for(reference: datetime, now: datetime, scrape_seconds: float) -> Window:
    """The window for a scrape interval; start and end lie on multiples of the step, so that repeats ask the same."""
    lookback = min(max(SCRAPES_BEFORE * scrape_seconds, SHORTEST_LOOKBACK_SECONDS), LONGEST_LOOKBACK_SECONDS)
    span = (now - reference).total_seconds() + lookback
    # Two fewer than points: aligning the start adds a step, and a range has one more point than steps.
    step = float(math.ceil(max(scrape_seconds, span / (MAX_POINTS - 2))))
    start = math.floor((reference.timestamp() - lookback) / step) * step
    end = math.floor(now.timestamp() / step) * step
    return Window(
        start=datetime.fromtimestamp(start, UTC),
        end=datetime.fromtimestamp(end, UTC),
        reference=reference,
        step_seconds=step,
        scrape_seconds=scrape_seconds,
        rate_seconds=max(SCRAPES_IN_RATE * scrape_seconds, SHORTEST_RATE_SECONDS, step),
    )


def scrape_query(own_targets: Sequence[str]) -> str:
    """How many samples the targets of a service (else any target) have of late; `own_targets` are matchers."""

    def newest(seconds: int) -> str:
        own = " or ".join(f"count_over_time(up{{{matcher}}}[{seconds}s])" for matcher in own_targets)
        counted = f"max({own}) or max(count_over_time(up[{seconds}s]))"
        return f'label_replace({counted}, "over", "{seconds}", "", "")'

    return f"{newest(_SHORT_SECONDS)} or {newest(_LONG_SECONDS)}"


def scrape_interval(samples: Sequence[Sample]) -> float:
    """The scrape interval from those counts; the short count is for targets that have only just appeared."""
    counts = {sample.labels.get("over"): sample.value for sample in samples if math.isfinite(sample.value)}
    short, long = counts.get(str(_SHORT_SECONDS), 0.0), counts.get(str(_LONG_SECONDS), 0.0)
    if short >= _SHORT_NEEDS_SAMPLES:
        return max(1.0, float(round(_SHORT_SECONDS / short)))
    return max(1.0, float(round(_LONG_SECONDS / long))) if long >= 1 else DEFAULT_SCRAPE_SECONDS


async def detect_window(
    source: MetricsSource, own_targets: Sequence[str], *, reference: datetime, now: datetime
) -> Window:
    """The window that suits the source's own pace; raises as the source does."""
    answer = await source.query(scrape_query(own_targets), at=now)
    return window_for(reference, now, scrape_interval(answer.samples))
