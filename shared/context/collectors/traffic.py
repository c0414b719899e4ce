"""How the alerting service itself does."""

from shared.context.look import Collected, View
from shared.context.measure import OF_THE_ALERTING, measure
from shared.context.neighbourhood import Neighbour
from shared.models.measures import Relation


async def collect_traffic(view: View) -> Collected:
    """Its request rate, error ratio, latency and saturation; raises as the source does."""
    look = await view.look()
    where = await view.own_whereabouts()
    return await measure(look, where, {look.service: Neighbour(Relation.SELF, hops=0)}, OF_THE_ALERTING)
