"""How the alerting service itself does."""

from shared.context.look import Collected, Look
from shared.context.measure import measure
from shared.models.evidence import Relation


async def collect_traffic(look: Look) -> Collected:
    """Its request rate, error ratio and latency; raises as the source does."""
    return await measure(look, {look.service: Relation.SELF})
