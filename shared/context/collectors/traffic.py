"""How the alerting service itself does."""

from shared.context.look import Collected, View
from shared.context.measure import measure
from shared.context.neighbourhood import Neighbour
from shared.models.measures import Relation


async def collect_traffic(view: View) -> Collected:
    """Its request rate, error ratio and latency; raises as the source does."""
    look = await view.look()
    return await measure(look, {look.service: Neighbour(Relation.SELF, hops=0)})
