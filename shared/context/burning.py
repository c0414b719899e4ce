"""How fast an error budget goes, what is left of it, and how bad that is. Pure.

The burn rate is the error ratio divided by the share of errors that the objective allows: at 1 the budget is just
used up when its period ends. The bounds are those of the multi-window alerts in Google's SRE Workbook, chapter 5.
"""

from collections.abc import Iterable, Mapping

from shared.models.evidence import BurnRate, SloEvidence
from shared.models.signals import Severity

WINDOWS = (300, 3600, 6 * 3600, 3 * 86_400)
"""Seconds: five minutes, one hour, six hours, three days."""
_FIVE_MINUTES, _HOUR, _SIX_HOURS, _THREE_DAYS = WINDOWS
PAGE_FAST, PAGE_SLOW, TICKET = 14.4, 6.0, 1.0
"""2 % of a 30-day budget in one hour; 5 % in six hours; 10 % in three days."""
_DAY = 86_400


def burn_rates(error_ratios: Mapping[int, float], objective: float) -> tuple[BurnRate, ...]:
    """From error ratios (0 to 1) by window in seconds, the shortest first."""
    allowed = 1 - objective
    return tuple(
        BurnRate(window_seconds=window, rate=round(ratio / allowed, 4))
        for window, ratio in sorted(error_ratios.items())
    )


def budget_left(error_ratio_of_period: float | None, objective: float) -> float | None:
    """As a share of the whole budget; below 0 when more than all of it is gone."""
    return None if error_ratio_of_period is None else round(1 - error_ratio_of_period / (1 - objective), 4)


def exhausted_in(left: float | None, rates: tuple[BurnRate, ...], period_days: float) -> float | None:
    """Seconds until nothing is left at the pace of the last hour; 0 when it is gone already."""
    hour = rate_of(rates, _HOUR)
    if left is None:
        return None
    if left <= 0:
        return 0.0
    return round(left * period_days * _DAY / hour) if hour else None


def rate_of(rates: tuple[BurnRate, ...], window_seconds: int) -> float | None:
    """The burn rate over a window."""
    return next((one.rate for one in rates if one.window_seconds == window_seconds), None)


def severity_of(slo: SloEvidence) -> Severity | None:
    """How bad the burning is by itself: what pages, what is worth a ticket, or None.

    A long window says that it matters and a short one that it still goes on.
    """
    fast, hour, six_hours, three_days = (rate_of(slo.burn_rates, window) or 0.0 for window in WINDOWS)
    if (fast > PAGE_FAST and hour > PAGE_FAST) or (hour > PAGE_SLOW and six_hours > PAGE_SLOW):
        return Severity.CRITICAL
    if six_hours > TICKET and three_days > TICKET:
        return Severity.WARNING
    return None


def worst_of(slos: Iterable[SloEvidence], service: str) -> tuple[Severity, SloEvidence] | None:
    """The objective of a service that burns worst, and how bad that is; None when none burns."""
    burning = [(severity, one) for one in slos if one.service == service and (severity := severity_of(one))]
    return min(burning, key=lambda found: (found[0].rank, found[1].name), default=None)
