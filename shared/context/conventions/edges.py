"""Who calls whom, by service-graph metrics."""

from collections.abc import Sequence

from shared.context.conventions.expressions import offset
from shared.context.promql import duration, one_of


def edge_rate(family: str, names: Sequence[str], *, seconds: float, ago: float = 0) -> str:
    """Calls per second by edge, of the edges that start or end at one of these services."""
    sides = [
        f"rate({family}{{{one_of(label, names)}}}[{duration(seconds)}]{offset(ago)})"
        for label in ("client", "server")
    ]
    return f"sum by (client, server) ({' or '.join(sides)})"
