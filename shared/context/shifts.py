"""When people would call a moved request rate a surge, a drop, or an absence. Pure."""

from shared.models.measures import Direction, Movement, TrafficShift

SURGE_FROM = 1.5
DROP_TO = 0.7
ABSENCE_TO = 0.02
"""Shares of what is usual."""


def shift_of(moved: Movement) -> TrafficShift | None:
    """The name for the movement of a request rate; None where it is too small to have one."""
    usual = moved.baseline_median
    if usual is None or moved.direction is Direction.STEADY:
        return None
    if moved.current is None:
        return TrafficShift.ABSENCE
    if moved.direction is Direction.UP:
        return TrafficShift.SURGE if moved.current >= SURGE_FROM * usual else None
    if moved.current <= ABSENCE_TO * usual:
        return TrafficShift.ABSENCE
    return TrafficShift.DROP if moved.current <= DROP_TO * usual else None
