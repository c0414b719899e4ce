"""How the services around the alerting one do."""

from shared.context.collectors.topology import Neighbourhood
from shared.context.look import Collected, Look
from shared.context.measure import measure


async def collect_dependencies(look: Look, neighbourhood: Neighbourhood) -> Collected:
    """The same metrics for its callers and callees; raises as the source does."""
    if not neighbourhood.relations:
        return Collected(why_empty="no_neighbours")
    return await measure(look, neighbourhood.relations)
