"""Which stretch of time is looked at, how finely, and over how long rates are taken."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from shared.models.incidents import Incident
from shared.models.signals import AlertStatus, Signal
from shared.ports.metrics import MetricsSource, Sample

DEFAULT_SCRAPE_SECONDS = 15.0
OLDEST_REFERENCE = timedelta(hours=6)
MAX_POINTS = 300
SCRAPES_IN_RATE, SHORTEST_RATE_SECONDS = 4, 4.0
SCRAPES_BEFORE, SHORTEST_LOOKBACK_SECONDS, LONGEST_LOOKBACK_SECONDS = 120, 600.0, 3600.0
_COUNTED_SECONDS = _SHORT_SECONDS, _LONG_SECONDS, _LONGEST_SECONDS = 15, 120, 600
_SHORT_NEEDS_SAMPLES, _NEEDS_SAMPLES = 10, 2


@dataclass(frozen=True)
class Window:
    """The range of every query. `reference` is when the alert began to fire: the trouble began at or before it."""

    start: datetime
    end: datetime
    reference: datetime
    step_seconds: float
    scrape_seconds: float
    rate_seconds: float
    lag_seconds: float = 0.0
    """By how much the newest sample of anything lies before the end: a clock of theirs is late, or samples are."""

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


def scrape_query(paces: Sequence[Sequence[str]]) -> str:
    """How many samples series have of late; `paces` are groups of selectors, those that say most first."""
    return " or ".join(
        _newest(rank, selectors, seconds) for rank, selectors in enumerate(paces) for seconds in _COUNTED_SECONDS
    )


def _newest(rank: int, selectors: Sequence[str], seconds: int) -> str:
    counts = " or ".join(f"count_over_time({selector}[{seconds}s])" for selector in selectors)
    return f'label_replace(label_replace(max({counts}), "pace", "{rank}", "", ""), "over", "{seconds}", "", "")'


NEWEST = 'label_replace(max(timestamp(up)), "pace", "newest", "", "")'
"""The time of the newest scrape of anything. Prometheus writes `up` for a target that is dead, too."""


def lag_of(samples: Sequence[Sample], at: float) -> float:
    """How many seconds the newest sample of all lies back; 0 where nothing tells."""
    newest = [one.value for one in samples if one.labels.get("pace") == "newest" and math.isfinite(one.value)]
    return max(0.0, at - max(newest)) if newest else 0.0


def scrape_interval(samples: Sequence[Sample]) -> float:
    """The scrape interval from those counts, by the first group that has any."""
    counts: dict[str, dict[str, float]] = {}
    for sample in samples:
        if math.isfinite(sample.value):
            counts.setdefault(sample.labels.get("pace", ""), {})[sample.labels.get("over", "")] = sample.value
    for _, found in sorted(counts.items()):
        seconds = _interval(*(found.get(str(over), 0.0) for over in _COUNTED_SECONDS))
        if seconds is not None:
            return max(1.0, float(round(seconds)))
    return DEFAULT_SCRAPE_SECONDS


def _interval(short: float, long: float, longest: float) -> float | None:
    """The short count is for series that have only just appeared, the longest for those that are seldom scraped."""
    if short >= _SHORT_NEEDS_SAMPLES:
        return _SHORT_SECONDS / short
    if long >= _NEEDS_SAMPLES:
        return _LONG_SECONDS / long
    if longest >= _NEEDS_SAMPLES:
        return _LONGEST_SECONDS / longest
    return _LONG_SECONDS if long else None


async def detect_window(
    source: MetricsSource, paces: Sequence[Sequence[str]], *, reference: datetime, now: datetime
) -> Window:
    """The window that suits the pace of what will be measured; raises as the source does."""
    answer = await source.query(f"{scrape_query(paces)} or {NEWEST}", at=now)
    window = window_for(reference, now, scrape_interval(answer.samples))
    return replace(window, lag_seconds=lag_of(answer.samples, window.end.timestamp()))
