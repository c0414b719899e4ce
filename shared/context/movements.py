"""How each kind of series is judged: traffic by the clock hour where that is known, all else by the time before."""

from collections.abc import Mapping
from datetime import UTC, datetime

from shared.context.deviation import ceased, movement_of
from shared.context.questions import Points
from shared.context.same_hour import ends_daily, moved_against, same_hour_of
from shared.context.shifts import shift_of
from shared.context.window import Window
from shared.models.measures import Metric, Movement


def movement_in(window: Window, metric: Metric, points: Points, earlier: Mapping[int, Points]) -> Movement:
    """The movement of a series; `earlier` has its values of earlier days, by seconds back, put at today's times."""
    if metric is Metric.REQUEST_RATE:
        return _of_traffic(window, points, earlier)
    return movement_of(points, metric=metric, reference=window.reference, smear_samples=window.smear_samples)


def _of_traffic(window: Window, points: Points, earlier: Mapping[int, Points]) -> Movement:
    reference, smear = window.reference, window.smear_samples
    hour = same_hour_of([at for at, _ in points], earlier, smear_samples=smear)
    moved = moved_against(points, hour, reference=reference, smear_samples=smear) if hour else None
    moved = moved or movement_of(points, metric=Metric.REQUEST_RATE, reference=reference, smear_samples=smear)
    last = points[-1][0]
    # Errors and latency end with the traffic; a request rate goes on at 0 for as long as its service is there.
    silent_seconds = window.end.timestamp() - window.lag_seconds - last
    is_silent = silent_seconds > 2 * window.rate_seconds + window.step_seconds
    if is_silent and not ends_daily(last, earlier):
        moved = ceased(moved, datetime.fromtimestamp(last, UTC))
    return moved.model_copy(update={"shift": shift_of(moved)})
